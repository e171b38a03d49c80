"""The pages of a TIFF by number, over HTTP."""

import io
from collections.abc import AsyncIterator

import pytest
from PIL import Image, TiffImagePlugin

from tests.unit.gateway_kit import Gateway, gateway, image, model_server, tiff


@pytest.fixture(scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that takes four pages of ten thousand pixels."""
    folder = tmp_path_factory.mktemp("tiff")
    limits = {"max_pages": 4, "max_image_pixels": 10_000}
    async with model_server() as double, gateway(folder, double, **limits) as running:
        yield running


def damaged(data: bytes, page: int) -> bytes:
    """The same TIFF, of which one page's packed pixels are rubbish."""
    with Image.open(io.BytesIO(data)) as picture:
        assert isinstance(picture, TiffImagePlugin.TiffImageFile)
        picture.seek(page - 1)
        start, size = picture.tag_v2[273][0], picture.tag_v2[279][0]
    return data[:start] + b"\xff" * size + data[start + size :]


def cut_after(data: bytes, page: int) -> bytes:
    """The same TIFF, in which the way to the next page leads behind the end of the file."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.seek(page)
        place = int(picture._frame_pos[page])  # type: ignore[attr-defined]
    return data.replace(place.to_bytes(4, "little"), (len(data) * 2).to_bytes(4, "little"), 1)


async def texts(door: Gateway, data: bytes, **options: str) -> list[str]:
    """Of each page its text, or the code of its problem."""
    answer = await door.client.post("/v1/ocr", content=data, params=options)
    assert answer.status_code == 200, answer.text
    return [page["text"] if "text" in page else page["error"]["code"] for page in answer.json()["pages"]]


async def test_pages_are_chosen_by_number_beyond_the_limit_for_one_request(door: Gateway) -> None:
    data = tiff(range(0, 90, 10))
    assert await texts(door, data, pages="2,8-") == ["grey 10", "grey 70", "grey 80"]
    answer = await door.client.post("/v1/ocr", content=data)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_pages")
    answer = await door.client.post("/v1/ocr", content=data, params={"pages": "10"})
    assert (answer.status_code, answer.json()["limit"]) == (400, 9)


async def test_a_damaged_page_is_a_problem_in_its_place_and_those_after_it_are_read(door: Gateway) -> None:
    data = damaged(tiff([1, 2, 3], compression="tiff_adobe_deflate"), 2)
    assert await texts(door, data) == ["grey 1", "undecodable_image", "grey 3"]


async def test_a_page_over_the_limit_is_a_problem_in_its_place(door: Gateway) -> None:
    out = io.BytesIO()
    small, large = Image.new("L", (40, 30), 5), Image.new("L", (101, 100), 6)
    small.save(out, "TIFF", save_all=True, append_images=[large, small])
    assert await texts(door, out.getvalue()) == ["grey 5", "too_many_pixels", "grey 5"]


async def test_pages_before_a_break_of_the_file_are_read(door: Gateway) -> None:
    assert await texts(door, cut_after(tiff([1, 2, 3]), 2)) == ["grey 1", "grey 2", "undecodable_image"]


async def test_an_animation_and_a_picture_have_one_page(door: Gateway) -> None:
    out = io.BytesIO()
    first, second = Image.new("L", (40, 30), 9), Image.new("L", (40, 30), 200)
    first.save(out, "GIF", save_all=True, append_images=[second])
    assert await texts(door, out.getvalue(), pages="1") == ["grey 9"]
    for data in (out.getvalue(), image()):
        answer = await door.client.post("/v1/ocr", content=data, params={"pages": "2"})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_pages")
        assert "1 page." in answer.json()["detail"]
