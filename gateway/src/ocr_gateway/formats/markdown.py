"""Markdown (CommonMark): the paragraphs of the pages, each on one line."""

import re
import unicodedata
from collections.abc import Iterator

from ocr_gateway.formats.characters import legible
from ocr_gateway.formats.pieces import separated
from ocr_gateway.formats.view import View
from ocr_gateway.formats.words import blocks_of
from ocr_gateway.result import PageResult, Recognised
from ocr_wire.result import Page

# What begins an item of a list: a bullet, or a number or letter with a dot or bracket.
_ITEM = re.compile(r"(?:[-*+\u2022\u2023\u25aa\u25cf\u25e6\u2013\u2014]|\(?(?:\d{1,3}|[A-Za-z])[.)])\s")
_HYPHENS = "-\u2010\u00ad"
# A word of these after a hyphen carries on an ellipsis ("Ein- und Ausgang", "pre- and post-war").
_JOINERS = frozenset({"and", "or", "to", "und", "oder", "bis", "et", "ou"})
# Characters that make or break markup wherever they stand, and what does so only first on a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>&~]")
_FIRST = re.compile(r"^(?:(\d+)(?=[.)](?:\s|$))|(?=[#+=-]))")


def render(result: Recognised, _: View) -> Iterator[bytes]:
    """Each page begins with the comment `<!-- page N -->`; one that could not be read says so there. UTF-8.

    The lines of a paragraph are joined, words that were divided at a line's end are made whole, and items of
    lists stay on lines of their own. What was read is text: nothing in it becomes markup.
    """
    parts = (part.encode() for each in result.results for part in _page(each))
    yield from separated(parts, b"\n\n")
    yield b"\n"


def _page(result: PageResult) -> Iterator[str]:
    if not isinstance(result.outcome, Page):
        yield f"<!-- page {result.number} was not read: {result.outcome.code} -->"
        return
    yield f"<!-- page {result.number} -->"
    for block in blocks_of(result.outcome):
        for paragraph in paragraphs([legible(line.text).strip() for line in block.lines]):
            yield escaped(paragraph)


def paragraphs(lines: list[str]) -> list[str]:
    """A block's lines as one paragraph, or as one for each item of a list."""
    found: list[str] = []
    for line in filter(None, lines):
        if found and not _ITEM.match(line):
            found[-1] = joined(found[-1], line)
        else:
            found.append(line)
    return found


def joined(text: str, line: str) -> str:
    """The next line put to a text.

    - A word divided by a hyphen becomes whole when it goes on in lower case.
    - What goes on with a capital or digit keeps its hyphen: "Baden-" and "Baden", "2025-" and "2026".
    - Chinese and Japanese have no space between lines; all else has one.
    """
    follows = line.split(maxsplit=1)[0]
    if text[-1] in _HYPHENS and text[-2:-1].isalnum() and follows.lower() not in _JOINERS:
        return (text[:-1] if text[-2].isalpha() and line[0].islower() else text) + line
    return text + ("" if _unspaced(text[-1]) and _unspaced(line[0]) else " ") + line


def escaped(text: str) -> str:
    """Text that a Markdown renderer shows as it is."""
    return _FIRST.sub(r"\1\\", _MARKUP.sub(r"\\\g<0>", text))


def _unspaced(character: str) -> bool:
    name = unicodedata.name(character, "")
    return name.startswith(("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC", "FULLWIDTH"))
