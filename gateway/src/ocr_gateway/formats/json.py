"""The JSON answer."""

import json

from ocr_gateway.recognise import Recognised
from ocr_wire.result import Page


def render(result: Recognised, *, request_id: str) -> bytes:
    """The answer as UTF-8 JSON. Coordinates are pixels of the upright page, confidences 0 to 1."""
    answer = {
        "id": request_id,
        "status": "succeeded",
        "model": {"name": result.model.name, "sha256": result.model.sha256},
        "pages": [_page(number, page) for number, page in enumerate(result.pages, start=1)],
        "usage": {
            "pages": len(result.pages),
            "megapixels": round(sum(page.width * page.height for page in result.pages) / 1e6, 3),
            "lines": sum(len(page.lines) for page in result.pages),
        },
        "timings_ms": {name: round(value, 1) for name, value in result.timings_ms.items()},
    }
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _page(number: int, page: Page) -> dict[str, object]:
    return {
        "page": number,
        "width": page.width,
        "height": page.height,
        "unit": "pixel",
        "text": page.text,
        "confidence": confidence(page),
        "lines": [{"id": place, **line.model_dump()} for place, line in enumerate(page.lines)],
    }


def confidence(page: Page) -> float | None:
    """The mean over the page's characters; None for a page without text."""
    characters = sum(len(line.text) for line in page.lines)
    if not characters:
        return None
    return round(sum(line.confidence * len(line.text) for line in page.lines) / characters, 4)
