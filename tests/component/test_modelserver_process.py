"""The model server as a process: what goes over its port, and how it starts and ends."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from ocr_wire.oip import (
    HEADER_LENGTH,
    InferRequest,
    InferResponse,
    RequestedOutput,
    Tensor,
    bytes_tensor,
    decode_response,
    encode_request,
)
from ocr_wire.result import Document
from tests.support.drawing import encoded, lines, page

PROGRAM = Path(sys.executable).with_name("ocr-modelserver")
INFER = "/v2/models/ocr/infer"
TEXT = ["The invoice shows 42 euros", "payable within thirty days"]
CUT_OFF = encoded(page([TEXT]))[:900]


class ModelServer:
    """A running `ocr-modelserver` on a port of its own."""

    def __init__(self, log: Path, *flags: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.log = log
        command = [PROGRAM, "--port", str(self.port), "--threads", "1", *flags]
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=120)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.client.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        pytest.fail(f"the model server is not ready: {self.log.read_text()}")

    def infer(self, request: InferRequest, **headers: str) -> httpx.Response:
        message = encode_request(request)
        return self.client.post(INFER, content=message.body, headers=message.headers | headers)

    def send_image(self, image: bytes, **headers: str) -> httpx.Response:
        return self.infer(InferRequest((bytes_tensor("image", (image,)),)), **headers)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name with at least those labels."""
        total = 0.0
        for line in self.client.get("/metrics").text.splitlines():
            if re.match(rf"{name}[ {{]", line) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ModelServer]]:
    """Start a model server of the test's own."""
    servers: list[ModelServer] = []

    def start_one(*flags: str) -> ModelServer:
        servers.append(ModelServer(tmp_path / f"{len(servers)}.log", *flags))
        servers[-1].wait_ready()
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    """One model server for all tests that leave it as it was."""
    shared = ModelServer(tmp_path_factory.mktemp("modelserver") / "log")
    shared.wait_ready()
    yield shared
    assert shared.stop() == 0


@pytest.fixture(scope="module")
def image() -> bytes:
    """Two lines of text."""
    return encoded(page([TEXT], width=600, height=200))


def document(response: httpx.Response) -> Document:
    assert response.status_code == 200, response.text
    header = response.headers.get(HEADER_LENGTH)
    read: InferResponse = decode_response(response.content, int(header) if header else None)
    results = {tensor.name: tensor.data for tensor in read.outputs}
    return Document.model_validate_json(results["result"][0])


def assert_still_reads(server: ModelServer, image: bytes) -> None:
    assert document(server.send_image(image)).text.split("\n") == TEXT


def test_an_image_in_base64_comes_back_as_text_by_the_older_contract(
    server: ModelServer, image: bytes
) -> None:
    call = {
        "id": "7",
        "inputs": [
            {"name": "input-0", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(image).decode()]}
        ],
    }

    answer = server.client.post("/v2/models/ocr-model/infer", json=call).json()

    assert (answer["model_name"], answer["id"]) == ("ocr-model", "7")
    assert answer["outputs"] == [
        {"name": "output-0", "shape": [1], "datatype": "BYTES", "data": ["\n".join(TEXT)]}
    ]


def test_raw_bytes_both_ways(server: ModelServer, image: bytes) -> None:
    request = InferRequest(
        (bytes_tensor("image", (image, image)),),
        outputs=(RequestedOutput("text", {"binary_data": True}),),
    )

    response = server.infer(request)

    read = decode_response(response.content, int(response.headers[HEADER_LENGTH]))
    assert [(t.name, t.shape, t.data) for t in read.outputs] == [
        ("text", (2,), ("\n".join(TEXT).encode(),) * 2)
    ]


def test_a_page_of_raw_pixels_reads_as_its_file_does(server: ModelServer, image: bytes) -> None:
    pixels = np.asarray(page([TEXT], width=600, height=200))

    raw = document(server.infer(InferRequest((Tensor("image", "UINT8", pixels.shape, pixels),))))

    assert raw.pages[0].lines == document(server.send_image(image)).pages[0].lines


def test_the_result_names_its_model_and_places_each_line(server: ModelServer, image: bytes) -> None:
    (read,) = document(server.send_image(image)).pages

    assert (read.width, read.height) == (600, 200)
    assert [line.text for line in read.lines] == TEXT
    first, second = read.lines
    assert 40 <= first.bbox[0] <= 55
    assert first.bbox[3] <= second.bbox[1] + 5
    assert first.polygon[0] == pytest.approx(first.bbox[:2], abs=2)
    assert first.polygon[2] == pytest.approx(first.bbox[2:], abs=2)
    assert set(read.timings_ms) == {"decode", "det", "cls", "rec", "post"}


