"""Draw examples/sample.png, and the same page as sample.pdf: python examples/draw_sample.py"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SAMPLE = Path(__file__).with_name("sample.png")
LINES = (
    (44, "Invoice 2024-0173"),
    (26, "Bakery Sunrise, 12 Mill Lane, Riverton"),
    (26, ""),
    (26, "120 bread rolls at 0.40 EUR, 15 loaves of rye bread at 3.50 EUR,"),
    (26, "and the delivery to your door on Monday morning at 9.50 EUR."),
    (26, ""),
    (32, "Total: 110.00 EUR"),
    (26, "Payable within thirty days after receipt."),
)


def main() -> None:
    """Black on paper, with the font that comes with Pillow."""
    page = Image.new("RGB", (900, 520), (250, 249, 245))
    draw, y = ImageDraw.Draw(page), 50
    for size, text in LINES:
        draw.text((60, y), text, font=ImageFont.load_default(size), fill=(30, 30, 35))
        y += int(size * 1.7)
    page.save(SAMPLE, optimize=True)
    page.save(SAMPLE.with_suffix(".pdf"), resolution=110, creationDate=None, modDate=None)


if __name__ == "__main__":
    main()
