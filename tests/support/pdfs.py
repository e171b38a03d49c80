"""PDFs as tests need them, written by hand: good, odd and hostile ones."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FONT = "/F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


@dataclass(frozen=True)
class PdfPage:
    """A page: its content stream, its size in points, and further entries of its dictionary."""

    content: bytes = b""
    size: tuple[float, float] = (612, 792)
    entries: str = ""
    resources: str = ""


def text(*lines: str, size: float = 24, left: float = 72, top: float = 700, mode: int = 0) -> bytes:
    """A content stream of lines of Helvetica; `mode` 3 is hidden text."""
    shown = "".join(f"({line}) Tj 0 -{2 * size:g} Td " for line in lines)
    return f"BT /F1 {size:g} Tf {mode} Tr {left:g} {top:g} Td {shown}ET\n".encode()


def bar(left: float, bottom: float, width: float, height: float) -> bytes:
    """A content stream of one black rectangle."""
    return f"0 g {left:g} {bottom:g} {width:g} {height:g} re f\n".encode()


def pdf(
    pages: Sequence[PdfPage], *, catalog: str = "", trailer: str = "", more: Iterable[bytes] = ()
) -> bytes:
    """A document of these pages; `more` are further objects, numbered from 4 + twice the pages."""
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Producer (tests) >>",
    ]
    for place, page in enumerate(pages):
        objects += [_page(page, 5 + 2 * place), stream(page.content)]
    return written([*objects, *more], trailer)


def stream(data: bytes, entries: str = "") -> bytes:
    """A stream object."""
    packed = zlib.compress(data, 9)
    head = f"<< /Length {len(packed)} /Filter /FlateDecode {entries} >>\nstream\n".encode()
    return head + packed + b"\nendstream"


def written(objects: Sequence[bytes], trailer: str = "") -> bytes:
    """The objects, numbered from 1, the first of them the catalog, as a file."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + each + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\n".encode()
    return bytes(out + f"startxref\n{table}\n%%EOF\n".encode())


def _page(page: PdfPage, content: int) -> bytes:
    width, height = page.size
    box = f"/MediaBox [0 0 {width:g} {height:g}]"
    resources = f"/Resources << /Font << {FONT} >> {page.resources} >>"
    return (
        f"<< /Type /Page /Parent 2 0 R {box} {resources} /Contents {content} 0 R {page.entries} >>".encode()
    )


def encrypted() -> bytes:
    """A document that opens with a password only."""
    handler = f"/Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{'41' * 32}> /U <{'42' * 32}>"
    name = "00" * 16
    return pdf([PdfPage()], trailer=f"/Encrypt << {handler} >> /ID [<{name}> <{name}>]")


def page_tree(kids: str, count: int) -> bytes:
    """A document whose page tree says what it likes."""
    return written(
        [b"<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode()]
    )


def nested(depth: int) -> bytes:
    """A page whose content is so many arrays in one another."""
    return pdf([PdfPage(b"[" * depth + b"]" * depth + b" TJ")])


def bomb(size: int) -> bytes:
    """A page with a content stream of `size` zeros, deflated twice."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>",
    ]
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    twice = zlib.compress(once, 9)
    head = f"<< /Length {len(twice)} /Filter [/FlateDecode /FlateDecode] >>\nstream\n".encode()
    return written([*objects, head + twice + b"\nendstream"])


def endless(levels: int = 12, width: int = 10) -> bytes:
    """A page that draws a form that draws ten forms that draw ten forms ... ; the second page is a bar."""
    first = 8
    forms = [_form(first + level + 1, width) for level in range(levels)] + [
        stream(bar(0, 0, 9, 9), "/Type /XObject /Subtype /Form /BBox [0 0 612 792]")
    ]
    page = PdfPage(b"/X Do\n", resources=f"/XObject << /X {first} 0 R >>")
    return pdf([page, PdfPage(bar(0, 0, 612, 792))], more=forms)


def _form(inner: int, width: int) -> bytes:
    entries = "/Type /XObject /Subtype /Form /BBox [0 0 612 792] "
    return stream(b"/X Do\n" * width, entries + f"/Resources << /XObject << /X {inner} 0 R >> >>")


def slow() -> bytes:
    """A page tiled with cells of a thousandth of a point, which never ends; the second page is a bar."""
    cell = stream(
        bar(0, 0, 0.0004, 0.0004),
        "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 0.0005 0.0005] "
        "/XStep 0.001 /YStep 0.001 /Resources << >>",
    )
    content = b"/Pattern cs /P scn 0 0 612 792 re f\n"
    tiled = PdfPage(content, resources="/Pattern << /P 8 0 R >>")
    return pdf([tiled, PdfPage(bar(0, 0, 612, 792))], more=[cell])
