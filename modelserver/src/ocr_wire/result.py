"""The result of reading a document, as it travels from the model server to the gateway.

Coordinates are pixels of the original image after its EXIF orientation is applied: x to the right, y down.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Point = tuple[float, float]


class _Wire(BaseModel):
    # Unknown members are ignored, not refused: gateway and model server are rolled out one after the other.
    model_config = ConfigDict(frozen=True)


class Word(_Wire):
    """A word, or a Chinese or Japanese run without spaces.

    `polygon` runs clockwise from the corner where reading starts; `bbox` is its upright hull
    `(x0, y0, x1, y1)`; `confidence` is 0 to 1.
    """

    text: str
    confidence: float = Field(ge=0, le=1)
    polygon: tuple[Point, Point, Point, Point]
    bbox: tuple[float, float, float, float]


class Line(Word):
    """One line of text, and its words from first to last; joined by spaces they are its text.

    `block` numbers the paragraphs of the page from 0; the lines of a paragraph follow one another.
    """

    words: tuple[Word, ...] = ()
    block: int = Field(default=0, ge=0)


class Page(_Wire):
    """One page: its size in pixels, its lines in reading order, and the milliseconds of each stage.

    `rotation` is the clockwise turn in degrees that sets the page upright, `skew` how many degrees its lines
    then still fall to the right (negative: rise). Coordinates are those of the page as it came.
    """

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    rotation: Literal[0, 90, 180, 270] = 0
    skew: float = 0.0
    lines: tuple[Line, ...] = ()
    timings_ms: dict[str, float] = Field(default_factory=dict)

    @property
    def text(self) -> str:
        """The lines joined by newlines."""
        return "\n".join(line.text for line in self.lines)


class ModelRef(_Wire):
    """The model that read the page; `sha256` covers all of its files."""

    name: str
    sha256: str


class Document(_Wire):
    """All pages of one image file, in the file's order."""

    model: ModelRef
    pages: tuple[Page, ...]

    @property
    def text(self) -> str:
        """The pages joined by a blank line."""
        return "\n\n".join(page.text for page in self.pages)
