"""Which model servers a request goes to, where two revisions of them are at work."""

import json
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ocr_gateway.access.watched import Files, InvalidFileError, Watched, files
from ocr_gateway.config import HostPort, host_port

WHOLE = 100


@dataclass(frozen=True)
class Split:
    """Percent of the requests for each upstream, together 100.

    `since` is when it was asked for, in seconds since the epoch: so two that look the same are told apart.
    """

    weights: Mapping[HostPort, int]
    since: int = 0

    @property
    def targets(self) -> tuple[HostPort, ...]:
        """Upstreams that get requests."""
        return tuple(target for target, weight in self.weights.items() if weight)

    def order(self, request_id: str) -> tuple[str, ...]:
        """Hosts of the upstreams for this request: where it belongs, then where else it may go.

        By the id, which all pages of a document share: so one revision reads all of it, and one that fails
        reaches no more documents than its weight says.
        """
        hosts = [target.host for target in self.targets]
        place = int.from_bytes(blake2b(request_id.encode(), digest_size=8).digest()) % WHOLE
        return tuple(hosts if place < self.weights[self.targets[0]] else reversed(hosts))


class Traffic(Protocol):
    """The split that holds now."""

    @property
    def split(self) -> Split:
        """As asked last."""
        ...


@dataclass(frozen=True)
class Undivided:
    """One split for good."""

    split: Split


class Divided:
    """A file that says the split, read again when it changes."""

    name = "traffic"

    def __init__(self, path: Path, told: Callable[[Split], None]) -> None:
        """`told` hears of each split, the first included. Raises InvalidFileError."""
        self._watched = Watched(self.name, lambda: files(path), _parse)
        self._told = told
        told(self.split)

    @property
    def split(self) -> Split:
        """See `Traffic`."""
        return self._watched.value

    def refresh(self) -> bool | None:
        """See `Refreshing`."""
        used = self._watched.refresh()
        if used:
            self._told(self.split)
        return used


class _File(BaseModel):
    """What stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    weights: Annotated[dict[str, Annotated[int, Field(ge=0, le=WHOLE)]], Field(min_length=1, max_length=2)]
    since: Annotated[int, Field(ge=0)]


def _parse(found: Files) -> Split:
    [(path, content)] = found.items()
    try:
        said = _File.model_validate(json.loads(content))
        weights = {host_port(authority): weight for authority, weight in said.weights.items()}
    except (ValidationError, ValueError, ArgumentTypeError) as error:
        raise InvalidFileError(f"{path}: {str(error).replace(chr(10), ' ')}") from None
    if sum(weights.values()) != WHOLE:
        raise InvalidFileError(f"{path}: the weights make {sum(weights.values())}, not {WHOLE}")
    return Split(weights, said.since)
