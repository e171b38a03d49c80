"""Manifests that other projects publish in their Go modules: fetched, verified, never committed."""

import json
import subprocess
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import go_environment, say, toolchain

PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
PROMETHEUS_OPERATOR_SUM = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="
ARGO_CD = "github.com/argoproj/argo-cd/v3@v3.2.11"
ARGO_CD_SUM = "h1:3hkR11XCp/nlyM2cWr3qeUSGuZgi3JkFdMpzgL5qOR8="
GATEWAY_API = "sigs.k8s.io/gateway-api@v1.4.0"
GATEWAY_API_SUM = "h1:ZwlNM6zOHq0h3WUX2gfByPs2yAEsy/EenYJB78jpQfQ="
SECONDS = 180


def module(path: str, checksum: str) -> Path:
    """The folder of a Go module `PATH@VERSION`; raises ClusterError unless it has that checksum."""
    command = [str(toolchain(say)), "mod", "download", "-json", path]
    result = subprocess.run(
        command, env=go_environment(), cwd="/", capture_output=True, text=True, timeout=SECONDS, check=False
    )
    answer = json.loads(result.stdout or "{}")
    if answer.get("Sum") != checksum:
        reason = answer.get("Error") or result.stderr or f"its sum is {answer.get('Sum')}, not {checksum}"
        raise ClusterError(f"go mod download {path}: {reason}")
    return Path(answer["Dir"])


def monitoring_crds() -> Path:
    """The folder of all CRDs that prometheus-operator publishes."""
    return module(PROMETHEUS_OPERATOR, PROMETHEUS_OPERATOR_SUM) / "example/prometheus-operator-crd"


def service_monitor_crd() -> Path:
    """The CRD of ServiceMonitors."""
    return monitoring_crds() / "monitoring.coreos.com_servicemonitors.yaml"


def http_route_crd() -> Path:
    """The CRD of HTTPRoutes, from the standard channel of the Gateway API."""
    folder = module(GATEWAY_API, GATEWAY_API_SUM) / "config/crd/standard"
    return folder / "gateway.networking.k8s.io_httproutes.yaml"


def argo_cd() -> Path:
    """The folder `manifests` of Argo CD."""
    return module(ARGO_CD, ARGO_CD_SUM) / "manifests"
