"""What status says of what runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ocr_modelserver.models.own import DigestMismatchError
from ocr_modelserver.models.pull import RefusedError, UnavailableError
from ocr_operator.desired.accept import Refusal
from ocr_operator.models.manifest import OPTIONAL_KINDS, SERVICE_MONITOR
from ocr_operator.models.names import PULL_MODEL
from ocr_operator.models.revisions import Candidate, Failed, Revisions
from ocr_operator.models.status import Status
from ocr_operator.reconcile import HINDERED_SECONDS, _outcome
from ocr_operator.status.judge import judge
from ocr_operator.status.observation import Observation
from ocr_operator.status.transitions import transitions
from tests.conditions import unexplained
from tests.unit.samples import container, look, ocr_service, plan, pod, running

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STARTING = {"readyReplicas": 0, "availableReplicas": 0}
NEW_REVISION_FAILS = {"replicas": 3, "updatedReplicas": 1}
BACK_OFF = container(state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}})


def verdict(seen: Observation, now: datetime = NOW) -> Status:
    status = judge(seen, operator_version="0.1.0", now=now)
    assert unexplained(status) == []
    return status


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
    assert len(status.conditions) == 11
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
    assert status.conditions[0].message.endswith("port is already allocated")
    status = verdict(look(ocr_service(), running(plan()), troubles=troubles * 3))
    assert status.conditions[0].message.endswith("port is already allocated (2 more)")


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


EDGE = {"parentRefs": [{"name": "edge"}], "hostnames": ["ocr.example.com", "b.example.com"]}
WAYS: dict[str, dict[str, Any]] = {
    "Ingress": {"expose": {"ingress": {"host": "ocr.example.com", "tlsSecretRef": {"name": "web"}}}},
    "HTTPRoute": {"expose": {"gatewayAPI": EDGE}},
}
LET_IN = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}


def answer(**conditions: tuple[str, int]) -> dict[str, Any]:
    """What a Gateway says of a route: by type, the status and the generation that it is about."""
    said = [
        {"type": t, "status": s, "observedGeneration": g, "reason": f"Why{t}", "message": "because"}
        for t, (s, g) in conditions.items()
    ]
    return {"parentRef": {"name": "edge"}, "controllerName": "example.com/edge", "conditions": said}


def exposed(spec: dict[str, Any], status: dict[str, Any] | None, **seen: Any) -> Status:
    """The verdict on a service that runs, with that status of its Ingress or route."""
    made = plan(spec, served=OPTIONAL_KINDS)
    children = running(made)
    for child in children:
        if child["kind"] in WAYS and status is not None:
            child["status"] = status
    return verdict(replace(look(made.service, children), **seen))


def url(status: Status) -> str | None:
    return status.address.url if status.address else None


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        (WAYS["Ingress"], "https://ocr.example.com"),
        ({"expose": {"ingress": {"host": "ocr.example.com"}}}, "http://ocr.example.com"),
        (
            {
                "expose": {"ingress": {"host": "ocr.example.com"}, "service": {"port": 81}},
                "gateway": {"tls": {"secretRef": {"name": "s"}}},
            },
            "http://ocr.example.com",
        ),
    ],
)
def test_the_address_is_the_ingress_host_once_a_controller_let_it_in(
    spec: dict[str, Any], address: str
) -> None:
    waiting = exposed(spec, None)
    assert url(waiting) is None
    assert reason(waiting, "Exposed") == reason(waiting, "Ready") == ("False", "AddressPending")
    status = exposed(spec, LET_IN)
    assert url(status) == address
    assert reason(status, "Exposed") == ("True", "AddressKnown")
    assert reason(status, "Ready") == ("True", "Serving")


def test_an_ingress_without_its_certificate_is_not_exposed_yet_and_looked_at_again() -> None:
    status = exposed(WAYS["Ingress"], LET_IN, missing_secrets=frozenset({"web"}))
    assert reason(status, "Exposed") == ("False", "CertificatePending")
    assert "no Secret web in this namespace yet" in str(status.condition("Exposed"))
    assert reason(status, "Stalled") == ("False", "NotStalled")
    assert _outcome(status, None, NOW).requeue_after == HINDERED_SECONDS
    assert _outcome(exposed(WAYS["Ingress"], LET_IN), None, NOW).requeue_after is None


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ([], ("False", "AddressPending")),
        ([answer()], ("False", "AddressPending")),
        ([answer(Accepted=("True", 3), ResolvedRefs=("True", 3))], ("True", "AddressKnown")),
        ([answer(Accepted=("True", 3))], ("True", "AddressKnown")),
        # Of the route as it was before the last edit.
        ([answer(Accepted=("True", 2))], ("False", "AddressPending")),
        ([answer(Accepted=("False", 3))], ("False", "RouteNotAccepted")),
        ([answer(Accepted=("True", 3), ResolvedRefs=("False", 3))], ("False", "RouteNotAccepted")),
        ([answer(Accepted=("False", 3)), answer(Accepted=("True", 3))], ("True", "AddressKnown")),
    ],
)
def test_a_route_is_exposed_once_a_gateway_has_taken_it_as_it_is(
    parents: list[dict[str, Any]], expected: tuple[str, str]
) -> None:
    status = exposed(WAYS["HTTPRoute"], {"parents": parents})
    assert reason(status, "Exposed") == expected
    assert url(status) == ("https://ocr.example.com" if expected[0] == "True" else None)


def test_a_gateway_that_refuses_a_route_is_quoted() -> None:
    status = exposed(WAYS["HTTPRoute"], {"parents": [answer(Accepted=("False", 3))]})
    assert "HTTPRoute invoices-gateway: Gateway edge says WhyAccepted: because" in str(
        status.condition("Exposed")
    )


def test_a_route_of_plain_listeners_has_an_address_of_http() -> None:
    plain = {"expose": {"gatewayAPI": {**EDGE, "protocol": "HTTP"}}}
    status = exposed(plain, {"parents": [answer(Accepted=("True", 3))]})
    assert url(status) == "http://ocr.example.com"


def test_a_missing_route_kind_is_told_and_the_pods_run_all_the_same() -> None:
    made = plan(WAYS["HTTPRoute"])
    status = verdict(look(made.service, running(made), served=frozenset({SERVICE_MONITOR})))
    assert reason(status, "DependenciesPresent") == ("False", "HTTPRouteMissing")
    assert reason(status, "Exposed") == ("False", "HTTPRouteMissing")
    assert reason(status, "GatewayAvailable") == ("True", "Available")
    assert url(status) is None


@pytest.mark.parametrize("way", WAYS)
def test_a_refused_spec_leaves_the_address_of_what_runs(way: str) -> None:
    refused = (Refusal("UnknownModel", "no such model"),)
    before = plan(WAYS[way], served=OPTIONAL_KINDS)
    children = running(before)
    for child in children:
        if child["kind"] == way:
            child["status"] = {**LET_IN, "parents": [answer(Accepted=("True", 3))]}
    status = verdict(look(ocr_service({"model": {"name": "x"}}), children, refusals=refused))
    assert url(status) == "https://ocr.example.com"
    assert reason(status, "Ready") == ("True", "ServingPreviousRevision")
    # And a way in that was asked for together with what is refused is not waited for.
    asked = verdict(look(ocr_service(WAYS[way]), running(plan()), refusals=refused))
    assert url(asked) == "http://invoices-gateway.papers.svc"


def test_a_missing_service_monitor_kind_blocks_nothing() -> None:
    enabled = {"observability": {"serviceMonitor": {"mode": "Enabled"}}}
    children = running(plan())
    auto = verdict(look(ocr_service(), children, served=frozenset()))
    asked = verdict(look(ocr_service(enabled), children, served=frozenset()))
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
MISMATCH = {
    "terminated": {
        "reason": "Error",
        "exitCode": DigestMismatchError.exit_code,
        "finishedAt": "2026-01-01T06:00:00Z",
        "message": "the model has sha256 b, not a",
    }
}
UNREACHABLE, FORBIDDEN = (
    {
        "terminated": {
            **MISMATCH["terminated"],
            "exitCode": error.exit_code,
            "message": "https://a/ is not there",
        }
    }
    for error in (UnavailableError, RefusedError)
)
OWN = {
    "name": "receipts",
    "source": {"persistentVolumeClaim": {"claimName": "models"}},
    "sha256": "a" * 64,
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
    "status",
    [{"state": MISMATCH}, {"state": WAIT_CRASH, "lastState": MISMATCH}],
    ids=["ended", "waiting"],
)
def test_another_model_than_asked_for_stalls_while_the_one_before_serves(status: Any) -> None:
    service = ocr_service({"model": OWN})
    old = running(plan({"model": OWN}), model_server=NEW_REVISION_FAILS)
    pods = (pod("m-2", containerStatuses=[container(restartCount=1, **status)]),)
    told = verdict(look(service, old, pods=pods))
    assert reason(told, "Stalled") == ("True", "ModelDigestMismatch")
    assert reason(told, "Ready") == ("True", "ServingPreviousRevision")
    stalled = told.condition("Stalled")
    assert stalled is not None
    assert "the model has sha256 b, not a" in stalled.message


def test_a_server_that_gives_no_model_stalls_while_the_one_before_serves() -> None:
    old = running(plan({"model": OWN}), model_server=NEW_REVISION_FAILS)
    status = container(name=PULL_MODEL, state={"running": {}}, lastState=UNREACHABLE)
    pods = (pod("m-2", initContainerStatuses=[status]),)
    told = verdict(look(ocr_service({"model": OWN}), old, pods=pods))
    assert reason(told, "Stalled") == ("True", "ModelUnavailable")
    assert reason(told, "Ready") == ("True", "ServingPreviousRevision")
    stalled = told.condition("Stalled")
    assert stalled is not None
    assert stalled.message == (
        "container pull-model of pod m-2: ModelUnavailable (exit code 69): https://a/ is not there"
    )


def test_a_model_that_came_at_last_stalls_nothing() -> None:
    ended = container(
        name=PULL_MODEL, ready=True, state={"terminated": {"exitCode": 0}}, lastState=UNREACHABLE
    )
    told = verdict(look(ocr_service(), running(plan()), pods=(pod("m-1", initContainerStatuses=[ended]),)))
    assert reason(told, "Stalled") == ("False", "NotStalled")


def test_an_own_model_is_shown_with_the_digest_that_it_is_held_to() -> None:
    told = verdict(look(ocr_service({"model": OWN}), running(plan({"model": OWN}))))
    assert told.model is not None
    assert (told.model.name, told.model.sha256) == ("receipts", "a" * 64)


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
        ({"containerStatuses": [container(state=MISMATCH)]}, ("ModelDigestMismatch", 65)),
        (
            {"containerStatuses": [container(state=WAIT_CRASH, lastState=MISMATCH)]},
            ("ModelDigestMismatch", 65),
        ),
        ({"containerStatuses": [container(name="sidecar", state=MISMATCH)]}, ("Error", 65)),
        (
            {"initContainerStatuses": [container(name=PULL_MODEL, state=MISMATCH)]},
            ("ModelDigestMismatch", 65),
        ),
        (
            {"initContainerStatuses": [container(name=PULL_MODEL, state=WAIT_CRASH, lastState=UNREACHABLE)]},
            ("ModelUnavailable", 69),
        ),
        (
            {"initContainerStatuses": [container(name=PULL_MODEL, state=FORBIDDEN)]},
            ("ModelUnavailable", 77),
        ),
        ({"containerStatuses": [container(state=UNREACHABLE)]}, ("Error", 69)),
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
    # That a new service starts is no change.
    assert transitions(Status(), starting) == ()
    assert [t.reason for t in transitions(serving, starting)] == ["Starting"]
    assert [(t.type, t.reason) for t in transitions(starting, serving)] == [("Normal", "Serving")]
    assert transitions(serving, serving) == ()
    assert [(t.type, t.reason) for t in transitions(serving, refused)] == [
        ("Warning", "UnknownModel"),
        ("Normal", "ServingPreviousRevision"),
    ]


def trying(step: int = 1, weight: int = 5, followed: str | None = None) -> Revisions:
    """A candidate at that step."""
    candidate = Candidate(
        revision="new", policy="p", step=step, weight=weight, since="2026-01-02T03:04:05Z", followed=followed
    )
    return Revisions(stable="old", served=True, candidate=candidate)


CANARY = {"rollout": {"strategy": "Canary"}}


@pytest.mark.parametrize(
    ("revisions", "says"),
    [
        (
            trying(weight=0),
            "step 1 of 3: revision new has 0% of the requests until its pods for 5% are ready",
        ),
        (trying(), "step 1 of 3: revision new gets 5% of the requests once all gateways follow"),
        (
            trying(followed="2026-01-02T03:05:00Z"),
            "step 1 of 3: revision new has 5% of the requests since 2026-01-02T03:05:00Z; "
            "next after 300 s and 100 calls",
        ),
        (trying(step=4, weight=50), "revision new keeps 50% of the requests until all its pods are ready"),
    ],
)
def test_a_canary_says_where_it_is_and_what_it_waits_for(revisions: Revisions, says: str) -> None:
    status = verdict(replace(look(ocr_service(CANARY), running(plan(CANARY))), revisions=revisions))
    assert reason(status, "Ready") == ("True", "Serving")
    assert reason(status, "Reconciling") == ("True", "Progressing")
    assert reason(status, "RolloutHealthy") == ("True", "Progressing")
    condition = status.condition("RolloutHealthy")
    assert condition is not None
    assert condition.message.startswith(says)
    assert status.traffic is not None
    shares = {each.deployment.removeprefix("invoices-"): each.weight for each in status.traffic}
    assert shares == revisions.weights


def test_a_failed_canary_stalls_with_its_figures_while_the_old_revision_serves() -> None:
    failed = Failed(revision="new", policy="p", reason="AnalysisFailed", message="9 of 100 calls failed")
    revisions = Revisions(stable="old", served=True, failed=failed)
    status = verdict(replace(look(ocr_service(CANARY), running(plan(CANARY))), revisions=revisions))
    assert reason(status, "Ready") == ("True", "ServingPreviousRevision")
    assert reason(status, "Stalled") == ("True", "AnalysisFailed")
    assert reason(status, "RolloutHealthy") == ("False", "AnalysisFailed")
    assert reason(status, "Reconciling") == ("False", "Idle")
    told = transitions(verdict(look(ocr_service(), running(plan()))), status)
    assert [event.reason for event in told] == ["ServingPreviousRevision", "AnalysisFailed"]


def test_the_stable_slot_is_what_scaling_and_counting_look_at() -> None:
    made = plan(CANARY)
    made = replace(made, revisions=Revisions(slot="model-server-b"))
    status = verdict(replace(look(made.service, running(made)), revisions=made.revisions))
    assert status.selector == "kubeocr.dev/service=invoices,app.kubernetes.io/component=model-server-b"
    assert status.replicas == 2
    assert [component.summary for component in status.components] == ["2/2", "2/2"]


def test_a_candidates_failing_pod_is_a_failure_of_the_model_servers() -> None:
    pods = (pod("b-1", "model-server-b", containerStatuses=[BACK_OFF]),)
    seen = look(ocr_service(CANARY), running(plan(CANARY)), pods=pods)
    status = verdict(replace(seen, revisions=trying(weight=0)))
    assert reason(status, "Stalled") == ("True", "ImagePullBackOff")
    assert reason(status, "Ready") == ("True", "ServingPreviousRevision")
    assert status.last_failure is not None
    assert (status.last_failure.component, status.last_failure.pod) == ("model-server", "b-1")
