"""The JSON answer."""

import json
from collections.abc import Mapping

from ocr_gateway.formats.view import View
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised
from ocr_wire.result import Line, Page, Word


def render(result: Recognised, view: View) -> bytes:
    """The answer as UTF-8 JSON. Coordinates are of the upright page, confidences 0 to 1."""
    pages = result.pages
    answer = {
        "id": view.request_id,
        "status": result.status,
        "model": result.model and result.model.model_dump(),
        "pages": [page(each, view) for each in result.results],
        "usage": {
            "pages": len(pages),
            "megapixels": round(sum(page.width * page.height for page in pages) / 1e6, 3),
            "lines": sum(len(page.lines) for page in pages),
        },
        "timings_ms": {name: round(value, 1) for name, value in result.timings_ms.items()},
    }
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def page(result: PageResult, view: View) -> Mapping[str, object]:
    """One page of the answer, or its problem as `error`."""
    if isinstance(result.outcome, Problem):
        return {"page": result.number, "error": result.outcome.document(view.request_id)}
    read = result.outcome
    return {
        "page": result.number,
        "width": read.width,
        "height": read.height,
        "unit": "pixel" if view.options.coordinates == "pixel" else "relative",
        **({"dpi": result.dpi} if result.dpi else {}),
        "source": result.source,
        "rotation": read.rotation,
        "skew": read.skew,
        "text": read.text,
        "confidence": confidence(read),
        "lines": [_line(place, line, read, view.options) for place, line in enumerate(read.lines)],
    }


def confidence(page: Page) -> float | None:
    """The mean over the page's characters; None for a page without text."""
    characters = sum(len(line.text) for line in page.lines)
    if not characters:
        return None
    return round(sum(line.confidence * len(line.text) for line in page.lines) / characters, 4)


def _line(place: int, line: Line, page: Page, options: Options) -> dict[str, object]:
    words = {"words": [_box(word, page, options) for word in line.words]} if options.level == "word" else {}
    return {"id": place, **_box(line, page, options), "block": line.block, **words}


def _box(word: Word, page: Page, options: Options) -> dict[str, object]:
    relative = options.coordinates == "relative"
    across, down, digits = (page.width, page.height, 6) if relative else (1, 1, 1)
    left, top, right, bottom = word.bbox

    def point(x: float, y: float) -> tuple[float, float]:
        return round(x / across, digits), round(y / down, digits)

    return {
        "text": word.text,
        "confidence": word.confidence,
        "polygon": [point(*corner) for corner in word.polygon],
        "bbox": [*point(left, top), *point(right, bottom)],
    }
