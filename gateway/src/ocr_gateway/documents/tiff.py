"""TIFF: pages are decoded here, one by one, so that several model servers share the file."""

from ocr_gateway.documents.pages import REDUCE_ABOVE, Sheet, pixel_message, translated
from ocr_gateway.documents.room import PixelRoom
from ocr_wire import raster


class TiffPages:
    """The pages of a TIFF by number. A damaged one is a problem of its own; those after it can be read."""

    def __init__(
        self,
        data: bytes,
        sizes: list[tuple[int, int] | raster.ImageProblem],
        limits: raster.Limits,
        room: PixelRoom,
        request_id: str,
    ) -> None:
        """`sizes` are the stored width and height of each page, or why it cannot be read."""
        self._data = data
        self._sizes = sizes
        self._limits = limits
        self._room = room
        self._request_id = request_id

    @property
    def count(self) -> int:
        """How many pages it has."""
        return len(self._sizes)

    async def load(self, number: int) -> Sheet:
        """Decode a page once there is room.

        Raises:
            Problem: undecodable_image, too_many_pixels, image_too_small.
        """
        width, height = self._size(number)
        factor = raster.reduction(width, height, REDUCE_ABOVE)
        held = -(-width // factor) * -(-height // factor)
        await self._room.take(held)
        try:
            return await self._room.decode(lambda: self._decoded(number, held))
        except BaseException:
            self._room.free(held)
            raise

    def _size(self, number: int) -> tuple[int, int]:
        size = self._sizes[number - 1]
        try:
            if isinstance(size, raster.ImageProblem):
                raise size
            raster.check_size(*size, self._limits)
        except raster.ImageProblem as problem:
            raise translated(problem) from problem
        return size

    def _decoded(self, number: int, held: int) -> Sheet:
        try:
            frame = raster.reduced_frame(self._data, number - 1, REDUCE_ABOVE)
        except raster.ImageProblem as problem:
            raise translated(problem) from problem
        message = pixel_message(frame.pixels, self._request_id)
        return Sheet(message, held, (frame.width, frame.height))
