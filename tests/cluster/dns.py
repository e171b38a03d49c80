"""CoreDNS as an ordinary Deployment."""

import json
from typing import Any

from tests.cluster.nodefiles import DNS_ADDRESS

IMAGE = "localhost/coredns:1"
COREFILE = """\
.:1053 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa
    cache 5
}
"""
NAME = {"name": "coredns"}
META = {**NAME, "namespace": "kube-system"}
LABELS = {"k8s-app": "kube-dns"}


def manifest() -> str:
    """Everything that CoreDNS needs, as one List."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*_access(), *_program()]})


def _access() -> list[dict[str, Any]]:
    read = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
    ]
    group = "rbac.authorization.k8s.io"
    role = {"apiGroup": group, "kind": "ClusterRole", **NAME}
    subject = {"kind": "ServiceAccount", **META}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": META},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": NAME, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": NAME,
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def _program() -> list[dict[str, Any]]:
    ports = [
        {"name": f"dns-{p.lower()}", "port": 53, "targetPort": 1053, "protocol": p} for p in ("UDP", "TCP")
    ]
    service = {"clusterIP": DNS_ADDRESS, "selector": LABELS, "ports": ports}
    container = {
        **NAME,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
    }
    pod = {
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": NAME}],
    }
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    deployment = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": template}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": META, "data": {"Corefile": COREFILE}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {**META, "name": "kube-dns"}, "spec": service},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": META, "spec": deployment},
    ]
