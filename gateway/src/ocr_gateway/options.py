"""The options of an OCR request: one model, whether they come in the query, in form fields or in JSON."""

from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ocr_gateway.documents import page_ranges
from ocr_gateway.problems import Problem

MIN_DPI, MAX_DPI = 50, 600
M = TypeVar("M", bound=BaseModel)


class Options(BaseModel):
    """What a client may ask for. The descriptions are the API's documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: str | None = Field(None, description="Format of the answer; without it, Accept decides.")
    level: Literal["line", "word"] = Field("line", description="`word`: lines have their words, too (json).")
    coordinates: Literal["pixel", "relative"] = Field(
        "pixel", description="`relative`: 0 to 1 of the page's width and height (json)."
    )
    min_confidence: float = Field(0, ge=0, le=1, description="Lines that are read less surely are left out.")
    deadline_ms: int | None = Field(
        None,
        ge=1,
        description="Milliseconds from the request's beginning after which its work is given up; "
        "the service's own limit holds anyway.",
    )
    pages: str | None = Field(
        None, max_length=page_ranges.MAX_LENGTH, description="Pages to read, such as `1-3,7` or `2-`; all."
    )
    dpi: int = Field(200, ge=MIN_DPI, le=MAX_DPI, description="Pixels an inch in which a PDF is drawn.")
    pdf_mode: Literal["auto", "ocr", "text"] = Field(
        "auto",
        description="`auto`: the text that a page of a PDF has, where it says what is shown, else the "
        "page is read from its picture; `ocr`: always from its picture; `text`: its text alone.",
    )

    @field_validator("pages")
    @classmethod
    def _listed(cls, pages: str | None) -> str | None:
        """Refuse what is no list of pages by its own code."""
        if pages is not None:
            page_ranges.parse(pages)
        return pages


OPTION_NAMES = frozenset(Options.model_fields)


def parse(given: Mapping[str, object]) -> Options:
    """The options of one request; names are known to be right.

    Raises:
        Problem: invalid_parameter, naming the option and what it may be; invalid_pages.
    """
    return checked(Options, given)


def checked(model: type[M], given: Mapping[str, object]) -> M:
    """Parameters as a model; raises Problem as `parse`."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        value = str(given.get(name, ""))[:64]
        raise Problem("invalid_parameter", f"{name}={value!r} is not possible: {first['msg']}.") from None
