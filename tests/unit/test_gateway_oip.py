"""/v2 passes through to a model server."""

from pathlib import Path

import pytest

from ocr_wire import oip
from tests.unit.gateway_kit import failing, gateway, image, model_server


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v2/health/live",
        "/v2/models/ocr",
        "/v2/models/ocr/ready",
        "/v2/models/ocr/versions/1",
        "/v2/models/ocr/versions/1/ready",
    ],
)
async def test_a_get_of_the_protocol_is_answered_by_a_model_server(tmp_path: Path, path: str) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.get(path)
        assert (answer.status_code, answer.json()["name"]) == (200, path)


@pytest.mark.parametrize("path", ["/v2/models/ocr/infer", "/v2/models/ocr/versions/1/infer"])
async def test_a_binary_inference_passes_in_both_directions(tmp_path: Path, path: str) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        call = oip.encode_request(oip.InferRequest((oip.bytes_tensor("image", (image(),)),), id="one"))
        answer = await running.client.post(path, content=call.body, headers=call.headers)
        assert double.bodies == [call.body]
        response = oip.decode_response(answer.content, int(answer.headers[oip.HEADER_LENGTH]))
        assert response.id == "one"
        assert answer.headers["server-timing"].startswith("queue")


async def test_only_known_headers_cross_the_gateway(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        inward = {"authorization": "Bearer secret", "cookie": "a=b", "x-request-id": "mine", "accept": "a/b"}
        answer = await running.client.get("/v2", headers=inward)
        seen = double.seen[-1]
        assert not seen.keys() & {"authorization", "cookie"}
        assert (seen["x-request-id"], seen["accept"]) == ("mine", "a/b")
        assert 0 < int(seen["x-request-deadline-ms"]) <= 60_000
        assert "x-secret" not in answer.headers
        assert answer.headers["x-request-id"] == "mine"


async def test_a_model_servers_error_passes_as_it_is(tmp_path: Path) -> None:
    full = failing(503, "queue_full", **{"Retry-After": "7"})
    async with model_server(full) as double, gateway(tmp_path, double) as running:
        answer = await running.client.post("/v2/models/ocr/infer", json={})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        assert answer.json() == {"error": "told queue_full", "code": "queue_full"}


async def test_the_gateways_own_problems_have_the_error_member_of_the_protocol(tmp_path: Path) -> None:
    async with model_server() as double, gateway(tmp_path, double, max_body_bytes=10) as running:
        answer = await running.client.post("/v2/models/ocr/infer", content=b"x" * 11)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/v2/models/..%2f..", "/v2/models/a%20b", "/v2/models/%0d%0aX:y", "/v2/repository/index"]
)
async def test_a_path_outside_the_protocol_reaches_no_model_server(tmp_path: Path, path: str) -> None:
    async with model_server() as double, gateway(tmp_path, double) as running:
        answer = await running.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert not double.seen
