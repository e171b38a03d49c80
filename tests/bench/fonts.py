"""The free fonts that the pages are drawn with, from Debian's packages."""

import subprocess
from functools import cache
from pathlib import Path

from PIL import ImageFont

from tests.bench.words import CJK_LANGUAGES

PACKAGES = ("fonts-dejavu-core", "fonts-liberation", "fonts-noto-cjk")
_ROOT = Path("/usr/share/fonts")
_LATIN = {
    "sans": ("truetype/dejavu/DejaVuSans.ttf", "truetype/liberation/LiberationSans-Regular.ttf"),
    "serif": ("truetype/dejavu/DejaVuSerif.ttf", "truetype/liberation/LiberationSerif-Regular.ttf"),
    "mono": ("truetype/dejavu/DejaVuSansMono.ttf", "truetype/liberation/LiberationMono-Regular.ttf"),
}
_CJK = {
    "sans": "opentype/noto/NotoSansCJK-Regular.ttc",
    "serif": "opentype/noto/NotoSerifCJK-Regular.ttc",
    "mono": "opentype/noto/NotoSansCJK-Regular.ttc",
}
_FACE = {"ja": 0, "zh": 2}  # Noto's collections: JP, KR, SC, TC, HK
_FILES = (*(name for names in _LATIN.values() for name in names), *_CJK.values())


class FontsMissingError(Exception):
    """The fonts are not there and could not be installed."""


def missing() -> list[str]:
    """The font files that are not on this machine."""
    return sorted({name for name in _FILES if not (_ROOT / name).is_file()})


def install() -> None:
    """Install the packages that are missing.

    Raises:
        FontsMissingError: with what to install by hand.
    """
    if not missing():
        return
    command = ["apt-get", "-qq", "install", "-y", *PACKAGES]
    print(f"== installing fonts: {' '.join(PACKAGES)}", flush=True)
    try:
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        wanted = ", ".join(missing())
        hint = f"install {' '.join(PACKAGES)} (Debian's names)"
        raise FontsMissingError(f"no fonts for the pages ({wanted} under {_ROOT}): {error}; {hint}") from None


@cache
def font(language: str, style: str, variant: int, size: int) -> ImageFont.FreeTypeFont:
    """A face of the style sans, serif or mono; `size` in pixels of the em."""
    basic = ImageFont.Layout.BASIC  # the same widths with and without libraqm
    if language in CJK_LANGUAGES:
        return ImageFont.truetype(_ROOT / _CJK[style], size, index=_FACE[language], layout_engine=basic)
    names = _LATIN[style]
    return ImageFont.truetype(_ROOT / names[variant % len(names)], size, layout_engine=basic)
