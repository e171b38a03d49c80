"""A page from pixels to lines: detect, turn, recognise, order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.detect import detect
from ocr_modelserver.engine.geometry import turn_points, turn_reading
from ocr_modelserver.engine.order import reading_order
from ocr_modelserver.engine.reading import Reading
from ocr_modelserver.engine.recognise import LineReader, recognise
from ocr_modelserver.engine.sessions import Networks
from ocr_modelserver.engine.turn import runs_downwards, upside_down
from ocr_wire.raster import Frame
from ocr_wire.result import Line, Page, Point

Stage = Literal["decode", "det", "cls", "rec", "post"]

MIN_CONFIDENCE = 0.5
# A page of more pixels is decoded at half its sides, and so on: A4 at 400 dpi is 15 megapixels, and finer
# print than that needs no more for lines that are read 48 pixels high.
REDUCE_ABOVE = 16_000_000


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


def read_page(networks: Networks, frame: Frame, stopwatch: Stopwatch, checkpoint: Callable[[], None]) -> Page:
    """Read one page; a page without text has no lines. Coordinates are those of the frame's original.

    `checkpoint` is called between the parts of the work and raises to give up. Safe to call from several
    threads at once with the same networks.
    """
    image = frame.pixels
    with stopwatch.stage("det"):
        checkpoint()
        boxes = detect(networks.detect, image, checkpoint)
    with stopwatch.stage("cls"):
        checkpoint()
        quarters = 1 if runs_downwards(boxes) else 0
        boxes = turn_reading(boxes, quarters)
        read = LineReader(networks.recognise, image, checkpoint)
        if upside_down(read, boxes, networks.spread):
            quarters, boxes = quarters + 2, turn_reading(boxes, 2)
    with stopwatch.stage("rec"):
        readings = recognise(read, networks.second, boxes, networks.spread)
    with stopwatch.stage("post"):
        height, width = image.shape[:2]
        order = reading_order(turn_points(boxes, quarters, width, height))
        scale = (frame.width / width, frame.height / height)
        lines = tuple(_line(*readings[index], scale) for index in order if _is_text(readings[index][1]))
    return Page(
        width=frame.width,
        height=frame.height,
        lines=lines,
        timings_ms={name: round(spent, 3) for name, spent in stopwatch.milliseconds.items()},
    )


def _is_text(reading: Reading) -> bool:
    return bool(reading.text.strip()) and reading.confidence >= MIN_CONFIDENCE


def _line(box: Floats, reading: Reading, scale: tuple[float, float]) -> Line:
    corners = [(round(float(x) * scale[0], 1), round(float(y) * scale[1], 1)) for x, y in box]
    polygon: tuple[Point, Point, Point, Point] = (corners[0], corners[1], corners[2], corners[3])
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return Line(
        text=reading.text,
        confidence=round(reading.confidence, 4),
        polygon=polygon,
        bbox=(min(xs), min(ys), max(xs), max(ys)),
    )
