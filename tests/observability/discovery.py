"""Kubernetes' service discovery for a Prometheus that has none: Debian builds it without.

The configuration stays as prometheus-operator made it, with its relabelling, but for the source of targets:
files, with the labels that Prometheus' own discovery by the role `endpoints` gives, as far as they are used:
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#endpoints
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import Kubectl

PREFIX = "__meta_kubernetes"
Objects = Mapping[str, Mapping[str, Any]]


def by_files(configuration: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The configuration with files of the folder, one a namespace, in place of Kubernetes' discovery."""
    jobs = []
    for job in configuration.get("scrape_configs", ()):
        (found,) = job["kubernetes_sd_configs"]
        assert found["role"] == "endpoints", found
        files = [str(folder / f"{name}.json") for name in found["namespaces"]["names"]]
        rest = {key: value for key, value in job.items() if key != "kubernetes_sd_configs"}
        jobs.append({**rest, "file_sd_configs": [{"files": files, "refresh_interval": "1s"}]})
    return {**configuration, "scrape_configs": jobs}


def namespaces(configuration: Mapping[str, Any]) -> set[str]:
    """Where the configuration looks for targets."""
    return {
        name
        for job in configuration.get("scrape_configs", ())
        for found in job["kubernetes_sd_configs"]
        for name in found["namespaces"]["names"]
    }


def targets(kubectl: Kubectl) -> list[dict[str, Any]]:
    """The target groups of kubectl's namespace."""
    found = kubectl.json("get", "endpoints,services,pods")["items"]
    kinds: dict[str, dict[str, Any]] = {"Endpoints": {}, "Service": {}, "Pod": {}}
    for each in found:
        kinds[each["kind"]][each["metadata"]["name"]] = each
    services, pods = kinds["Service"], kinds["Pod"]
    return [
        group
        for name, endpoints in kinds["Endpoints"].items()
        if name in services
        for group in _of_endpoints(endpoints, services[name], pods)
    ]


def _of_endpoints(
    endpoints: Mapping[str, Any], service: Mapping[str, Any], pods: Objects
) -> Iterator[dict[str, Any]]:
    common = {
        f"{PREFIX}_namespace": endpoints["metadata"]["namespace"],
        f"{PREFIX}_service_name": service["metadata"]["name"],
        **_labels("service", service),
    }
    for subset in endpoints.get("subsets", ()):
        ready = [(address, "true") for address in subset.get("addresses", ())]
        unready = [(address, "false") for address in subset.get("notReadyAddresses", ())]
        for port in subset.get("ports", ()):
            for address, state in ready + unready:
                about = _address(address, pods)
                about |= {f"{PREFIX}_endpoint_ready": state, f"{PREFIX}_endpoint_port_name": port["name"]}
                yield {"targets": [f"{address['ip']}:{port['port']}"], "labels": {**common, **about}}


def _address(address: Mapping[str, Any], pods: Objects) -> dict[str, str]:
    target = address.get("targetRef", {"kind": "", "name": ""})
    about = {f"{PREFIX}_endpoint_address_target_{part}": target[part] for part in ("kind", "name")}
    pod = pods.get(target["name"])
    if pod is None:
        return about
    return about | {
        f"{PREFIX}_pod_name": target["name"],
        f"{PREFIX}_pod_phase": pod["status"]["phase"],
        f"{PREFIX}_pod_container_name": pod["spec"]["containers"][0]["name"],
        **_labels("pod", pod),
    }


def _labels(what: str, of: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in of["metadata"].get("labels", {}).items():
        plain = re.sub(r"[^a-zA-Z0-9_]", "_", name)
        found[f"{PREFIX}_{what}_label_{plain}"] = value
        found[f"{PREFIX}_{what}_labelpresent_{plain}"] = "true"
    return found
