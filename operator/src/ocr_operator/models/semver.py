"""Which of two versions is newer: https://semver.org/#spec-item-11."""

from __future__ import annotations

Identifier = tuple[bool, int, str]
Precedence = tuple[tuple[int, ...], bool, tuple[Identifier, ...]]


def is_release(version: str) -> bool:
    """Whether it is no pre-release such as 0.2.0-rc.1."""
    return "-" not in version


def precedence(version: str) -> Precedence:
    """A key that sorts versions of the form of `spec.version`, the oldest first."""
    numbers, _, pre = version.partition("-")
    identifiers = tuple(map(_identifier, pre.split("."))) if pre else ()
    return tuple(map(int, numbers.split("."))), is_release(version), identifiers


def _identifier(text: str) -> Identifier:
    return (False, int(text), "") if text.isdigit() else (True, 0, text)
