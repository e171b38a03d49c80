"""Amounts as Kubernetes writes them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_SUFFIXES: Final = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
_FORM: Final = re.compile(r"([0-9.]+)([A-Za-z]*)")


def amount(quantity: str) -> Decimal:
    """The number that a Quantity of `models.base` stands for: cores or bytes."""
    match = _FORM.fullmatch(quantity)
    if match is None or match[2] not in _SUFFIXES:
        raise ValueError(f"{quantity!r} is no quantity")
    return Decimal(match[1]) * _SUFFIXES[match[2]]
