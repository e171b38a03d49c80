"""Programs and schemas of others that read what the gateway writes."""

import io
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from lxml import etree
from PIL import Image

from tests.bench.environments import Recipe, interpreter

HOCR_SPEC = Recipe("hocr-spec==0.2.0", ("future", "lxml"), bare=True)
ALTO_TOOLS = Recipe("alto-tools==0.1.0")
# PAGE's schema lies in the wheel of the OCR-D framework, of which nothing else is wanted.
OCRD = Recipe("ocrd==3.13.3", ("lxml",), bare=True)


class Seen(NamedTuple):
    """A word in a PDF as poppler finds it: its text and its box in points, y down."""

    text: str
    box: tuple[float, float, float, float]


def install_poppler() -> None:
    """pdftotext from Debian's packages."""
    if shutil.which("pdftotext") is None:
        print("== installing poppler-utils", flush=True)
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(["apt-get", "-qq", "install", "-y", "poppler-utils"], check=True)


def pdf_text(pdf: bytes) -> str:
    """The text that a reader would copy."""
    return _pdftotext(pdf, "-layout")


def pdf_words(pdf: bytes) -> list[list[Seen]]:
    """The words of each page."""
    root = etree.fromstring(_pdftotext(pdf, "-bbox").encode())
    return [
        [
            Seen(
                word.text or "", tuple(float(word.attrib[side]) for side in ("xMin", "yMin", "xMax", "yMax"))
            )
            for word in page.iterfind("{*}word")
        ]
        for page in root.iterfind(".//{*}page")
    ]


def drawn_page(pdf: bytes) -> Image.Image:
    """The first page in grey, a pixel for a point."""
    command = ["pdftoppm", "-r", "72", "-gray", "-singlefile", "-"]
    return Image.open(io.BytesIO(subprocess.run(command, input=pdf, check=True, capture_output=True).stdout))


def check_hocr(file: Path) -> None:
    """Raises CalledProcessError with the findings of the hOCR validator."""
    subprocess.run(
        [interpreter(HOCR_SPEC).parent / "hocr-spec", file], check=True, capture_output=True, text=True
    )


def alto_text(file: Path) -> str:
    """The text as alto-tools reads it."""
    command = [interpreter(ALTO_TOOLS).parent / "alto-tools", "--text", file]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def check_page_xml(content: bytes) -> None:
    """Raises lxml's DocumentInvalid."""
    packages = interpreter(OCRD).parent.parent.glob("lib/python*/site-packages/ocrd_validators/page.xsd")
    etree.XMLSchema(etree.parse(next(packages))).assertValid(etree.fromstring(content))


def _pdftotext(pdf: bytes, how: str) -> str:
    command = ["pdftotext", "-cropbox", how, "-", "-"]
    return subprocess.run(command, input=pdf, check=True, capture_output=True).stdout.decode()
