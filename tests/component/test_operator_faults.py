"""The operator converges through faults between it and the apiserver."""

from collections.abc import Callable
from itertools import count

import pytest

from ocr_operator.models.manifest import DEPLOYMENT, OCR_SERVICE, SERVICE
from tests.component.conftest import Start
from tests.support.api import Api, eventually
from tests.support.faultproxy import (
    Action,
    Call,
    FaultProxy,
    after,
    answer,
    reset,
    reset_after,
    slow,
    watch_error,
)
from tests.support.process import Operator

CHILDREN = 10


def is_write(call: Call) -> bool:
    """A change of anything."""
    return call.is_write


def is_read(call: Call) -> bool:
    """A get or list of ours or of kopf's."""
    return not call.is_write and not call.is_watch


def is_watch(call: Call) -> bool:
    """A watch."""
    return call.is_watch


def converged(kube: Api, gateways: int = 2) -> bool:
    """Whether all children are there, the gateway's as large as asked, and the status up to date."""
    gateway = kube.get(DEPLOYMENT, "invoices-gateway")
    return (
        gateway is not None
        and gateway["spec"].get("replicas") == gateways
        and len(kube.children("invoices")) == CHILDREN
        and kube.observed("invoices")
        and kube.condition("invoices", "SpecAccepted").get("status") == "True"
    )


@pytest.mark.parametrize(
    ("which", "fault", "times"),
    [
        pytest.param(is_write, answer(409, "the object has been modified"), 4, id="409"),
        pytest.param(is_write, answer(429, "too many requests", {"Retry-After": "1"}), 4, id="429-of-writes"),
        pytest.param(is_read, answer(429, "too many requests", {"Retry-After": "1"}), 4, id="429-of-reads"),
        pytest.param(is_write, answer(500, "internal error"), 5, id="500-of-writes"),
        pytest.param(is_read, answer(500, "internal error"), 5, id="500-of-reads"),
        pytest.param(is_read, answer(503, "starting", {"Retry-After": "1"}), 5, id="503"),
        pytest.param(is_write, reset, 5, id="reset-before-a-write"),
        pytest.param(is_write, reset_after, 5, id="reset-after-a-write"),
        pytest.param(is_read, reset, 5, id="reset-of-reads"),
        pytest.param(is_write, slow(1.0), 5, id="slow-writes"),
        pytest.param(is_watch, answer(500, "internal error"), 3, id="500-of-watches"),
        pytest.param(is_watch, watch_error(410), 8, id="410-of-watches"),
        pytest.param(is_watch, reset, 8, id="reset-of-watches"),
    ],
)
def test_a_fault_delays_but_loses_nothing(
    proxy: FaultProxy, kube: Api, operator: Operator, which: Callable[[Call], bool], fault: Action, times: int
) -> None:
    rule = proxy.inject(which, fault, times)
    if which is is_watch:
        eventually("watches", proxy.drop_watches)
    kube.create("invoices")
    eventually("converged", lambda: converged(kube), 60)
    eventually("the fault was met", lambda: rule.hits > 0)
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"gateway": {"replicas": 3}}})
    eventually("converged on the edit", lambda: converged(kube, 3), 60)
    assert operator.running()
    assert operator.answers("/healthz") == 200


def test_a_start_through_faults_gets_there(proxy: FaultProxy, kube: Api, start: Start) -> None:
    kube.create("invoices")
    refusals = [
        proxy.inject(lambda _: True, answer(503, "the apiserver starts"), 5),
        proxy.inject(lambda _: True, reset, 5),
    ]
    operator = start().ready(60)
    eventually("converged", lambda: converged(kube), 60)
    assert all(rule.hits == 5 for rule in refusals)
    assert operator.running()


def test_a_cluster_that_does_not_tell_its_kinds_at_the_start_is_asked_again(
    proxy: FaultProxy, kube: Api, start: Start
) -> None:
    rule = proxy.inject(lambda call: call.path == "/apis/monitoring.coreos.com/v1", answer(500, "broken"), 2)
    operator = start()
    kube.create("invoices")
    eventually("converged", lambda: converged(kube), 60)
    assert rule.hits == 2
    assert operator.running()


