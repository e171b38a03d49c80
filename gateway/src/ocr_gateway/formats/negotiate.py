"""Which format the client gets."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ocr_gateway.formats import alto, hocr, json, markdown, ndjson, page_xml, text, tsv
from ocr_gateway.formats.pdf import render as pdf
from ocr_gateway.formats.view import View
from ocr_gateway.problems import Problem
from ocr_gateway.result import Recognised


@dataclass(frozen=True)
class Format:
    """A media type and what makes it; `render` gives it in pieces, may take a while and runs in a thread.

    `also` are further media types by which Accept may ask for it, and which it then has. `program` is a
    module which is run as a process (`child.py`) to make the answer out of what `render` gives. `filename` is
    what a browser saves it as.
    """

    media_type: str
    render: Callable[[Recognised, View], Iterator[bytes]]
    also: tuple[str, ...] = ()
    program: str | None = None
    filename: str | None = None


# By the name in `output`, in the server's order of preference.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "json": Format("application/json", json.render),
        "text": Format("text/plain", text.render),
        "markdown": Format("text/markdown", markdown.render),
        "tsv": Format("text/tab-separated-values", tsv.render),
        "hocr": Format("text/vnd.hocr+html", hocr.render, also=("text/html", "application/xhtml+xml")),
        "alto": Format("application/alto+xml", alto.render, also=("application/xml", "text/xml")),
        "page": Format("application/vnd.prima.page+xml", page_xml.render),
        "pdf": Format(
            "application/pdf", pdf.render, program="ocr_gateway.formats.pdf", filename="document.pdf"
        ),
        "ndjson": Format("application/x-ndjson", ndjson.render),
    }
)


def choose(output: str | None, accept: str | None) -> Format:
    """The format: `output` when given, else the best of the Accept header (RFC 9110, 12.5.1).

    Raises:
        Problem: invalid_parameter or not_acceptable, both naming what can be had.
    """
    names = ", ".join(FORMATS)
    if output is not None:
        if output not in FORMATS:
            raise Problem("invalid_parameter", f"output={output[:64]!r} is not known; it is one of: {names}.")
        return FORMATS[output]
    if accept is None or not accept.strip():
        return FORMATS["json"]
    ranges = _ranges(accept)
    # The first of those that are wanted alike.
    best = max(_offers(), key=lambda offer: _quality(offer.media_type, ranges))
    if _quality(best.media_type, ranges) <= 0:
        types = ", ".join(offer.media_type for offer in _offers())
        raise Problem(
            "not_acceptable", f"Accept: {accept[:128]!r} takes nothing that is produced here: {types}."
        )
    return best


def _offers() -> Iterator[Format]:
    """Every format by each of its media types; the own ones before what they also go by."""
    yield from FORMATS.values()
    for form in FORMATS.values():
        yield from (replace(form, media_type=media_type) for media_type in form.also)


def _ranges(accept: str) -> dict[str, float]:
    ranges = {}
    for item in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = _number(value)
        ranges[media_range] = quality
    return ranges


def _number(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0


def _quality(media_type: str, ranges: Mapping[str, float]) -> float:
    """The most specific range that matches decides."""
    family = media_type.partition("/")[0]
    for candidate in (media_type, f"{family}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
