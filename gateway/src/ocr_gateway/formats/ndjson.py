"""The answer as a stream of events, one JSON object a line: `meta`, then `page` or `page_error` for each page
in order, then `end`."""

import json
from collections.abc import Mapping
from typing import Literal

from ocr_gateway.formats import json as json_format
from ocr_gateway.formats.view import View
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised

Status = Literal["succeeded", "partial", "failed"]


def render(result: Recognised, view: View) -> bytes:
    """All events of a document that has been read."""
    events = [
        meta(len(result.results), view),
        *(page(each, view) for each in result.results),
        end(result.status, result.timings_ms),
    ]
    return b"".join(events)


def meta(pages: int, view: View) -> bytes:
    """The first event: how many pages will come."""
    return _line({"event": "meta", "id": view.request_id, "pages": pages})


def page(result: PageResult, view: View) -> bytes:
    """A page as in the JSON answer, or its problem as `error`."""
    event = "page_error" if isinstance(result.outcome, Problem) else "page"
    model = {"model": result.model.model_dump()} if result.model else {}
    return _line({"event": event, **json_format.page(result, view), **model})


def end(status: Status, timings_ms: Mapping[str, float]) -> bytes:
    """The last event of a document that was read to its end."""
    return _line(
        {"event": "end", "status": status, "timings_ms": {k: round(v, 1) for k, v in timings_ms.items()}}
    )


def broken(problem: Problem, view: View) -> bytes:
    """The last event when the rest of the document will not come."""
    return _line({"event": "end", "status": "failed", "error": problem.document(view.request_id)})


def _line(event: Mapping[str, object]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
