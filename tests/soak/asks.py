"""What is asked for, in the order of a seed: pure, so that a run can be had again."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from tests.soak.documents import Document, readable, refusable

# A gateway takes pauses of up to 10 s within a body; who stalls is refused.
Manner = Literal["at once", "slowly", "stalls", "leaves"]
Job = Literal["read", "cancelled", "sent twice"]
OUTPUTS = ("json", "text", "markdown", "tsv", "hocr", "alto", "page", "pdf", "ndjson")
BOUNDARY = "soak"
# How often what is asked for, of a hundred.
PLAIN, REFUSED, SLOW, LEAVING, BATCH, JOBS = 52, 16, 5, 7, 6, 14


@dataclass(frozen=True)
class Wanted:
    """What has to come back: the words of each page, in an output; or one of these problems."""

    pages: tuple[str, ...] = ()
    output: str = "json"
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ask:
    """A request as it is sent, and the right answers to it; those of a batch are one for each document.

    `kind` names the row of the report; `job`, where it is one, what happens to it.
    """

    kind: str
    wanted: tuple[Wanted, ...]
    target: str = "/v1/ocr"
    method: str = "POST"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = "at once"
    job: Job | None = None


def schedule(seed: int) -> Iterator[Ask]:
    """Asks without an end; the same seed gives the same ones."""
    rng = random.Random(seed)  # noqa: S311 - wanted: repeatable
    documents = readable(rng)
    refused = tuple(_refused(documents))
    makers: tuple[Callable[[], Ask], ...] = (
        lambda: _plain(rng, documents),
        lambda: rng.choice(refused),
        lambda: _slow(rng, documents),
        lambda: _leaving(rng, documents),
        lambda: _batch(rng, documents),
        lambda: _job(rng, documents),
    )
    while True:
        (make,) = rng.choices(makers, (PLAIN, REFUSED, SLOW, LEAVING, BATCH, JOBS))
        yield make()


def _plain(rng: random.Random, documents: tuple[Document, ...]) -> Ask:
    document, output = rng.choice(documents), rng.choice(OUTPUTS)
    options, pages = {"output": output}, document.pages
    if len(pages) > 1 and rng.random() < 0.3:
        options["pages"], pages = "2-", pages[1:]
    wanted = (Wanted(pages, output),)
    kind = f"{document.kind.split()[0]} to {output}"
    match rng.randrange(4):
        case 0:
            return _form(kind, wanted, document.data, options)
        case 1:
            content = {"document": {"content": _base64(document.data)}, "options": options}
            return _json(kind, wanted, content)
        case _:
            return _raw(kind, wanted, document, options)


def _raw(kind: str, wanted: tuple[Wanted, ...], document: Document, options: Mapping[str, str]) -> Ask:
    target = f"/v1/ocr?{urlencode(options)}"
    return Ask(kind, wanted, target, body=document.data, headers={"content-type": document.media_type})


def _form(kind: str, wanted: tuple[Wanted, ...], data: bytes | None, options: Mapping[str, str]) -> Ask:
    parts = [(f'name="{name}"', value.encode()) for name, value in options.items()]
    parts += [] if data is None else [('name="file"; filename="page"', data)]
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
        for head, content in parts
    )
    return Ask(kind, wanted, body=body + f"--{BOUNDARY}--\r\n".encode(), headers=_multipart())


def _multipart() -> dict[str, str]:
    return {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def _json(kind: str, wanted: tuple[Wanted, ...], content: object, target: str = "/v1/ocr") -> Ask:
    body = json.dumps(content).encode()
    return Ask(kind, wanted, target, body=body, headers={"content-type": "application/json"})


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _slow(rng: random.Random, documents: tuple[Document, ...]) -> Ask:
    document = rng.choice(documents)
    if rng.random() < 0.2:
        wanted = (Wanted(codes=frozenset({"body_timeout"})),)
        headers = {"content-type": document.media_type}
        return Ask("client that stalls", wanted, body=document.data, headers=headers, manner="stalls")
    wanted = (Wanted(document.pages),)
    headers = {"content-type": document.media_type}
    return Ask("slow client", wanted, body=document.data, headers=headers, manner="slowly")


def _leaving(rng: random.Random, documents: tuple[Document, ...]) -> Ask:
    document = rng.choice(documents)
    headers = {"content-type": document.media_type}
    return Ask("client that leaves", (), body=document.data, headers=headers, manner="leaves")


def _batch(rng: random.Random, documents: tuple[Document, ...]) -> Ask:
    """Two documents, and between them one that is none."""
    first, last = rng.sample([each for each in documents if len(each.data) < 200_000], 2)
    bad = Wanted(codes=frozenset({"unsupported_media_type"}))
    content = [{"content": _base64(data)} for data in (first.data, b"just some text", last.data)]
    return _json("batch", (Wanted(first.pages), bad, Wanted(last.pages)), {"documents": content}, "/v1/batch")


def _job(rng: random.Random, documents: tuple[Document, ...]) -> Ask:
    document, output = rng.choice(documents), rng.choice(OUTPUTS[:-1])
    headers = {"content-type": document.media_type, "idempotency-key": f"{rng.getrandbits(64):x}"}
    target, wanted = f"/v1/jobs?output={output}", (Wanted(document.pages, output),)
    fate: Job = rng.choice(("read", "read", "cancelled", "sent twice"))
    return Ask(f"job, {fate}", wanted, target, body=document.data, headers=headers, job=fate)


def _refused(documents: tuple[Document, ...]) -> Iterator[Ask]:
    """One request for each problem that a client alone can cause."""
    for code, data in refusable().items():
        yield _bad(code, body=data)
    for code in ("undecodable_image", "corrupt_pdf"):
        wanted = (Wanted(codes=frozenset({code})),)
        yield Ask("job of a bad file", wanted, "/v1/jobs", body=refusable()[code], job="read")
    several = next(each for each in documents if len(each.pages) == 2)
    one = documents[0].data
    as_json = {"content-type": "application/json"}
    yield _bad("invalid_pages", target="/v1/ocr?pages=9", body=several.data)
    yield _bad("invalid_parameter", target="/v1/ocr?dpi=1", body=one)
    yield _bad("unknown_parameter", target="/v1/ocr?colour=red", body=one)
    yield _bad("deadline_exceeded", target="/v1/ocr?deadline_ms=1", body=one)
    yield _bad("invalid_json", body=b"{", headers=as_json)
    yield _bad("invalid_base64", body=b'{"document": {"content": "?"}}', headers=as_json)
    yield _bad("invalid_multipart", body=b"--", headers=_multipart())
    form = _form("missing_document", (), None, {"output": "text"})
    yield _bad("missing_document", body=form.body, headers=form.headers)
    many = _form("too_many_parts", (), None, {f"field-{number}": "x" for number in range(20)})
    yield _bad("too_many_parts", body=many.body, headers=many.headers)
    yield _bad("not_acceptable", body=one, headers={"accept": "image/png"})
    yield _bad("unauthenticated", body=one, headers={"x-api-key": "of-nobody-0123456789"})
    yield _bad("not_found", target="/v1/nothing", method="GET")
    yield _bad("method_not_allowed", method="GET")
    yield _bad("job_not_found", target=f"/v1/jobs/job_{'0' * 32}", method="GET")


def _bad(
    code: str,
    *,
    target: str = "/v1/ocr",
    method: str = "POST",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Ask:
    wanted = (Wanted(codes=frozenset({code})),)
    return Ask("request to be refused", wanted, target, method, body, headers or {})
