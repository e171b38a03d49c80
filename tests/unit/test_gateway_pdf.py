"""PDFs over HTTP: the real renderer processes, and a double of the model server."""

from collections.abc import AsyncIterator

import pytest

from tests.support.pdfs import PdfPage, bar, pdf, text
from tests.unit.gateway_kit import Gateway, ModelServer, gateway, model_server

PICTURE = bar(0, 0, 612, 792)


@pytest.fixture(scope="module")
async def double() -> AsyncIterator[ModelServer]:
    """A model server that reads the grey of a page's first pixel."""
    async with model_server() as running:
        yield running


@pytest.fixture(scope="module")
async def door(double: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that takes ten pages."""
    async with gateway(tmp_path_factory.mktemp("pdf"), double, max_pages=10) as running:
        yield running


async def test_pages_with_text_are_taken_as_they_are_and_the_others_are_drawn_and_read(door: Gateway) -> None:
    data = pdf([PdfPage(text("Hello world", "and more")), PdfPage(PICTURE)])
    document = (await door.client.post("/v1/ocr?dpi=72", content=data)).json()
    first, second = document["pages"]
    assert (first["source"], first["text"], first["confidence"]) == ("text", "Hello world\nand more", 1)
    assert (second["source"], second["text"]) == ("ocr", "grey 0")
    assert {(page["dpi"], page["width"], page["height"]) for page in document["pages"]} == {(72, 612, 792)}
    assert (document["status"], document["model"]["name"]) == ("succeeded", "double")
