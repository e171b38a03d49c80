"""What the gateway writes, read by the programs that others read it with."""

import asyncio
import io
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pikepdf
import pytest
from PIL import Image, ImageOps

from ocr_gateway.formats.child import Children
from ocr_gateway.formats.negotiate import FORMATS
from ocr_gateway.formats.pdf.render import render
from ocr_gateway.formats.pieces import together
from ocr_gateway.formats.view import View
from ocr_gateway.options import Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult, Recognised, Results
from ocr_wire.result import Page, Word
from tests.component.test_gateway_model_servers import Program, drawn, running, two_pages
from tests.support import readers
from tests.unit.format_cases import FIRST, MODEL, RESULT, VIEW, line, word
from tests.unit.gateway_kit import eventually

SIZE = (600, 400)


@pytest.fixture(scope="module", autouse=True)
def poppler() -> None:
    readers.install_poppler()


def picture(kind: str, mode: str = "RGB", **options: object) -> bytes:
    """An image file, black in its upper left quarter."""
    image = Image.new("RGB", SIZE, "white")
    image.paste("black", (0, 0, SIZE[0] // 2, SIZE[1] // 2))
    out = io.BytesIO()
    image.convert(mode).save(out, kind, **options)
    return out.getvalue()


def read(*numbers: int, page: Page = FIRST) -> Recognised:
    return Recognised(Results(PageResult(number, page, MODEL) for number in numbers), {})


async def searchable(document: bytes, result: Recognised) -> bytes:
    order = render(result, View("req_1", Options(), document))
    return await Children().run("ocr_gateway.formats.pdf", order)


def blank_pdf(rotation: int = 0, crop: tuple[int, ...] = (), pages: int = 1) -> bytes:
    """Pages of 300 x 200 points as stored, with a line drawn on each."""
    pdf = pikepdf.Pdf.new()
    for number in range(pages):
        page = pdf.add_blank_page(page_size=(300, 200))
        page.obj.Rotate = rotation
        page.obj.Contents = pdf.make_stream(f"0 0 m {number} 200 l S 2 0 0 2 9 9 cm".encode())
        if crop:
            page.obj.CropBox = pikepdf.Array(crop)
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def assert_words_at_their_places(pdf: bytes, page: Page, points: tuple[float, float]) -> None:
    """Poppler finds each word within half a point of its box, on a page of that size."""
    across, down = points[0] / page.width, points[1] / page.height
    (seen,) = readers.pdf_words(pdf)
    wanted = {w.text: w for each in page.lines for w in each.words}
    assert {found.text for found in seen} == set(wanted)
    for found in seen:
        left, top, right, bottom = wanted[found.text].bbox
        assert found.box == pytest.approx((left * across, top * down, right * across, bottom * down), abs=0.5)


def of_words(*words: Word) -> Page:
    return Page(width=600, height=400, lines=tuple(line(w.text, 0, words=(w,)) for w in words))


WORDS = of_words(word("Grüße", 40, 30, 80), word("日本語", 300, 90, 120, 40), word("𠮷", 500, 350, 20))


@pytest.mark.parametrize(
    ("document", "filters"),
    [
        (picture("JPEG", dpi=(150, 150)), "/DCTDecode"),
        (picture("JPEG", "CMYK", dpi=(150, 150)), "/DCTDecode"),
        (picture("PNG", dpi=(150, 150)), "/FlateDecode"),
        (picture("PNG", "P", dpi=(150, 150)), "/FlateDecode"),
        (picture("PNG", "RGBA", dpi=(150, 150)), "/FlateDecode"),
        (picture("TIFF", "1", dpi=(150, 150), compression="group4"), "/FlateDecode"),
    ],
)
async def test_the_words_of_an_image_are_found_where_they_stand_on_a_page_of_its_size(
    document: bytes, filters: str
) -> None:
    pdf = await searchable(document, read(1, page=WORDS))
    assert_words_at_their_places(pdf, WORDS, (288, 192))
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        image = opened.pages[0].get_images()["/Scan"]
        assert image.Filter == filters
        shown = pikepdf.PdfImage(image).as_pil_image().convert("L")
        assert [shown.getpixel(place) for place in ((10, 10), (590, 390))] == pytest.approx([0, 255], abs=3)


async def test_a_jpeg_is_not_compressed_anew() -> None:
    document = picture("JPEG", quality=35)
    pdf = await searchable(document, read(1))
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert opened.pages[0].get_images()["/Scan"].read_raw_bytes() == document


@pytest.mark.parametrize("turn", range(10))
async def test_a_photo_is_shown_as_its_exif_orientation_says(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    document = picture("JPEG", exif=exif, dpi=(72, 72))
    upright = SIZE[::-1] if turn in range(5, 9) else SIZE
    shown = readers.drawn_page(await searchable(document, read(1)))
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(document))).convert("L")
    assert shown.size == expected.size == upright
    quarters = [(x, y) for x in (50, upright[0] - 50) for y in (50, upright[1] - 50)]
    assert [shown.getpixel(q) > 128 for q in quarters] == [expected.getpixel(q) > 128 for q in quarters]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
async def test_the_words_of_a_turned_and_cropped_pdf_are_found_where_they_are_seen(rotation: int) -> None:
    pdf = await searchable(blank_pdf(rotation, (50, 20, 250, 170)), read(1, page=WORDS))
    assert_words_at_their_places(pdf, WORDS, (200, 150) if rotation % 180 == 0 else (150, 200))


async def test_text_is_copied_with_its_spaces_and_in_its_order_also_when_it_is_turned() -> None:
    text = readers.pdf_text(await searchable(picture("PNG"), read(1)))
    for said in ("Invoice 2024-0173", "ered on <b>Monday</b> & paid.", "2. 日本語の文字 𠮷", "turned left"):
        assert said in text
    assert text.index("Invoice") < text.index("deliv-") < text.index("façade")


async def test_a_pdf_keeps_what_is_drawn_on_its_pages() -> None:
    document = blank_pdf(pages=3)
    pdf = await searchable(document, read(1, 2, 3))
    with pikepdf.open(io.BytesIO(document)) as before, pikepdf.open(io.BytesIO(pdf)) as after:
        for old, new in zip(before.pages, after.pages, strict=True):
            new.contents_coalesce()
            assert new.Contents.read_bytes().endswith(old.Contents.read_bytes())


async def test_only_the_selected_pages_are_in_the_pdf() -> None:
    pdf = await searchable(blank_pdf(pages=4), read(2, 4))
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for page, number in zip(opened.pages, (1, 3), strict=True):
            page.contents_coalesce()
            assert f"0 0 m {number} 200 l".encode() in page.Contents.read_bytes()


async def test_a_page_with_text_of_its_own_and_one_that_failed_stay_as_they_are() -> None:
    results = (
        PageResult(1, FIRST, None, "text"),
        PageResult(2, Problem("undecodable_image", "")),
        PageResult(3, WORDS, MODEL),
    )
    words = readers.pdf_words(await searchable(blank_pdf(pages=3), Recognised(Results(results), {})))
    assert [len(page) for page in words] == [0, 0, 3]


async def test_every_page_of_a_tiff_is_a_page_and_one_that_cannot_be_decoded_is_empty() -> None:
    failed = PageResult(3, Problem("undecodable_image", ""))
    pdf = await searchable(two_pages(), Recognised(Results((*read(1, 2).results, failed)), {}))
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert [len(page.get_images()) for page in opened.pages] == [1, 1, 0]


@pytest.mark.parametrize("document", [b"%PDF-1.7\nnothing", b"%PDF-1.7\n" + b"1 0 obj <<" * 1000, b"\x00"])
async def test_a_document_that_cannot_be_written_is_a_problem(document: bytes) -> None:
    with pytest.raises(Problem, match="Take fewer pages, or another output") as raised:
        await searchable(document, read(1))
    assert raised.value.code == "output_failed"


async def test_a_bomb_ends_the_child_at_its_limit_and_nothing_else() -> None:
    width = height = 30_000
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "TIFF", compression="group4")
    with pytest.raises(Problem) as raised:
        await searchable(file.getvalue(), read(1))
    assert raised.value.code == "output_failed"


