"""The kubelet's figures of containers in Prometheus, as kube-prometheus-stack gets them.

prometheus-operator keeps the Service and its endpoints; the ServiceMonitor is that of the chart, but for
where the token is: https://github.com/prometheus-community/helm-charts/tree/main/charts/kube-prometheus-stack
"""

from __future__ import annotations

from tests.cluster.kubectl import Kubectl

SERVICE = "kube-system/kubelet"
ACCOUNT = "scraper"
RBAC = "rbac.authorization.k8s.io"


def monitor(kubectl: Kubectl, api_version: str, interval: str) -> None:
    """Have the Prometheus of kubectl's namespace scrape cAdvisor's metrics of all nodes."""
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": kubectl.namespace}
    rules = [{"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}]
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": ACCOUNT}
    named = {"metadata": {"name": ACCOUNT}}
    kubectl.apply({"apiVersion": "v1", "kind": "ServiceAccount", **named})
    kubectl.apply({"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", **named, "rules": rules})
    binding = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRoleBinding", **named}
    kubectl.apply({**binding, "roleRef": role, "subjects": [subject]})
    token = {"token": kubectl.run("create", "token", ACCOUNT)}
    kubectl.apply({"apiVersion": "v1", "kind": "Secret", **named, "stringData": token})
    endpoint = {
        "port": "https-metrics",
        "scheme": "https",
        "path": "/metrics/cadvisor",
        "interval": interval,
        "honorLabels": True,
        "tlsConfig": {"insecureSkipVerify": True},
        "authorization": {"credentials": {"name": ACCOUNT, "key": "token"}},
    }
    spec = {
        "jobLabel": "app.kubernetes.io/name",
        "namespaceSelector": {"matchNames": [SERVICE.partition("/")[0]]},
        "selector": {"matchLabels": {"app.kubernetes.io/name": "kubelet"}},
        "endpoints": [endpoint],
    }
    kubectl.apply(
        {"apiVersion": api_version, "kind": "ServiceMonitor", "metadata": {"name": "kubelet"}, "spec": spec}
    )
