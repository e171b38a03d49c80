"""Own models from a real HTTPS server: what comes is the model that was asked for, or nothing is there."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml

from ocr_modelserver.models import pull as module
from ocr_modelserver.models.catalogue import ModelError
from ocr_modelserver.models.own import DigestMismatchError, read_own
from ocr_modelserver.models.pull import (
    Patience,
    RefusedError,
    Source,
    UnavailableError,
    pull,
    read_authorization,
)
from tests.cluster.pki import Authority
from tests.support.modelhost import Answer, ModelHost, content, model_host, status

FILES = {"detect": "det.onnx", "recognise": "rec.onnx", "characters": "letters.txt"}
SAID = {"version": "7", "licence": "MIT", "languages": ["en"], "files": FILES}
HEADER = "Bearer a-secret-token"
QUICK = Patience(seconds=20, idle_seconds=0.5, pauses=(0.01, 0.02))


AUTHORITY = Authority.create()


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """The model's folder on the server."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for place, name in enumerate(FILES.values()):
        (folder / name).write_bytes(name.encode() * (100_000 + place))
    (folder / "model.yaml").write_text(yaml.safe_dump(SAID))
    return folder


@pytest.fixture
def sha256(shelf: Path) -> str:
    return read_own(shelf).sha256


@pytest.fixture
def host(shelf: Path, tmp_path: Path) -> Iterator[ModelHost]:
    with model_host(shelf, AUTHORITY, tmp_path) as host:
        yield host


@pytest.fixture
def source(host: ModelHost, tmp_path: Path) -> Source:
    """The server's folder, with the authority that it needs."""
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(AUTHORITY.certificate)
    return Source(host.url, authorities=trusted)


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "model"


def refused(source: Source, dest: Path, sha256: str, patience: Patience = QUICK) -> ModelError:
    """Why nothing comes; it is one line, and nothing is left behind."""
    with pytest.raises(ModelError) as caught:
        pull(source, dest, sha256, patience)
    assert list(dest.glob("*")) == []
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("end", ["", "/"])
def test_a_model_comes_as_it_is_on_the_server(source: Source, dest: Path, sha256: str, end: str) -> None:
    pull(replace(source, url=source.url + end), dest, sha256, QUICK)

    assert read_own(dest).sha256 == sha256
    assert sorted(path.name for path in dest.iterdir()) == sorted(["model.yaml", *FILES.values()])


def test_a_model_that_is_there_is_not_asked_for_again(
    source: Source, host: ModelHost, dest: Path, sha256: str
) -> None:
    pull(source, dest, sha256, QUICK)
    host.asked.clear()

    pull(source, dest, sha256, QUICK)

    assert host.asked == []


def test_what_is_there_and_is_another_model_is_replaced(source: Source, dest: Path, sha256: str) -> None:
    pull(source, dest, sha256, QUICK)
    (dest / "rec.onnx").write_bytes(b"x")

    pull(source, dest, sha256, QUICK)

    assert read_own(dest).sha256 == sha256


def test_another_model_on_the_server_never_gets_to_the_folder(
    source: Source, dest: Path, sha256: str
) -> None:
    problem = refused(source, dest, "0" * 64)

    assert isinstance(problem, DigestMismatchError)
    assert str(problem).startswith(f"the model at {source.url}/ has sha256 {sha256}, not {'0' * 64}; ")


@pytest.mark.parametrize(("given", "code"), [(None, 401), (HEADER + "x", 403)])
def test_who_may_not_have_it_is_told_so_and_not_what_was_sent(
    source: Source, host: ModelHost, dest: Path, sha256: str, given: str | None, code: int
) -> None:
    host.authorization = HEADER

    problem = refused(replace(source, authorization=given), dest, sha256)

    assert isinstance(problem, RefusedError)
    assert f"{source.url}/model.yaml is answered {code} " in str(problem)
    assert len(host.asked) == 1


def test_the_header_goes_with_every_file(source: Source, host: ModelHost, dest: Path, sha256: str) -> None:
    host.authorization = HEADER

    pull(replace(source, authorization=HEADER), dest, sha256, QUICK)

    assert [header for _, header in host.asked] == [HEADER] * 4


def dribble(request: BaseHTTPRequestHandler) -> None:
    """A header that never ends, in time for every timeout of a socket."""
    while True:
        request.wfile.write(b"X")
        time.sleep(0.05)


