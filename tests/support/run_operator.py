"""The operator with settings that its command line does not have: shorter times, for tests.

Usage: python run_operator.py '{"kubeconfig": ..., "operands": ..., ...}'
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ocr_operator import app
from ocr_operator.cluster.kube.lease import Timing
from ocr_operator.config import Config, load_operands
from ocr_operator.runtime import logs


def clock(offset: str | None) -> datetime:
    """Now, wrong by as many seconds as the file says, once there is one."""
    file = Path(offset or "/nonexistent")
    return datetime.now(UTC) + timedelta(seconds=float(file.read_text()) if file.exists() else 0.0)


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    for name in ("kubeconfig", "operands"):
        settings[name] = Path(settings[name])
    settings["operands"] = load_operands(settings["operands"])
    settings["namespaces"] = tuple(settings["namespaces"])
    settings["lease_timing"] = Timing(**settings.get("lease_timing", {}))
    version, offset = settings.pop("version", "0.1.0"), settings.pop("clock", None)
    logs.configure("info")
    sys.exit(app.main(Config(**settings), version, lambda: clock(offset)))
