"""What every test can ask for."""

import asyncio

import pytest
from hypothesis import HealthCheck, settings

# Asked for the current loop after a synchronous test, asyncio would make one that pytest-asyncio 1.5 never
# closes, and its ResourceWarning fails some later test. Set once, even to None, it is not made.
asyncio.set_event_loop(None)

# No test asserts times, hypothesis' own neither: a busy machine is no fault.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run: one that fails is the change's. `--hypothesis-profile=explore` draws others.
settings.register_profile("kubeocr", settings.get_profile("explore"), derandomize=True)
settings.load_profile("kubeocr")

pytest_plugins = ["tests.cluster.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew; read the diff")
    parser.addoption("--overview", metavar="FILE", help="draw what tests/observability saw into this SVG")
