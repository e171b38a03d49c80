"""How a loop over independent parts may be spread over threads."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Map(Protocol):
    """As the builtin `map` over one iterable: the results in order, or the first failure."""

    def __call__(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]: ...