def own_children() -> str:
    """The ids of the processes that this thread has started."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text()


async def test_the_child_of_a_request_that_has_gone_is_ended_and_the_next_one_is_served() -> None:
    before = own_children()
    children, order = Children(), render(read(1), VIEW)
    work = asyncio.create_task(children.run("ocr_gateway.formats.pdf", order))
    await eventually(lambda: own_children() != before)
    work.cancel()
    await asyncio.wait([work])
    assert own_children() == before
    slides = render(read(1), View("req_1", Options(), picture("PNG")))
    assert (await children.run("ocr_gateway.formats.pdf", slides)).startswith(b"%PDF-")


def test_hocr_alto_and_page_xml_satisfy_their_readers(tmp_path: Path) -> None:
    written = {name: together(FORMATS[name].render(RESULT, VIEW)) for name in ("hocr", "alto")}
    for name, content in written.items():
        (tmp_path / name).write_bytes(content)
    readers.check_hocr(tmp_path / "hocr")
    assert "Invoice 2024-0173 \nThe goods were deliv- \n" in readers.alto_text(tmp_path / "alto")
    for each in RESULT.results:
        alone = Recognised(Results([each]), {})
        readers.check_page_xml(together(FORMATS["page"].render(alone, VIEW)))


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway in front of one model server."""
    folder = tmp_path_factory.mktemp("endpoints")
    server = Program("ocr-modelserver", ("--threads", "1"))
    (folder / "models").write_text(f"127.0.0.1:{server.port}\n")
    door = Program("ocr-gateway", ("--upstream", "models:80"), {"OCR_ENDPOINTS_DIR": str(folder)})
    async with (
        running(server, door),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}", timeout=60) as client,
    ):
        yield client


async def test_the_text_of_an_image_is_the_same_in_every_output(client: httpx.AsyncClient) -> None:
    for name in FORMATS:
        answer = await client.post("/v1/ocr", params={"output": name}, content=drawn("hello 2026"))
        assert answer.status_code == 200
        text = readers.pdf_text(answer.content) if name == "pdf" else answer.text
        assert "hello" in text
        assert "2026" in text


async def test_a_tiff_becomes_a_searchable_pdf_with_a_name(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/ocr", headers={"accept": "application/pdf"}, content=two_pages())
    assert answer.headers["content-disposition"] == 'attachment; filename="document.pdf"'
    words = [[seen.text for seen in page] for page in readers.pdf_words(answer.content)]
    assert words == [["first", "page"], ["second", "page"]]
