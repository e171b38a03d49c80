"""The option `pages`: which pages of a document are wanted, such as `1-3,7` or `2-`."""

import re
from collections.abc import Sequence
from itertools import pairwise

from ocr_gateway.problems import Problem

MAX_LENGTH = 1000
_ITEM = re.compile(r"(?P<one>[0-9]{1,9})|(?P<first>[0-9]{1,9})?-(?P<last>[0-9]{1,9})?")
_FORM = "Pages are numbers and ranges from small to large, such as 1-3,7 or 2-."

Span = tuple[int, int | None]


def parse(text: str) -> tuple[Span, ...]:
    """The first and last page of each range, counted from 1; None: to the end. `-3` begins at page 1.

    Raises:
        Problem: invalid_pages; not such a list, backwards or overlapping.
    """
    spans = tuple(_span(item.strip()) for item in text.split(","))
    for (_, before), (first, _) in pairwise(spans):
        if before is None or first <= before:
            raise _invalid(f"pages={text[:64]!r} goes backwards or names page {first} twice. {_FORM}")
    return spans


def select(text: str | None, count: int, most: int) -> Sequence[int]:
    """The wanted pages of a document of `count` pages, in order; all of them when `text` is None.

    Raises:
        Problem: invalid_pages; too_many_pages when they are more than `most`.
    """
    spans = [(1, count)] if text is None else [_within(span, count) for span in parse(text)]
    wanted = sum(last - first + 1 for first, last in spans)
    if wanted > most:
        raise too_many_pages(wanted, most)
    return [number for first, last in spans for number in range(first, last + 1)]


def too_many_pages(count: int, most: int, *, at_least: bool = False) -> Problem:
    """The refusal of more pages than are read at once."""
    return Problem(
        "too_many_pages",
        f"The document has {count}{' or more' if at_least else ''} pages that are wanted; at most {most} are "
        f"read at once. Ask for some of them, as with pages=1-{most}, or split it.",
        limit=most,
        actual=count,
    )


def _span(item: str) -> Span:
    match = _ITEM.fullmatch(item)
    if not match or item == "-":
        raise _invalid(f"pages has {item[:64]!r}, which is no page and no range. {_FORM}")
    first = int(match["one"] or match["first"] or 1)
    last = int(match["one"] or match["last"]) if match["one"] or match["last"] else None
    if first < 1 or (last is not None and last < first):
        raise _invalid(f"pages has {item!r}, but pages count from 1 and ranges go forward. {_FORM}")
    return first, last


def _within(span: Span, count: int) -> tuple[int, int]:
    first, last = span[0], count if span[1] is None else span[1]
    if max(first, last) > count:
        held = "1 page" if count == 1 else f"{count} pages"
        raise _invalid(f"Page {max(first, last)} is asked for, but the document has {held}.", count)
    return first, last


def _invalid(detail: str, limit: int | None = None) -> Problem:
    return Problem("invalid_pages", detail, limit=limit)
