"""How a client wants to see a result."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ocr_gateway.options import Options


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class View:
    """The request's id and options, the document as it was sent, and when (UTC) it was read."""

    request_id: str
    options: Options
    document: bytes
    at: datetime = field(default_factory=_now)

    @property
    def moment(self) -> str:
        """`at` as xsd:dateTime, to the second."""
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")
