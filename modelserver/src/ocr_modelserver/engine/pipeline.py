"""A page from pixels to lines: detect, turn, recognise, lay out, place words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ocr_modelserver.engine.arrays import Floats, Pixels
from ocr_modelserver.engine.detect import detect
from ocr_modelserver.engine.ink import ink_of
from ocr_modelserver.engine.layout import lay_out
from ocr_modelserver.engine.reading import Reading
from ocr_modelserver.engine.recognise import LineReader, line_of, recognise
from ocr_modelserver.engine.results import lines_of_result
from ocr_modelserver.engine.sessions import Networks
from ocr_modelserver.engine.turn import Sheet, runs_downwards, upside_down
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
        read = LineReader(networks.recognise, sheet.pixels, checkpoint)
        if upside_down(read, sheet.boxes, spread):
            sheet = sheet.turned(2)
            read = LineReader(networks.recognise, sheet.pixels, checkpoint)
    with stopwatch.stage("rec"):
        read_boxes = recognise(read, networks.second, sheet.boxes, spread)
        lines = [each for each in read_boxes if _is_text(each[1])]
    with stopwatch.stage("post"):
        boxes = np.array([box for box, _ in lines], np.float32).reshape(-1, 4, 2)
        layout = lay_out(boxes)
        inks = [ink_of(line_of(sheet.pixels, box)) for box in boxes]
        readings, places = [reading for _, reading in lines], _in_original(boxes, sheet, frame)
        result = lines_of_result(list(map(place, readings, inks, places)), layout)
    return Page(
        width=frame.width,
        height=frame.height,
        rotation=_ROTATIONS[sheet.quarters],
        skew=round(layout.skew, 2),
        lines=result,
        timings_ms={name: round(spent, 3) for name, spent in stopwatch.milliseconds.items()},
    )


def _sheet(networks: Networks, image: Pixels, checkpoint: Callable[[], None]) -> Sheet:
    """The page with its lines from left to right; one on its side is turned and looked at again, for
    detection knows lines that lie better, and they are cut out without being warped.
    """
    checkpoint()
    sheet = Sheet(image, detect(networks.detect, image, checkpoint))
    if not runs_downwards(sheet.boxes):
        return sheet
    sheet = sheet.turned(1)
    checkpoint()
    return replace(sheet, boxes=detect(networks.detect, sheet.pixels, checkpoint))


def _in_original(points: Floats, sheet: Sheet, frame: Frame) -> Floats:
    """Points (..., 2) of the sheet in pixels of the original, which may be larger than the frame."""
    height, width = frame.pixels.shape[:2]
    scale = np.array([frame.width / width, frame.height / height])
    return np.asarray(sheet.as_it_came(points) * scale, np.float32)


def _is_text(reading: Reading) -> bool:
    return bool(reading.text.strip()) and reading.confidence >= MIN_CONFIDENCE
