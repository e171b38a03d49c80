"""POST /v1/batch: several documents, a result or a problem for each."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.gateway_kit import gateway, image, model_server, tiff


def files(*documents: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", ("a", document)) for document in documents]


def slots(answer: httpx.Response) -> list[str]:
    """The text or the code of each slot."""
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return [
        slot["error"]["code"]
        if "error" in slot
        else "|".join(page["text"] for page in slot["document"]["pages"])
        for slot in results
    ]


async def test_each_document_has_its_result_or_its_problem_in_its_place(tmp_path: Path) -> None:
    documents = (image(colour=1), b"no picture", tiff([3, 4]), image((1, 1)))
    content = [{"content": base64.b64encode(document).decode()} for document in documents]
    async with model_server() as double, gateway(tmp_path, double) as running:
        form = await running.client.post("/v1/batch", files=files(*documents))
        body = await running.client.post("/v1/batch", json={"documents": content})
        expected = ["grey 1", "unsupported_media_type", "grey 3|grey 4", "image_too_small"]
        assert slots(form) == slots(body) == expected
        assert form.json()["id"] == form.headers["x-request-id"]


async def test_options_hold_for_every_document(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/batch?min_confidence=0.9", files=files(image(), image()))
        assert slots(answer) == ["", ""]
        content = {"content": base64.b64encode(image()).decode()}
        body = {"documents": [content], "options": {"min_confidence": 0.9}}
        assert slots(await running.client.post("/v1/batch", json=body)) == [""]


@pytest.mark.parametrize("count", [17, 40])
async def test_more_documents_than_a_batch_holds_are_refused(tmp_path: Path, count: int) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/batch", files=files(*[image()] * count))
        assert answer.json()["code"] in {"invalid_parameter", "too_many_parts"}
        assert "16" in answer.text or "32" in answer.text
        content = [{"content": "eA=="}] * count
        answer = await running.client.post("/v1/batch", json={"documents": content})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    ("path", "request_", "expected", "words"),
    [
        ("/v1/batch", {"content": image()}, "415 unsupported_media_type", "POST /v1/ocr"),
        ("/v1/batch?output=text", {"files": files(image())}, "400 invalid_parameter", "json"),
        ("/v1/batch", {"json": {"documents": []}}, "400 invalid_parameter", "at least 1"),
        ("/v1/batch", {"json": {}}, "400 missing_document", "documents"),
        ("/v1/batch", {"json": {"documents": [{"content": "@"}]}}, "400 invalid_base64", "documents.0"),
        ("/v1/batch", {"files": [("output", (None, b"json"))]}, "400 missing_document", "file"),
    ],
)
async def test_a_bad_batch_gets_its_problem(
    tmp_path: Path, path: str, request_: dict[str, Any], expected: str, words: str
) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post(path, **request_)
        assert f"{answer.status_code} {answer.json()['code']}" == expected
        assert words in answer.json()["detail"]
