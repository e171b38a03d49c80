"""Which format the client gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ocr_gateway.formats import json, ndjson, text
from ocr_gateway.formats.view import View
from ocr_gateway.problems import Problem
from ocr_gateway.result import Recognised


@dataclass(frozen=True)
class Format:
    """A media type and what makes it; `render` may take a while and runs in a thread."""

    media_type: str
    render: Callable[[Recognised, View], bytes]


# By the name in `output`, in the server's order of preference.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "json": Format("application/json", json.render),
        "text": Format("text/plain", text.render),
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
    quality, _, name = max(
        (_quality(form.media_type, ranges), -place, name)
        for place, (name, form) in enumerate(FORMATS.items())
    )
    if quality <= 0:
        types = ", ".join(form.media_type for form in FORMATS.values())
        raise Problem(
            "not_acceptable", f"Accept: {accept[:128]!r} takes nothing that is produced here: {types}."
        )
    return FORMATS[name]


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
