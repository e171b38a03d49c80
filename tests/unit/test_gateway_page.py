"""GET / and its files, over HTTP: media types, caching, and the headers that keep other code out."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.routes.page import ASSETS, INDEX, load
from tests.unit.gateway_kit import Gateway, gateway

WEB = Path(__file__).parents[2] / "gateway/src/ocr_gateway/web"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path_factory.mktemp("page")) as one:
        yield one


async def test_the_page_names_files_that_are_kept_for_good(running: Gateway) -> None:
    page = await running.client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:src|href)="(assets/[^"]+)"', page.text)
    types = set()
    for path in named:
        answer = await running.client.get(f"/{path}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        types.add(answer.headers["content-type"].partition(";")[0])
    assert types == {"text/css", "text/javascript", "image/svg+xml"}


async def test_what_has_not_changed_is_not_sent_again(running: Gateway) -> None:
    tag = (await running.client.get("/")).headers["etag"]
    again = await running.client.get("/", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert (await running.client.get("/", headers={"if-none-match": '"other"'})).status_code == 200


async def test_a_file_of_another_versions_page_is_sent_but_not_kept(running: Gateway) -> None:
    answer = await running.client.get("/assets/0123456789abcdef/page.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize("name", ["index.html", "gone.js", "__init__.py", "..%2fapp.py", "%2e%2e"])
async def test_there_are_no_other_files(running: Gateway, name: str) -> None:
    answer = await running.client.get(f"/assets/0/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/assets/0/page.js"])
async def test_nothing_from_elsewhere_and_nothing_inline_may_run(running: Gateway, path: str) -> None:
    headers = (await running.client.get(path)).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= set(
        policy
    )
    assert {"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_offers_the_formats_of_this_server() -> None:
    page = ASSETS.content[INDEX].decode()
    assert re.findall(r'name="format" value="(\w+)"', page) == list(FORMATS)
    assert page.count(" checked") == 1


def test_a_change_of_any_file_is_another_address_for_all() -> None:
    before = load(("json",))
    changed = type(before)({**before.content, "dom.js": b"// changed"})
    assert before.digest != changed.digest
    assert load(("json",)).digest == before.digest


def test_no_script_parses_html_and_no_markup_has_script_or_style_in_it() -> None:
    scripts = "".join(file.read_text() for file in WEB.glob("*.js"))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", scripts
    )
    index = (WEB / INDEX).read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)|javascript:|https?:", index)
