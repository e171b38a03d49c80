"""The processes that open PDFs: what they can do, and that they end."""

from pathlib import Path

import pytest

from ocr_gateway.documents.renderer import Renderer, RendererFailed
from ocr_gateway.documents.renderers import Renderers
from ocr_gateway.documents.settings import DocumentSettings
from tests.support.pdfs import PdfPage, pdf, text
from tests.unit.gateway_kit import gateway, model_server


def children() -> set[str]:
    """The processes that this one has started and that are not over."""
    return {pid for each in Path("/proc/self/task").glob("*/children") for pid in each.read_text().split()}


async def test_nothing_is_left_of_a_documents_process_nor_of_the_one_that_waits() -> None:
    before = children()
    async with Renderers(DocumentSettings()) as renderers, renderers.opened(pdf([PdfPage()])) as document:
        assert document.count == 1
        assert len(children() - before) == 2
    assert children() <= before


def test_a_renderer_can_open_nothing_and_sees_no_environment() -> None:
    renderer = Renderer(DocumentSettings())
    try:
        assert renderer.open(pdf([PdfPage()])) == 1
        process = Path(f"/proc/{renderer.pid}")
        assert process.joinpath("environ").read_text().split("\0")[0].startswith("MALLOC_")
        assert process.joinpath("environ").read_text().count("=") == 1
        limits = process.joinpath("limits").read_text()
        for name in ("open files", "file size", "processes", "core file size"):
            assert f"Max {name}" in limits
            line = next(line for line in limits.splitlines() if line.startswith(f"Max {name}"))
            assert line.removeprefix(f"Max {name}").split()[:2] == ["0", "0"], line
        opened = {str(path.readlink()).partition(":")[0] for path in process.joinpath("fd").iterdir()}
        assert opened == {"socket", "/dev/null", "/memfd"}
    finally:
        renderer.close()


async def test_a_document_goes_on_in_a_new_process_when_the_old_one_holds_too_much(tmp_path: Path) -> None:
    settings = DocumentSettings(renderer_idle_memory=1)
    async with model_server() as double, gateway(tmp_path, double, documents=settings) as running:
        data = pdf([PdfPage(text(f"page {number}")) for number in (1, 2, 3)])
        answer = await running.client.post("/v1/ocr?output=text", content=data)
        assert answer.text == "page 1\n\npage 2\n\npage 3\n"
    renderer = Renderer(settings)
    renderer.open(pdf([PdfPage()]))
    assert renderer.bloated
    renderer.close()


def test_a_renderer_that_is_ended_says_so() -> None:
    renderer = Renderer(DocumentSettings())
    renderer.open(pdf([PdfPage()]))
    renderer.kill()
    with pytest.raises(RendererFailed, match=r"gone|died"):
        renderer.measure(1, "ocr")
    renderer.close()
