"""POST /v1/ocr and POST /gateway/ocr, over HTTP, against a double of the model server."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from ocr_gateway.problems import CODES
from ocr_wire import oip
from tests.unit.gateway_kit import (
    Gateway,
    ModelServer,
    eventually,
    failing,
    gateway,
    image,
    model_server,
    reading,
    tiff,
    until_gone,
)

PNG = image()


def problem(response: httpx.Response) -> dict[str, object]:
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = response.json()
    assert document["status"] == response.status_code
    assert document["type"] == f"https://kubeocr.dev/problems/{document['code']}"
    assert document["instance"] == response.headers["x-request-id"]
    assert document["title"] == CODES[str(document["code"])].title
    return document


@pytest.fixture(scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway of small limits."""
    limits = {"max_body_bytes": 20_000, "max_pages": 8, "max_image_pixels": 10_000}
    async with (
        model_server() as double,
        gateway(tmp_path_factory.mktemp("small"), double, **limits) as running,
    ):
        yield running


async def test_raw_multipart_and_json_bodies_give_the_same_pages(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        data = image(colour=80)
        content = {"document": {"content": base64.b64encode(data).decode()}}
        answers = [
            await running.client.post("/v1/ocr", content=data, headers={"content-type": "image/png"}),
            await running.client.post("/v1/ocr", files={"file": ("a.png", data)}),
            await running.client.post("/v1/ocr", json=content),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert [answer.json()["pages"] for answer in answers] == [answers[0].json()["pages"]] * 3


async def test_the_json_answer_has_pages_usage_and_timings(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr", content=image(colour=80))
        document = answer.json()
        timings = document.pop("timings_ms")
        assert document == {
            "schema": "https://kubeocr.dev/schemas/ocr-result.v1.json",
            "id": answer.headers["x-request-id"],
            "status": "succeeded",
            "model": {"name": "double", "sha256": "0" * 64},
            "pages": [
                {
                    "page": 1,
                    "width": 40,
                    "height": 30,
                    "unit": "pixel",
                    "source": "ocr",
                    "rotation": 0,
                    "skew": 0,
                    "text": "grey 80",
                    "confidence": 0.5,
                    "lines": [
                        {
                            "id": 0,
                            "text": "grey 80",
                            "confidence": 0.5,
                            "polygon": [[0, 0], [9, 0], [9, 5], [0, 5]],
                            "bbox": [0, 0, 9, 5],
                            "block": 0,
                        }
                    ],
                    "blocks": [{"id": 0, "bbox": [0, 0, 9, 5], "lines": [0]}],
                }
            ],
            "usage": {"pages": 1, "megapixels": 0.001, "lines": 1},
        }
        assert set(timings) == {"read", "open", "decode", "upstream", "queue", "det", "rec"}
        for stage in timings:
            assert f"{stage};dur=" in answer.headers["server-timing"]


async def test_an_image_of_one_page_reaches_the_model_server_as_it_came(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        data = image(kind="JPEG")
        await running.client.post("/v1/ocr", content=data)
        call = oip.decode_request(double.bodies[0], int(double.seen[0][oip.HEADER_LENGTH.lower()]))
        assert call.inputs[0].data == (data,)


@pytest.mark.parametrize(
    ("accept", "output", "media_type"),
    [
        ("text/plain", None, "text/plain; charset=utf-8"),
        ("text/*", None, "text/plain; charset=utf-8"),
        ("application/json;q=0.2, text/plain;q=0.9", None, "text/plain; charset=utf-8"),
        ("application/json;q=0, */*;q=0.1", None, "text/plain; charset=utf-8"),
        ("*/*", None, "application/json"),
        ("text/plain, application/json", None, "application/json"),
        ("application/xml", None, "application/xml"),
        ("application/alto+xml", None, "application/alto+xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", None, "text/html; charset=utf-8"),
        ("application/pdf", None, "application/pdf"),
        (None, "hocr", "text/vnd.hocr+html; charset=utf-8"),
        (None, "page", "application/vnd.prima.page+xml"),
        (None, "tsv", "text/tab-separated-values; charset=utf-8"),
        (None, "markdown", "text/markdown; charset=utf-8"),
        ("image/png", "text", "text/plain; charset=utf-8"),
        ("text/plain", "json", "application/json"),
    ],
)
async def test_the_format_is_chosen_by_output_then_by_accept(
    small: Gateway, accept: str | None, output: str | None, media_type: str
) -> None:
    params = {"output": output} if output else {}
    headers = {"accept": accept} if accept else {}
    answer = await small.client.post("/v1/ocr", content=PNG, params=params, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type


async def test_output_may_be_a_query_parameter_a_form_field_or_a_json_member(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        content = {"document": {"content": base64.b64encode(image()).decode()}, "options": {"output": "text"}}
        answers = [
            await running.client.post("/v1/ocr?output=text", content=image()),
            await running.client.post("/v1/ocr", files={"file": image()}, data={"output": "text"}),
            await running.client.post("/v1/ocr", json=content),
        ]
        assert [answer.text for answer in answers] == ["grey 255\n"] * 3


async def test_the_pages_of_a_tiff_come_back_in_order_as_text_with_blank_lines_between(
    tmp_path: Path,
) -> None:
    async def later_pages_first(request: Request, double: ModelServer) -> Response:
        await asyncio.sleep(0.2 if len(double.seen) == 1 else 0)
        return await reading(request, double)

    async with model_server(later_pages_first) as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr?output=text", content=tiff([10, 20, 30]))
        assert answer.text == "grey 10\n\ngrey 20\n\ngrey 30\n"


async def test_no_more_pages_of_a_document_are_sent_at_once_than_configured(tmp_path: Path) -> None:
    async def slow(request: Request, double: ModelServer) -> Response:
        await asyncio.sleep(0.02)
        return await reading(request, double)

    async with model_server(slow) as double, gateway(tmp_path, double, page_concurrency=2) as running:
        answer = await running.client.post("/v1/ocr", content=tiff(range(0, 80, 10)))
        assert [page["text"] for page in answer.json()["pages"]] == [f"grey {n}" for n in range(0, 80, 10)]
        assert double.most == 2


async def test_a_huge_page_of_a_tiff_is_sent_at_half_its_sides_and_told_in_its_own_pixels(
    tmp_path: Path,
) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr", content=tiff([7, 8], (5000, 4000), "tiff_lzw"))
        assert max(map(len, double.bodies)) < 2500 * 2000 * 3 + 1000
        for page in answer.json()["pages"]:
            assert (page["width"], page["height"]) == (5000, 4000)
            assert page["lines"][0]["polygon"] == [[0, 0], [18, 0], [18, 10], [0, 10]]
            assert page["lines"][0]["bbox"] == [0, 0, 18, 10]


async def test_a_page_that_fails_is_a_problem_in_its_place(tmp_path: Path) -> None:
    async def third_fails(request: Request, double: ModelServer) -> Response:
        if len(double.seen) == 3:
            return await failing(422, "undecodable_image")(request, double)
        return await reading(request, double)

    async with model_server(third_fails) as double, gateway(tmp_path, double, page_concurrency=1) as running:
        answer = await running.client.post("/v1/ocr", content=tiff([1, 2, 3, 4]))
        document = answer.json()
        assert (answer.status_code, document["status"]) == (200, "partial")
        assert answer.headers["ocr-failed-pages"] == "3"
        assert [page.get("text") for page in document["pages"]] == ["grey 1", "grey 2", None, "grey 4"]
        error = document["pages"][2]["error"]
        assert (error["code"], error["page"], error["status"]) == ("undecodable_image", 3, 422)
        assert document["usage"]["pages"] == 3


async def test_a_document_of_which_no_page_can_be_read_is_the_first_pages_problem(tmp_path: Path) -> None:
    double = model_server(failing(422, "undecodable_image"))
    async with double as failing_double, gateway(tmp_path, failing_double) as running:
        answer = await running.client.post("/v1/ocr", content=tiff([1, 2]))
        assert problem(answer) | {"page": 1, "code": "undecodable_image"} == problem(answer)


async def test_lines_below_the_wanted_confidence_are_left_out(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        for least, lines in (("0.5", 1), ("0.51", 0)):
            answer = await running.client.post(f"/v1/ocr?min_confidence={least}", content=image())
            assert len(answer.json()["pages"][0]["lines"]) == lines


async def test_coordinates_can_be_relative_to_the_page(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v1/ocr?coordinates=relative", content=image((36, 20)))
        page = answer.json()["pages"][0]
        assert page["unit"] == "relative"
        assert page["lines"][0]["bbox"] == [0, 0, 0.25, 0.25]


async def test_the_old_systems_call_gets_an_inference_response(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.post(
            "/gateway/ocr", files={"image_file": ("a.png", image(), "image/png")}
        )
        assert answer.json() == {
            "model_name": "ocr-model",
            "id": answer.headers["x-request-id"],
            "outputs": [{"name": "output-0", "datatype": "BYTES", "shape": [1], "data": ["grey 255"]}],
        }


JSON = {"content-type": "application/json"}
FORM = {"content-type": "multipart/form-data; boundary=b"}


def part(name: str, value: bytes, end: bytes = b"--\r\n") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
    return head + value + b"\r\n--b" + end


@pytest.mark.parametrize(
    ("path", "headers", "body", "expected", "words"),
    [
        ("/v1/ocr", {}, b"", "400 empty_body", "empty"),
        ("/v1/ocr", JSON, b"", "400 empty_body", "empty"),
        ("/v1/ocr", FORM, b"", "400 empty_body", "empty"),
        ("/v1/ocr", FORM, part("file", b""), "400 empty_body", "empty"),
        ("/v1/ocr", JSON, b'{"document":{"content":""}}', "400 empty_body", "empty"),
        ("/v1/ocr", {"content-type": "image/png"}, b"hello", "415 unsupported_media_type", "JPEG"),
        ("/v1/ocr", {"content-type": "application/pdf"}, b"PDF-1.7", "415 unsupported_media_type", "PDF"),
        ("/v1/ocr", {"content-type": "image/png"}, b"%PDF-1.7", "422 corrupt_pdf", "damaged"),
        ("/v1/ocr?pages=3-1", {}, PNG, "400 invalid_pages", "3-1"),
        ("/v1/ocr?pages=2", {}, PNG, "400 invalid_pages", "1 page"),
        ("/v1/ocr?dpi=700", {}, PNG, "400 invalid_parameter", "600"),
        ("/v1/ocr", {"content-encoding": "gzip"}, PNG, "415 unsupported_media_type", "gzip"),
        ("/v1/ocr", {}, PNG[:20], "422 undecodable_image", "damaged"),
        ("/v1/ocr", {}, image((1, 1)), "422 image_too_small", "4"),
        ("/v1/ocr", {}, image((101, 100), "GIF"), "413 too_many_pixels", "10000"),
        ("/v1/ocr", {}, tiff([0] * 9), "413 too_many_pages", "8"),
        ("/v1/ocr", {}, b"x" * 20_001, "413 body_too_large", "20000"),
        ("/v1/ocr?lang=de", {}, PNG, "400 unknown_parameter", "level, min_confidence, output, pages"),
        ("/v1/ocr?min_confidence=2", {}, PNG, "400 invalid_parameter", "less than or equal to 1"),
        ("/v1/ocr?level=page", {}, PNG, "400 invalid_parameter", "'line' or 'word'"),
        ("/v1/ocr?output=docx", {}, PNG, "400 invalid_parameter", "json, text"),
        ("/v1/ocr?output=json&output=text", {}, PNG, "400 invalid_parameter", "twice"),
        ("/v1/ocr", {"accept": "image/png"}, PNG, "406 not_acceptable", "text/plain"),
        ("/v1/ocr", JSON, b"{", "400 invalid_json", "JSON"),
        ("/v1/ocr", JSON, b"[" * 5000, "400 invalid_json", "recursion"),
        ("/v1/ocr", JSON, b"[]", "400 invalid_parameter", "object"),
        ("/v1/ocr", JSON, b"{}", "400 missing_document", "document is missing"),
        ("/v1/ocr", JSON, b'{"document":{"content":"@"}}', "400 invalid_base64", "document.content"),
        ("/v1/ocr", JSON, '{"document":{"content":"ü"}}'.encode(), "400 invalid_base64", "alphabet"),
        ("/v1/ocr", JSON, b'{"document":{"content":5}}', "400 invalid_parameter", "document.content"),
        ("/v1/ocr", JSON, b'{"document":{"content":"","url":""}}', "400 unknown_parameter", "document.url"),
        ("/v1/ocr", JSON, b'{"lang":"de","document":{"content":""}}', "400 unknown_parameter", "options"),
        (
            "/v1/ocr",
            JSON,
            b'{"options":{"lang":"de"},"document":{"content":""}}',
            "400 unknown_parameter",
            "level",
        ),
        ("/v1/ocr", FORM, b"no form", "400 invalid_multipart", "parsed"),
        ("/v1/ocr", FORM, part("lang", b"de"), "400 unknown_parameter", "file, level"),
        ("/v1/ocr", FORM, part("output", b"json"), "400 missing_document", "file"),
        ("/v1/ocr", FORM, part("output", b"j" * 1025), "400 invalid_parameter", "1024"),
        ("/v1/ocr", FORM, part("file", PNG)[:-6], "400 invalid_multipart", "cut off"),
        ("/v1/ocr", FORM, b"--b\r\n" + b"X: " + b"y" * 9000, "400 invalid_multipart", "size"),
        ("/v1/ocr", FORM, b"--b\r\n" + b"X: y\r\n" * 99, "400 invalid_multipart", "count"),
        ("/v1/ocr", FORM, b"--b\r\nX: y\r\n\r\n", "400 invalid_multipart", "name"),
        ("/v1/ocr", {"content-type": "multipart/form-data"}, PNG, "400 invalid_multipart", "boundary"),
        ("/gateway/ocr", {"content-type": "image/png"}, PNG, "415 unsupported_media_type", "image_file"),
        ("/gateway/ocr", FORM, part("file", PNG), "400 unknown_parameter", "known: image_file"),
        ("/gateway/ocr?output=text", FORM, part("image_file", PNG), "400 unknown_parameter", "known: none"),
    ],
)
async def test_a_bad_request_gets_its_problem_and_the_next_good_one_is_answered(
    small: Gateway, path: str, headers: dict[str, str], body: bytes, expected: str, words: str
) -> None:
    answer = await small.client.post(path, headers=headers, content=body)
    document = problem(answer)
    assert f"{answer.status_code} {document['code']}" == expected, document
    assert words in str(document["detail"]), document
    assert (await small.client.post("/v1/ocr", content=PNG)).status_code == 200


async def test_a_form_of_too_many_parts_is_refused(small: Gateway) -> None:
    body = b"".join(part(f"f{n}", b"", b"\r\n")[:-5] for n in range(17)) + b"--b--\r\n"
    document = problem(await small.client.post("/v1/ocr", headers=FORM, content=body))
    assert (document["code"], document["limit"], document["actual"]) == ("too_many_parts", 16, 17)


async def test_two_documents_in_one_form_are_refused(small: Gateway) -> None:
    answer = await small.client.post("/v1/ocr", files=[("file", PNG), ("file", PNG)])
    assert problem(answer) | {"code": "invalid_parameter", "limit": 1, "actual": 2} == problem(answer)


async def test_output_in_the_query_and_in_the_form_is_refused(small: Gateway) -> None:
    answer = await small.client.post("/v1/ocr?output=json", files={"file": PNG}, data={"output": "json"})
    assert problem(answer)["code"] == "invalid_parameter"


async def test_a_chunked_body_is_cut_at_the_limit(small: Gateway) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 10_000
            yield b"x" * 10_000

    answer = await small.client.post("/v1/ocr", content=endless())
    document = problem(answer)
    assert document["code"] == "body_too_large"
    assert document["limit"] == 20_000
    assert answer.headers["connection"] == "close"


async def test_unknown_paths_and_methods_are_problems(small: Gateway) -> None:
    missing, wrong = await small.client.get("/v1/nothing"), await small.client.get("/v1/ocr")
    assert problem(missing)["code"] == "not_found"
    assert problem(wrong)["code"] == "method_not_allowed"
    assert wrong.headers["allow"] == "POST"


async def test_a_client_that_leaves_cancels_the_work(tmp_path: Path) -> None:
    async with model_server(until_gone) as double, gateway(tmp_path, double) as running:
        request = asyncio.create_task(running.client.post("/v1/ocr", content=PNG))
        await eventually(lambda: double.running == 1)
        request.cancel()
        async with asyncio.timeout(30):
            await double.cancelled.wait()


async def test_a_request_that_takes_too_long_is_a_504_and_its_work_is_cancelled(tmp_path: Path) -> None:
    async with (
        model_server(until_gone) as double,
        gateway(tmp_path, double, request_timeout_seconds=0.2) as running,
    ):
        assert problem(await running.client.post("/v1/ocr", content=PNG))["code"] == "deadline_exceeded"
        assert 0 < int(double.seen[0]["x-request-deadline-ms"]) <= 200
        async with asyncio.timeout(30):
            await double.cancelled.wait()


async def test_more_requests_than_the_gateway_holds_are_told_to_come_back(tmp_path: Path) -> None:
    async with model_server(until_gone) as double, gateway(tmp_path, double, max_requests=1) as running:
        first = asyncio.create_task(running.client.post("/v1/ocr", content=PNG))
        await eventually(lambda: double.running == 1)
        answer = await running.client.post("/v1/ocr", content=PNG)
        assert problem(answer)["code"] == "queue_full"
        assert problem(answer)["retryable"] is True
        assert answer.headers["retry-after"] == "2"
        first.cancel()
        double.behaviour = reading
        await eventually(lambda: double.running == 0)
        assert (await running.client.post("/v1/ocr", content=PNG)).status_code == 200
