"""Pages with known text, drawn anew from a seed.

    from tests.bench.pages import render_all
    for page in render_all("tune"):            # or "report"; quick=True for the short list
        page.data                              # the image file (PNG or JPEG), bytes
        page.lines                             # Line(text, polygon) in reading order
        page.kind, page.language, page.groups  # "table", "en", {"table", "upright"}

Half of the pages is for tuning thresholds (`tune`); the benchmark reports the other half (`report`) only.
Both halves have the same kinds of page, with other words, fonts and places. Needs the fonts of
`fonts.PACKAGES`: `fonts.install()` first.
From the shell: `python -m tests.bench.pages FOLDER` writes image files and their truth.
"""

import argparse
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from PIL import Image

from tests.bench import effects, fonts, layouts
from tests.bench.sheet import Line, Sheet, Written

Split = Literal["tune", "report"]
SEED = 20261124
_ORIENTATION = 0x0112
_EXIF_TURN = 6  # to be shown turned clockwise by 90 degrees


@dataclass(frozen=True, slots=True)
class Page:
    """An image file and its text. Polygons are in pixels of the file as shown, its EXIF turn applied."""

    name: str
    kind: str
    language: str
    groups: frozenset[str]
    data: bytes
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """A page to draw: layout, size in pixels, and what happens to it; `jpeg` 0 is PNG."""

    name: str
    layout: Callable[[Sheet], None]
    language: str
    kind: str
    width: int = 1240
    height: int = 1240
    size: int = 26
    skew: float = 0
    turn: int = 0
    exif: bool = False
    shade: bool = False
    noise: float = 0
    jpeg: int = 0
    quick: bool = False

    @property
    def groups(self) -> frozenset[str]:
        """The names of what is scored together."""
        return frozenset({self.kind, "turned" if self.turn or self.exif else "upright"})


def _columns(count: int) -> Callable[[Sheet], None]:
    return lambda sheet: layouts.prose(sheet, count)


SPECS = (
    Spec("prose-en", layouts.prose, "en", "prose", quick=True),
    Spec("prose-de", layouts.prose, "de", "prose"),
    Spec("prose-fr", layouts.prose, "fr", "prose"),
    Spec("prose-pl", layouts.prose, "pl", "prose"),
    Spec("prose-zh", layouts.prose, "zh", "prose", height=1000),
    Spec("prose-ja", layouts.prose, "ja", "prose", height=1000),
    Spec("columns2-en", _columns(2), "en", "columns", size=22, quick=True),
    Spec("columns3-de", _columns(3), "de", "columns", width=1654, size=22),
    Spec("columns2-zh", _columns(2), "zh", "columns", height=1000),
    Spec("table-en", layouts.table, "en", "table", height=1100, size=24, quick=True),
    Spec("table-pl", layouts.table, "pl", "table", height=900, size=22),
    Spec("receipt-de", layouts.receipt, "de", "receipt", 520, 1300, 26, noise=8, jpeg=60, quick=True),
    Spec("form-fr", layouts.form, "fr", "form"),
    Spec("form-de", layouts.entries, "de", "form", height=1000, size=22),
    Spec("article-en", layouts.article, "en", "mixed", 1240, 1654, 22),
    Spec("article-fr", layouts.article, "fr", "mixed", 1240, 1654, 22, skew=1, noise=5, jpeg=70),
    Spec("magazine-de", layouts.magazine, "de", "mixed", 1240, 1500, 22, jpeg=75),
    Spec("slide-en", layouts.slide, "en", "mixed", 1280, 720, 28),
    Spec("small-print-en", layouts.prose, "en", "small print", 1000, 700, 13),
    Spec("screenshot-en", layouts.screenshot, "en", "screenshot", 720, 3600, 26),
    Spec("strip-en", layouts.strip, "en", "strip", 4000, 64, 30),
    Spec("photo-en", layouts.prose, "en", "photo", skew=2, shade=True, noise=6, jpeg=55),
    Spec("noise-pl", layouts.prose, "pl", "photo", noise=22, jpeg=35),
    Spec("skew-de", layouts.prose, "de", "skew", skew=-5, jpeg=80),
    Spec("turned-90-en", layouts.prose, "en", "turned", turn=90),
    Spec("turned-180-fr", layouts.prose, "fr", "turned", turn=180),
    Spec("turned-270-zh", layouts.prose, "zh", "turned", height=1000, turn=270, quick=True),
    Spec("exif-en", layouts.receipt, "en", "turned", 600, 1100, 28, exif=True, jpeg=75),
)


def render(spec: Spec, split: Split, seed: int = SEED) -> Page:
    """Draw one page; the same arguments give the same page."""
    rng = random.Random(f"{seed}/{split}/{spec.name}")  # noqa: S311 - wanted: repeatable
    sheet = Sheet(spec.width, spec.height, spec.language, spec.size, rng)
    spec.layout(sheet)
    page = _worn(sheet.written(), spec, rng)
    return Page(spec.name, spec.kind, spec.language, spec.groups, _encoded(page.image, spec), page.lines)


def _worn(page: Written, spec: Spec, rng: random.Random) -> Written:
    if spec.skew:
        page = effects.skewed(page, spec.skew)
    if spec.turn:
        page = effects.turned(page, spec.turn)
    if spec.shade:
        page = effects.shaded(page, rng)
    if spec.noise:
        page = effects.noisy(page, rng, spec.noise)
    return page


def _encoded(image: Image.Image, spec: Spec) -> bytes:
    exif = Image.Exif()
    if spec.exif:
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[_ORIENTATION] = _EXIF_TURN
    out = io.BytesIO()
    if spec.jpeg:
        image.save(out, "JPEG", quality=spec.jpeg, exif=exif)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def render_all(split: Split, *, quick: bool = False, seed: int = SEED) -> Iterator[Page]:
    """The pages of one half, one after the other."""
    for spec in SPECS:
        if spec.quick or not quick:
            yield render(spec, split, seed)


def write(folder: Path, page: Page) -> Path:
    """Write the page's file and `NAME.json` with its lines; returns the image's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (page.name + (".png" if page.data.startswith(b"\x89PNG") else ".jpg"))
    path.write_bytes(page.data)
    truth = asdict(replace(page, data=b"")) | {"groups": sorted(page.groups), "data": path.name}
    path.with_suffix(".json").write_text(json.dumps(truth, ensure_ascii=False, indent=1))
    return path


def main() -> None:
    """Write the pages into a folder, to be looked at."""
    parser = argparse.ArgumentParser(prog="tests.bench.pages", description="Draw the benchmark's pages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=("tune", "report"), default="tune")
    parser.add_argument("--quick", action="store_true", help="the short list only")
    options = parser.parse_args()
    fonts.install()
    for page in render_all(options.split, quick=options.quick):
        print(write(options.folder, page))


if __name__ == "__main__":
    main()