def stall(request: BaseHTTPRequestHandler) -> None:
    """A body that stops and never ends."""
    request.send_response(200)
    request.send_header("Content-Length", "9")
    request.end_headers()
    request.wfile.write(b"1234")
    time.sleep(5)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (status(404), "is answered 404 Not Found; the URL must be that of the folder with model.yaml"),
        (status(204), "is answered 204 No Content"),
        (status(302), "is answered 302 Found"),
        (status(302, Location="http://127.0.0.1/?secret"), "is redirected to what is no https:// URL"),
        (status(302, Location="https://[secret/"), "is redirected to what is no https:// URL"),
        (status(302, Location="https://127.0.0.1:99999/?secret"), "is redirected to what is no https:// URL"),
        (content(b"12345", said=9), "ended 4 bytes early"),
        (content(b"", said=3 << 30), "has more than 2147483648 bytes"),
        (stall, "was cut off: nothing comes"),
        (lambda request: time.sleep(2), "gives no answer: nothing comes"),
        (lambda request: request.wfile.write(b"SSH-2.0-secret\r\n\r\n"), "gives no answer: BadStatusLine"),
    ],
)
def test_an_answer_that_is_no_file_is_told_at_once(
    source: Source, host: ModelHost, dest: Path, sha256: str, answer: Answer, says: str
) -> None:
    host.answers["/models/rec.onnx"] = [answer]

    problem = refused(source, dest, sha256)

    assert type(problem) is UnavailableError
    assert f"{source.url}/rec.onnx {says}" in str(problem)
    assert [path for path, _ in host.asked].count("/models/rec.onnx") == 1


def test_a_manifest_is_small(source: Source, shelf: Path, dest: Path, sha256: str) -> None:
    (shelf / "model.yaml").write_bytes(b"#" * 65537)

    assert "/model.yaml has more than 65536 bytes" in str(refused(source, dest, sha256))


def test_files_have_a_limit_in_all_and_one_that_says_no_length_is_held_to_it(
    source: Source, host: ModelHost, dest: Path, sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b"0" * 65536)

    monkeypatch.setattr(module, "_MAX_BYTES", 2_000_000)
    host.answers["/models/rec.onnx"] = [endless]

    assert "/rec.onnx has more than 99978 bytes" in str(refused(source, dest, sha256))


def test_a_wrong_manifest_is_told_by_its_url_and_field(
    source: Source, shelf: Path, dest: Path, sha256: str
) -> None:
    (shelf / "model.yaml").write_text(yaml.safe_dump({**SAID, "files": {**FILES, "detect": "../x"}}))

    problem = refused(source, dest, sha256)

    assert (type(problem), problem.exit_code) == (ModelError, 1)
    assert f"{source.url}/model.yaml: files.detect: String should match" in str(problem)


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again_and_not_for_ever(
    source: Source, host: ModelHost, dest: Path, sha256: str, code: int
) -> None:
    host.answers["/models/rec.onnx"] = [status(code)] * 3

    problem = refused(source, dest, sha256)

    assert (problem.exit_code, len(host.asked)) == (69, 1 + 2 + 3)
    assert f"is answered {code} " in str(problem)
    host.answers["/models/rec.onnx"] = [status(code)] * 2
    pull(source, dest, sha256, QUICK)


