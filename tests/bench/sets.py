"""Public sets of pages that lie in a folder: `--set NAME=FOLDER`.

An image's truth is found beside it, in one of three forms:

- `../box/NAME.csv` with `x1,y1,x2,y2,x3,y3,x4,y4,TEXT` a line (ICDAR-2019-SROIE: give `data/img`; its lines
  are not all in reading order, so mind the words there, not the CER);
- `../ground_truth/NAME.truth.hocr`, the words of each `ocr_line` (scribeocr/ocr-benchmark: give `img`);
- `NAME.gold.txt` or `NAME.txt`, text in reading order without places (tesseract-ocr/test: give `testing`).

Images without truth, and PDF files, are left out. Of the images by name, every second one is for tuning.
"""

from collections.abc import Iterator
from pathlib import Path

from lxml import html

from tests.bench.pages import Page, Split
from tests.bench.sheet import Line, Polygon

_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"})
_NOWHERE: Polygon = ((0, 0), (0, 0), (0, 0), (0, 0))
_COORDINATES = 8


class SetError(Exception):
    """The folder holds no page with truth."""


def read_set(name: str, folder: Path, split: Split, limit: int) -> list[Page]:
    """At most `limit` pages of one half of the set.

    Raises:
        SetError: there is none.
    """
    return read_all(name, folder)[0 if split == "tune" else 1 :: 2][:limit]


def read_all(name: str, folder: Path) -> list[Page]:
    """Both halves, by name.

    Raises:
        SetError: there are not two pages.
    """
    pages = [_page(name, image, lines) for image, lines in _known(folder)]
    if len(pages) < 2:
        raise SetError(
            f"set {name}: no second image with a truth beside it in {folder}; see tests/bench/sets.py"
        )
    return pages


def _known(folder: Path) -> Iterator[tuple[Path, tuple[Line, ...]]]:
    for path in sorted(folder.iterdir() if folder.is_dir() else []):
        if path.suffix.lower() in _IMAGES and (lines := _truth(path)):
            yield path, lines


def _page(name: str, image: Path, lines: tuple[Line, ...]) -> Page:
    return Page(f"{name}-{image.stem}", name, "en", frozenset({name, "upright"}), image.read_bytes(), lines)


def _truth(image: Path) -> tuple[Line, ...]:
    boxes = image.parent.parent / "box" / f"{image.stem}.csv"
    if boxes.is_file():
        return tuple(_boxed(row) for row in _rows(boxes) if row.count(",") >= _COORDINATES)
    hocr = image.parent.parent / "ground_truth" / f"{image.stem}.truth.hocr"
    if hocr.is_file():
        return tuple(Line(row, _NOWHERE) for row in _hocr_rows(hocr))
    for text in (image.with_suffix(".gold.txt"), image.with_suffix(".txt")):
        if text.is_file():
            return tuple(Line(row, _NOWHERE) for row in _rows(text))
    return ()


def _boxed(row: str) -> Line:
    *numbers, text = row.split(",", _COORDINATES)
    x0, y0, x1, y1, x2, y2, x3, y3 = map(float, numbers)
    return Line(text, ((x0, y0), (x1, y1), (x2, y2), (x3, y3)))


def _hocr_rows(path: Path) -> Iterator[str]:
    for line in html.parse(path).iterfind(".//*[@class='ocr_line']"):
        words = ("".join(word.itertext()).strip() for word in line.iterfind(".//*[@class='ocrx_word']"))
        yield " ".join(filter(None, words))


def _rows(path: Path) -> list[str]:
    rows = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
    return [row.strip() for row in rows if row.strip()]