def test_all_pages_of_a_tiff_are_read_in_order(server: ModelServer) -> None:
    pages = [page([[f"page number {n}"]], width=400, height=120) for n in ("one", "two", "three")]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])

    read = document(server.send_image(data))

    assert read.text == "page number one\n\npage number two\n\npage number three"


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [
        ("CMYK", "JPEG"),
        ("RGBA", "PNG"),
        ("P", "GIF"),
        ("1", "TIFF"),
        ("L", "WEBP"),
        ("P", "BMP"),
        ("I;16", "PNG"),
    ],
)
def test_every_kind_of_image_is_read(server: ModelServer, mode: str, file_format: str) -> None:
    image = page([TEXT], width=600, height=200)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)

    assert_still_reads(server, encoded(image, file_format))


@pytest.mark.parametrize("size", [(20_000, 20), (3000, 25), (25, 3000), (4, 4), (4, 20_000), (900, 900)])
def test_blank_and_extreme_images_give_an_empty_page(server: ModelServer, size: tuple[int, int]) -> None:
    read = document(server.send_image(encoded(Image.new("L", size, 255))))

    assert [(p.width, p.height, p.lines) for p in read.pages] == [(*size, ())]


def test_a_long_strip_of_text_is_read_from_end_to_end(server: ModelServer) -> None:
    text = " ".join(lines(1, 120))

    read = document(server.send_image(encoded(page([[text]], size=16, width=9000, height=120))))

    found = read.text.split()
    assert len(set(text.split()) & set(found)) >= 0.9 * len(set(text.split()))
    assert len(found) == pytest.approx(120, abs=12)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "empty_body"),
        (b"hello, I am text", 415, "unsupported_media_type"),
        (CUT_OFF, 422, "undecodable_image"),
        (encoded(Image.new("L", (1, 1))), 422, "image_too_small"),
        (encoded(Image.new("1", (30_000, 30_000))), 413, "too_many_pixels"),
        (
            encoded(
                Image.new("1", (8, 8)), "TIFF", save_all=True, append_images=[Image.new("1", (8, 8))] * 50
            ),
            413,
            "too_many_pages",
        ),
    ],
    ids=["empty", "text", "truncated", "1x1", "bomb", "pages"],
)
def test_a_bad_image_gets_its_error_and_the_next_good_one_its_text(
    server: ModelServer, image: bytes, content: bytes, status: int, code: str
) -> None:
    response = server.send_image(content)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json()["error"]
    assert_still_reads(server, image)


