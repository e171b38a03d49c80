"""The answer as a stream of events, one JSON object a line: `meta`, then `page` or `page_error` for each page
in order, then `end`."""

from collections.abc import Iterator, Mapping
from typing import Literal

from ocr_gateway.formats import json as json_format
from ocr_gateway.formats.view import View
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised

Status = Literal["succeeded", "partial", "failed"]


def render(result: Recognised, view: View) -> Iterator[bytes]:
    """All events of a document that has been read."""
    yield meta(len(result.results), view)
    for each in result.results:
        yield page(each, view)
    yield end(result.status, result.timings_ms)


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
    return _line({"event": "end", "status": status, "timings_ms": json_format.rounded(timings_ms)})


def broken(problem: Problem, view: View) -> bytes:
    """The last event when the rest of the document will not come."""
    return _line({"event": "end", "status": "failed", "error": problem.document(view.request_id)})


def _line(event: Mapping[str, object]) -> bytes:
    return json_format.dumped(event) + b"\n"
