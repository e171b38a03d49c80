"""What a watch tells again and again, although nothing that matters has changed."""

from __future__ import annotations

import json
from typing import Generic

from ocr_operator.runtime.queue import K


class News(Generic[K]):
    """Remembers of each object a hash of what was told last."""

    def __init__(self) -> None:
        self._told: dict[K, int] = {}

    def is_new(self, key: K, content: object) -> bool:
        """Whether the content, JSON data, is another than the last one; it is the last one from now on."""
        told = hash(json.dumps(content, sort_keys=True))
        is_new = self._told.get(key) != told
        self._told[key] = told
        return is_new

    def forget(self, key: K) -> None:
        """The object is gone."""
        self._told.pop(key, None)
