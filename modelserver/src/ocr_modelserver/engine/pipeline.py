"""A page from pixels to lines: detect, turn, recognise, lay out, place words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Pixels
from ocr_modelserver.engine.detect import detect
from ocr_modelserver.engine.layout import lay_out
from ocr_modelserver.engine.reading import Reading
from ocr_modelserver.engine.recognise import LineReader, recognise
from ocr_modelserver.engine.results import lines_of_result
from ocr_modelserver.engine.sessions import Networks
from ocr_modelserver.engine.turn import Sheet, look, runs_downwards
from ocr_modelserver.engine.words import place
from ocr_modelserver.spread import Map
from ocr_wire.raster import Frame
from ocr_wire.result import Page

Stage = Literal["decode", "det", "cls", "rec", "post"]

MIN_CONFIDENCE = 0.5
# A page of more pixels is decoded at half its sides, and so on: A4 at 400 dpi is 15 megapixels, and finer
# print than that needs no more for lines that are read 48 pixels high.
REDUCE_ABOVE = 16_000_000
# By quarters that the page has to be turned counter-clockwise; the result tells them clockwise.
_ROTATIONS: tuple[Literal[0, 90, 180, 270], ...] = (0, 270, 180, 90)


@dataclass(slots=True)
class Stopwatch:
    """Milliseconds by stage, of one page."""

    clock: Callable[[], float]
    milliseconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Add the time of the block to the stage."""
        start = self.clock()
        try:
            yield
        finally:
            spent = (self.clock() - start) * 1000
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent


def read_page(
    networks: Networks,
    frame: Frame,
    stopwatch: Stopwatch,
    checkpoint: Callable[[], None],
    spread: Map = map,
) -> Page:
    """Read one page; a page without text has no lines. Coordinates are those of the frame's original.

    `checkpoint` is called between the parts of the work and raises to give up; `spread` reads the lines.
    Safe to call from several threads at once with the same networks.
    """
    with stopwatch.stage("det"):
        sheet = _sheet(networks, frame.pixels, checkpoint)
    with stopwatch.stage("cls"):
        checkpoint()
        sheet, read = _right_way_up(networks, sheet, checkpoint, spread)
    with stopwatch.stage("rec"):
        read_boxes = recognise(read, networks.second, sheet.boxes, spread)
        lines = [each for each in read_boxes if _is_text(each[1])]
    with stopwatch.stage("post"):
        boxes = np.array([box for box, _ in lines], np.float32).reshape(-1, 4, 2)
        layout = lay_out(boxes)
        readings, places = [reading for _, reading in lines], _in_original(boxes, sheet, frame)
        result = lines_of_result(list(map(place, readings, places)), layout)
    return Page(
        width=frame.width,
        height=frame.height,
        rotation=_ROTATIONS[sheet.quarters],
        skew=round(layout.skew, 2),
        lines=result,
        timings_ms={name: round(spent, 3) for name, spent in stopwatch.milliseconds.items()},
    )


def _sheet(networks: Networks, image: Pixels, checkpoint: Callable[[], None]) -> Sheet:
    """The page with its lines from left to right, as far as their boxes tell."""
    checkpoint()
    sheet = Sheet(image, detect(networks.detect, image, checkpoint))
    return _turned(networks, sheet, 1, checkpoint) if runs_downwards(sheet.boxes) else sheet


def _right_way_up(
    networks: Networks, sheet: Sheet, checkpoint: Callable[[], None], spread: Map
) -> tuple[Sheet, LineReader]:
    """The sheet as its text reads well, and what reads its lines."""
    read = LineReader(networks.recognise, sheet.pixels, checkpoint)
    seen = look(read, sheet.boxes, spread)
    if not seen.sure and len(sheet.boxes):
        # Short cells that stand close look like lines, whichever way the columns run.
        side = _turned(networks, sheet, 1, checkpoint)
        read_side = LineReader(networks.recognise, side.pixels, checkpoint)
        seen_side = look(read_side, side.boxes, spread)
        if seen_side.sure and seen_side.certainty > seen.certainty:
            sheet, read, seen = side, read_side, seen_side
    if not seen.upside_down:
        return sheet, read
    sheet = _turned(networks, sheet, 2, checkpoint)
    return sheet, LineReader(networks.recognise, sheet.pixels, checkpoint)


def _turned(networks: Networks, sheet: Sheet, quarters: int, checkpoint: Callable[[], None]) -> Sheet:
    """The sheet turned and looked at again: detection knows lines better the way they are read."""
    checkpoint()
    sheet = sheet.turned(quarters)
    return replace(sheet, boxes=detect(networks.detect, sheet.pixels, checkpoint))


def _in_original(points: Floats, sheet: Sheet, frame: Frame) -> Floats:
    """Points (..., 2) of the sheet in pixels of the original, which may be larger than the frame."""
    height, width = frame.pixels.shape[:2]
    scale = np.array([frame.width / width, frame.height / height])
    return np.asarray(sheet.as_it_came(points) * scale, np.float32)


def _is_text(reading: Reading) -> bool:
    return bool(reading.text.strip()) and reading.confidence >= MIN_CONFIDENCE
