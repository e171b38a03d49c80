"""When a line is worth a second reading by a larger network."""

from dataclasses import dataclass

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.geometry import sizes
from ocr_modelserver.engine.reading import Reading


@dataclass(frozen=True, slots=True)
class Doubt:
    """The mean confidence, confidence of a character, and height in pixels below which a line is in doubt."""

    mean_below: float
    character_below: float
    height_below: float

    def holds(self, box: Floats, reading: Reading) -> bool:
        """Whether the reading of a box (4, 2) is in doubt."""
        return (
            reading.confidence < self.mean_below
            or reading.lowest < self.character_below
            or bool(sizes(box[None])[0, 1] < self.height_below)
        )
