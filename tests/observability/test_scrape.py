"""What prometheus-operator makes of our ServiceMonitors, and what Prometheus finds with it."""

from __future__ import annotations

from itertools import chain
from typing import Any

from tests.cluster.dev import NAMESPACE, RELEASE
from tests.e2e.world import NAME, World, eventually
from tests.observability.monitoring import Monitoring


def targets(observer: Monitoring, service: World) -> dict[str, list[dict[str, Any]]]:
    """Targets of the service and of the operator, by their job."""
    found: dict[str, list[dict[str, Any]]] = {}
    for target in observer.targets():
        if target["labels"]["namespace"] in (service.kubectl.namespace, NAMESPACE):
            found.setdefault(target["labels"]["job"], []).append(target)
    return found


def test_gateway_model_servers_and_operator_are_scraped(observer: Monitoring, service: World) -> None:
    pods = {
        f"{NAME}-gateway": set(service.pods("gateway")),
        f"{NAME}-model-server": set(service.pods("model-server")),
    }

    def all_up() -> bool:
        found = targets(observer, service)
        seen = {job: {each["labels"]["pod"] for each in found.get(job, ())} for job in pods}
        healthy = all(each["health"] == "up" for each in chain.from_iterable(found.values()))
        return healthy and seen == pods and len(found.get(RELEASE, ())) == 1

    eventually(all_up, "all targets are up, and there are no others")


def test_series_of_a_service_have_its_namespace_its_name_and_its_pod(
    observer: Monitoring, service: World
) -> None:
    for metric in ("ocr_gateway_build_info", "ocr_model_info"):
        of_the_service = f'{metric}{{namespace="{service.kubectl.namespace}"}}'
        for labels in (sample["metric"] for sample in observer.seen(of_the_service)):
            assert labels["ocrservice"] == NAME
            assert labels["pod"] in service.pods()


def test_series_of_the_operator_are_about_the_service_and_not_about_the_operators_namespace(
    observer: Monitoring, service: World
) -> None:
    ready = 'ocr_operator_resource_condition{type="Ready", status="True"}'
    about = {(found["metric"]["namespace"], found["metric"]["name"]) for found in observer.seen(ready)}
    assert (service.kubectl.namespace, NAME) in about
    assert NAMESPACE not in {namespace for namespace, _ in about}
    (leader,) = observer.query("ocr_operator_leader")
    assert leader["metric"]["namespace"] == NAMESPACE


def test_the_kubelets_figures_of_containers_are_those_of_our_pods(
    observer: Monitoring, service: World
) -> None:
    found = observer.seen(f'container_memory_working_set_bytes{{namespace="{service.kubectl.namespace}"}}')
    pods = {sample["metric"]["pod"] for sample in found if sample["metric"].get("container")}
    assert set(service.pods()) <= pods


def test_no_label_of_ours_collides_with_one_of_prometheus(observer: Monitoring, service: World) -> None:
    observer.seen("ocr_gateway_build_info")
    assert observer.query('{__name__=~".+", exported_namespace!=""}') == []
    assert observer.query('{__name__=~".+", exported_job!=""}') == []
    assert observer.query('{__name__=~".+", exported_instance!=""}') == []
    assert observer.query('{__name__=~".+", exported_pod!=""}') == []
