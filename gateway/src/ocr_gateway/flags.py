"""Types of command-line flags, with messages that say what is possible."""

import argparse
from collections.abc import Callable

MIB = 1024 * 1024


def whole(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """A whole number of that range."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < minimum or (maximum is not None and value > maximum):
            span = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
            raise argparse.ArgumentTypeError(f"{value} is out of range: it must be {span}")
        return value

    return parse


def seconds(minimum: float) -> Callable[[str], float]:
    """Seconds, up to a day."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
        if not minimum <= value <= 86_400:  # noqa: PLR2004 - a day; also refuses nan and inf
            raise argparse.ArgumentTypeError(f"{text} is out of range: it must be from {minimum:g} to 86400")
        return value

    return parse
