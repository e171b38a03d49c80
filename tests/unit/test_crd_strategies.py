"""The specs that other tests draw."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis import Phase, given, settings

from ocr_operator.models.service import parse
from ocr_operator.models.spec import Spec
from tests.unit.strategies import spec_bodies, specs


def service(spec: dict[str, Any]) -> dict[str, Any]:
    """An OCRService around the spec."""
    return {
        "apiVersion": "kubeocr.dev/v1alpha1",
        "kind": "OCRService",
        "metadata": {"name": "drawn"},
        "spec": spec,
    }


@given(spec_bodies())
def test_a_spec_parsed_and_dumped_parses_to_the_same(body: dict[str, Any]) -> None:
    spec = parse(service(body)).spec
    assert parse(service(json.loads(json.dumps(spec.dump())))).spec == spec


RARE: Final[Mapping[str, Callable[[Spec], object]]] = {
    "defaults": lambda spec: spec == Spec(),
    "no replicas": lambda spec: spec.model_server.replicas == 0,
    "secret": lambda spec: any(variable.secret_key_ref for variable in spec.model_server.env),
    "toleration": lambda spec: any(each.toleration_seconds for each in spec.gateway.scheduling.tolerations),
    "autoscaling": lambda spec: spec.gateway.autoscaling and spec.model_server.autoscaling,
    "schedule": lambda spec: spec.gateway.autoscaling and spec.gateway.autoscaling.schedules,
    "node port": lambda spec: spec.expose.service.node_port,
    "domain": lambda spec: any("/" in key for key in spec.observability.service_monitor.labels),
}


def test_what_is_rare_is_drawn_too() -> None:
    seen: set[str] = set()

    @given(specs())
    @settings(
        max_examples=600,
        phases=[Phase.generate],
        derandomize=True,
    )
    def draw(spec: Spec) -> None:
        seen.update(name for name, wanted in RARE.items() if wanted(spec))

    draw()
    assert seen == RARE.keys()
