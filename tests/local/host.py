"""`ocr-operator local` with the small programs: python -m tests.local.host MANIFEST GATEWAY_PORT"""

import sys
from pathlib import Path

from ocr_operator.local import Options, run
from ocr_operator.models.operands import Operands

PROGRAM = Path(__file__).with_name("program.py")
MODEL = {"name": "balanced", "sha256": "0" * 64, "languages": ["en"]}
OPERAND = {
    "version": "0.1.0",
    "gateway": "ocr-gateway:0.1.0",
    "modelServer": "ocr-modelserver:0.1.0",
    "models": [MODEL],
}


def options(manifest: Path, port: int) -> Options:
    """What the command line would be, but for the programs."""
    operands = Operands.model_validate({"default": "0.1.0", "versions": [OPERAND]})
    return Options(manifest, port, operands, "0.1.0", lambda name: (sys.executable, str(PROGRAM), name))


if __name__ == "__main__":
    raise SystemExit(run(options(Path(sys.argv[1]), int(sys.argv[2]))))
