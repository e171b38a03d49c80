"""/compat/*: requests and answers as other OCR servers have them."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.gateway_kit import Gateway, gateway, image, model_server, tiff

GREY = image(colour=7)
BASE64 = base64.b64encode(GREY).decode()
BOX = [[0, 0], [9, 0], [9, 5], [0, 5]]
FILE = {"file": ("a.png", GREY)}


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with model_server() as double, gateway(tmp_path_factory.mktemp("compat"), double) as running:
        yield running


@pytest.mark.parametrize(
    "sent",
    [
        {"files": {"image_file": ("a.png", GREY)}, "data": {"use_det": "true"}},
        {"files": {"image_data": (None, BASE64)}},
    ],
)
async def test_rapidocr(running: Gateway, sent: dict[str, Any]) -> None:
    answer = await running.client.post("/compat/rapidocr/ocr", **sent)
    assert answer.json() == {"0": {"rec_txt": "grey 7", "dt_boxes": BOX, "score": "0.5000"}}


async def test_paddlex(running: Gateway) -> None:
    answer = (await running.client.post("/compat/paddlex/ocr", json={"file": BASE64, "fileType": 1})).json()
    assert (answer["errorCode"], answer["errorMsg"]) == (0, "Success")
    assert answer["result"]["dataInfo"] == {"type": "image", "width": 40, "height": 30}
    assert answer["result"]["ocrResults"] == [
        {
            "prunedResult": {
                "rec_texts": ["grey 7"],
                "rec_scores": [0.5],
                "dt_polys": [BOX],
                "rec_polys": [BOX],
                "rec_boxes": [[0, 0, 9, 5]],
            }
        }
    ]
    pages = {"file": base64.b64encode(tiff([1, 2])).decode(), "textRecScoreThresh": 0.6}
    answer = (await running.client.post("/compat/paddlex/ocr", json=pages)).json()["result"]
    assert answer["dataInfo"]["numPages"] == 2
    assert [page["prunedResult"]["rec_texts"] for page in answer["ocrResults"]] == [[], []]


async def test_liteparse(running: Gateway) -> None:
    answer = await running.client.post("/compat/liteparse/ocr", files=FILE, data={"language": "en"})
    line = {"text": "grey 7", "bbox": [0, 0, 9, 5], "confidence": 0.5, "polygon": BOX}
    assert answer.json() == {"results": [line]}


async def test_tesseract(running: Gateway) -> None:
    data = {"options": '{"languages": ["eng"]}'}
    answer = await running.client.post("/compat/tesseract", files=FILE, data=data)
    exit_ = {"code": 0, "signal": None}
    assert answer.json() == {"data": {"exit": exit_, "stderr": "", "stdout": "grey 7\n\f"}}


@pytest.mark.parametrize(
    ("path", "sent", "code"),
    [
        ("rapidocr/ocr", {"files": {"image_file": GREY}, "data": {"use_rec": "false"}}, "invalid_parameter"),
        ("rapidocr/ocr", {"files": {"image_data": (None, "@")}}, "invalid_base64"),
        ("rapidocr/ocr", {"files": {"use_rec": (None, "true")}}, "missing_document"),
        ("paddlex/ocr", {"json": {"file": BASE64, "useDocUnwarping": True}}, "unknown_parameter"),
        ("paddlex/ocr", {"json": {"file": BASE64, "visualize": True}}, "invalid_parameter"),
        ("paddlex/ocr", {"json": {"file": "https://example.com/a.png"}}, "invalid_base64"),
        ("paddlex/ocr", {"json": {}}, "missing_document"),
        ("liteparse/ocr", {"files": FILE, "data": {"language": "xx"}}, "invalid_parameter"),
        ("tesseract", {"files": FILE, "data": {"options": '{"dpi": 300}'}}, "unknown_parameter"),
        ("tesseract", {"files": FILE, "data": {"options": '{"languages": ["tlh"]}'}}, "invalid_parameter"),
        ("tesseract", {"files": FILE, "data": {"options": "{"}}, "invalid_json"),
        ("tesseract?lang=de", {"files": FILE}, "unknown_parameter"),
    ],
)
async def test_what_cannot_be_honoured_is_refused_in_words_that_the_clients_read(
    running: Gateway, path: str, sent: dict[str, Any], code: str
) -> None:
    answer = await running.client.post(f"/compat/{path}", **sent)
    problem = answer.json()
    assert problem["code"] == code, problem
    if path.startswith("paddlex"):
        assert (problem["errorCode"], problem["errorMsg"]) == (answer.status_code, problem["detail"])
    if path.startswith(("liteparse", "tesseract")):
        assert problem["error"] == problem["detail"]