def test_a_refusal_of_one_child_is_told_and_tried_again(
    proxy: FaultProxy, kube: Api, operator: Operator
) -> None:
    quota = 'services "invoices-gateway" is forbidden: exceeded quota: small, requested: services=1'
    rule = proxy.inject(
        lambda call: call.method == "PATCH" and call.path.endswith("/services/invoices-gateway"),
        answer(403, quota),
    )
    kube.create("invoices")
    eventually("told", lambda: "exceeded quota" in str(kube.status("invoices").get("conditions")))
    assert len(kube.children("invoices")) == CHILDREN - 1
    proxy.heal()
    eventually("converged", lambda: converged(kube), 60)
    assert rule.hits > 0


def test_a_right_that_the_role_lacks_is_told_in_the_status(
    proxy: FaultProxy, kube: Api, operator: Operator
) -> None:
    said = 'services is forbidden: User "op" cannot patch resource "services" in API group ""'
    proxy.inject(lambda call: call.method == "PATCH" and "/services/" in call.path, answer(403, said))
    kube.create("invoices")
    eventually("told", lambda: "OperatorForbidden" in str(kube.status("invoices").get("conditions")))


def test_dropped_watches_tell_what_happened_meanwhile(
    proxy: FaultProxy, kube: Api, operator: Operator
) -> None:
    kube.create("invoices", {"suspend": True})
    eventually("accepted", lambda: kube.observed("invoices"))
    for gateways in range(3, 8):
        eventually("watches", proxy.drop_watches)
        kube.patch(OCR_SERVICE, "invoices", {"spec": {"suspend": False, "gateway": {"replicas": gateways}}})
        kube.delete(SERVICE, "invoices-gateway")
        eventually("converged", lambda gateways=gateways: converged(kube, gateways))
    restarts = "ocr_operator_watch_restarts_total"
    eventually("counted", lambda: operator.metric(restarts, resource="ocrservices") >= 1)


def test_a_watch_that_is_silent_is_found_out_by_the_resync(
    proxy: FaultProxy, kube: Api, start: Start
) -> None:
    operator = start(resync_seconds=1.0, stale_seconds=2.0).ready()
    kube.create("invoices", {"suspend": True})
    eventually("accepted", lambda: kube.observed("invoices"))
    assert operator.answers("/healthz") == 200
    proxy.freeze_watches()
    kube.patch(OCR_SERVICE, "invoices", {"spec": {"suspend": False, "gateway": {"replicas": 3}}})
    eventually("seen by the resync alone", lambda: converged(kube, 3))
    before = kube.get(SERVICE, "invoices-gateway")
    kube.delete(SERVICE, "invoices-gateway")
    eventually("made again", lambda: kube.get(SERVICE, "invoices-gateway") not in (None, before))
    eventually("not alive", lambda: operator.answers("/healthz") == 503)
    assert "watches" in operator.get("/healthz").text
    proxy.heal()
    eventually("alive", lambda: operator.answers("/healthz") == 200)


def test_a_list_that_fails_for_long_is_no_sign_of_life(proxy: FaultProxy, start: Start) -> None:
    operator = start(resync_seconds=1.0).ready()
    proxy.inject(lambda call: is_read(call) and call.path.endswith("/ocrservices"), answer(500, "broken"))
    eventually("not alive", lambda: operator.answers("/healthz") == 503)
    assert "resync" in operator.get("/healthz").text


def test_an_error_that_kopf_cannot_survive_ends_the_process(
    proxy: FaultProxy, kube: Api, start: Start
) -> None:
    operator = start().ready()
    eventually("watches", proxy.drop_watches)
    proxy.inject(is_watch, watch_error(500), 1)
    assert operator.ended() == 1
    assert "kopf ended" in operator.said()
    # As the kubelet would.
    start().ready()
    kube.create("invoices")
    eventually("converged", lambda: converged(kube))


def test_a_crash_after_any_write_is_made_good_by_the_next_process(
    proxy: FaultProxy, kube: Api, start: Start
) -> None:
    for number in count(1):
        kube.create("invoices")
        operator = start()
        writes = count(1)
        rule = proxy.inject(
            lambda call, writes=writes, number=number: call.is_write and next(writes) == number,
            after(operator.kill),
        )
        eventually(
            "killed, or at its end", lambda operator=operator: not operator.running() or converged(kube)
        )
        proxy.heal()
        operator.kill()
        if not rule.hits:
            break
        successor = start().ready()
        eventually(f"converged after a crash at write {number}", lambda: converged(kube))
        successor.kill()
        kube.delete(OCR_SERVICE, "invoices")
        eventually("all collected", lambda: kube.children("invoices") == {})
    # Children, their scale, status and Event.
    assert number > CHILDREN
