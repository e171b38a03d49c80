"""`python -m tests.bench.order`: text in reading order, and pages that lie on their side or upside down.

For each group of pages, drawn ones and public sets (see sets.py), the mean CER in reading order beside
Tesseract's, and the word-F1 upright and turned by 90, 180 and 270 degrees.
"""

import argparse
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from PIL import Image

from tests.bench import fonts, pages, sets
from tests.bench.child import Child, Reading
from tests.bench.engines import PEERS, Engine, ours
from tests.bench.pages import Page
from tests.bench.score import score

TURNS = (90, 180, 270)
DRAWN = ("prose", "columns", "table", "form", "mixed")

Read = Callable[[bytes, str], Reading]


def main() -> None:
    """Read them, and print a table."""
    parser = argparse.ArgumentParser(prog="tests.bench.order", description=__doc__)
    add = parser.add_argument
    add("--model", default="balanced", metavar="NAME", help="(%(default)s)")
    add("--set", action="append", default=[], metavar="NAME=FOLDER", help="a public set; repeatable")
    options = parser.parse_args()
    fonts.install()
    groups = dict(_groups(options.set))
    our = ours([options.model])[0]
    (tesseract,) = (peer for peer in PEERS if peer.adapter == "tesseract")
    print(f"| pages | | CER {our.name} | CER {tesseract.name} | word-F1 upright | by {TURNS} |")
    print("|---|---:|---:|---:|---:|---:|")
    with _running(our) as read, _running(tesseract) as read_other:
        for name, group in groups.items():
            upright = [_score(read, page, 0) for page in group]
            other = [_score(read_other, page, 0)[1] for page in group]
            turned = [fmean(_score(read, page, turn)[0] for page in group) for turn in TURNS]
            words, errors = map(fmean, zip(*upright, strict=True))
            by_turn = ", ".join(f"{f1 - words:+.4f}" for f1 in turned)
            cells = (name, len(group), f"{errors:.3f}", f"{fmean(other):.3f}", f"{words:.4f}", by_turn)
            print("|", " | ".join(map(str, cells)), "|", flush=True)


def _groups(given: Iterable[str]) -> Iterator[tuple[str, list[Page]]]:
    drawn = [page for page in pages.render_all("report") if "upright" in page.groups]
    for kind in DRAWN:
        yield kind, [page for page in drawn if page.kind == kind]
    for each in given:
        name, _, folder = each.partition("=")
        yield name, sets.read_all(name, Path(folder))


def _score(read: Read, page: Page, turn: int) -> tuple[float, float]:
    """Word-F1 and CER of the page turned by so many degrees."""
    reading = read(_turned(page.data, turn) if turn else page.data, page.language)
    result = score(page.lines, reading.lines, reading.text)
    return result.word_f1, result.cer


def _turned(data: bytes, degrees: int) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(data)).rotate(degrees, expand=True).save(file, "PNG")
    return file.getvalue()


@contextmanager
def _running(engine: Engine) -> Iterator[Read]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Child(engine.command(), sorted(os.sched_getaffinity(0))[:1], Path(folder, "log")) as child,
    ):
        path = Path(folder, "page")

        def read(data: bytes, language: str) -> Reading:
            path.write_bytes(data)
            return child.read(path, language)

        yield read


if __name__ == "__main__":
    main()
