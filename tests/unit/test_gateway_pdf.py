"""PDFs over HTTP: the real renderer processes, and a double of the model server."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ocr_gateway.documents.settings import DocumentSettings
from tests.support import pdfs
from tests.support.pdfs import PdfPage, bar, pdf, text
from tests.unit.gateway_kit import (
    Gateway,
    ModelServer,
    eventually,
    failing,
    gateway,
    model_server,
    reading,
    tiff,
    until_gone,
)

LETTER = (612, 792)
PICTURE = bar(0, 0, *LETTER)


@pytest.fixture(scope="module")
async def double() -> AsyncIterator[ModelServer]:
    """A model server that reads the grey of a page's first pixel."""
    async with model_server() as running:
        yield running


@pytest.fixture(scope="module")
async def door(double: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that takes ten pages of ten megapixels, and has time for them."""
    folder = tmp_path_factory.mktemp("pdf")
    limits: dict[str, Any] = {"max_pages": 10, "max_image_pixels": 10_000_000}
    async with gateway(folder, double, documents=DocumentSettings(page_seconds=60), **limits) as running:
        yield running


async def read(door: Gateway, data: bytes, **options: str | int) -> Any:
    answer = await door.client.post("/v1/ocr", content=data, params={"dpi": 72, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(door: Gateway, data: bytes, **options: str | int) -> tuple[int, Any]:
    answer = await door.client.post("/v1/ocr", content=data, params={"dpi": 72, **options})
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()


async def test_pages_with_text_are_taken_as_they_are_and_the_others_are_drawn_and_read(door: Gateway) -> None:
    document = await read(door, pdf([PdfPage(text("Hello world", "and more")), PdfPage(PICTURE)]))
    first, second = document["pages"]
    assert (first["source"], first["text"], first["confidence"]) == ("text", "Hello world\nand more", 1)
    assert (second["source"], second["text"]) == ("ocr", "grey 0")
    assert {(page["dpi"], page["width"], page["height"]) for page in document["pages"]} == {(72, *LETTER)}
    assert (document["status"], document["model"]["name"]) == ("succeeded", "double")


async def test_a_word_that_is_parted_at_the_end_of_a_line_stays_in_two_lines(door: Gateway) -> None:
    (page,) = (await read(door, pdf([PdfPage(text("manip-", "ulation", size=12))])))["pages"]
    assert page["text"] == "manip-\nulation"
    assert page["lines"][0]["bbox"][3] < page["lines"][1]["bbox"][1]


async def test_pdf_mode_says_whether_text_or_picture_counts(door: Gateway) -> None:
    data = pdf([PdfPage(text("Hello")), PdfPage(PICTURE)])
    for mode, texts in (
        ("text", ["Hello", ""]),
        ("ocr", ["grey 255", "grey 0"]),
        ("auto", ["Hello", "grey 0"]),
    ):
        document = await read(door, data, pdf_mode=mode)
        assert [page["text"] for page in document["pages"]] == texts
        assert bool(document["model"]) == (mode != "text")


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (PdfPage(text("Hello", mode=3)), "hidden"),
        (PdfPage(text("Hello") + bar(0, 0, 500, 500)), "most of the ink is no text"),
        (PdfPage(b"q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \xffEI Q " + text("Hello")), "a scan"),
        (PdfPage(text("Hello", left=700)), "beside the page"),
        (PdfPage(), "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_text_that_does_not_say_what_the_page_shows_is_not_trusted(
    door: Gateway, page: PdfPage, why: str
) -> None:
    (result,) = (await read(door, pdf([page])))["pages"]
    assert result["source"] == "ocr", why


async def test_boxes_are_those_of_the_drawn_page_turned_and_cut(door: Gateway) -> None:
    plain = PdfPage(text("Hello"))
    turned = PdfPage(text("Hello"), entries="/Rotate 90")
    cut = PdfPage(text("Hello"), entries="/CropBox [50 600 350 750]")
    pages = (await read(door, pdf([plain, turned, cut]), dpi=144, level="word"))["pages"]
    boxes = [page["lines"][0]["words"][0]["bbox"] for page in pages]
    assert [(page["width"], page["height"]) for page in pages] == [(1224, 1584), (1584, 1224), (600, 300)]
    x0, y0, x1, y1 = boxes[0]
    assert (x0, y1) == (pytest.approx(72 * 2, abs=5), pytest.approx((792 - 700) * 2, abs=3))
    assert boxes[1] == pytest.approx([1584 - y1, x0, 1584 - y0, x1], abs=0.2)
    assert boxes[2] == pytest.approx([x0 - 100, y0 - 84, x1 - 100, y1 - 84], abs=0.2)


async def test_annotations_and_filled_forms_are_drawn(door: Gateway) -> None:
    look = pdfs.stream(PICTURE, "/Type /XObject /Subtype /Form /BBox [0 0 612 792]")
    stamp = "/Annots [<< /Type /Annot /Subtype /Stamp /F 4 /Rect [0 0 612 792] /AP << /N 6 0 R >> >>]"
    field = f"/Annots [<< /Type /Annot /FT /Tx /T (a) /Subtype /Widget {stamp.partition('Stamp')[2]}"
    document = await read(door, pdf([PdfPage(entries=stamp)], more=[look]))
    assert document["pages"][0]["text"] == "grey 0"
    form = pdf([PdfPage(entries=field)], more=[look], catalog="/AcroForm << /Fields [] >>")
    assert (await read(door, form))["pages"][0]["text"] == "grey 0"


async def test_pages_are_chosen_by_number_and_tell_their_own(door: Gateway) -> None:
    data = pdf([PdfPage(text(f"page {number}")) for number in range(1, 31)])
    document = await read(door, data, pages="2,29-")
    assert [(page["page"], page["text"]) for page in document["pages"]] == [
        (2, "page 2"),
        (29, "page 29"),
        (30, "page 30"),
    ]
    status, problem = await refused(door, data, pages="31")
    assert (status, problem["code"], problem["limit"]) == (400, "invalid_pages", 30)
    status, problem = await refused(door, data)
    assert (status, problem["code"], problem["actual"]) == (413, "too_many_pages", 30)


@pytest.mark.parametrize(
    ("data", "status", "code", "words"),
    [
        (pdfs.encrypted(), 422, "encrypted_pdf", "password"),
        (b"%PDF-1.7", 422, "corrupt_pdf", "damaged"),
        (b"\0" * 900 + pdfs.page_tree("", 0), 422, "corrupt_pdf", "no pages"),
        (pdfs.page_tree("2 0 R", 1), 422, "page_render_failed", "another program"),
        (pdfs.page_tree("", 10_000), 413, "too_many_pages", "pages=1-10"),
        (pdfs.bomb(1 << 30), 422, "page_render_failed", "memory"),
        (pdf([PdfPage(text("Hi"), size=(566_929, 566_929))]), 413, "too_many_pixels", "smaller pages"),
        (pdf([PdfPage(size=(2 * 72 * 72, 2 * 72 * 72))]), 413, "too_many_pixels", "lowest dpi"),
        (pdf([PdfPage(size=(3, 3))]), 422, "image_too_small", "higher dpi"),
    ],
    ids=[
        "encrypted",
        "cut off",
        "no pages",
        "recursive",
        "10,000 pages",
        "bomb",
        "200 m",
        "144 inches",
        "3 points",
    ],
)
async def test_a_hostile_pdf_gets_its_problem_and_the_next_one_is_read(
    door: Gateway, data: bytes, status: int, code: str, words: str
) -> None:
    answered, problem = await refused(door, data)
    assert (answered, problem["code"]) == (status, code), problem
    assert words in problem["detail"], problem
    assert (await read(door, pdf([PdfPage(text("Hi"))])))["pages"][0]["text"] == "Hi"


async def test_a_page_that_is_too_large_is_told_the_dpi_that_fits(door: Gateway) -> None:
    data = pdf([PdfPage(PICTURE, size=(1440, 1440))])
    _, problem = await refused(door, data, dpi=300)
    assert (problem["limit"], problem["actual"]) == (10_000_000, 36_000_000)
    assert "dpi=158 or less" in problem["detail"]
    assert (await read(door, data, dpi=158))["status"] == "succeeded"


async def test_javascript_and_deep_nesting_are_read_past(door: Gateway) -> None:
    script = "/OpenAction << /S /JavaScript /JS (while\\(true\\);) >>"
    assert (await read(door, pdf([PdfPage(text("Hi"))], catalog=script)))["pages"][0]["text"] == "Hi"
    assert (await read(door, pdfs.nested(200_000)))["status"] == "succeeded"


@pytest.mark.parametrize("hostile", [pdfs.slow(), pdfs.endless()], ids=["for ever", "a billion forms"])
async def test_a_page_that_takes_too_much_is_a_problem_in_its_place(
    double: ModelServer, tmp_path: Path, hostile: bytes
) -> None:
    async with gateway(tmp_path, double, documents=DocumentSettings(page_seconds=3)) as running:
        document = await read(running, hostile)
    first, second = document["pages"]
    assert (document["status"], second["text"]) == ("partial", "grey 0")
    assert (first["error"]["code"], first["error"]["page"]) == ("page_render_failed", 1)


async def test_other_documents_are_read_while_a_page_is_drawn_that_never_ends(door: Gateway) -> None:
    endless = asyncio.create_task(read(door, pdfs.slow()))
    assert (await read(door, pdf([PdfPage(PICTURE)])))["status"] == "succeeded"
    assert (await read(door, tiff([1, 2])))["status"] == "succeeded"
    assert not endless.done()
    endless.cancel()


async def test_pages_wait_for_full_model_servers_instead_of_failing(tmp_path: Path) -> None:
    answers = iter([failing(503, "queue_full")])

    async def full_at_first(request: Any, server: ModelServer) -> Any:
        return await next(answers, reading)(request, server)

    async with model_server(full_at_first) as double, gateway(tmp_path, double) as running:
        document = await read(running, pdf([PdfPage(PICTURE), PdfPage(PICTURE)]))
        assert (document["status"], len(double.seen)) == ("succeeded", 3)


async def test_a_document_keeps_all_model_servers_busy(tmp_path: Path) -> None:
    held = asyncio.Event()

    async def hold(request: Any, server: ModelServer) -> Any:
        await held.wait()
        return await reading(request, server)

    async with (
        model_server(hold) as one,
        model_server(hold) as two,
        gateway(tmp_path, one, two, page_concurrency=2) as running,
    ):
        asked = asyncio.create_task(read(running, pdf([PdfPage(PICTURE)] * 8)))
        await eventually(lambda: one.running + two.running == 4)
        held.set()
        assert [page["page"] for page in (await asked)["pages"]] == list(range(1, 9))
        assert one.most + two.most <= 4


async def test_a_client_that_leaves_ends_the_drawing(tmp_path: Path) -> None:
    settings = DocumentSettings(page_seconds=60, renderers=1)
    async with model_server(until_gone) as double, gateway(tmp_path, double, documents=settings) as running:
        with pytest.raises(httpx.ReadTimeout):
            await running.client.post("/v1/ocr", content=pdfs.slow(), timeout=0.5)
        double.behaviour = reading
        # There is one place, and the page that never ends had it.
        assert (await read(running, pdf([PdfPage(PICTURE)])))["status"] == "succeeded"