def test_a_server_that_cannot_be_reached_is_tried_again_and_named(
    source: Source, dest: Path, sha256: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.monotonic()

    problem = refused(
        replace(source, url=f"https://127.0.0.1:{port}/"), dest, sha256, Patience(pauses=(0.3,))
    )

    assert time.monotonic() - began >= 0.3
    assert str(problem) == f"https://127.0.0.1:{port}/model.yaml cannot be reached: Connection refused"


def test_a_server_that_hangs_has_a_bound_in_all(
    source: Source, host: ModelHost, dest: Path, sha256: str
) -> None:
    host.answers["/models/rec.onnx"] = [dribble]
    began = time.monotonic()

    problem = refused(source, dest, sha256, replace(QUICK, seconds=1.5))

    assert time.monotonic() - began < 10
    assert "did not give the model within 1.5 s; give it more time if it is only large" in str(problem)


def test_a_redirect_is_followed_and_another_host_does_not_get_the_header(
    source: Source, host: ModelHost, dest: Path, sha256: str, tmp_path: Path
) -> None:
    with model_host(host.folder, AUTHORITY, tmp_path) as other:
        host.answers["/models/rec.onnx"] = [status(302, Location=f"{other.url}/rec.onnx?secret")]
        host.answers["/models/det.onnx"] = [status(307, Location="/models/./det.onnx")]
        other.answers["/models/rec.onnx?secret"] = [content((host.folder / "rec.onnx").read_bytes())]

        pull(replace(source, authorization=HEADER), dest, sha256, QUICK)

    assert other.asked == [("/models/rec.onnx?secret", None)]
    assert {header for _, header in host.asked} == {HEADER}


def test_redirects_in_a_circle_end(source: Source, host: ModelHost, dest: Path, sha256: str) -> None:
    host.answers["/models/model.yaml"] = [status(302, Location="model.yaml")] * 9

    assert "/model.yaml is redirected more than 5 times" in str(refused(source, dest, sha256))


def test_a_certificate_of_an_unknown_authority_is_not_trusted(
    source: Source, host: ModelHost, dest: Path, sha256: str
) -> None:
    problem = refused(Source(source.url, HEADER), dest, sha256)

    assert "the server's certificate is not trusted: unable to get local issuer certificate" in str(problem)
    assert (problem.exit_code, host.asked) == (69, [])


def test_a_certificate_of_another_name_is_not_trusted(
    source: Source, shelf: Path, dest: Path, sha256: str, tmp_path: Path
) -> None:
    with model_host(shelf, AUTHORITY, tmp_path, names=("models.example.com",)) as host:
        problem = refused(replace(source, url=host.url, authorization=HEADER), dest, sha256)

    assert "the server's certificate is not trusted: IP address mismatch" in str(problem)
    assert (problem.exit_code, host.asked) == (69, [])


def test_a_server_that_never_shakes_hands_is_named(source: Source, dest: Path, sha256: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        plain.listen()
        url = f"https://127.0.0.1:{plain.getsockname()[1]}/"

        problem = refused(replace(source, url=url), dest, sha256)  # it accepts and says nothing

    assert str(problem) == f"{url}model.yaml cannot be reached: nothing comes"


def test_a_server_without_tls_is_named(source: Source, dest: Path, sha256: str) -> None:
    def answer(plain: socket.socket) -> None:
        connection, _ = plain.accept()
        with connection:
            connection.recv(1)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=answer, args=(plain,), daemon=True).start()
        url = f"https://127.0.0.1:{plain.getsockname()[1]}/"

        problem = refused(replace(source, url=url), dest, sha256)

    assert f"{url}model.yaml speaks no TLS as it should: " in str(problem)


def test_no_proxy_of_the_environment_is_asked(
    source: Source, dest: Path, sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")

    pull(source, dest, sha256, QUICK)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "header is missing: the Secret has no such key"),
        ("", "header has no header: write one line of ASCII such as Bearer TOKEN"),
        ("Bearer secret\nX-Other: secret", "has no header"),
        ("Bearer secrét", "has no header"),
    ],
)
def test_an_authorization_that_is_no_header_is_not_repeated(
    tmp_path: Path, text: str | None, says: str
) -> None:
    if text is not None:
        (tmp_path / "header").write_text(text)

    with pytest.raises(UnavailableError) as caught:
        read_authorization(tmp_path / "header")

    assert says in str(caught.value)
    assert "secr" not in str(caught.value)


def test_an_authorization_may_end_in_a_newline_as_files_do(tmp_path: Path) -> None:
    (tmp_path / "header").write_text(HEADER + "\n")

    assert read_authorization(tmp_path / "header") == HEADER


@pytest.mark.parametrize(("text", "says"), [(None, "is missing"), ("none", "has no certificates")])
def test_certificates_that_are_none_are_told(
    source: Source, dest: Path, sha256: str, tmp_path: Path, text: str | None, says: str
) -> None:
    if text is not None:
        (tmp_path / "other.crt").write_text(text)

    problem = refused(replace(source, authorities=tmp_path / "other.crt"), dest, sha256)

    assert f"{tmp_path}/other.crt {says}" in str(problem)


def test_a_folder_that_cannot_be_written_is_told(source: Source, sha256: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ModelError, match=r"cannot be written to .*/file/model: Not a directory") as caught:
        pull(source, tmp_path / "file" / "model", sha256, QUICK)

    assert caught.value.exit_code == 1
