"""The page at / in a real Chromium, in front of the real gateway over a double of the model server."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from selenium.webdriver.common.keys import Keys
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tests.component.page_kit import (
    SIZE,
    Scripted,
    event,
    page_json,
    problem,
    saying,
    scripted_api,
    whole,
)
from tests.support.browser import Browser, chromium
from tests.unit.gateway_kit import ModelServer, failing, gateway, image, model_server, tiff

LINES = ("Invoice 7", "two loaves", "Total: 9.50")
MARKUP = ("<img src=x onerror=alert(1)>", "<script>document.title='owned'</script>", '&amp; "quoted" </pre>')
# A name that only this browser resolves: to the loopback, but without what browsers allow `localhost`.
HOST = "page.test"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    downloads = tmp_path_factory.mktemp("downloads")
    with chromium(downloads, f"--host-resolver-rules=MAP {HOST} 127.0.0.1") as opened:
        yield opened


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """A loop in a thread: what drives the browser waits for it, and must not hold the servers up."""
    with start_blocking_portal() as started:
        yield started


class Desk:
    """The gateway, its double, and the browser with the page open."""

    def __init__(self, browser: Browser, url: str, double: ModelServer) -> None:
        self.browser, self.url, self.double = browser, url, double

    def choose(self, *files: Path) -> None:
        """Choose files as a person does, and wait for the last answer."""
        self.browser.one("#choose").send_keys("\n".join(map(str, files)))
        self.settled(len(files))

    def settled(self, count: int = 1) -> None:
        """Wait until so many documents are done or failed."""

        def ended() -> bool:
            states = [each.get_attribute("data-state") for each in self.browser.all("#documents button")]
            return len(states) >= count and not {"waiting", "reading"} & set(states)

        self.browser.until(ended, "the documents are read")

    def lines(self) -> list[str]:
        return [str(each.get_attribute("textContent")) for each in self.browser.all("#lines .text")]

    def said(self, text: str) -> None:
        self.browser.until(lambda: text in self.browser.text("#status"), f"the status says {text!r}")

    def clipboard(self) -> str:
        return str(self.browser.run("return navigator.clipboard.readText()"))


@pytest.fixture
def serve(browser: Browser, portal: BlockingPortal) -> Iterator[Callable[..., Any]]:
    """Enter an asynchronous context for the length of the test."""
    with ExitStack() as stack:

        def enter(context: AbstractAsyncContextManager[Any]) -> Any:
            return stack.enter_context(portal.wrap_async_context_manager(context))

        yield enter
        browser.open("about:blank")


@pytest.fixture
def desk(browser: Browser, serve: Callable[..., Any], tmp_path: Path) -> Iterator[Desk]:
    """Everything at work; at the end the console must be empty."""
    double = serve(model_server(saying(*LINES, confidences=(0.98, 0.8, 0.4))))
    running = serve(gateway(tmp_path, double))
    url = f"http://127.0.0.1:{running.port}/"
    origin = {"origin": url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", origin)
    browser.resize(1280, 800)
    browser.open(url)
    yield Desk(browser, url, double)
    assert browser.complaints() == []


@pytest.fixture
def scripted(browser: Browser, serve: Callable[..., Any]) -> Callable[[Scripted], Desk]:
    """Open the page of an API that answers by a script."""

    def opened(answer: Scripted) -> Desk:
        url = serve(scripted_api(answer))
        browser.open(url)
        return Desk(browser, url, ModelServer())

    return opened


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "it's a scan.png"
    path.write_bytes(image(SIZE))
    return path


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """What the server would make of it is told by a script."""
    path = tmp_path / "letter.pdf"
    path.write_bytes(b"%PDF-1.7")
    return path


def test_a_chosen_picture_has_a_box_for_each_line_in_the_colour_of_its_confidence(
    desk: Desk, browser: Browser, picture: Path
) -> None:
    desk.choose(picture)
    browser.until(lambda: browser.all("#sheet polygon"), "boxes are drawn")
    boxes = [str(each.get_attribute("class")).split()[1] for each in browser.all("#sheet polygon")]
    assert boxes == ["sure", "fair", "doubtful"]
    assert desk.lines() == list(LINES)
    shown, drawn = browser.one("#sheet img").rect, browser.all("#sheet polygon")[0].rect
    assert drawn["width"] / shown["width"] == pytest.approx(360 / SIZE[0], abs=0.02)
    assert (drawn["y"] - shown["y"]) / shown["height"] == pytest.approx(20 / SIZE[1], abs=0.02)
    assert {term.text for term in browser.all("#timings dt")} >= {"upload", "model servers"}


GIVE = """
const bytes = Uint8Array.from(arguments[1]);
const given = new DataTransfer();
given.items.add(new File([bytes], "given.png", { type: "image/png" }));
const event = arguments[0] === "paste"
  ? new ClipboardEvent("paste", { clipboardData: given, bubbles: true })
  : new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
