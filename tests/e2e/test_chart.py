"""The chart on a real node: every example installed, upgrade, rollback, uninstall; the service serves on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import images
from tests.cluster.dev import CHART, NAMESPACE, RELEASE
from tests.cluster.helm import Helm
from tests.cluster.upstreams import service_monitor_crd
from tests.e2e.platform import NEXT_TAG, Platform
from tests.e2e.world import NAME, TEXT, World, eventually

EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
CRD = "ocrservices.kubeocr.dev"
BUDGET = f"poddisruptionbudget/{NAME}-gateway"
OWNED = f"app.kubernetes.io/instance={RELEASE}"
# What a release has; nothing else of it is in its namespace.
KINDS = "all,configmaps,serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets"
CLUSTER_KINDS = (
    "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingadmissionpolicybindings"
)
STATUS = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties"
WITHOUT_A_FIELD = {"op": "remove", "path": f"{STATUS}/lastFailure"}


class Release:
    """The chart's release; between tests there is none."""

    def __init__(self, platform: Platform) -> None:
        """Its namespace takes `restricted` pods only."""
        self.node = platform.node
        self.kubectl = platform.kubectl
        self._helm = Helm(platform.node.kubeconfig, NAMESPACE)
        restricted = "pod-security.kubernetes.io/enforce=restricted"
        self.kubectl.run("label", "namespace", NAMESPACE, restricted, "--overwrite")

    def helm(self, command: str, *args: str) -> str:
        """`helm COMMAND RELEASE ARGS`, until all is ready or gone."""
        return self._helm.run(command, RELEASE, *args, "--wait", "--timeout=120s")

    @contextmanager
    def installed(self, values: dict[str, Any]) -> Iterator[None]:
        """Installed with these values, and uninstalled at the end."""
        command = ["install", RELEASE, str(CHART), "--values=-", "--wait", "--timeout=120s"]
        self._helm.run(*command, stdin=json.dumps(values))
        try:
            yield
        finally:
            self.helm("uninstall")

    def test(self) -> None:
        """`helm test`; it fails when the test's pod does."""
        self._helm.run("test", RELEASE, "--timeout=60s")

    def upgrade(self, *sets: str) -> None:
        """`helm upgrade` without waiting, to another image and with these values."""
        self.node.ctr("images", "tag", "--force", image(images.version()), image(NEXT_TAG))
        more = [f"--set={each}" for each in (f"image.tag={NEXT_TAG}", *sets)]
        self._helm.run("upgrade", RELEASE, str(CHART), "--reset-then-reuse-values", *more)

    def rolled_out(self) -> None:
        """Wait until the operator is one pod of the newest kind."""
        self.kubectl.run("rollout", "status", f"deployment/{RELEASE}", "--timeout=120s", seconds=130)

    def pods(self) -> dict[str, str]:
        """The operator's pods: name by image."""
        found = self.kubectl.json("get", "pods", f"--selector=app.kubernetes.io/name={RELEASE}")["items"]
        return {pod["spec"]["containers"][0]["image"]: pod["metadata"]["name"] for pod in found}

    def objects(self) -> list[str]:
        """Everything that carries the release's label."""
        found = [
            self.kubectl.run("get", kinds, f"--selector={OWNED}", "--output=name")
            for kinds in (KINDS, CLUSTER_KINDS)
        ]
        return "".join(found).split()


def image(tag: str) -> str:
    """The operator's image on the node."""
    return images.reference("operator", tag)


@pytest.fixture(scope="module")
def release(platform: Platform, world: World) -> Iterator[Release]:
    """None yet; a service runs that an uninstalled operator left, which is back at the end."""
    world.apply()
    world.settle()
    with platform.uninstalled():
        yield Release(platform)


@contextmanager
def premises(release: Release, values: dict[str, Any]) -> Iterator[None]:
    """What the values count on: kinds of the Prometheus operator, a ServiceAccount."""
    with ExitStack() as stack:
        if "prometheusRule" in values:
            monitors = service_monitor_crd()
            for path in (monitors, monitors.with_name("monitoring.coreos.com_prometheusrules.yaml")):
                release.kubectl.run("apply", "--server-side", f"--filename={path}")
                stack.callback(release.kubectl.run, "delete", f"--filename={path}")
        if not values.get("serviceAccount", {}).get("create", True):
            account = ("serviceaccount", values["serviceAccount"]["name"])
            release.kubectl.run("create", *account)
            stack.callback(release.kubectl.run, "delete", *account)
        yield


def on_this_node(example: Path, namespace: str) -> dict[str, Any]:
    """The example with the node's images, and with the service's namespace instead of its own."""
    values: dict[str, Any] = yaml.safe_load(example.read_text()) | {"registry": images.REGISTRY}
    values.pop("image", None)
    values.pop("imagePullSecrets", None)
    if "watch" in values:
        values["watch"] = {"namespaces": [namespace]}
    return values


@contextmanager
def older_crd(release: Release) -> Iterator[None]:
    """Without a field that the operator writes; at the end the right one, as docs/operations.md has it."""
    release.kubectl.run("patch", "crd", CRD, "--type=json", f"--patch={json.dumps([WITHOUT_A_FIELD])}")
    try:
        yield
    finally:
        crds = images.ROOT / "crds"
        release.kubectl.run("apply", "--server-side", "--force-conflicts", f"--filename={crds}")


def assert_works(world: World) -> None:
    """An operator looks after the service."""
    world.kubectl.run("delete", BUDGET)
    eventually(lambda: world.exists(BUDGET), "the operator works")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_of_values_installs_works_and_leaves_crd_and_service_behind(
    release: Release, world: World, example: Path
) -> None:
    values = on_this_node(example, world.kubectl.namespace)
    before = world.pods()
    with premises(release, values):
        with release.installed(values):
            assert release.objects()
            release.test()
            assert_works(world)
        eventually(lambda: release.objects() == [], "nothing of the release is left")
    assert world.exists("crd", CRD)
    assert world.pods() == before
    assert world.read().text.strip() == TEXT


def test_upgrade_and_rollback_replace_the_operator_and_no_pod_of_a_service(
    release: Release, world: World
) -> None:
    before = world.pods()
    with release.installed({"registry": images.REGISTRY}):
        release.upgrade()
        release.rolled_out()
        assert_works(world)
        eventually(lambda: release.pods().keys() == {image(NEXT_TAG)}, "the new operator alone")
        release.helm("rollback", "1")
        eventually(lambda: release.pods().keys() == {image(images.version())}, "the old operator again")
        release.test()
        assert_works(world)
    assert world.pods() == before


def test_an_operator_newer_than_the_crd_says_so_while_the_old_one_works(
    release: Release, world: World
) -> None:
    with release.installed({"registry": images.REGISTRY}):
        with older_crd(release):
            release.upgrade("crds.install=false")
            refused = eventually(lambda: release.pods().get(image(NEXT_TAG)), "the new operator's pod")
            release.kubectl.wait("jsonpath={.status.phase}=Running", f"pod/{refused}")
            said = f"the CRD {CRD} is older than this operator, it lacks status.lastFailure"
            eventually(lambda: said in release.kubectl.run("logs", refused), said)
            assert_works(world)
            assert release.pods().keys() == {image(images.version()), image(NEXT_TAG)}
        release.rolled_out()
        assert_works(world)
