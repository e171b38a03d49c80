"""What a URL of the spec says of the network."""

from __future__ import annotations

import re
from typing import Final

_PORT: Final = re.compile("https?://[^/]*:([0-9]+)(/|$)")


def port(url: str) -> int:
    """Its port, its scheme's when it names none."""
    named = _PORT.match(url)
    if named:
        return int(named[1])
    return 443 if url.startswith("https:") else 80
