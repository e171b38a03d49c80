"""Where a line has ink and where it has gaps."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocr_modelserver.engine.arrays import Pixels

_INK = 0.4  # of the strongest contrast to the paper
_RULE_ROW, _RULE_COLUMN = 0.7, 0.9  # share of ink from which on a row or column is a ruling, not text


@dataclass(frozen=True, slots=True)
class Ink:
    """Whether each column of a line has ink (w), and the height of all ink in pixels."""

    columns: npt.NDArray[np.bool_]
    height: int

    def gap(self, start: float, end: float) -> tuple[int, int]:
        """The widest run of columns without ink between two places, as (first, one after); may be empty."""
        blank = np.concatenate([[False], ~self.columns[int(start) : int(end) + 1], [False]])
        edges = np.flatnonzero(blank[1:] != blank[:-1])
        if not len(edges):
            middle = round((start + end) / 2)
            return middle, middle
        begins, ends = edges[::2], edges[1::2]
        widest = int((ends - begins).argmax())
        return int(start) + int(begins[widest]), int(start) + int(ends[widest])


NO_INK = Ink(np.zeros(0, np.bool_), 0)


def ink_of(line: Pixels) -> Ink:
    """The ink of a line (h, w, 3), dark on light or light on dark, without rulings."""
    grey = cv2.cvtColor(line, cv2.COLOR_RGB2GRAY)
    contrast = np.abs(grey.astype(np.int16) - int(np.median(grey)))
    ink = contrast > _INK * contrast.max()
    ink[ink.mean(axis=1) > _RULE_ROW] = False
    ink[:, ink.mean(axis=0) > _RULE_COLUMN] = False
    rows = np.flatnonzero(ink.any(axis=1))
    return Ink(ink.any(axis=0), int(rows[-1] - rows[0] + 1) if len(rows) else 0)
