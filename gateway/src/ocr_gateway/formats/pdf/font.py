"""A font without shapes: every character is half as wide as the font is high, and nothing is drawn.

Each character that a document uses gets a number of its own, and a ToUnicode map says which character it is:
so text outside the basic plane, too, is found and copied (ISO 32000-1, 9.7 and 9.10.3).
"""

import struct

from pikepdf import Array, Dictionary, Name, Pdf

# Of the font's height: the width of a character, and what is above and below the line that text stands on.
WIDTH = 0.5
DESCENT = 0.2
_EM = 1000
_ASCENT = _EM - round(_EM * DESCENT)
# A CMap takes so many entries in a block, and a font so many characters.
_BLOCK = 100
_MOST = 0xFFFF
_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{blocks}endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class Glyphs:
    """The characters of a document, numbered from 1 as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def encode(self, text: str) -> str:
        """The text as the hexadecimal string of a content stream."""
        return "".join(f"{self._number(character):04X}" for character in text)

    def _number(self, character: str) -> int:
        if len(self._numbers) == _MOST:
            return self._numbers.get(character, _MOST)
        return self._numbers.setdefault(character, len(self._numbers) + 1)

    def to_unicode(self) -> bytes:
        """The map from numbers to characters."""
        pairs = [
            f"<{number:04X}> <{character.encode('utf-16-be').hex().upper()}>\n"
            for character, number in self._numbers.items()
        ]
        blocks = (pairs[start : start + _BLOCK] for start in range(0, len(pairs), _BLOCK))
        return _CMAP.format(
            blocks="".join(f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks)
        ).encode()

    def to_glyphs(self) -> bytes:
        """The map from numbers to the font's only shape, which is empty."""
        return b"\x00\x01" * (len(self._numbers) + 1)


def add_font(pdf: Pdf, font: Dictionary, glyphs: Glyphs) -> None:
    """Fill in the font's dictionary, when all the text is known."""
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name.KubeOCRInvisible,
        Flags=4,
        FontBBox=Array([0, _ASCENT - _EM, round(_EM * WIDTH), _ASCENT]),
        ItalicAngle=0,
        Ascent=_ASCENT,
        Descent=_ASCENT - _EM,
        CapHeight=_ASCENT,
        StemV=80,
        FontFile2=pdf.make_stream(true_type()),
    )
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=Name.KubeOCRInvisible,
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor),
        DW=round(_EM * WIDTH),
        CIDToGIDMap=pdf.make_stream(glyphs.to_glyphs()),
    )
    font.Type = Name.Font
    font.Subtype = Name.Type0
    font.BaseFont = Name.KubeOCRInvisible
    font.Encoding = Name("/Identity-H")
    font.DescendantFonts = Array([pdf.make_indirect(descendant)])
    font.ToUnicode = pdf.make_stream(glyphs.to_unicode())


def true_type() -> bytes:
    """A TrueType file of two empty glyphs, with the tables that an embedded font has (ISO 32000-1, 9.9)."""
    width = round(_EM * WIDTH)
    tables = {
        b"glyf": b"\0\0\0\0",
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh",
            *(0x00010000, 0x00010000, 0, 0x5F0F3CF5, 0b1011, _EM, 0, 0),
            *(0, _ASCENT - _EM, width, _ASCENT, 0, 8, 2, 0, 0),
        ),
        b"hhea": struct.pack(
            ">IhhhHhhhhhhhhhhhH",
            *(0x00010000, _ASCENT, _ASCENT - _EM, 0, width, 0, 0, width),
            *(1, 0, 0, 0, 0, 0, 0, 0, 2),
        ),
        b"hmtx": struct.pack(">HhHh", width, 0, width, 0),
        b"loca": struct.pack(">HHH", 0, 0, 0),
        b"maxp": struct.pack(">IHHHHHHHHHHHHHH", 0x00010000, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
    }
    directory = struct.pack(">IHHHH", 0x00010000, len(tables), 64, 2, len(tables) * 16 - 64)
    offset = len(directory) + 16 * len(tables)
    bodies = b""
    for tag, table in tables.items():
        directory += tag + struct.pack(">III", _sum(table), offset + len(bodies), len(table))
        bodies += table + b"\0" * (-len(table) % 4)
    return directory + bodies


def _sum(table: bytes) -> int:
    words = table + b"\0" * (-len(table) % 4)
    total: int = sum(struct.unpack(f">{len(words) // 4}I", words))
    return total & 0xFFFFFFFF
