"""The operator with settings that its command line does not have: shorter times, for tests.

Usage: python run_operator.py '{"kubeconfig": ..., "operands": ..., ...}'
"""

import json
import sys
from pathlib import Path

from ocr_operator import app
from ocr_operator.config import Config, load_operands
from ocr_operator.runtime import logs

if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    for name in ("kubeconfig", "operands"):
        settings[name] = Path(settings[name])
    settings["operands"] = load_operands(settings["operands"])
    settings["namespaces"] = tuple(settings["namespaces"])
    logs.configure("info")
    sys.exit(app.main(Config(**settings), "0.1.0"))
