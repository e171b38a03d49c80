"""multipart/form-data (RFC 7578), parsed as it arrives and kept in memory: a pod has no disk to spool to."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ocr_gateway.problems import Problem

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_PARTS = 16
MAX_FIELD_BYTES = 1024


@dataclass
class Part:
    """One part of the form: a file when its name is among the file fields, else an option."""

    name: str = ""
    data: bytearray = field(default_factory=bytearray)


class _Collector:
    """The parser's callbacks."""

    def __init__(self, files: Collection[str], max_parts: int) -> None:
        self.parts: list[Part] = []
        self._max_parts = max_parts
        self.complete = False
        self._files = files
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""

    @property
    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self.on_part_begin,
            "on_header_field": self.on_header_field,
            "on_header_value": self.on_header_value,
            "on_header_end": self.on_header_end,
            "on_headers_finished": self.on_headers_finished,
            "on_part_data": self.on_part_data,
            "on_end": self.on_end,
        }

    def on_part_begin(self) -> None:
        if len(self.parts) == self._max_parts:
            raise Problem(
                "too_many_parts",
                f"The form has more than {self._max_parts} parts; send fewer documents a request.",
                limit=self._max_parts,
                actual=self._max_parts + 1,
            )
        self.parts.append(Part())
        self._disposition = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name")
        if name is None:
            raise Problem("invalid_multipart", "A part has no name in its Content-Disposition.")
        self.parts[-1].name = name.decode("utf-8", "replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        part.data += memoryview(data)[start:end]
        if part.name not in self._files and len(part.data) > MAX_FIELD_BYTES:
            raise Problem(
                "invalid_parameter",
                f"The form field {part.name[:64]!r} has more than {MAX_FIELD_BYTES} bytes; "
                f"the document belongs into the field {' or '.join(sorted(self._files))}.",
                limit=MAX_FIELD_BYTES,
                actual=len(part.data),
            )

    def on_end(self) -> None:
        self.complete = True


async def parse(
    content_type: str, pieces: AsyncIterator[bytes], *, files: Collection[str], max_parts: int = MAX_PARTS
) -> list[Part]:
    """The parts of a form, in order; only those named in `files` may be large.

    Raises:
        Problem: invalid_multipart, too_many_parts, invalid_parameter (a large field), and those of `pieces`.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise Problem("invalid_multipart", "The Content-Type names no boundary.")
    collector = _Collector(files, max_parts)
    size = 0
    try:
        parser = MultipartParser(boundary, collector.callbacks)
        async for piece in pieces:
            size += len(piece)
            parser.write(piece)
    except FormParserError as error:
        raise Problem("invalid_multipart", f"The form cannot be parsed: {error}.") from error
    if not size:
        raise Problem("empty_body", "The body is empty; send the document in it.")
    if not collector.complete:
        raise Problem("invalid_multipart", "The form is cut off: its closing boundary is missing.")
    return collector.parts
