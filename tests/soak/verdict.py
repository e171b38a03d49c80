"""Whether an answer is right: pure. What is neither right nor refused for a reason is unexplained."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pypdfium2
from lxml import etree

from ocr_gateway.problems import CODES
from tests.bench.score import normalised, word_f1
from tests.soak.asks import Wanted

# Of the words of a page, in word-F1: one word of twenty may be read wrong.
TOLERANCE = 0.95
READ = "read"
# The service is full: such a request comes again, after Retry-After.
FULL = frozenset({"queue_full", "tenant_busy"})


class Unexplained(AssertionError):  # noqa: N818 - the word of the report
    """An answer that nothing in the request explains."""


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any] | None:
        """The problem (RFC 9457) that it is, if any; a stream's, too, of which no page could be read.

        Raises:
            Unexplained: it is none that is documented.
        """
        if self.headers.get("content-type") == "application/x-ndjson":
            return self._problem_of_a_stream()
        if self.status < 400:
            return None
        if self.headers.get("content-type") != "application/problem+json":
            raise Unexplained(f"{self.status} is no problem: {self.body[:200]!r}")
        problem: dict[str, Any] = json.loads(self.body)
        if problem["status"] != self.status:
            raise Unexplained(f"{self.status} says that it is {problem['status']}")
        return documented(problem)

    def _problem_of_a_stream(self) -> dict[str, Any] | None:
        events = [json.loads(line) for line in self.body.splitlines()]
        if not events or events[-1]["event"] != "end":
            raise Unexplained(f"the stream breaks off after {events[-1:]}")
        if events[-1]["status"] != "failed":
            return None
        return documented(next(event["error"] for event in events if "error" in event))


def documented(problem: dict[str, Any]) -> dict[str, Any]:
    """The problem; raises Unexplained unless docs/api.md has its code with this status."""
    code = CODES.get(problem["code"])
    if code is None or (code.status, code.retryable) != (problem["status"], problem["retryable"]):
        raise Unexplained(f"{problem['status']} {problem['code']} is not documented so")
    return problem


def judge(wanted: Wanted, answer: Answer) -> str:
    """How it went, in a word: that it was read, or the code of its problem.

    Raises:
        Unexplained: it is neither what was wanted nor a problem that fits.
    """
    problem = answer.problem
    if problem:
        if problem["code"] not in wanted.codes:
            raise Unexplained(f"{problem['status']} {problem['code']}: {problem['detail']}")
        return str(problem["code"])
    if answer.status != 200:
        raise Unexplained(f"status {answer.status}")
    if wanted.codes:
        raise Unexplained(f"it was answered, and not refused as {' or '.join(wanted.codes)}")
    compare(wanted.pages, READERS[wanted.output](answer.body))
    return READ


def judge_batch(wanted: Iterable[Wanted], answer: Answer) -> str:
    """As `judge`, for one answer to several documents."""
    if answer.problem or answer.status != 200:
        raise Unexplained(f"{answer.status}: {answer.body[:300]!r}")
    for each, result in zip(wanted, json.loads(answer.body)["results"], strict=True):
        code = result.get("error", {}).get("code")
        if code is None and not each.codes:
            compare(each.pages, _pages(result["document"]))
        elif code not in each.codes:
            raise Unexplained(f"in the batch: {code or 'read'}, not {' or '.join(each.codes) or 'read'}")
    return READ


def compare(truth: tuple[str, ...], read: list[str]) -> None:
    """Raise Unexplained unless the pages are these; an output that knows no pages gives one text of all."""
    if len(read) == 1 != len(truth):
        truth = (" ".join(truth),)
    if len(read) != len(truth):
        raise Unexplained(f"{len(read)} pages, not {len(truth)}")
    for number, (true, found) in enumerate(zip(truth, read, strict=True), start=1):
        if (score := word_f1(normalised(true), normalised(found))) < TOLERANCE:
            raise Unexplained(
                f"page {number} of {len(truth)}: word-F1 {score:.2f}: {found[:80]!r}, not {true[:80]!r}"
            )


def _pages(document: dict[str, Any]) -> list[str]:
    return [page["text"] for page in document["pages"]]


def _ndjson(body: bytes) -> list[str]:
    events = [json.loads(line) for line in body.splitlines()]
    return [event["text"] for event in events if event["event"] == "page"]


def _markdown(body: bytes) -> list[str]:
    pages = re.split(r"<!-- page \d+ -->", body.decode())[1:]
    return [re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", page) for page in pages]


def _tsv(body: bytes) -> list[str]:
    rows = csv.DictReader(io.StringIO(body.decode()), delimiter="\t", quoting=csv.QUOTE_NONE)
    pages: dict[str, list[str]] = {}
    for row in rows:
        pages.setdefault(row["page_num"], []).extend([row["text"]] if row["level"] == "5" else [])
    return [" ".join(words) for words in pages.values()]


def _hocr(body: bytes) -> list[str]:
    pages = re.split(r"""class=['"]ocr_page""", body.decode())[1:]
    return [html.unescape(re.sub(r"<[^>]*>", " ", page.partition(">")[2])) for page in pages]


def _alto(body: bytes) -> list[str]:
    pages = etree.fromstring(body).iterfind(".//{*}Page")
    return [" ".join(word.attrib["CONTENT"] for word in page.iterfind(".//{*}String")) for page in pages]


def _page_xml(body: bytes) -> list[str]:
    pages = etree.fromstring(body).iter("{*}Page")
    words = ".//{*}Word/{*}TextEquiv/{*}Unicode"
    return [" ".join(word.text or "" for word in page.iterfind(words)) for page in pages]


def _pdf(body: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(body)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


# The text of each page in an answer, by output; plain text is one of all pages.
READERS: dict[str, Callable[[bytes], list[str]]] = {
    "json": lambda body: _pages(json.loads(body)),
    "text": lambda body: [body.decode()],
    "markdown": _markdown,
    "tsv": _tsv,
    "hocr": _hocr,
    "alto": _alto,
    "page": _page_xml,
    "pdf": _pdf,
    "ndjson": _ndjson,
}
