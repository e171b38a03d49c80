"""PDF: each page's own text, or the page drawn, as the request wants it."""

from dataclasses import dataclass

from ocr_gateway.documents.pages import REDUCE_ABOVE, Sheet, pixel_message
from ocr_gateway.documents.renderer import Measured, Refused, Renderer, RendererFailed
from ocr_gateway.documents.renderers import OpenPdf
from ocr_gateway.documents.room import PixelRoom
from ocr_gateway.documents.text_layer import Box, hull
from ocr_gateway.options import MAX_DPI, MIN_DPI, Options
from ocr_gateway.problems import Problem
from ocr_gateway.result import PageResult
from ocr_wire import raster
from ocr_wire.result import Line, Page, Word

POINTS = 72  # an inch


@dataclass(frozen=True)
class Drawing:
    """How large a page is at the wanted resolution, and how large it is drawn: the same, or reduced."""

    width: int
    height: int
    drawn: tuple[int, int]

    @property
    def pixels(self) -> int:
        """How many are drawn."""
        return self.drawn[0] * self.drawn[1]


class PdfPages:
    """The pages of an open PDF."""

    def __init__(
        self, pdf: OpenPdf, options: Options, limits: raster.Limits, room: PixelRoom, request_id: str
    ) -> None:
        """Use a PDF that is closed by who opened it."""
        self._pdf = pdf
        self._options = options
        self._limits = limits
        self._room = room
        self._request_id = request_id

    @property
    def count(self) -> int:
        """How many pages it has."""
        return self._pdf.count

    async def load(self, number: int) -> Sheet | PageResult:
        """The page's text, or the page drawn, once there is room.

        Raises:
            Problem: page_render_failed, too_many_pixels, image_too_small.
        """
        dpi, mode = self._options.dpi, self._options.pdf_mode
        self._pdf.turn_over()
        try:
            measured = await self._pdf.ask(lambda it: it.measure(number, mode))
            drawing = plan(measured.width, measured.height, dpi, self._limits)
            if mode == "text" or (mode == "auto" and measured.trusted):
                return PageResult(number, text_page(measured, drawing), source="text", dpi=dpi)
            return await self._drawn(number, drawing)
        except (Refused, RendererFailed) as failure:
            raise Problem(
                "page_render_failed",
                f"The page could not be drawn: {failure}. Other pages of the document may be; "
                "try it at a lower dpi, or saved again by another program.",
            ) from failure

    async def _drawn(self, number: int, drawing: Drawing) -> Sheet:
        def draw(renderer: Renderer) -> Sheet:
            message = pixel_message(renderer.render(number, *drawing.drawn), self._request_id)
            return Sheet(message, drawing.pixels, (drawing.width, drawing.height), self._options.dpi)

        await self._room.take(drawing.pixels)
        try:
            return await self._pdf.ask(draw)
        except BaseException:
            self._room.free(drawing.pixels)
            raise


def plan(width: float, height: float, dpi: int, limits: raster.Limits) -> Drawing:
    """The drawing of a page of that size in points.

    Raises:
        Problem: too_many_pixels, naming a dpi that fits; image_too_small.
    """
    across, down = (max(1, round(side * dpi / POINTS)) for side in (width, height))
    if across * down > limits.max_pixels:
        raise _too_large(width, height, dpi, limits)
    if max(across, down) < raster.MIN_SIDE:
        raise Problem(
            "image_too_small",
            f"The page is {across}x{down} pixels at dpi={dpi}; one side has to have "
            f"{raster.MIN_SIDE}. Ask for a higher dpi, at most {MAX_DPI}.",
            limit=raster.MIN_SIDE,
            actual=max(across, down),
        )
    factor = raster.reduction(across, down, REDUCE_ABOVE)
    return Drawing(across, down, (max(1, across // factor), max(1, down // factor)))


def text_page(measured: Measured, drawing: Drawing) -> Page:
    """The text layer as a page that was read, in the pixels that the drawn page would have."""
    across = drawing.width / measured.width if measured.width else 1
    down = drawing.height / measured.height if measured.height else 1

    def word(text: str, box: Box) -> Word:
        x0, x1 = (round(min(max(0, x * across), drawing.width), 1) for x in (box[0], box[2]))
        y0, y1 = (round(min(max(0, y * down), drawing.height), 1) for y in (box[1], box[3]))
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        return Word(text=text, confidence=1, polygon=corners, bbox=(x0, y0, x1, y1))

    def line(words: tuple[tuple[str, Box], ...], block: int) -> Line:
        whole = word(" ".join(text for text, _ in words), hull(box for _, box in words))
        return Line(**dict(whole), words=tuple(word(*each) for each in words), block=block)

    lines = tuple(line(words, block) for words, block in measured.lines)
    return Page(width=drawing.width, height=drawing.height, lines=lines)


def _too_large(width: float, height: float, dpi: int, limits: raster.Limits) -> Problem:
    across, down = (round(side * dpi / POINTS) for side in (width, height))
    fitting = int(POINTS * (limits.max_pixels / (width * height)) ** 0.5)
    way_out = (
        f"Ask for dpi={fitting} or less."
        if fitting >= MIN_DPI
        else f"It is larger than fits at the lowest dpi, {MIN_DPI}: save it with smaller pages."
    )
    return Problem(
        "too_many_pixels",
        f"The page is {width:.0f}x{height:.0f} points, {across}x{down} = {across * down} pixels at dpi={dpi};"
        f" at most {limits.max_pixels} are read. {way_out}",
        limit=limits.max_pixels,
        actual=across * down,
    )
