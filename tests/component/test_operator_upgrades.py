"""Services move to a newer operand version: real operator and apiserver, the test is kubelet and user."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocr_operator.models.manifest import DEPLOYMENT, OCR_SERVICE, POD
from ocr_operator.models.names import SERVICE_LABEL
from tests.cluster.controlplane import ControlPlane
from tests.cluster.fixtures import new_namespace
from tests.component.conftest import Start
from tests.component.test_operator_reconcile import is_idle
from tests.support.api import Api, eventually
from tests.support.faultproxy import FaultProxy
from tests.support.process import OPERANDS, Operator

OLD, NEW = "0.1.0", "0.2.0"
BACK_OFF = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
Service = tuple[Api, str]


def running(api: Api, name: str) -> str | None:
    """The operand version that a service says it runs."""
    version: str | None = api.status(name).get("version", {}).get("operand")
    return version


def told(api: Api, name: str) -> str:
    """What it is told about newer versions."""
    return str(api.condition(name, "UpToDate").get("message"))


def run_pods(api: Api, name: str) -> None:
    """Play the kubelet for one service: all its pods become ready."""
    set_pods(api, name, "Running", "True", {"running": {}})


def break_pods(api: Api, name: str) -> None:
    """Play the kubelet for one service: images of pods that are not ready can't be pulled."""
    set_pods(api, name, "Pending", "False", BACK_OFF)


def set_pods(api: Api, name: str, phase: str, ready: str, state: dict[str, Any]) -> None:
    for pod in api.items(POD, f"{SERVICE_LABEL}={name}"):
        conditions = pod.get("status", {}).get("conditions", ())
        if any((each["type"], each["status"]) == ("Ready", "True") for each in conditions):
            continue
        container = {"name": pod["spec"]["containers"][0]["name"], "image": "i", "imageID": "i"}
        status = {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "containerStatuses": [
                {**container, "ready": ready == "True", "restartCount": 0, "state": state},
            ],
        }
        api.patch(POD, pod["metadata"]["name"], {"status": status}, "/status")


def until(what: str, check: Callable[[], object], *alive: Service) -> None:
    """`eventually`, while the pods of some services come up as they are made."""

    def look() -> object:
        for service in alive:
            run_pods(*service)
        return check()

    eventually(what, look, 60)


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    """Operands with one version more than the chart's, which is the default now."""
    operands = yaml.safe_load(OPERANDS.read_text())
    (version,) = operands["versions"]
    newer = {
        **version,
        "version": NEW,
        "gateway": f"ocr-gateway:{NEW}",
        "modelServer": f"ocr-modelserver:{NEW}",
    }
    path = tmp_path / "operands.yaml"
    path.write_text(yaml.safe_dump({"default": NEW, "versions": [version, newer]}))
    return str(path)


@pytest.fixture
def teams(kube: Api, proxy: FaultProxy, operated: ControlPlane) -> Iterator[tuple[Api, Api]]:
    """Two namespaces, in the order of their names."""
    with ExitStack() as stack:
        other = Api(proxy.url, stack.enter_context(new_namespace(operated.kubectl)))
        stack.callback(other.close)
        first, second = sorted((kube, other), key=lambda api: api.namespace)
        yield first, second


def serve(services: Sequence[Service], spec: dict[str, Any]) -> None:
    """New services, until they are at rest."""
    for api, name in services:
        api.create(name, spec)
    for api, name in services:
        until("settled", partial(at_rest, api, name), *services)


def at_rest(api: Api, name: str) -> bool:
    said = [api.condition(name, kind).get("status") for kind in ("Ready", "Reconciling", "Stalled")]
    return said == ["True", "False", "False"]


def begin(services: Sequence[Service], start: Start, spec: dict[str, Any], *, bundle: str) -> Operator:
    """Services on the old version at rest, and then an operator that has a newer one."""
    namespaces = sorted({api.namespace for api, _ in services})
    first = start(namespaces=namespaces).ready()
    serve(services, spec)
    assert {running(*each) for each in services} == {OLD}
    assert first.stop() == 0
    return start(namespaces=namespaces, operands=bundle).ready()


def versions(services: Sequence[Service]) -> list[str | None]:
    """What each runs."""
    return [running(*each) for each in services]


def on_the_way(services: Sequence[Service], since: Sequence[str]) -> list[int]:
    """How many were being rolled out on the new version, after each write of any status."""
    writes = []
    for number, ((api, name), version) in enumerate(zip(services, since, strict=True)):
        for body in api.history(OCR_SERVICE, name, version):
            said = {each["type"]: each["status"] for each in body["status"]["conditions"]}
            moving = body["status"]["version"]["operand"] == NEW and said["Reconciling"] == "True"
            writes.append((int(body["metadata"]["resourceVersion"]), number, moving))
    state: dict[int, bool] = {}
    counts = []
    for _, number, moving in sorted(writes):
        state[number] = moving
        counts.append(sum(state.values()))
    return counts


