"""Kinds of pages: each function fills a sheet, in reading order."""

from collections.abc import Iterator
from itertools import cycle, islice

from PIL import ImageFont

from tests.bench.sheet import Sheet
from tests.bench.words import CJK_LANGUAGES, number, phrase, pieces, price

_LEADING = 1.55


def prose(sheet: Sheet, columns: int = 1) -> None:
    """A heading, then paragraphs in so many columns; a column is read to its end before the next."""
    margin, rng = sheet.width // 12, sheet.rng
    top = margin + 2 * sheet.size
    sheet.write(margin, top, phrase(rng, sheet.language, 4), sheet.font("sans", 1.6))
    gap = 2 * sheet.size
    width = (sheet.width - 2 * margin - gap * (columns - 1)) // columns
    face = sheet.font(rng.choice(["serif", "sans"]))
    for column in range(columns):
        _paragraphs(sheet, margin + column * (width + gap), top + 3 * sheet.size, width, face)


def _paragraphs(
    sheet: Sheet, x: float, y: float, width: float, face: ImageFont.FreeTypeFont, end: float | None = None
) -> None:
    """Paragraphs from y down to the end, or to the page's margin."""
    step = sheet.size * _LEADING
    left = sheet.rng.randint(4, 9)
    for text in _wrapped(sheet, width, face):
        if y > (sheet.height - sheet.width // 12 if end is None else end):
            return
        sheet.write(x, y, text, face)
        left -= 1
        y += step if left else 1.9 * step
        left = left or sheet.rng.randint(4, 9)


def _wrapped(sheet: Sheet, width: float, face: ImageFont.FreeTypeFont) -> Iterator[str]:
    glue = "" if sheet.language in CJK_LANGUAGES else " "
    line = ""
    for piece in pieces(sheet.rng, sheet.language):
        longer = f"{line}{glue}{piece}" if line else piece
        if face.getlength(longer) > width:
            yield line
            longer = piece
        line = longer


def table(sheet: Sheet) -> None:
    """A ruled table with words, codes and right-aligned amounts, read row by row."""
    margin, rng, face = sheet.width // 14, sheet.rng, sheet.font("sans")
    step = 2 * sheet.size
    edges = [margin + round((sheet.width - 2 * margin) * part) for part in (0, 0.1, 0.5, 0.68, 0.84, 1)]
    rows = (sheet.height - 2 * margin) // step
    for row in range(rows):
        base = margin + row * step + round(1.4 * sheet.size)
        sheet.write(edges[0] + 8, base, str(row + 1), face)
        sheet.write(edges[1] + 8, base, phrase(rng, sheet.language, 3), face)
        sheet.write(edges[2] + 8, base, number(rng), face)
        sheet.write_right(edges[4] - 8, base, f"{rng.randint(1, 40)} {rng.choice('ABC')}", face)
        sheet.write_right(edges[5] - 8, base, price(rng), face)
    for row in range(rows + 1):
        sheet.draw.line((edges[0], margin + row * step, edges[-1], margin + row * step), "gray", 1)
    for edge in edges:
        sheet.draw.line((edge, margin, edge, margin + rows * step), "gray", 1)


def receipt(sheet: Sheet) -> None:
    """A till's narrow strip in a typewriter's face: items left, prices right."""
    margin, rng, face = sheet.size, sheet.rng, sheet.font("mono")
    step, y = 1.5 * sheet.size, 3.0 * sheet.size
    for text in (phrase(rng, sheet.language, 2).upper(), number(rng), "-" * 24):
        sheet.write(margin, y, text, face)
        y += step
    while y < sheet.height - 4 * step:
        sheet.write(margin, y, phrase(rng, sheet.language, rng.randint(1, 2)), face)
        sheet.write_right(sheet.width - margin, y, price(rng), face)
        y += step
    sheet.write(margin, y + step, "TOTAL EUR", sheet.font("mono", 1.2))
    sheet.write_right(sheet.width - margin, y + step, price(rng), sheet.font("mono", 1.2))


def form(sheet: Sheet) -> None:
    """Labels in small print over boxes with larger entries, two fields a row."""
    margin, rng = sheet.width // 14, sheet.rng
    label, entry = sheet.font("sans", 0.65), sheet.font("mono")
    half, step = (sheet.width - 2 * margin) // 2, round(3.6 * sheet.size)
    sheet.write(margin, margin, phrase(rng, sheet.language, 4), sheet.font("sans", 1.4))
    for row in range((sheet.height - 3 * margin) // step):
        top = 2 * margin + row * step
        for x in (margin, margin + half):
            sheet.draw.rectangle((x, top, x + half - 12, top + step - 12), outline="black", width=2)
            sheet.write(x + 10, top + sheet.size, phrase(rng, sheet.language, 2), label)
            text = number(rng) if rng.random() < 0.5 else phrase(rng, sheet.language, 2)
            sheet.write(x + 16, top + 2.5 * sheet.size, text, entry)


def entries(sheet: Sheet) -> None:
    """Labels with their entries beside them, two fields a row, read row by row."""
    margin, rng = sheet.width // 14, sheet.rng
    half, step = (sheet.width - 2 * margin) // 2, round(2.1 * sheet.size)
    sheet.write(margin, margin, phrase(rng, sheet.language, 3), sheet.font("sans", 1.4))
    for row in range((sheet.height - 3 * margin) // step):
        base = 2 * margin + row * step
        for x in (margin, margin + half):
            sheet.write(x, base, phrase(rng, sheet.language, 1) + ":", sheet.font("sans"))
            text = number(rng) if rng.random() < 0.5 else phrase(rng, sheet.language, 2)
            sheet.write(x + 9 * sheet.size, base, text, sheet.font("mono"))


def article(sheet: Sheet) -> None:
    """Two columns: text, then a figure with its caption; text, a table read by rows, and text again."""
    margin, rng, size = sheet.width // 12, sheet.rng, sheet.size
    gap, face = 2 * size, sheet.font("serif")
    width, top, foot = (sheet.width - 2 * margin - gap) // 2, margin + 5 * size, sheet.height - margin
    sheet.write(margin, margin + 2 * size, phrase(rng, sheet.language, 4), sheet.font("sans", 1.6))
    middle = (top + foot) // 2
    _paragraphs(sheet, margin, top, width, face, middle)
    sheet.draw.ellipse((margin, middle + 4 * size, margin + width, foot - 3 * size), fill="#d8dce8")
    sheet.write(margin, foot, phrase(rng, sheet.language, 3), sheet.font("sans", 0.8))
    x, rows = margin + width + gap, 6
    _paragraphs(sheet, x, top, width, face, middle - 6 * size)
    for row in range(rows):
        base = middle + row * 1.7 * size
        sheet.write(x, base, phrase(rng, sheet.language, 2), sheet.font("sans", 0.9))
        sheet.write_right(x + 0.75 * width, base, number(rng), sheet.font("sans", 0.9))
        sheet.write_right(x + width, base, price(rng), sheet.font("sans", 0.9))
    _paragraphs(sheet, x, middle + (1.7 * rows + 2) * size, width, face)


def magazine(sheet: Sheet) -> None:
    """A title and a lead over two columns, and a tinted box of short facts at their side, read last."""
    margin, rng, size = sheet.width // 14, sheet.rng, sheet.size
    sheet.write(margin, margin + 2 * size, phrase(rng, sheet.language, 4), sheet.font("serif", 2.4))
    lead = sheet.font("sans", 1.2)
    for row, text in enumerate(islice(_wrapped(sheet, sheet.width - 2 * margin, lead), 2)):
        sheet.write(margin, margin + (5 + 1.9 * row) * size, text, lead)
    gap, top = 1.6 * size, margin + 10 * size
    width = (sheet.width - 2 * margin - 2 * gap) / 3.2
    for column in range(2):
        _paragraphs(sheet, margin + column * (width + gap), top, width, sheet.font("serif"))
    x = margin + 2 * (width + gap)
    sheet.draw.rectangle((x, top - 2 * size, sheet.width - margin, top + 22 * size), fill="#f0e8d8")
    sheet.write(x + size, top, phrase(rng, sheet.language, 2), sheet.font("sans", 1.2))
    for row in range(6):
        base = top + (2.6 + 3.1 * row) * size
        sheet.write(x + size, base, phrase(rng, sheet.language, 2), sheet.font("sans", 0.9))
        sheet.write(x + size, base + 1.4 * size, number(rng), sheet.font("sans", 0.9))


def slide(sheet: Sheet) -> None:
    """A title, two lists of points side by side, and a foot."""
    margin, rng, size = sheet.width // 16, sheet.rng, sheet.size
    sheet.write(margin, margin + 2 * size, phrase(rng, sheet.language, 4), sheet.font("sans", 1.8))
    width = (sheet.width - 3 * margin) / 2
    for x in (margin, 2 * margin + width):
        y = margin + 6.0 * size
        sheet.write(x, y, phrase(rng, sheet.language, 2), sheet.font("sans", 1.2))
        for _ in range(rng.randint(3, 4)):
            for row, text in enumerate(islice(_wrapped(sheet, width - 2 * size, sheet.font("sans")), 2)):
                y += (1.4 if row else 2.2) * size
                sheet.write(
                    x + (1.4 if row else 0.5) * size, y, text if row else f"• {text}", sheet.font("sans")
                )
    sheet.write(margin, sheet.height - size, phrase(rng, sheet.language, 2), sheet.font("sans", 0.6))
    sheet.write_right(
        sheet.width - margin, sheet.height - size, str(rng.randint(2, 40)), sheet.font("sans", 0.6)
    )


def screenshot(sheet: Sheet) -> None:
    """A long chat: messages on coloured bubbles, alternating sides."""
    face, rng = sheet.font("sans"), sheet.rng
    pad, y = sheet.size, 2.0 * sheet.size
    step, width = sheet.size * _LEADING, sheet.width * 0.7
    colours = cycle((("#e8e8ee", "black", False), ("#2060d0", "white", True)))
    lines = _wrapped(sheet, width - 2 * pad, face)
    for back, ink, right in colours:
        message = list(islice(lines, rng.randint(1, 4)))
        height = step * len(message) + pad
        if y + height > sheet.height:
            return
        x = sheet.width - width - pad if right else pad
        sheet.draw.rounded_rectangle((x, y, x + width, y + height), pad, fill=back)
        for row, text in enumerate(message):
            sheet.write(x + pad, y + pad + step * (row + 0.6), text, face, ink)
        y += height + pad


def strip(sheet: Sheet) -> None:
    """One very long line."""
    face = sheet.font("sans")
    text = next(_wrapped(sheet, sheet.width - 4 * sheet.size, face))
    sheet.write(2 * sheet.size, sheet.height / 2 + 0.35 * sheet.size, text, face)