document.body.dispatchEvent(event);
"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_may_be_dropped_or_pasted(desk: Desk, browser: Browser, way: str) -> None:
    browser.run(GIVE, way, list(image(SIZE)))
    desk.settled()
    assert desk.lines() == list(LINES)
    assert "given.png" in browser.text("#documents")


def test_the_sample_is_drawn_and_read(desk: Desk, browser: Browser) -> None:
    browser.one("#sample").click()
    desk.settled()
    assert desk.lines() == list(LINES)
    assert browser.text("#caption").startswith("sample.png")
    assert desk.double.bodies[0].find(b"\x89PNG") > 0


def test_a_click_on_a_line_or_its_box_copies_its_text(desk: Desk, browser: Browser, picture: Path) -> None:
    desk.choose(picture)
    browser.all("#lines button")[1].click()
    desk.said("Line 2 is copied")
    assert desk.clipboard() == "two loaves"
    browser.all("#sheet polygon")[2].click()
    desk.said("Line 3 is copied")
    assert desk.clipboard() == "Total: 9.50"
    browser.one("#copy-all").click()
    desk.said("The page is copied")
    assert desk.clipboard() == "\n".join(LINES)


def test_copying_works_where_the_page_came_by_plain_http(desk: Desk, browser: Browser, picture: Path) -> None:
    browser.open(desk.url.replace("127.0.0.1", HOST))
    assert browser.run("return navigator.clipboard === undefined")
    desk.choose(picture)
    browser.all("#lines button")[0].click()
    desk.said("Line 1 is copied")
    browser.open(desk.url)
    assert desk.clipboard() == "Invoice 7"


def test_pointing_at_a_box_marks_its_line_and_shows_its_number(
    desk: Desk, browser: Browser, picture: Path
) -> None:
    desk.choose(picture)
    hover = "arguments[0].dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))"
    browser.run(hover, browser.all("#sheet polygon")[2])
    assert browser.text("#lines .active .text") == LINES[2]
    assert browser.text("#sheet .badge") == "3"
    browser.run(hover, browser.all("#lines .text")[0])
    assert browser.one("#sheet .active").get_attribute("data-index") == "0"


def test_the_keyboard_alone_reads_a_sample_and_copies_a_line(desk: Desk, browser: Browser) -> None:
    focused = "return document.activeElement.id || document.activeElement.parentElement.id"
    browser.press(Keys.TAB)
    assert browser.run(focused) == "choose"
    browser.press(Keys.TAB)
    assert browser.run(focused) == "sample"
    browser.press(Keys.ENTER)
    desk.settled()
    visited = []
    for _ in range(12):
        browser.press(Keys.TAB)
        visited.append(browser.run(focused))
        if browser.run("return !!document.activeElement.closest('#lines')"):
            break
    assert "copy-all" in visited
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert browser.text("#sheet .badge") == "3"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(Keys.HOME, Keys.ENTER)
    desk.said("Line 1 is copied")
    browser.press(Keys.TAB)
    assert not browser.run("return !!document.activeElement.closest('#lines')")


