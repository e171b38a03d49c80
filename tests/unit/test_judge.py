"""What status says of what runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ocr_operator.desired.accept import Refusal
from ocr_operator.models.status import Status
from ocr_operator.status.judge import judge
from ocr_operator.status.observation import Observation
from ocr_operator.status.transitions import transitions
from tests.unit.samples import container, look, ocr_service, plan, pod, running

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STARTING = {"readyReplicas": 0, "availableReplicas": 0}
NEW_REVISION_FAILS = {"replicas": 3, "updatedReplicas": 1}
BACK_OFF = container(state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}})


def verdict(seen: Observation, now: datetime = NOW) -> Status:
    return judge(seen, operator_version="0.1.0", now=now)


def reason(status: Status, kind: Any) -> tuple[str, str]:
    condition = status.condition(kind)
    assert condition is not None
    return condition.status, condition.reason


def test_a_service_whose_pods_are_all_ready_is_ready() -> None:
    status = verdict(look(ocr_service(), running(plan())))
    assert reason(status, "Ready") == ("True", "Serving")
    assert reason(status, "Reconciling") == ("False", "Idle")
    assert reason(status, "Stalled") == ("False", "NotStalled")
    assert reason(status, "RolloutHealthy") == ("True", "Complete")
    assert [component.summary for component in status.components] == ["2/2", "2/2"]
    assert status.address is not None
    assert status.address.url == "http://invoices-gateway.papers.svc"
    assert status.selector == "kubeocr.dev/service=invoices,app.kubernetes.io/component=model-server"
    assert status.replicas == 2


def test_every_condition_is_written_on_the_first_visit() -> None:
    status = verdict(look(ocr_service()))
    assert len(status.conditions) == 9
    assert reason(status, "Ready") == ("False", "Starting")
    assert reason(status, "Reconciling") == ("True", "Progressing")


def test_the_same_facts_seen_later_give_the_same_status() -> None:
    first = verdict(look(ocr_service(), running(plan())))
    again = verdict(
        look(ocr_service(status=first.dump()), running(plan())), now=datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert again == first


def test_a_condition_that_flips_gets_a_new_time_and_only_that_one() -> None:
    first = verdict(look(ocr_service(), running(plan(), model_server=STARTING)))
    later = datetime(2026, 1, 2, 4, 0, 0, tzinfo=UTC)
    second = verdict(look(ocr_service(status=first.dump()), running(plan())), now=later)
    times = {c.type: c.last_transition_time for c in second.conditions}
    assert times["Ready"] == "2026-01-02T04:00:00Z"
    assert times["SpecAccepted"] == "2026-01-02T03:04:05Z"


def test_it_stays_ready_while_an_old_revision_serves_and_the_new_one_fails() -> None:
    children = running(plan(), model_server=NEW_REVISION_FAILS)
    status = verdict(look(ocr_service(), children, pods=(pod("m-1", containerStatuses=[BACK_OFF]),)))
    assert reason(status, "Ready") == ("True", "ServingPreviousRevision")
    assert reason(status, "Stalled") == ("True", "ImagePullBackOff")
    assert reason(status, "RolloutHealthy") == ("False", "ImagePullBackOff")
    assert status.last_failure is not None
    assert (status.last_failure.component, status.last_failure.pod) == ("model-server", "m-1")


def test_numbers_of_an_older_generation_are_not_complete() -> None:
    children = running(plan(), model_server={"observedGeneration": 2})
    assert reason(verdict(look(ocr_service(), children)), "Reconciling") == ("True", "Progressing")


def test_a_refused_spec_stalls_and_the_last_accepted_state_serves() -> None:
    refused = (Refusal("UnknownModel", "spec.model.name: no such model"),)
    status = verdict(look(ocr_service(), running(plan()), refusals=refused))
    assert reason(status, "SpecAccepted") == ("False", "UnknownModel")
    assert reason(status, "Stalled") == ("True", "UnknownModel")
    assert reason(status, "Ready") == ("True", "ServingPreviousRevision")
    assert status.version is not None
    assert status.version.operand is None


def test_a_refused_first_spec_is_not_ready_for_that_reason() -> None:
    status = verdict(look(ocr_service(), refusals=(Refusal("UnknownModel", "no such model"),)))
    assert reason(status, "Ready") == ("False", "UnknownModel")


def test_a_child_that_the_api_refuses_stalls_with_its_words() -> None:
    troubles = (Refusal("ApplyRejected", "Service papers/invoices-gateway: port is already allocated"),)
    status = verdict(look(ocr_service(), running(plan()), troubles=troubles))
    assert reason(status, "Stalled") == ("True", "ApplyRejected")
    assert "port is already allocated" in status.conditions[0].message


def test_a_suspended_service_is_not_ready_and_nothing_is_wrong() -> None:
    spec = {"suspend": True}
    status = verdict(look(ocr_service(spec), running(plan(spec))))
    assert reason(status, "Ready") == ("False", "Suspended")
    assert reason(status, "Stalled") == ("False", "NotStalled")
    assert reason(status, "ModelServerAvailable") == ("False", "Suspended")


def test_a_component_without_replicas_is_named_as_the_reason() -> None:
    spec = {"modelServer": {"replicas": 0}}
    assert reason(verdict(look(ocr_service(spec), running(plan(spec)))), "Ready") == ("False", "ScaledToZero")


def test_a_load_balancer_without_an_address_is_not_ready_yet() -> None:
    spec = {"expose": {"service": {"type": "LoadBalancer"}}}
    status = verdict(look(ocr_service(spec), running(plan(spec))))
    assert reason(status, "Exposed") == ("False", "AddressPending")
    assert reason(status, "Ready") == ("False", "AddressPending")


@pytest.mark.parametrize(
    ("expose", "url"),
    [
        ({}, "https://invoices-gateway.papers.svc"),
        ({"service": {"port": 8443}}, "https://invoices-gateway.papers.svc:8443"),
        ({"service": {"port": 80}}, "https://invoices-gateway.papers.svc:80"),
    ],
)
def test_with_tls_the_address_is_of_https(expose: dict[str, Any], url: str) -> None:
    made = plan({"expose": expose, "gateway": {"tls": {"secretRef": {"name": "web"}}}})
    status = judge(look(made.service, running(made)), operator_version="0.1.0", now=NOW)
    assert status.address is not None
    assert status.address.url == url


@pytest.mark.parametrize(
    ("ingress", "url"),
    [
        ({"ip": "192.0.2.7"}, "http://192.0.2.7"),
        ({"hostname": "lb.example.com"}, "http://lb.example.com"),
        ({"ip": "127.0.0.1", "ports": [{"port": 8080, "protocol": "TCP"}]}, "http://127.0.0.1:8080"),
    ],
)
def test_the_address_is_the_load_balancers_once_it_has_one(ingress: dict[str, Any], url: str) -> None:
    children = running(plan())
    for child in children:
        if (child["kind"], child["metadata"]["name"]) == ("Service", "invoices-gateway"):
            child["status"] = {"loadBalancer": {"ingress": [ingress]}}
    status = verdict(look(ocr_service(), children))
    assert status.address is not None
    assert status.address.url == url


def test_a_missing_service_monitor_kind_blocks_nothing() -> None:
    enabled = {"observability": {"serviceMonitor": {"mode": "Enabled"}}}
    children = running(plan())
    auto = verdict(look(ocr_service(), children, service_monitors=False))
    asked = verdict(look(ocr_service(enabled), children, service_monitors=False))
    assert reason(auto, "DependenciesPresent") == ("True", "OptionalMissing")
    assert reason(asked, "DependenciesPresent") == ("False", "ServiceMonitorMissing")
    assert reason(asked, "Ready") == ("True", "Serving")


OOM = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-01-01T05:00:00Z"}}
CRASH = {
    "terminated": {
        "reason": "Error",
        "exitCode": 1,
        "finishedAt": "2026-01-01T06:00:00Z",
        "message": "model file is corrupt",
    }
}
WAIT_CRASH = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes: insufficient cpu",
    "lastTransitionTime": "2026-01-01T01:00:00Z",
}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"containerStatuses": [BACK_OFF]}, ("ImagePullBackOff", None)),
        (
            {"containerStatuses": [container(state={"waiting": {"reason": "ErrImagePull"}})]},
            ("ImagePullBackOff", None),
        ),
        (
            {"containerStatuses": [container(state={"waiting": {"reason": "ErrImageNeverPull"}})]},
            ("ErrImageNeverPull", None),
        ),
        ({"containerStatuses": [container(state=WAIT_CRASH, lastState=CRASH)]}, ("CrashLoopBackOff", 1)),
        ({"containerStatuses": [container(state=WAIT_CRASH, lastState=OOM)]}, ("OOMKilled", 137)),
        (
            {"containerStatuses": [container(ready=True, lastState=OOM, state={"running": {}})]},
            ("OOMKilled", 137),
        ),
        ({"initContainerStatuses": [container(state=CRASH)]}, ("Error", 1)),
        ({"conditions": [UNSCHEDULABLE]}, ("Unschedulable", None)),
        ({"phase": "Failed", "reason": "Evicted", "message": "node was low on memory"}, ("Evicted", None)),
    ],
)
def test_the_cause_of_a_failing_pod_is_named(
    status: dict[str, Any], expected: tuple[str, int | None]
) -> None:
    children = running(plan(), model_server=STARTING)
    failure = verdict(look(ocr_service(), children, pods=(pod("m-1", **status),))).last_failure
    assert failure is not None
    assert (failure.reason, failure.exit_code) == expected


@pytest.mark.parametrize(
    "status",
    [
        {"containerStatuses": [container(state={"waiting": {"reason": "ContainerCreating"}})]},
        {"containerStatuses": [container(state={"terminated": {"reason": "Completed", "exitCode": 0}})]},
        {"containerStatuses": [container(ready=True, state={"running": {}})]},
    ],
)
def test_a_pod_that_starts_or_ended_well_is_no_failure(status: dict[str, Any]) -> None:
    assert verdict(look(ocr_service(), running(plan()), pods=(pod("m-1", **status),))).last_failure is None


def test_a_pod_that_is_being_deleted_is_no_failure() -> None:
    leaving = pod("m-1", containerStatuses=[container(state=CRASH)])
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert verdict(look(ocr_service(), running(plan()), pods=(leaving,))).last_failure is None


def test_all_pods_are_looked_at_and_the_one_that_blocks_is_shown() -> None:
    pods = (
        pod("m-1", containerStatuses=[container(ready=True, state={"running": {}}, lastState=CRASH)]),
        pod("g-1", "gateway", containerStatuses=[container(name="gateway", state=WAIT_CRASH, lastState=OOM)]),
    )
    children = running(plan(), gateway=STARTING)
    failure = verdict(look(ocr_service(), children, pods=pods)).last_failure
    assert failure is not None
    assert (failure.component, failure.pod, failure.reason) == ("gateway", "g-1", "OOMKilled")


def test_two_wordings_of_one_failure_are_one_status() -> None:
    def seen(reason: str, message: str, before: Status | None) -> Status:
        waiting = {"waiting": {"reason": reason, "message": message}}
        pods = (pod("m-1", containerStatuses=[container(state=waiting)]),)
        service = ocr_service(status=before.dump() if before else None)
        return verdict(look(service, running(plan(), model_server=NEW_REVISION_FAILS), pods=pods))

    first = seen("ErrImagePull", "registry says: not found", None)
    assert seen("ImagePullBackOff", "Back-off pulling image", first).last_failure == first.last_failure


def test_a_quota_that_refuses_pods_is_told_in_its_own_words() -> None:
    refused = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }
    children = running(plan(), gateway={**STARTING, "conditions": [refused]})
    status = verdict(look(ocr_service(), children))
    assert reason(status, "Stalled") == ("True", "FailedCreate")
    assert reason(status, "Ready") == ("False", "FailedCreate")


def test_a_roll_out_past_its_deadline_stalls() -> None:
    late = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": 'ReplicaSet "x" has timed out progressing.',
    }
    children = running(plan(), gateway={**STARTING, "conditions": [late]})
    status = verdict(look(ocr_service(), children))
    assert reason(status, "RolloutHealthy") == ("False", "ProgressDeadlineExceeded")


def test_events_are_told_on_transitions_only_and_once() -> None:
    starting = verdict(look(ocr_service(), running(plan(), model_server=STARTING)))
    serving = verdict(look(ocr_service(), running(plan())))
    refused = verdict(look(ocr_service(), running(plan()), refusals=(Refusal("UnknownModel", "no"),)))
    assert [t.reason for t in transitions(Status(), starting)] == ["Starting"]
    assert [(t.type, t.reason) for t in transitions(starting, serving)] == [("Normal", "Serving")]
    assert transitions(serving, serving) == ()
    assert [(t.type, t.reason) for t in transitions(serving, refused)] == [
        ("Warning", "UnknownModel"),
        ("Normal", "ServingPreviousRevision"),
    ]
