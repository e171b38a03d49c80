"""What is asked of the process that writes the PDF: the pages and their words, then the document."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple

from pydantic import BaseModel, ConfigDict

from ocr_wire.result import Point


class Placed(NamedTuple):
    """A word and its corners in pixels, clockwise from the one where reading starts."""

    text: str
    corners: tuple[Point, Point, Point, Point]


class Sheet(BaseModel):
    """A page to write: its size in pixels, and its lines of words.

    No lines: the page stays as it is. A page that could not be read has no size.
    """

    model_config = ConfigDict(frozen=True)

    width: int = 0
    height: int = 0
    lines: tuple[tuple[Placed, ...], ...] = ()


@dataclass(frozen=True)
class Order:
    """The numbers of the pages to write, and for each its sheet as JSON, to be read when its turn comes."""

    numbers: tuple[int, ...]
    sheets: tuple[bytes, ...]


def pack(count: int, sheets: Iterable[tuple[int, Sheet]], document: bytes) -> Iterator[bytes]:
    """A line with how many pages there are, a line for each, its number and its JSON, and the document."""
    yield b"%d\n" % count
    for number, sheet in sheets:
        yield b"%d %s\n" % (number, sheet.model_dump_json().encode())
    yield document


def unpack(packed: IO[bytes]) -> tuple[Order, bytes]:
    """The order and the document."""
    count = int(packed.readline())
    numbers, sheets = zip(*(packed.readline().split(b" ", 1) for _ in range(count)), strict=True)
    return Order(tuple(map(int, numbers)), sheets), packed.read()
