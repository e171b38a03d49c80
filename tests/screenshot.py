"""The page as it looks, into docs/page.png: python -m tests.screenshot [FOLDER]

With a folder, the page is shown there in light and dark, at the widths of a desk and of a phone.
"""

import io
import itertools
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.support.browser import Browser, chromium
from tests.support.service import service

SHOWN = Path(__file__).parents[1] / "docs" / "page.png"
MOST_BYTES = 150_000
DESK, PHONE = (1280, 800), (390, 844)


def read_sample(browser: Browser, url: str) -> None:
    """Open the page, have the sample read and the fifth line pointed at."""
    browser.open(url)
    browser.one("#sample").click()
    browser.until(lambda: len(browser.all("#sheet polygon")) > 4, "the sample is read")
    browser.run("document.querySelectorAll('#lines button')[4].focus({ focusVisible: false })")


def shot(browser: Browser, url: str, size: tuple[int, int], scheme: str) -> bytes:
    """The page of the sample as a PNG."""
    browser.resize(*size)
    browser.prefer(scheme)
    read_sample(browser, url)
    return browser.driver.get_screenshot_as_png()


def small(png: bytes) -> bytes:
    """The same in 256 colours, chosen so that the rare ones are among them."""
    out = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4).save(out, "PNG", optimize=True)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    """Take the pictures; 1 when the README's has become too large."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        service(Path(scratch)) as running,
        chromium(Path(scratch), "--hide-scrollbars") as browser,
    ):
        for folder in map(Path, arguments):
            for size, scheme in itertools.product((DESK, PHONE), ("light", "dark")):
                (folder / f"page-{size[0]}-{scheme}.png").write_bytes(
                    shot(browser, running.url, size, scheme)
                )
        png = small(shot(browser, running.url, DESK, "light"))
    SHOWN.write_bytes(png)
    print(f"{SHOWN}: {len(png)} bytes")
    return 1 if len(png) > MOST_BYTES else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
