"""The series of single services, kept as the text that Prometheus scrapes.

A thousand services have forty thousand series. As objects of prometheus_client those take 35 MiB and half
a second of each scrape, in which the event loop does nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client.utils import floatToGoString

from ocr_operator.models.service import Key

NAME: Final = "ocr_operator_resource_{}"
# Values by label values.
Shown = Mapping[tuple[str, ...], float]


class Resources:
    """What is shown of each service, by family."""

    def __init__(self, labels: Mapping[str, tuple[str, ...]]) -> None:
        """`labels`: the names of each family's labels, beside namespace and name."""
        self._labels = labels
        self._text: dict[str, dict[Key, str]] = {family: {} for family in labels}

    def show(self, key: Key, **families: Shown) -> None:
        """Show these series of a service, instead of what it showed of these families."""
        for family, shown in families.items():
            text = "".join(self._line(family, key, *series) for series in shown.items())
            if text:
                self._text[family][key] = text
            else:
                self._text[family].pop(key, None)

    def _line(self, family: str, key: Key, values: tuple[str, ...], value: float) -> str:
        labels = zip(("namespace", "name", *self._labels[family]), (*key, *values), strict=True)
        inside = ",".join(f'{label}="{_escape(text)}"' for label, text in sorted(labels))
        number = floatToGoString(value)  # type: ignore[no-untyped-call]
        return f"{NAME.format(family)}{{{inside}}} {number}\n"

    def forget(self, key: Key) -> None:
        """Show nothing of a service."""
        for texts in self._text.values():
            texts.pop(key, None)

    def known(self) -> tuple[Key, ...]:
        """Services of which something is shown."""
        return tuple({key: None for texts in self._text.values() for key in texts})

    def insert(self, exposition: str) -> str:
        """The exposition of a registry that has these families without series, with them."""
        for family, texts in self._text.items():
            head = f"# TYPE {NAME.format(family)} gauge\n"
            exposition = exposition.replace(head, head + "".join(texts.values()), 1)
        return exposition


def _escape(text: str) -> str:
    """https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details."""
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
