"""What goes wrong in a seed, by name."""

import json
from collections.abc import Callable

import yaml

from ocr_operator.cluster.kube.lease import LEASE
from ocr_operator.config import LEASE_NAME
from tests.chaos.scene import Scene
from tests.support import faultproxy
from tests.support.faultproxy import Call, Rule
from tests.support.process import ROOT

CRD = ROOT / "crds/kubeocr.dev_ocrservices.yaml"
CRD_NAME = "crd/ocrservices.kubeocr.dev"
SAYS = {409: "the object has been modified", 429: "too many requests", 500: "internal error", 504: "timeout"}


def is_any(_call: Call) -> bool:
    """Whatever it is."""
    return True


def is_read(call: Call) -> bool:
    """A get or list."""
    return not call.is_write and not call.is_watch


def is_write(call: Call) -> bool:
    """A change, but not of a Lease, which has faults of its own."""
    return call.is_write and "/leases" not in call.path


def is_status(call: Call) -> bool:
    """A change of a status."""
    return call.is_write and call.path.endswith("/status")


WHICH: dict[str, Callable[[Call], bool]] = {"writes": is_write, "reads": is_read, "status": is_status}


def refuse(scene: Scene, code: int, which: str, times: int) -> Rule:
    """The apiserver refuses."""
    headers = {"Retry-After": "1"} if code == 429 else None
    return scene.proxy.inject(WHICH[which], faultproxy.answer(code, SAYS[code], headers), times)


def lose(scene: Scene, times: int) -> Rule:
    """A write is done, and its answer is lost."""
    return scene.proxy.inject(is_write, faultproxy.reset_after, times)


def late(scene: Scene, times: int) -> Rule:
    """A write is done, and its answer is 504."""
    return scene.proxy.inject(is_write, faultproxy.late, times)


def reset(scene: Scene, which: str, times: int) -> Rule:
    """Connections are reset before the apiserver hears of a request."""
    return scene.proxy.inject(WHICH[which], faultproxy.reset, times)


def slow(scene: Scene, seconds: float, times: int) -> Rule:
    """The apiserver takes its time."""
    return scene.proxy.inject(lambda call: not call.is_watch, faultproxy.slow(seconds), times)


def silent(scene: Scene, seconds: float) -> Rule:
    """Connections are half-open for a while: no request and no watch gets an answer, and then a reset."""
    scene.proxy.freeze_watches()
    rule = scene.proxy.inject(lambda call: not call.is_watch, faultproxy.silent)
    scene.rest(seconds)
    scene.proxy.drop_watches()
    rule.times = 0
    scene.proxy.thaw()
    return rule


def stale(scene: Scene, times: int) -> Rule:
    """Reads are answered as they were before."""
    former = scene.witness.former()
    return scene.proxy.inject(
        lambda call: is_read(call) and call.asked in former, faultproxy.replay(former), times
    )


def unauthorised(scene: Scene, times: int) -> Rule:
    """The token has expired."""
    rule = scene.proxy.inject(is_any, faultproxy.answer(401, "Unauthorized"), times)
    scene.proxy.drop_watches()
    return rule


def compact(scene: Scene, times: int) -> Rule:
    """Watches break, and what they ask for is too old."""
    rule = scene.proxy.inject(lambda call: call.is_watch, faultproxy.watch_error(410), times)
    scene.proxy.drop_watches()
    return rule


def drop(scene: Scene) -> None:
    """Watches break."""
    scene.proxy.drop_watches()


def kill(scene: Scene, after: int) -> Rule:
    """The operators are killed after the n-th write from now."""
    left = iter(range(after - 1, -1, -1))
    return scene.proxy.inject(
        lambda call: is_write(call) and next(left, 1) == 0, faultproxy.after(scene.operators.kill), 1
    )


def pause(scene: Scene, seconds: float) -> None:
    """An operator gets no CPU for a while."""
    scene.operators.pause()
    scene.rest(seconds)
    scene.operators.resume()


def clock(scene: Scene, seconds: float) -> None:
    """The operators' clock jumps."""
    scene.operators.shift_clock(seconds)


def apiserver(scene: Scene) -> None:
    """kill -9 of the apiserver, which starts again."""
    scene.plane.crash("kube-apiserver")


def etcd(scene: Scene) -> None:
    """kill -9 of etcd, which starts again."""
    scene.plane.crash("etcd")


def older_crd(scene: Scene) -> None:
    """Someone applies an older CRD over ours; it is put right in the end."""
    scene.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=older())
    scene.at_end(lambda: restore(scene))


def replace_crd(scene: Scene) -> None:
    """Someone deletes the CRD, and with it all services; then it comes back, and the users with it."""
    scene.bury(*scene.wishes)
    scene.kubectl("delete", CRD_NAME, "--ignore-not-found")
    restore(scene)
    scene.create_again()


def restore(scene: Scene) -> None:
    """Our CRD, and served."""
    scene.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CRD}")
    scene.kubectl("wait", "--for=condition=Established", CRD_NAME, "--timeout=30s")


def older() -> str:
    """A CRD that lacks fields that this operator reads and writes."""
    crd = yaml.safe_load(CRD.read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    del schema["status"]["properties"]["address"]
    del schema["spec"]["properties"]["gateway"]["properties"]["limits"]["properties"]["maxImagePixels"]
    return json.dumps(crd)


def steal(scene: Scene) -> None:
    """Someone else takes the Lease, and dies."""
    scene.insist(
        lambda: scene.api.patch(LEASE, LEASE_NAME, {"spec": {"holderIdentity": "thief"}}), gone_is_done=True
    )


# By name; what is injected is returned, for it strikes only if there is a call for it.
FAULTS: dict[str, Callable[..., Rule | None]] = {
    "refuse": refuse,
    "lose": lose,
    "late": late,
    "reset": reset,
    "slow": slow,
    "silent": silent,
    "stale": stale,
    "unauthorised": unauthorised,
    "compact": compact,
    "drop": drop,
    "kill": kill,
    "pause": pause,
    "clock": clock,
    "apiserver": apiserver,
    "etcd": etcd,
    "older-crd": older_crd,
    "replace-crd": replace_crd,
    "steal": steal,
}
