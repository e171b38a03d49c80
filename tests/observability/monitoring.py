"""prometheus-operator and Prometheus, both real, beside a node: what a cluster with monitoring has.

prometheus-operator would run Prometheus in a StatefulSet. Here it only makes the configuration, and Debian's
Prometheus runs with that in the node's network, where it reaches the pods.
"""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cluster import tools
from tests.cluster.kubectl import CommandError, Kubectl
from tests.cluster.node import Node
from tests.cluster.processes import start
from tests.cluster.upstreams import monitoring_crds
from tests.e2e.world import eventually
from tests.observability import discovery, kubelet

NAMESPACE = "monitoring"
NAME = "observer"
INTERVAL = "2s"
PORT = 9090
OPERATOR_PORT = 9091
RULES_MOUNT = "/etc/prometheus/rules"
# What the reloader beside a Prometheus writes for these: the variables of its pod.
POD = {"$(SHARD)": "0", "$(POD_NAME)": f"prometheus-{NAME}-0"}
# A ServiceMonitor with this label is not for this Prometheus.
HIDDEN = "hidden"
# How long a series lives on that is not scraped any more because nothing selects it; by default 5 minutes.
LOOKBACK = "30s"
API_VERSION = "monitoring.coreos.com/v1"
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Monitoring:
    """A Prometheus whose configuration comes from the cluster's ServiceMonitors and PrometheusRules."""

    node: Node
    folder: Path

    @property
    def kubectl(self) -> Kubectl:
        """kubectl in the namespace of the Prometheus object."""
        return self.node.kubectl(NAMESPACE)

    @property
    def url(self) -> str:
        """Prometheus, from outside of the node."""
        return f"http://{self.node.address}:{PORT}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query; fails where Prometheus refuses it."""
        result: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return result

    def seen(self, expression: str) -> list[dict[str, Any]]:
        """The samples of the query, as soon as there are any, of what is to be scraped by then."""

        def look() -> list[dict[str, Any]] | None:
            self.follow()
            return self.query(expression) or None

        return eventually(look, f"{expression} gives something")

    def history(self, expression: str, minutes: int) -> list[dict[str, Any]]:
        """Series of the last minutes, with a point every other second."""
        now = time.time()
        asked = {"query": expression, "start": str(now - 60 * minutes), "end": str(now), "step": INTERVAL}
        result: list[dict[str, Any]] = self._get("query_range", **asked)["result"]
        return result

    def targets(self) -> list[dict[str, Any]]:
        """What is scraped now, after taking over what the operator made meanwhile."""
        self.follow()
        targets: list[dict[str, Any]] = self._get("targets", state="active")["activeTargets"]
        return targets

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with the health of their last evaluation."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def firing(self) -> dict[str, list[dict[str, Any]]]:
        """Alerts that fire, by their name, after a look at what is to be scraped now."""
        self.follow()
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in self._get("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert)
        return found

    def apply_rules(self, name: str, groups: Sequence[Mapping[str, Any]]) -> None:
        """Give the cluster a PrometheusRule, and return when Prometheus has evaluated its rules."""
        metadata = {"name": name, "namespace": NAMESPACE}
        self.kubectl.apply(
            {
                "apiVersion": API_VERSION,
                "kind": "PrometheusRule",
                "metadata": metadata,
                "spec": {"groups": groups},
            }
        )
        wanted = {group["name"] for group in groups}

        def evaluated() -> bool:
            self.follow()
            loaded = self._get("rules")["groups"]
            known = all(rule["health"] != "unknown" for group in loaded for rule in group["rules"])
            return known and wanted <= {group["name"] for group in loaded}

        eventually(evaluated, "Prometheus evaluates the rules")

    def follow(self) -> None:
        """Take over configuration and rules as prometheus-operator has them, and the targets there are."""
        configuration = self._configuration()
        for name in discovery.namespaces(configuration):
            found = discovery.targets(self.node.kubectl(name))
            self._write(Path("targets", f"{name}.json"), json.dumps(found))
        by_files = discovery.by_files(configuration, self.folder / "targets")
        changed = [self._write(Path("prometheus.yaml"), yaml.safe_dump(by_files, sort_keys=False))]
        maps = self.kubectl.json("get", "configmaps", f"--selector=prometheus-name={NAME}")["items"]
        for rules in maps:
            folder = Path("rules", rules["metadata"]["name"])
            changed += [self._write(folder / file, text) for file, text in rules.get("data", {}).items()]
        if any(changed):
            httpx.post(f"{self.url}/-/reload").raise_for_status()

    def _configuration(self) -> dict[str, Any]:
        secret = self.kubectl.json("get", "secret", f"prometheus-{NAME}")
        text = gzip.decompress(base64.b64decode(secret["data"]["prometheus.yaml.gz"])).decode()
        for here, there in {RULES_MOUNT: str(self.folder / "rules"), **POD}.items():
            text = text.replace(here, there)
        configuration: dict[str, Any] = yaml.safe_load(text)
        return configuration

    def _write(self, file: Path, text: str) -> bool:
        path = self.folder / file
        if path.exists() and path.read_text() == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return True

    def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/api/v1/{what}", params=parameters, timeout=30).json()
        assert answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        data: dict[str, Any] = answer["data"]
        return data


@contextmanager
def monitoring(node: Node, folder: Path) -> Iterator[Monitoring]:
    """Both programs, running; Prometheus has no targets yet."""
    observer = Monitoring(node, folder)
    node.kubectl().run("apply", "--server-side", f"--filename={monitoring_crds()}")
    node.kubectl().established(f"--filename={monitoring_crds()}")
    node.kubectl().run("create", "namespace", NAMESPACE)
    credentials = _credentials(node.kubeconfig, folder)
    command = _operator_command(node, credentials)
    operator = start("prometheus-operator", command, folder, enter=node.in_network)
    try:
        observer.kubectl.apply(_prometheus())
        kubelet.monitor(observer.kubectl, API_VERSION, INTERVAL)
        eventually(lambda: _exists(observer.kubectl), f"a configuration is made; see {operator.log}")
        (folder / "prometheus.yaml").write_text("{}")
        prometheus = start("prometheus", _prometheus_command(observer), folder, enter=node.in_network)
        try:
            eventually(lambda: _ready(observer.url), f"Prometheus is ready; see {prometheus.log}")
            yield observer
        finally:
            prometheus.stop(STOP_SECONDS)
    finally:
        operator.stop(STOP_SECONDS)


def _credentials(kubeconfig: Path, folder: Path) -> dict[str, Path]:
    """The administrator's certificate, key and CA as files, by their names in Kubernetes' flags."""
    content = yaml.safe_load(kubeconfig.read_text())
    user, cluster = content["users"][0]["user"], content["clusters"][0]["cluster"]
    encoded = {
        "ca-file": cluster["certificate-authority-data"],
        "cert-file": user["client-certificate-data"],
        "key-file": user["client-key-data"],
    }
    files = {name: folder / name for name in encoded}
    for name, file in files.items():
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(encoded[name]))
    return files