def test_another_format_is_previewed_and_downloaded(desk: Desk, browser: Browser, picture: Path) -> None:
    desk.choose(picture)
    assert '"status": "succeeded"' in browser.text("#output")
    browser.one("#formats [value=text]").click()
    browser.until(lambda: browser.text("#output") == "\n".join(LINES) + "\n", "the text is shown")
    browser.one("#download").click()
    saved = browser.downloads / "it's a scan.txt"
    browser.until(saved.exists, "the file is downloaded")
    assert saved.read_text() == "\n".join(LINES) + "\n"
    assert len(desk.double.bodies) == 2


def test_the_curl_command_gives_what_the_page_shows(desk: Desk, browser: Browser, picture: Path) -> None:
    desk.choose(picture)
    browser.one("#formats [value=text]").click()
    command = browser.text("#curl")
    assert "output=text" in command
    subprocess.run(["sh", "-c", f"{command} -sS"], cwd=picture.parent, check=True, timeout=30)
    assert (picture.parent / "it's a scan.txt").read_text() == "\n".join(LINES) + "\n"


def test_the_pages_of_a_file_that_browsers_do_not_show_are_drawn_as_sheets(
    desk: Desk, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "two.tif"
    file.write_bytes(tiff((10, 20), SIZE))
    desk.choose(file)
    browser.until(lambda: browser.all("#sheet svg text"), "the sheet is drawn")
    assert [each.text for each in browser.all("#sheet svg text")] == list(LINES)
    assert browser.text("#place") == "1 of 2"
    browser.one("#next").click()
    assert browser.text("#place") == "2 of 2"
    assert not browser.one("#next").is_enabled()


def test_several_documents_are_read_and_shown_by_turns(desk: Desk, browser: Browser, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.png" for name in "abc"]
    for file in files:
        file.write_bytes(image(SIZE))
    desk.choose(*files)
    buttons = browser.all("#documents button")
    assert [each.text.split()[0] for each in buttons] == ["a.png", "b.png", "c.png"]
    buttons[2].click()
    assert browser.text("#caption").startswith("c.png")
    assert desk.double.most <= 2


@pytest.mark.parametrize("name", ["scan.png", "scan.tif"])
def test_markup_in_what_is_read_stays_text(desk: Desk, browser: Browser, tmp_path: Path, name: str) -> None:
    desk.double.behaviour = saying(*MARKUP)
    file = tmp_path / f"<b>{name}"
    file.write_bytes(image(SIZE) if name.endswith("png") else tiff((0, 0), SIZE))
    desk.choose(file)
    browser.one("#formats [value=text]").click()
    browser.until(lambda: MARKUP[0] in browser.text("#output"), "the text is shown")
    assert desk.lines() == list(MARKUP)
    assert not browser.all("main img[onerror], main script, main b")
    assert browser.driver.title == "KubeOCR"


def test_at_phone_width_nothing_is_wider_than_the_screen(desk: Desk, browser: Browser, picture: Path) -> None:
    desk.double.behaviour = saying("word " * 60, "x" * 300)
    browser.resize(360, 740)
    desk.choose(picture)
    browser.until(lambda: browser.all("#sheet polygon"), "boxes are drawn")
    assert browser.run("return document.documentElement.scrollWidth") <= 360
    lines = "const { scrollWidth, clientWidth } = document.querySelector('#lines');"
    assert browser.run(f"{lines} return scrollWidth <= clientWidth")


def test_a_refusal_is_told_in_words_and_can_be_tried_again(
    desk: Desk, browser: Browser, picture: Path
) -> None:
    healthy, desk.double.behaviour = desk.double.behaviour, failing(503, "queue_full")
    desk.choose(picture)
    assert browser.one("#problem h2").text
    assert browser.one("#problem .detail").text
    assert browser.one("#problem .quiet").text.startswith("Request req_")
    assert any("503" in each for each in browser.complaints())
    desk.double.behaviour = healthy
    browser.one("#again").click()
    browser.until(lambda: desk.lines() == list(LINES), "it is read")
    assert not browser.one("#problem").is_displayed()


def test_cancelling_ends_the_work_at_the_model_server(desk: Desk, browser: Browser, picture: Path) -> None:
    async def never(request: Request, server: ModelServer) -> Response:
        while (await request.receive())["type"] != "http.disconnect":
            continue
        server.ready = False  # seen from the test's thread
        return Response(status_code=499)

    desk.double.behaviour = never
    browser.one("#choose").send_keys(str(picture))
    browser.until(lambda: desk.double.running == 1, "the page is at the model server")
    assert browser.one("#progress").is_displayed()
    browser.one("#cancel").click()
    desk.said("cancelled")
    assert browser.one("#problem h2").text == "Cancelled"
    assert not browser.one("#cancel").is_displayed()
    browser.until(lambda: not desk.double.ready, "the model server's work has ended")


def test_a_key_is_asked_for_sent_and_kept_out_of_the_command(
    scripted: Callable[[Scripted], Desk], browser: Browser, picture: Path
) -> None:
    seen = []

    async def locked(request: Request) -> Response:
        seen.append(request.headers.get("authorization"))
        await request.body()
        if seen[-1] is None:
            return problem(401, "unauthenticated", "No valid key", "Send an API key.")
        return whole(page_json(1, *LINES))

    desk = scripted(locked)
    desk.choose(picture)
    browser.one("#key-value").send_keys("s3cret", Keys.ENTER)
    browser.until(lambda: desk.lines() == list(LINES), "it is read")
    assert seen == [None, "Bearer s3cret"]
    assert not browser.one("#key").is_displayed()
    assert "$KUBEOCR_API_KEY" in browser.text("#curl")
    assert "s3cret" not in browser.text("#curl")
    assert browser.run("return localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_pages_are_shown_as_they_come(
    scripted: Callable[[Scripted], Desk], browser: Browser, portal: BlockingPortal, pdf: Path
) -> None:
    go_on = portal.call(_event)

    async def answer(request: Request) -> Response:
        await request.body()
        assert request.headers["accept"].startswith("application/x-ndjson")

        async def pages() -> Any:
            yield event("meta", pages=3)
            yield event("page", **page_json(1, "first"))[:40]
            yield event("page", **page_json(1, "first"))[40:]
            await go_on.wait()
            yield event("page_error", page=2, error={"title": "A page failed", "detail": "It is torn."})
            yield event("page", **page_json(3, "third"))
            yield event("end", status="partial", timings_ms={"read": 2.0})

        return StreamingResponse(pages(), media_type="application/x-ndjson")

    desk = scripted(answer)
    browser.one("#choose").send_keys(str(pdf))
    browser.until(lambda: desk.lines() == ["first"], "the first page is there")
    assert browser.one("#progress").get_attribute("max") == "3"
    assert "1 of 3 pages" in browser.text("#documents")
    portal.call(go_on.set)
    desk.settled()
    browser.one("#next").click()
    assert browser.one("#problem .detail").text == "It is torn."
    browser.one("#next").click()
    assert desk.lines() == ["third"]


async def _event() -> asyncio.Event:
    return asyncio.Event()


def test_a_stream_that_breaks_keeps_what_came_and_says_so(
    scripted: Callable[[Scripted], Desk], browser: Browser, pdf: Path
) -> None:
    async def answer(request: Request) -> Response:
        await request.body()
        content = event("meta", pages=2) + event("page", **page_json(1, "first"))
        return Response(content, media_type="application/x-ndjson")

    desk = scripted(answer)
    desk.choose(pdf)
    assert desk.lines() == ["first"]
    assert browser.one("#problem h2").text == "The answer is not complete"


def test_nothing_of_a_foreign_origin_and_nothing_inline_may_run(desk: Desk, browser: Browser) -> None:
    browser.run(
        "const s = document.createElement('style'); s.textContent = 'body{}'; document.head.append(s)"
    )
    fetched = browser.run("return fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert fetched == "refused"
    with pytest.raises(Exception, match="TrustedHTML"):
        browser.run("document.body.innerHTML = '<b>'")
    complaints = browser.complaints()
    assert any("style-src" in each for each in complaints)
    assert any("connect-src" in each for each in complaints)