@pytest.mark.parametrize(
    ("bad", "code"), [(b"text", "unsupported_media_type"), (CUT_OFF, "undecodable_image")]
)
def test_the_error_of_one_image_of_several_names_it(
    server: ModelServer, image: bytes, bad: bytes, code: str
) -> None:
    response = server.infer(InferRequest((bytes_tensor("image", (image, bad, image)),)))

    assert response.json()["code"] == code
    assert response.json()["error"].startswith("Image 2: ")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (InferRequest((bytes_tensor("picture", (b"x",)),)), "takes one input, image"),
        (InferRequest(()), "takes one input, image"),
        (InferRequest((bytes_tensor("image", ()),)), "1 to 16"),
        (InferRequest((bytes_tensor("image", (b"x",) * 17),)), "1 to 16"),
        (
            InferRequest((bytes_tensor("image", (b"x",)),), outputs=(RequestedOutput("tesxt"),)),
            "no output 'tesxt'",
        ),
        (InferRequest((bytes_tensor("image", (b"not base64!",), binary=False),)), "base64"),
        (InferRequest((Tensor("image", "FP32", (1,), np.zeros(1)),)), "takes BYTES [n]"),
        (InferRequest((Tensor("image", "UINT8", (9, 9), np.zeros((9, 9), np.uint8)),)), "[height, width, 3]"),
    ],
)
def test_a_request_that_does_not_fit_the_model_is_refused(
    server: ModelServer, request_: InferRequest, says: str
) -> None:
    response = server.infer(request_)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert says in response.json()["error"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", {}, 400, "empty_body"),
        (b"{", {}, 400, "invalid_request"),
        (b"{}", {HEADER_LENGTH: "x"}, 400, "invalid_request"),
        (b"{}", {HEADER_LENGTH: "9"}, 400, "invalid_request"),
        (b"{}", {"X-Request-Deadline-Ms": "soon"}, 400, "invalid_request"),
        (b"{}", {"X-Request-Deadline-Ms": "0"}, 504, "deadline_exceeded"),
        (b" " * (33 << 20), {}, 413, "body_too_large"),
    ],
)
def test_a_bad_message_gets_its_error(
    server: ModelServer, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    response = server.client.post(INFER, content=content, headers=headers)

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_chunked_body_is_cut_at_the_limit(server: ModelServer, image: bytes) -> None:
    chunks = (b" " * (1 << 20) for _ in range(40))

    response = server.client.post(INFER, content=chunks)

    assert (response.status_code, response.json()["limit"]) == (413, 32 << 20)
    assert_still_reads(server, image)


def test_unknown_models_and_paths_and_methods_are_errors_in_json(server: ModelServer) -> None:
    get, post = server.client.get, server.client.post

    assert (get("/v2/models/tesseract").json()["code"], get("/nowhere").json()["code"]) == (
        "model_not_found",
        "not_found",
    )
    assert post("/v2/models/ocr/versions/2/infer", content=b"{}").status_code == 404
    assert (get(INFER).status_code, get(INFER).json()["code"]) == (405, "method_not_allowed")


def test_the_protocols_descriptions(server: ModelServer) -> None:
    get = server.client.get

    assert "binary_tensor_data" in get("/v2").json()["extensions"]
    assert get("/v2/models/ocr").json()["outputs"][0] == {"name": "text", "datatype": "BYTES", "shape": [-1]}
    card = get("/v2/models/ocr").json()["model"]
    assert (card["name"], len(card["sha256"])) == ("balanced", 64)
    assert "en" in card["languages"]
    assert [(part["name"], part["licence"]) for part in card["parts"]] == [
        ("ppocrv6-tiny", "Apache-2.0"),
        ("ppocrv6-small", "Apache-2.0"),
    ]
    for path in ("/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/v2/models/ocr-model/ready"):
        assert get(path).status_code == 200
    assert get("/v2/models/ocr/versions/1/ready").status_code == 200


def test_the_request_id_comes_back_and_a_wild_one_is_replaced(server: ModelServer, image: bytes) -> None:
    assert server.send_image(image, **{"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    wild = server.send_image(b"text", **{"X-Request-Id": "a b" * 99})
    assert re.fullmatch("[0-9a-f]{32}", wild.headers["x-request-id"])


def test_the_stages_are_timed_in_the_response_and_in_the_metrics(server: ModelServer, image: bytes) -> None:
    before = server.metric("ocr_model_stage_duration_seconds_count", stage="recognise")
    response = server.send_image(image)

    timing = response.headers["server-timing"]
    assert [part.split(";")[0] for part in timing.split(", ")] == [
        "queue",
        "decode",
        "det",
        "cls",
        "rec",
        "post",
    ]
    assert server.metric("ocr_model_stage_duration_seconds_count", stage="recognise") == before + 1
    assert server.metric("ocr_model_inference_requests_total", outcome="ok", model="balanced") >= 1
    assert server.metric("ocr_model_text_lines_total", ocrservice="local") >= 2
    assert server.metric("ocr_model_ready") == 1
    assert server.metric("ocr_model_queue_capacity") == 64
    for held in ("backlog_seconds", "pixels_held", "image_bytes_held"):
        assert (server.metric(f"ocr_model_{held}"), f"# TYPE ocr_model_{held}" in metrics_of(server)) == (
            0,
            True,
        )


def metrics_of(server: ModelServer) -> str:
    return server.client.get("/metrics").text


def busy_page() -> bytes:
    """A page that takes a while."""
    return encoded(page([lines(24, 14), lines(24, 14, 3)], size=20, width=1800, height=900))


def send_and_hang_up(server: ModelServer, image: bytes) -> socket.socket:
    message = encode_request(InferRequest((bytes_tensor("image", (image,)),)))
    headers = message.headers | {"Content-Length": str(len(message.body)), "Host": "x"}
    head = f"POST {INFER} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(head.encode() + message.body)
    return connection


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_work_of_a_caller_that_is_gone_is_dropped(server: ModelServer, image: bytes) -> None:
    pages = server.metric("ocr_model_pages_total")
    cancelled = server.metric("ocr_model_inference_requests_total", outcome="cancelled")
    connections = [send_and_hang_up(server, busy_page()) for _ in range(3)]
    eventually(lambda: server.metric("ocr_model_queue_depth") == 2, "one runs, two wait")

    for connection in connections:
        connection.close()

    eventually(
        lambda: server.metric("ocr_model_inference_requests_total", outcome="cancelled") == cancelled + 3,
        "all three are dropped",
    )
    assert server.metric("ocr_model_queue_depth") == 0
    assert_still_reads(server, image)
    assert server.metric("ocr_model_pages_total") == pages + 1


def test_a_deadline_ends_the_work(server: ModelServer, image: bytes) -> None:
    response = server.send_image(busy_page(), **{"X-Request-Deadline-Ms": "300"})

    assert (response.status_code, response.json()["code"]) == (504, "deadline_exceeded")
    assert_still_reads(server, image)


def test_a_full_queue_says_when_to_come_back_and_readiness_stays(
    start: Callable[..., ModelServer], image: bytes
) -> None:
    server = start("--max-queue", "1", "--no-warmup")
    with ThreadPoolExecutor(6) as callers:
        responses = list(callers.map(lambda _: server.send_image(busy_page()), range(6)))
        ready = server.client.get("/readyz").status_code

    statuses = sorted(response.status_code for response in responses)
    refused = [response for response in responses if response.status_code == 503]
    assert set(statuses) == {200, 503}
    assert all(r.json()["code"] == "queue_full" and int(r.headers["retry-after"]) >= 1 for r in refused)
    assert ready == 200
    assert_still_reads(server, image)


def test_a_body_that_stalls_is_given_up(server: ModelServer, image: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()
        connection.sendall(head + b"{")
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"body_timeout" in answer
    assert_still_reads(server, image)


def test_eight_callers_at_once_get_what_one_gets(start: Callable[..., ModelServer]) -> None:
    server = start("--threads", "2")
    images = [encoded(page([lines(6, 5, 7 * n)], width=700, height=400)) for n in range(8)]
    alone = [document(server.send_image(image)).pages[0].lines for image in images]

    with ThreadPoolExecutor(8) as callers:
        together = list(callers.map(lambda i: document(server.send_image(i)).pages[0].lines, images * 2))

    assert together == alone * 2
    assert all(alone)


def test_sigterm_finishes_what_is_in_flight_and_ends_with_status_0(start: Callable[..., ModelServer]) -> None:
    server = start()
    answers: list[httpx.Response] = []
    caller = threading.Thread(target=lambda: answers.append(server.send_image(busy_page())))
    caller.start()
    eventually(lambda: server.metric("ocr_model_workers_busy") == 1, "it is being read")

    server.process.send_signal(signal.SIGTERM)
    caller.join(90)

    assert server.process.wait(60) == 0
    assert [answer.status_code for answer in answers] == [200]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )


def test_missing_models_are_one_line_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    done = run("--port", "0", "--models-dir", str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"model file {tmp_path}/ppocrv6-tiny/det.onnx is missing" in done.stderr
    assert f"ocr-modelserver fetch-models --model ppocrv6-tiny --dest {tmp_path}" in done.stderr


def test_a_changed_model_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ppocrv4").mkdir()
    (tmp_path / "ppocrv4" / "ch_PP-OCRv4_det_infer.onnx").write_bytes(b"changed")

    done = run("--port", "0", "--model", "ppocrv4", OCR_MODELS_DIR=str(tmp_path))

    assert done.returncode == 1
    assert "has sha256" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line(server: ModelServer) -> None:
    done = run("--port", str(server.port))

    assert done.returncode == 1
    assert (
        done.stderr
        == f"ocr-modelserver: cannot listen on 127.0.0.1 port {server.port}: Address already in use\n"
    )


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--port", "70000"], "--port: '70000' is not a whole number of 0 to 65535"),
        (["--threads", "-1"], "--threads"),
        (["--max-queue", "0"], "--max-queue"),
        (["--model", "gpt"], "ppocrv6-small"),
        (["--mode", "fast"], "throughput"),
        (["--frobnicate"], "--frobnicate"),
        (["fetch-models", "--model", "gpt"], "ppocrv4"),
    ],
)
def test_a_wrong_flag_is_named_with_status_2(flags: list[str], says: str) -> None:
    done = run(*flags)

    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]


def test_logs_are_json_and_have_no_text(server: ModelServer, image: bytes) -> None:
    server.send_image(image, **{"X-Request-Id": "logged"})

    entries = [json.loads(line) for line in server.log.read_text().splitlines()]

    (entry,) = [entry for entry in entries if entry.get("request_id") == "logged"]
    assert (entry["status"], entry["images"], entry["pages"], entry["outcome"]) == (200, 1, 1, "ok")
    assert "invoice" not in server.log.read_text()