def _server(node: Node) -> str:
    return str(yaml.safe_load(node.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])


def _operator_command(node: Node, credentials: Mapping[str, Path]) -> list[str]:
    flags = [f"--{name}={file}" for name, file in credentials.items()]
    listen = f"--web.listen-address={node.address}:{OPERATOR_PORT}"
    flags += [f"--apiserver={_server(node)}", f"--kubelet-service={kubelet.SERVICE}"]
    return [str(tools.prometheus_operator()), *flags, listen]


def _prometheus() -> dict[str, Any]:
    """A Prometheus that takes the ServiceMonitors and PrometheusRules of all namespaces."""
    selectors: dict[str, Any] = {
        "serviceMonitorSelector": {"matchExpressions": [{"key": HIDDEN, "operator": "DoesNotExist"}]},
        "serviceMonitorNamespaceSelector": {},
        "ruleSelector": {},
        "ruleNamespaceSelector": {},
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "Prometheus",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "version": tools.prometheus_version(),
            "replicas": 0,
            "scrapeInterval": INTERVAL,
            "evaluationInterval": INTERVAL,
            **selectors,
        },
    }


def _prometheus_command(observer: Monitoring) -> list[str]:
    return [
        str(tools.prometheus()),
        f"--config.file={observer.folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={observer.folder / 'data'}",
        f"--web.listen-address={observer.node.address}:{PORT}",
        "--web.enable-lifecycle",
        f"--query.lookback-delta={LOOKBACK}",
    ]


def _exists(kubectl: Kubectl) -> bool:
    try:
        kubectl.run("get", "secret", f"prometheus-{NAME}")
    except CommandError:
        return False
    return True


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").is_success
    except httpx.TransportError:
        return False
