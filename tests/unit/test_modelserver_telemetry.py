"""Nothing of what is read leaves the machine, nor that it is read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OPEN_A_SESSION = """
from ocr_modelserver.config import Config
from ocr_modelserver.models.store import default_models_dir
from ocr_modelserver.reader import open_reader
open_reader(Config(default_models_dir(), threads=1))
"""


def test_the_telemetry_of_onnx_runtime_never_starts(tmp_path: Path) -> None:
    # Started, it leaves its device id in the temporary folder (onnxruntime 1.32, telemetry_1ds.cc).
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", OPEN_A_SESSION]
    subprocess.run(command, env={**environment, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []
