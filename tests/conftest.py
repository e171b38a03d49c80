"""What every test can ask for."""

import asyncio

import pytest

# Asked for the current loop after a synchronous test, asyncio would make one that pytest-asyncio 1.5 never
# closes, and its ResourceWarning fails some later test. Set once, even to None, it is not made.
asyncio.set_event_loop(None)

pytest_plugins = ["tests.cluster.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew; read the diff")
