"""How command-line flags are read: one line on stderr for a wrong one, and the kinds of their values."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one line."""

    def error(self, message: str) -> NoReturn:
        """One line and exit status 2; argparse's own usage text would bury the message."""
        sys.stderr.write(f"{self.prog}: {message} (see {self.prog} --help)\n")
        raise SystemExit(2)


def whole(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """A whole number in that range."""

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
    """A number of seconds, at most a day."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
        if not minimum <= value <= 86_400:  # noqa: PLR2004 - a day; also refuses nan and inf
            raise argparse.ArgumentTypeError(f"{text} is out of range: it must be from {minimum:g} to 86400")
        return value

    return parse
