"""Two operators, one writer."""

from ocr_operator.cluster.kube.lease import LEASE
from tests.component.conftest import Start
from tests.support.api import Api, eventually
from tests.support.faultproxy import FaultProxy, answer
from tests.support.process import Operator

# A silent holder's lease runs 15 s; then the next look, and a machine that is busy.
TAKEOVER_SECONDS = 45


def leads(operator: Operator) -> bool:
    """Whether it says so."""
    return operator.metric("ocr_operator_leader") == 1


def pair(start: Start) -> tuple[Operator, Operator]:
    """A leader and one that stands by."""
    leader = start(leader_elect=True).ready()
    eventually("a leader", lambda: leads(leader))
    return leader, start(leader_elect=True).ready()


def test_of_two_operators_only_the_leader_writes(kube: Api, start: Start) -> None:
    leader, standby = pair(start)
    kube.create("invoices")
    eventually("all children", lambda: len(kube.children("invoices")) == 10)
    assert not leads(standby)
    assert standby.metric("ocr_operator_k8s_requests_total", verb="PATCH") == 0
    assert leader.metric("ocr_operator_child_applies_total", result="created") == 10
    assert leader.answers("/healthz") == standby.answers("/healthz") == 200


def test_after_a_kill_of_the_leader_the_other_takes_over(kube: Api, start: Start) -> None:
    leader, standby = pair(start)
    leader.kill()
    kube.create("invoices")
    eventually("all children", lambda: len(kube.children("invoices")) == 10, TAKEOVER_SECONDS)
    assert leads(standby)


def test_a_leader_that_ends_in_order_hands_over_at_once(kube: Api, start: Start) -> None:
    leader, standby = pair(start)
    assert leader.stop() == 0
    # Sooner than the lease would run out: it says that nobody holds it, or already who took it.
    lease = kube.get(LEASE, "ocr-operator")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] in ("", f"operator-{standby.url.rpartition(':')[2]}")
    eventually("the other leads", lambda: leads(standby))


def test_a_leader_that_cannot_renew_ends_its_process(proxy: FaultProxy, start: Start) -> None:
    leader = start(leader_elect=True).ready()
    eventually("a leader", lambda: leads(leader))
    proxy.inject(lambda call: "/leases/" in call.path, answer(500, "broken"))
    assert leader.ended(TAKEOVER_SECONDS) == 1
    assert "could not be renewed" in leader.said()


def test_a_lease_that_went_to_another_ends_the_process(kube: Api, start: Start) -> None:
    leader = start(leader_elect=True).ready()
    eventually("a leader", lambda: leads(leader))
    kube.patch(LEASE, "ocr-operator", {"spec": {"holderIdentity": "someone-else"}})
    assert leader.ended() == 1
    assert "went to someone-else" in leader.said()


def test_a_deleted_lease_is_made_anew(kube: Api, start: Start) -> None:
    leader = start(leader_elect=True).ready()
    eventually("a leader", lambda: leads(leader))
    kube.delete(LEASE, "ocr-operator")
    eventually("a new lease", lambda: kube.get(LEASE, "ocr-operator") is not None)
    assert leader.running()
