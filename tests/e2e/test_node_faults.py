"""What the node does to pods while clients send pages, and what is left of it afterwards: nothing."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import httpx
import pytest

from tests.cluster import cgroups
from tests.cluster.kubectl import CommandError
from tests.cluster.node import Node
from tests.e2e.world import TEXT, World, eventually

pytestmark = pytest.mark.long

PAGES = 100
TABLE = "inet faults"


@pytest.mark.parametrize(("program", "seconds"), [("kubelet", 20), ("containerd", 10)])
def test_pods_serve_on_without_what_runs_them(
    service: World, program: Literal["kubelet", "containerd"], seconds: float
) -> None:
    before = service.pods()
    with service.traffic(PAGES) as traffic:
        with service.node.without(program):
            time.sleep(seconds)
        # The new one is at work when it can start a pod.
        service.kubectl.run("scale", "ocrservice/invoices", "--replicas=3")
        eventually(lambda: len(service.pods("model-server")) == 3, "a third model server")
        service.settle()
    assert traffic.failures == []
    assert {name: restarts for name, restarts in service.pods().items() if name in before} == before


def test_without_dns_the_gateways_know_their_model_servers(service: World) -> None:
    system = service.node.kubectl("kube-system")
    with service.traffic(PAGES) as traffic:
        system.run("scale", "deployment/coredns", "--replicas=0")
        time.sleep(60)  # longer than any answer of the DNS may be kept
        system.run("scale", "deployment/coredns", "--replicas=1")
        system.run("rollout", "status", "deployment/coredns", "--timeout=60s")
    assert traffic.failures == []
    service.settle()


def test_a_model_server_that_the_kernel_kills_for_its_memory_is_named_and_costs_no_request(
    service: World,
) -> None:
    (first, *_) = service.pods("model-server")
    with service.traffic(PAGES) as traffic:
        take_memory(service, first)
        eventually(lambda: service.pods().get(first, 0) > 0, "it is started anew")
        failure = eventually(lambda: service.status().get("lastFailure"), "the failure is named")
        service.settle()
    assert (failure["component"], failure["pod"], failure["reason"]) == ("model-server", first, "OOMKilled")
    assert traffic.failures == []


def test_a_full_disk_of_one_pod_costs_the_pod_and_no_request(service: World) -> None:
    (first, *_) = service.pods("model-server")
    fill = "file = open('/tmp/full', 'wb')\nfor _ in range(1200): file.write(bytes(1 << 20))"
    with service.traffic(PAGES) as traffic:
        service.kubectl.run("exec", first, "--", "python", "-c", fill)

        def is_replaced() -> bool:
            running = service.pods("model-server")
            return first not in running and len(running) == 2

        eventually(is_replaced, "another pod in its place")
        service.settle()
    assert traffic.failures == []


def test_a_gateway_cut_off_from_one_model_server_reads_with_the_other(service: World) -> None:
    gateways, servers = (addresses(service, component) for component in ("gateway", "model-server"))
    with service.traffic(PAGES) as traffic:
        with cut(service.node, gateways, servers[:1]):
            time.sleep(20)
        service.settle()
    assert traffic.failures == []


def test_gateways_cut_off_from_every_model_server_say_so_and_recover(service: World) -> None:
    gateways, servers = (addresses(service, component) for component in ("gateway", "model-server"))

    def is_refused() -> bool:
        try:
            answer = service.read()
        except httpx.ConnectError:
            return True  # no gateway is ready, so the Service has none
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 503

    with cut(service.node, gateways, servers):
        eventually(is_refused, "pages are refused")
        eventually(lambda: service.conditions()["Ready"][0] == "False", "the service says so")
    eventually(lambda: service.conditions()["Ready"][0] == "True", "it is ready again")
    service.settle()
    assert service.read().text.strip() == TEXT


def addresses(service: World, component: str) -> list[str]:
    """Of the pods of a component."""
    names = service.pods(component)
    pods = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in service.objects("pods")}
    return [pods[name] for name in names]


@contextmanager
def cut(node: Node, sources: list[str], targets: list[str]) -> Iterator[None]:
    """Nothing goes from one to the other, and nobody is told: as when a link dies."""
    rule = f"ip saddr {{ {', '.join(sources)} }} ip daddr {{ {', '.join(targets)} }} drop;"
    chain = f"chain forward {{ type filter hook forward priority -10; {rule} }};"
    nft = [*node.in_network, "nft"]
    subprocess.run([*nft, "--file", "-"], input=f"table {TABLE} {{ {chain} }}", text=True, check=True)
    try:
        yield
    finally:
        subprocess.run([*nft, "delete", "table", *TABLE.split()], check=True)


def take_memory(service: World, pod: str) -> None:
    """Use up the little that the pod's container is left: the kernel ends its largest process."""
    status = service.kubectl.json("get", "pod", pod)["status"]
    container = status["containerStatuses"][0]["containerID"].rpartition("/")[2]
    group = memory_group(service.node, container)
    is_v2 = (group / "memory.max").exists()
    used, limit = ("anon", "memory.max") if is_v2 else ("total_rss", "memory.limit_in_bytes")
    numbers = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    (group / limit).write_text(str(int(numbers[used]) + (16 << 20)))
    with suppress(CommandError):  # it may be ended, too
        service.kubectl.run("exec", pod, "--", "python", "-c", "b'x' * (64 << 20)")


def memory_group(node: Node, container: str) -> Path:
    """The control group that holds the memory of a container."""
    for root in (cgroups.MOUNT / "memory", cgroups.MOUNT):
        for group in (root / node.full_name).rglob(container):
            return group
    raise AssertionError(f"no control group of container {container}")
