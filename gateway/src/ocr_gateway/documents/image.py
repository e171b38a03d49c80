"""A file of one page, which goes to the model server as it came."""

from dataclasses import dataclass

from ocr_gateway.documents.pages import Sheet, file_message


@dataclass(frozen=True)
class ImagePages:
    """Its header has been held against the limits; decoding it here, too, would cost each page twice."""

    data: bytes
    request_id: str
    count: int = 1

    async def load(self, _: int) -> Sheet:
        """The file."""
        return Sheet(file_message(self.data, self.request_id))