def test_services_that_follow_move_one_by_one_and_none_past_one_that_fails(
    teams: tuple[Api, Api], start: Start, bundle: str
) -> None:
    one, two = teams
    services = first, second, third = (one, "invoices"), (one, "orders"), (two, "bills")
    operator = begin(services, start, {"upgradePolicy": "Auto"}, bundle=bundle)
    since = [(api.get(OCR_SERVICE, name) or {})["metadata"]["resourceVersion"] for api, name in services]

    eventually("the first sets out", lambda: versions(services) == [NEW, OLD, OLD])
    wanted = f"version {NEW} is available; waiting for {one.namespace}/invoices to be Ready"
    eventually("the second is told for whom it waits", lambda: told(*second) == wanted)
    eventually("the third waits for its turn", lambda: "this one waits for its turn" in told(*third))
    assert two.status("bills")["version"]["available"] == NEW

    until("the second sets out", lambda: versions(services) == [NEW, NEW, OLD], first)
    eventually("a new pod", lambda: len(one.pods("orders")) > 4)
    break_pods(*second)
    eventually("it fails", lambda: one.condition("orders", "Stalled").get("status") == "True")
    assert one.condition("orders", "Ready")["status"] == "True"
    wanted = f"version {NEW} is available; waiting for {one.namespace}/orders to be Ready and not Stalled"
    eventually("the third is told where the line stopped", lambda: told(*third).startswith(wanted))

    # Whoever works: the line stays where it is, and nobody has anything to write.
    eventually("idle", lambda: is_idle(operator))
    before = [api.status(name) for api, name in services]
    assert operator.stop() == 0
    again = start(namespaces=sorted({one.namespace, two.namespace}), operands=bundle).ready()
    eventually("looked at", lambda: again.metric("ocr_operator_reconcile_total") >= 4)
    eventually("idle", lambda: again.metric("ocr_operator_queue_depth") == 0)
    assert [api.status(name) for api, name in services] == before
    assert again.metric("ocr_operator_status_writes_total") == 0

    until("mended, and the third sets out", lambda: versions(services) == [NEW] * 3, second)
    until("all at rest", lambda: all(at_rest(*each) for each in services), second, third)
    assert {api.condition(name, "UpToDate")["reason"] for api, name in services} == {"Newest"}
    assert "available" not in two.status("bills")["version"]
    assert max(on_the_way(services, since)) == 1


def test_services_that_do_not_follow_keep_version_and_pods_and_are_told_of_the_newer_one(
    kube: Api, start: Start, bundle: str
) -> None:
    services = [(kube, "invoices"), (kube, "pinned")]
    first = start().ready()
    kube.create("pinned", {"version": OLD})
    serve(services[:1], {})
    until("settled", lambda: at_rest(kube, "pinned"), services[1])
    assert first.stop() == 0
    pods = {each["metadata"]["uid"] for each in kube.items(POD)}
    generations = deployments(kube)
    operator = start(operands=bundle).ready()
    eventually(
        "told", lambda: all(kube.condition(n, "UpToDate").get("status") == "False" for _, n in services)
    )
    eventually("idle", lambda: is_idle(operator))
    assert versions(services) == [OLD, OLD]
    assert kube.condition("invoices", "UpToDate")["reason"] == "Manual"
    assert kube.condition("pinned", "UpToDate")["reason"] == "Pinned"
    assert {kube.status(name)["version"]["available"] for _, name in services} == {NEW}
    assert {each["metadata"]["uid"] for each in kube.items(POD)} == pods
    assert deployments(kube) == generations
    # And back to the operator before: what nobody moved has nothing to go back.
    assert operator.stop() == 0
    start().ready()
    eventually("not offered", lambda: "available" not in kube.status("invoices")["version"])
    assert deployments(kube) == generations


def deployments(kube: Api) -> dict[str, int]:
    """The generation of each Deployment: a change of its pods' template raises it."""
    return {each["metadata"]["name"]: each["metadata"]["generation"] for each in kube.items(DEPLOYMENT)}


def test_an_operator_that_has_lost_the_version_that_runs_leaves_it_running_and_says_so(
    kube: Api, start: Start, bundle: str
) -> None:
    service = (kube, "invoices")
    newer = start(operands=bundle).ready()
    serve([service], {"upgradePolicy": "Auto"})
    assert running(*service) == NEW
    assert newer.stop() == 0
    generations = deployments(kube)
    start().ready()
    eventually("refused", lambda: kube.condition("invoices", "SpecAccepted").get("status") == "False")
    accepted = kube.condition("invoices", "SpecAccepted")
    assert accepted["reason"] == "UnsupportedVersion"
    assert f"version {NEW} keeps running, but this operator has only {OLD}" in accepted["message"]
    assert kube.condition("invoices", "Ready")["reason"] == "ServingPreviousRevision"
    assert running(*service) == NEW
    assert deployments(kube) == generations
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"version": OLD, "upgradePolicy": "Manual"}})
    until("the way back is the user's", lambda: at_rest(*service) and running(*service) == OLD, service)
