"""How a client wants to see a result."""

from dataclasses import dataclass

from ocr_gateway.options import Options


@dataclass(frozen=True)
class View:
    """The request's id and options, and the document as it was sent."""

    request_id: str
    options: Options
    document: bytes
