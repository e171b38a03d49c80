"""A cluster to play with: `make cluster`, `make demo-cluster` and `make cluster-down`."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cluster import node, tools
from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import Say, say
from tests.cluster.helm import Helm
from tests.cluster.images import REGISTRY, ROOT, build_images
from tests.cluster.node import Node

NAMESPACE = "ocr-system"
RELEASE = "ocr-operator"
CHART = ROOT / "charts" / "ocr-operator"
EXAMPLE = ROOT / "examples" / "ocrservice.yaml"
SAMPLE = ROOT / "examples" / "sample.png"
# The example's defaults are a production service's; this one shares two cores with everything else.
SMALL: dict[str, Any] = {
    "modelServer": {
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
    },
    "gateway": {"resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}},
    "expose": {"service": {"type": "NodePort"}},
}
READY_SECONDS = 180.0
POLL_SECONDS = 1.0


def load_images(target: Node, images: Mapping[str, Path], say: Say = say) -> None:
    """Import the images that the node doesn't have yet, and restart what runs an older one of that name."""
    imported = target.folder / "imported"
    imported.mkdir(exist_ok=True)
    changed = set()
    for name, archive in images.items():
        marker = imported / archive.name
        if not marker.exists():
            say(f"node {target.name}: importing {name}")
            target.import_image(archive)
            marker.touch()
            changed.add(name)
    for manifest in target.kubectl().json("get", "deployments", "--all-namespaces")["items"]:
        used = {container["image"] for container in manifest["spec"]["template"]["spec"]["containers"]}
        if used & changed:
            metadata = manifest["metadata"]
            say(f"node {target.name}: restarting {metadata['namespace']}/{metadata['name']}")
            target.kubectl(metadata["namespace"]).run("rollout", "restart", f"deployment/{metadata['name']}")


def install_operator(target: Node, say: Say = say) -> None:
    """Install or upgrade the operator by its chart, and wait until it is ready."""
    say(f"node {target.name}: installing the operator")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": NAMESPACE, "labels": labels}
    target.kubectl().apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    command = ["upgrade", "--install", RELEASE, str(CHART), f"--set=registry={REGISTRY}"]
    Helm(target.kubeconfig, NAMESPACE).run(*command, "--wait", "--timeout=120s")


def up(name: str, say: Say = say) -> None:
    """A node with the operator on it; everything that is there already stays."""
    target = node.up(name, say)
    load_images(target, build_images(say=say), say)
    install_operator(target, say)
    print(
        f"""
The cluster is up, with the operator in it:

  export KUBECONFIG={target.kubeconfig} PATH={tools.kubernetes()}:$PATH
  kubectl get pods --all-namespaces
  make demo-cluster      # an OCRService, and a page sent to it
  make cluster-down      # remove all of it
"""
    )


def demo(name: str, say: Say = say) -> None:
    """Apply the example, wait for it, send a page and show the text."""
    target = Node(name)
    if not target.is_up():
        raise ClusterError("there is no cluster: run `make cluster` first")
    manifest = yaml.safe_load(EXAMPLE.read_text())
    manifest["spec"] = {**(manifest.get("spec") or {}), **SMALL}
    service = manifest["metadata"]["name"]
    kubectl = target.kubectl()
    say(kubectl.apply(manifest).strip())
    await_ready(target, service, say)
    port = kubectl.json("get", "service", f"{service}-gateway")["spec"]["ports"][0]["nodePort"]
    url = f"http://{target.address}:{port}"
    image = SAMPLE.relative_to(ROOT)
    say(f"POST {image} to {url}/v1/ocr")
    print(f"\n{recognise(url, SAMPLE)}\n")
    print(kubectl.run("get", "ocrservices"))
    print(f"  curl -H 'Accept: text/plain' --data-binary @{image} {url}/v1/ocr")
    print(f"  curl -F file=@{image} {url}/v1/ocr")


def await_ready(target: Node, service: str, say: Say) -> None:
    """Wait for the OCRService, saying what kubectl shows whenever that changes."""
    kubectl = target.kubectl()
    deadline = time.monotonic() + READY_SECONDS
    shown = ""
    while True:
        status = kubectl.json("get", "ocrservice", service).get("status", {})
        ready = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), None)
        line = f"{service}: {ready['reason']}: {ready['message']}" if ready else f"{service}: no status yet"
        if line != shown:
            say(line)
            shown = line
        if ready and ready["status"] == "True":
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"{service} is not ready after {READY_SECONDS:.0f} s: {shown}")
        time.sleep(POLL_SECONDS)


def recognise(url: str, image: Path) -> str:
    """The text that the service reads in the image."""
    try:
        headers = {"Accept": "text/plain"}
        answer = httpx.post(f"{url}/v1/ocr", content=image.read_bytes(), headers=headers, timeout=60)
    except httpx.HTTPError as error:
        raise ClusterError(f"{url}/v1/ocr: {error}") from error
    if answer.is_error:
        raise ClusterError(f"{url}/v1/ocr: {answer.status_code}: {answer.text}")
    return answer.text


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.dev", description=__doc__)
    parser.add_argument("command", choices=["up", "demo", "down"])
    parser.add_argument("--name", default=node.DEFAULT_NAME, help="of the node; default: %(default)s")
    arguments = parser.parse_args(argv)
    try:
        {"up": up, "demo": demo, "down": node.down}[arguments.command](arguments.name)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
