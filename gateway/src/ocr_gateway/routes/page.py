"""GET /: the page for people, and what it is made of."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import PurePath
from string import Template
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.problems import Problem

INDEX = "index.html"
MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
)
# Nothing but this server's own files and the pictures that a person opens; text cannot become markup.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Assets:
    """The files by name. Their folder's name in URLs is a digest of all: modules may import each other."""

    content: Mapping[str, bytes]

    @cached_property
    def digest(self) -> str:
        """Another one whenever any file is."""
        digest = hashlib.sha256()
        for name, data in sorted(self.content.items()):
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
        return digest.hexdigest()[:16]


def load(formats: tuple[str, ...]) -> Assets:
    """The package's files; the page offers `formats`."""
    found = {
        each.name: each.read_bytes()
        for each in files("ocr_gateway.web").iterdir()
        if PurePath(each.name).suffix in MEDIA_TYPES
    }
    index = Template(found.pop(INDEX).decode())
    assets = Assets(found)
    choices = "\n          ".join(_choice(name, chosen=name == formats[0]) for name in formats)
    page = index.substitute(assets=f"assets/{assets.digest}", formats=choices)
    return Assets({**found, INDEX: page.encode()})


def _choice(name: str, *, chosen: bool) -> str:
    checked = " checked" if chosen else ""
    return f'<label><input type="radio" name="format" value="{name}"{checked}><span>{name}</span></label>'


ASSETS = load(tuple(FORMATS))


async def page(request: Request) -> Response:
    """The page; asked for again each time, and only sent when it has changed."""
    return _answer(request, INDEX, "no-cache")


async def asset(request: Request) -> Response:
    """One of its files, to be kept for good.

    During a roll-out the page may come from one gateway and its files from another version's: these are sent,
    too, but not to be kept.
    """
    name = request.path_params["name"]
    if name not in ASSETS.content or name == INDEX:
        raise Problem("not_found", f"The page has no file {name[:64]!r}.")
    same = request.path_params["digest"].encode() in ASSETS.content[INDEX]
    return _answer(request, name, FOREVER if same else "no-store")


def _answer(request: Request, name: str, caching: str) -> Response:
    content = ASSETS.content[name]
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {**HEADERS, "Cache-Control": caching, "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[PurePath(name).suffix])


ROUTES: tuple[BaseRoute, ...] = (
    Route("/", page, methods=["GET"]),
    Route("/assets/{digest}/{name}", asset, methods=["GET"]),
)
