"""Which kinds the cluster serves. Everyone who may log in may ask, so no permission is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ocr_operator.cluster.kube import paths
from ocr_operator.cluster.kube.http import Http, Request
from ocr_operator.cluster.port import GoneError
from ocr_operator.models.manifest import Kind

KEPT_SECONDS: Final = 5.0


class Discovery:
    """Asks for the kinds of a group and version, and keeps each answer a few seconds."""

    def __init__(self, http: Http, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._http = http
        self._clock = clock
        self._plurals: dict[str, tuple[frozenset[str], float]] = {}

    async def serves(self, kind: Kind) -> bool:
        """Whether the kind can be listed and changed now."""
        path = paths.group_version(kind)
        known, until = self._plurals.get(path, (frozenset(), float("-inf")))
        if self._clock() >= until:
            known = await self._ask(path)
            self._plurals[path] = known, self._clock() + KEPT_SECONDS
        return kind.plural in known

    async def _ask(self, path: str) -> frozenset[str]:
        try:
            answer = await self._http.send(Request("GET", path, "discovery"))
        except GoneError:
            return frozenset()
        return frozenset(resource["name"] for resource in answer.get("resources") or ())
