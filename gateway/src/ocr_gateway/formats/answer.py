"""A result as the answer that goes out."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from ocr_gateway.formats.child import Children
from ocr_gateway.formats.negotiate import Format
from ocr_gateway.formats.pieces import together
from ocr_gateway.formats.view import View
from ocr_gateway.result import Recognised

# Of the pages that failed, so many are named in the header; JSON has them all.
MAX_NAMED = 50


@dataclass(frozen=True)
class Answer:
    """A body and the headers that belong to it."""

    content: bytes
    media_type: str
    headers: dict[str, str]

    def response(self, headers: Mapping[str, str]) -> Response:
        """The answer as a response, with these headers too."""
        return Response(self.content, headers={**self.headers, **headers}, media_type=self.media_type)


async def answer(form: Format, result: Recognised, view: View, children: Children) -> Answer:
    """The result in that format.

    Raises:
        Problem: output_failed.
    """
    pieces = form.render(result, view)
    if form.program:
        content = await children.run(form.program, pieces)
    else:
        content = await asyncio.to_thread(together, pieces)
    return Answer(content, form.media_type, _headers(form, result))


def _headers(form: Format, result: Recognised) -> dict[str, str]:
    headers = {}
    if failed := list(map(str, result.results.problems)):
        headers["OCR-Failed-Pages"] = ", ".join(failed[:MAX_NAMED])
    if form.filename:
        headers["Content-Disposition"] = f'attachment; filename="{form.filename}"'
    return headers
