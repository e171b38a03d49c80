"""The page and the command in front of the real gateway and model server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import kubeocr
from tests.screenshot import read_sample
from tests.support.browser import chromium
from tests.support.service import service
from tests.unit.test_client_command import run

SAMPLE = Path(__file__).parents[2] / "examples" / "sample.png"
TOTAL = "Total: 110.00 EUR"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with service(tmp_path_factory.mktemp("service")) as running:
        yield running.url


def test_the_pages_own_sample_is_read_in_its_order(url: str, tmp_path: Path) -> None:
    with chromium(tmp_path) as browser:
        read_sample(browser, url)
        lines = [line.text for line in browser.all("#lines .text")]
        boxes = browser.all("#sheet polygon")
        assert browser.complaints() == []
    assert len(boxes) == len(lines)
    assert lines[:2] == ["Bakery Sunrise", "12 Mill Lane, Riverton"]
    assert lines[6:10] == ["120", "Bread rolls", "0.40", "48.00"]
    assert "110.00 EUR" in lines


def test_the_command_and_the_library_read_the_sample(url: str, tmp_path: Path) -> None:
    ended = asyncio.run(run("read", SAMPLE, "--url", url, "--output-dir", tmp_path))
    assert ended.status == 0, ended.err
    assert TOTAL in (tmp_path / "sample.txt").read_text().splitlines()
    document = kubeocr.read(url, SAMPLE)
    assert document.text == (tmp_path / "sample.txt").read_text().rstrip("\n")
    assert all(line.confidence > 0.8 for line in document.pages[0].lines)
