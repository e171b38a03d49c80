"""A model of the user's own in the real model server: read with when it is the right one, else not served."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.pki import Authority
from tests.component.test_modelserver_process import PROGRAM, TEXT, ModelServer, document, run
from tests.support.drawing import encoded, page
from tests.support.modelhost import ModelHost, model_host
from tests.support.ownmodel import FILES, SAID, own_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an own model."""
    return own_model(tmp_path / "receipts")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ModelServer]]:
    """Start a model server of the test's own."""
    servers: list[ModelServer] = []

    def start_one(*flags: str) -> ModelServer:
        servers.append(ModelServer(tmp_path / "log", *flags))
        servers[-1].wait_ready()
        return servers[-1]

    yield start_one
    for server in servers:
        assert server.stop() == 0


def digest(folder: Path) -> str:
    """What the command prints for people to put into their manifests."""
    done = run("digest", str(folder))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def flags(folder: Path, sha256: str) -> tuple[str, ...]:
    return ("--model=receipts", f"--model-dir={folder}", f"--model-sha256={sha256}")


def test_pages_are_read_by_an_own_model_that_clients_see_with_its_digest(
    start: Callable[..., ModelServer], folder: Path
) -> None:
    sha256 = digest(folder)
    server = start(*flags(folder, sha256))

    read = document(server.send_image(encoded(page([TEXT], width=600, height=200))))
    card = server.client.get("/v2/models/ocr").json()["model"]

    assert read.text.splitlines() == TEXT
    assert (read.model.name, read.model.sha256) == ("receipts", sha256)
    assert (card["name"], card["sha256"], card["languages"]) == ("receipts", sha256, SAID["languages"])


def test_another_model_in_the_folder_is_never_served(folder: Path) -> None:
    sha256 = digest(folder)
    with (folder / "rec.onnx").open("ab") as file:
        file.write(b"x")

    done = run("--port", "0", *flags(folder, sha256))

    assert done.returncode == 65
    assert done.stderr.count("\n") == 1
    assert f"the model in {folder} has sha256 {digest(folder)}, not {sha256}" in done.stderr


def test_a_missing_file_is_one_line(folder: Path) -> None:
    sha256 = digest(folder)
    (folder / "det.onnx").unlink()

    done = run("--port", "0", *flags(folder, sha256))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"model file {folder}/det.onnx is missing" in done.stderr


def test_characters_of_another_network_are_refused(folder: Path) -> None:
    (folder / "ppocrv6_tiny_dict.txt").write_text("a\nb\n")

    done = run("--port", "0", *flags(folder, digest(folder)))

    assert done.returncode == 1
    assert "characters apart, blank and space included, and 4 are listed" in done.stderr


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"detect": "rec.onnx"}, "the detection network takes no image (1, 3, 64, 64): "),
        ({"recognise": "det.onnx"}, "the recognition network does not end in a Softmax"),
        ({"detect": "ppocrv6_tiny_dict.txt"}, "ONNX Runtime cannot open the model"),
    ],
)
def test_a_file_in_the_place_of_another_is_refused_before_pages_come(
    folder: Path, files: dict[str, str], says: str
) -> None:
    (folder / "model.yaml").write_text(yaml.safe_dump({**SAID, "files": FILES | files}))

    done = run("--port", "0", *flags(folder, digest(folder)))

    assert done.returncode == 1
    assert f"ocr-modelserver: model receipts: {says}" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (("--model-sha256=" + "0" * 64,), "--model-sha256: goes with --model-dir"),
        (("--model-dir=x",), "--model: 'balanced' is the catalogue's; give the own model another name"),
        (("--model=receipts",), "--model: 'receipts' is none of fast, balanced"),
    ],
)
def test_flags_that_contradict_each_other_are_named(wrong: tuple[str, ...], says: str) -> None:
    done = run("--port", "0", *wrong)

    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]


HEADER = "Bearer a-secret-token"


@pytest.fixture
def host(folder: Path, tmp_path: Path) -> Iterator[ModelHost]:
    """An HTTPS server that has the model for who knows the header."""
    authority = Authority.create()
    (tmp_path / "ca.crt").write_bytes(authority.certificate)
    (tmp_path / "header").write_text(HEADER)
    with model_host(folder, authority, tmp_path) as host:
        host.authorization = HEADER
        yield host


def pulling(host: ModelHost, sha256: str, place: Path) -> tuple[str, ...]:
    """The command that brings the server's model to a folder beside the header and the certificate."""
    asked = (f"--url={host.url}", f"--sha256={sha256}", f"--dest={place / 'model'}")
    return ("pull", *asked, f"--authorization-file={place}/header", f"--ca-file={place}/ca.crt")


def test_a_model_of_an_https_server_is_brought_and_read_with(
    host: ModelHost, folder: Path, tmp_path: Path, start: Callable[..., ModelServer]
) -> None:
    sha256 = digest(folder)

    done = run(*pulling(host, sha256, tmp_path))

    assert (done.returncode, done.stderr) == (0, "")
    server = start(*flags(tmp_path / "model", sha256))
    assert document(server.send_image(encoded(page([TEXT], width=600, height=200)))).text.splitlines() == TEXT


@pytest.mark.parametrize(
    ("header", "flag", "code", "says"),
    [
        (HEADER, "", 65, f"not {'0' * 64}; bring back its files"),
        ("Basic a-secret", "", 77, "/model.yaml is answered 403 Forbidden; give the authorization"),
        (HEADER, "--ca-file=/nowhere", 69, "/nowhere is missing"),
        (HEADER, "--timeout-seconds=1", 69, "did not give the model within 1 s"),
    ],
)
def test_why_no_model_came_is_the_exit_code_and_one_line_that_tells_no_secret(
    host: ModelHost, tmp_path: Path, header: str, flag: str, code: int, says: str
) -> None:
    (tmp_path / "header").write_text(header)
    if code == 69:
        host.answers["/models/model.yaml"] = [lambda _: time.sleep(3)]

    done = run(*pulling(host, "0" * 64, tmp_path), *filter(None, [flag]))

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert "secret" not in done.stderr


def test_a_pull_ends_when_it_is_told_to(host: ModelHost, tmp_path: Path) -> None:
    host.answers["/models/model.yaml"] = [lambda _: time.sleep(9)]
    process = subprocess.Popen([PROGRAM, *pulling(host, "0" * 64, tmp_path)])
    deadline = time.monotonic() + 60
    while not host.asked and time.monotonic() < deadline:
        time.sleep(0.05)

    process.send_signal(signal.SIGTERM)

    assert process.wait(5) == 128 + signal.SIGTERM
    assert list((tmp_path / "model").iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example.com/",
        "https:///models/",
        "https://user:secret@models.example.com/",
        "https://models.example.com/?token=secret",
    ],
)
def test_an_address_of_another_kind_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    done = run("pull", f"--url={url}", "--sha256", "0" * 64, "--dest", str(tmp_path))

    assert done.returncode == 2
    assert "--url: write https://HOST[:PORT]/FOLDER/, without user and query" in done.stderr
    assert "secret" not in done.stderr
