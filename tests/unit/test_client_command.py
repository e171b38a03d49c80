"""The command `kubeocr read`, as a process, against the real gateway over a double of the model server."""

import asyncio
import json
import os
import pty
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.gateway_kit import Gateway, gateway, image, model_server

PROGRAM = Path(sys.executable).parent / "kubeocr"


@dataclass
class Ended:
    status: int | None
    out: bytes
    err: str


async def run(*arguments: object, stdin: bytes = b"", **environment: str) -> Ended:
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *map(str, arguments), stdin=PIPE, stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    out, err = await process.communicate(stdin)
    return Ended(process.returncode, out, err.decode())


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with model_server() as double, gateway(tmp_path_factory.mktemp("command"), double) as one:
        yield one


@pytest.fixture
def url(running: Gateway) -> str:
    return f"http://127.0.0.1:{running.port}"


@pytest.fixture
def scans(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"scan{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(image(colour=number))
    return files


async def test_text_comes_in_the_order_of_the_files(url: str, scans: list[Path]) -> None:
    ended = await run("read", *scans, "--url", url, "--jobs", 2)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == b"grey 0\ngrey 1\ngrey 2\n"


async def test_json_is_a_document_a_line(url: str, scans: list[Path]) -> None:
    ended = await run("read", *scans, "-o", "json", KUBEOCR_URL=url)
    documents = [json.loads(line) for line in ended.out.splitlines()]
    assert [each["pages"][0]["text"] for each in documents] == ["grey 0", "grey 1", "grey 2"]


async def test_results_may_go_into_a_folder(url: str, scans: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    ended = await run("read", *scans, "--url", url, "--output-dir", folder)
    assert (ended.status, ended.out, ended.err) == (0, b"", "")
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        f"scan{number}.txt": f"grey {number}\n" for number in range(3)
    }


async def test_the_standard_input_is_read(url: str) -> None:
    ended = await run("read", "-", "--url", url, stdin=image(colour=9))
    assert ended.out == b"grey 9\n"


async def test_a_file_that_fails_is_one_line_and_the_others_go_on(
    url: str, scans: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    ended = await run("read", scans[0], bad, tmp_path, tmp_path / "gone.png", scans[1], "--url", url)
    assert (ended.status, ended.out) == (1, b"grey 0\ngrey 1\n")
    first, second, third = ended.err.splitlines()
    assert first.startswith(f"kubeocr: {bad}: unsupported_media_type: ")
    assert "(request req_" in first
    assert second == f"kubeocr: {tmp_path}: is a folder; name the files in it, as in {tmp_path}/*"
    assert third == f"kubeocr: {tmp_path}/gone.png: No such file or directory"


async def test_pages_are_passed_on_and_what_the_server_does_not_know_is_told(
    url: str, scans: list[Path]
) -> None:
    ended = await run("read", scans[0], "--url", url, "--pages", "0")
    assert ended.status == 1
    assert "pages" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.png"], "no service is named: give --url http://HOST, or set KUBEOCR_URL"),
        (["a.png", "b.png", "--url", "http://x", "-o", "pdf"], "need --output-dir DIR"),
        (["a/s.png", "b/s.png", "--url", "http://x", "--output-dir", "o"], "would both become o/s.txt"),
        (["s.pdf", "--url", "http://x", "-o", "pdf", "--output-dir", "."], "is one of the documents"),
        (["-", "-", "--url", "http://x"], "the standard input can be read once"),
        (["a.png", "--url", "http://x", "--jobs", "0"], "from 1 to 64"),
        (["a.png", "--url", "http://x", "--api-key-file", "gone"], "gone: No such file"),
    ],
)
async def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], said: str) -> None:
    ended = await run("read", *arguments, KUBEOCR_URL="")
    assert (ended.status, ended.out) == (2, b"")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


async def test_a_terminal_shows_how_far_it_is(url: str, scans: list[Path]) -> None:
    terminal, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "read", *scans, "--url", url, stdout=PIPE, stderr=end
    )
    out, _ = await process.communicate()
    os.close(end)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert out == b"grey 0\ngrey 1\ngrey 2\n"
    assert f"{'█' * 16}{'░' * 8} 2/3" in shown
    assert shown.endswith("\r\x1b[K")


async def test_a_reader_that_has_enough_ends_it_quietly(url: str, scans: list[Path]) -> None:
    read, write = os.pipe()
    os.close(read)
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "read", *scans, "--url", url, stdout=write, stderr=PIPE
    )
    os.close(write)
    _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")
