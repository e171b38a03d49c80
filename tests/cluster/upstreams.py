"""CRDs that other projects publish in their Go modules: fetched, verified, never committed."""

import json
import subprocess
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.gobuild import go_environment, say, toolchain

PROMETHEUS_OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
PROMETHEUS_OPERATOR_SUM = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="
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


def service_monitor_crd() -> Path:
    """The CRD of ServiceMonitors, as prometheus-operator publishes it."""
    folder = module(PROMETHEUS_OPERATOR, PROMETHEUS_OPERATOR_SUM) / "example/prometheus-operator-crd"
    return folder / "monitoring.coreos.com_servicemonitors.yaml"
