"""The JSON answer, and its JSON Schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import Field, TypeAdapter

# Before Python 3.12 pydantic takes no other TypedDict.
from typing_extensions import TypedDict

from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import Block, Box, blocks_of, words_of
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, PageSource, Recognised
from ocr_wire.result import Line, Page, Point, Word

SCHEMA_ID: Final = "https://kubeocr.dev/schemas/ocr-result.v1.json"

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Unit = Literal["pixel", "relative"]


class WordAnswer(TypedDict):
    """A word, or a Chinese or Japanese run without spaces."""

    text: str
    confidence: Share
    polygon: Annotated[list[Point], Field(description="Clockwise from the corner where reading starts.")]
    bbox: Annotated[Box, Field(description="The upright hull: left, top, right, bottom.")]


class LineAnswer(WordAnswer):
    """A line of text."""

    id: Annotated[int, Field(ge=0, description="Its place in the page's reading order.")]
    block: Annotated[int, Field(ge=0, description="The id of its block.")]
    words: NotRequired[Annotated[list[WordAnswer], Field(description="With level=word.")]]


class BlockAnswer(TypedDict):
    """A paragraph."""

    id: Count
    bbox: Box
    lines: Annotated[list[Count], Field(description="The ids of its lines.")]


class PageAnswer(TypedDict):
    """A page that was read. Coordinates are of the page after its EXIF orientation, y down."""

    page: Annotated[int, Field(ge=1, description="Its number in the document.")]
    width: Annotated[int, Field(ge=1, description="In pixels.")]
    height: Annotated[int, Field(ge=1, description="In pixels.")]
    unit: Annotated[Unit, Field(description="Of polygons and boxes; `relative`: 0 to 1 of width and height.")]
    dpi: NotRequired[
        Annotated[int, Field(ge=1, description="Pixels an inch that a page of a PDF was drawn with.")]
    ]
    source: Annotated[PageSource, Field(description="`text`: the page's own text layer was taken.")]
    rotation: Annotated[
        Literal[0, 90, 180, 270],
        Field(description="The clockwise turn that sets the page upright."),
    ]
    skew: Annotated[float, Field(description="How many degrees its lines then still fall to the right.")]
    text: Annotated[str, Field(description="The lines in reading order.")]
    confidence: Annotated[Share | None, Field(description="Mean over the characters; null without any.")]
    lines: list[LineAnswer]
    blocks: list[BlockAnswer]


class FailedPage(TypedDict):
    """A page that could not be read."""

    page: Annotated[int, Field(ge=1, description="Its number in the document.")]
    error: Annotated[dict[str, Any], Field(description="A problem (RFC 9457).")]


class ModelAnswer(TypedDict):
    """The model that read; `sha256` covers all of its files."""

    name: str
    sha256: str


class Usage(TypedDict):
    """What was read."""

    pages: Count
    megapixels: Annotated[float, Field(ge=0)]
    lines: Count


class Answer(TypedDict):
    """A document that was read. New members may be added to this version of the schema, none changes."""

    schema: Literal["https://kubeocr.dev/schemas/ocr-result.v1.json"]
    id: Annotated[str, Field(description="The request's id, as in X-Request-Id.")]
    status: Annotated[Literal["succeeded", "partial"], Field(description="`partial`: a page has an error.")]
    model: Annotated[ModelAnswer | None, Field(description="null when every page had text of its own.")]
    pages: list[PageAnswer | FailedPage]
    usage: Usage
    timings_ms: Annotated[dict[str, float], Field(description="By stage; stages of several pages overlap.")]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the answer."""
    described = TypeAdapter(Answer).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **described}


def render(result: Recognised, view: View) -> Iterator[bytes]:
    """The answer as UTF-8 JSON. Coordinates are of the upright page, confidences 0 to 1."""
    head = {
        "schema": SCHEMA_ID,
        "id": view.request_id,
        "status": result.status,
        "model": {"name": result.model.name, "sha256": result.model.sha256} if result.model else None,
    }
    yield dumped(head).removesuffix(b"}") + b',"pages":['
    pixels = lines = 0
    for place, each in enumerate(result.results):
        yield b"," * bool(place) + dumped(page(each, view))
        if isinstance(each.outcome, Page):
            pixels += each.outcome.width * each.outcome.height
            lines += len(each.outcome.lines)
    read = len(result.results) - len(result.results.problems)
    tail = {
        "usage": Usage(pages=read, megapixels=round(pixels / 1e6, 3), lines=lines),
        "timings_ms": rounded(result.timings_ms),
    }
    yield b"]," + dumped(tail).removeprefix(b"{")


def page(result: PageResult, view: View) -> PageAnswer | FailedPage:
    """One page of the answer, or its problem as `error`."""
    if isinstance(result.outcome, Problem):
        return {"page": result.number, "error": result.outcome.document(view.request_id)}
    read, options = result.outcome, view.options
    answer: PageAnswer = {
        "page": result.number,
        "width": read.width,
        "height": read.height,
        "unit": options.coordinates,
        "source": result.source,
        "rotation": read.rotation,
        "skew": read.skew,
        "text": read.text,
        "confidence": confidence(read),
        "lines": [_line(place, line, read, options) for place, line in enumerate(read.lines)],
        "blocks": [_block(block, read, options) for block in blocks_of(read)],
    }
    if result.dpi:
        answer["dpi"] = result.dpi
    return answer


def dumped(value: Mapping[str, object]) -> bytes:
    """An object as JSON in UTF-8. Half of a surrogate pair cannot be encoded: it becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def rounded(timings_ms: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds to a tenth."""
    return {stage: round(value, 1) for stage, value in timings_ms.items()}


def confidence(page: Page) -> float | None:
    """The mean over the page's characters; None for a page without text."""
    characters = sum(len(line.text) for line in page.lines)
    if not characters:
        return None
    return round(sum(line.confidence * len(line.text) for line in page.lines) / characters, 4)


def _line(place: int, line: Line, page: Page, options: Options) -> LineAnswer:
    read = _word(line, page, options)
    answer: LineAnswer = {
        "id": place,
        "text": read["text"],
        "confidence": read["confidence"],
        "polygon": read["polygon"],
        "bbox": read["bbox"],
        "block": line.block,
    }
    if options.level == "word":
        answer["words"] = [_word(word, page, options) for word in words_of(line)]
    return answer


def _word(word: Word, page: Page, options: Options) -> WordAnswer:
    return {
        "text": word.text,
        "confidence": word.confidence,
        "polygon": [_point(*corner, page, options) for corner in word.polygon],
        "bbox": _bbox(word.bbox, page, options),
    }


def _block(block: Block, page: Page, options: Options) -> BlockAnswer:
    lines = list(range(block.first, block.first + len(block.lines)))
    return {"id": block.number, "bbox": _bbox(block.bbox, page, options), "lines": lines}


def _bbox(bbox: Box, page: Page, options: Options) -> Box:
    left, top, right, bottom = bbox
    return (*_point(left, top, page, options), *_point(right, bottom, page, options))


def _point(x: float, y: float, page: Page, options: Options) -> Point:
    if options.coordinates == "relative":
        return round(x / page.width, 6), round(y / page.height, 6)
    return round(x, 1), round(y, 1)


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
