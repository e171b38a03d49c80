"""What a model server answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from ocr_gateway.problems import CODES, Problem

OK = 200
UNAVAILABLE = 503
TIMING = re.compile(r"([a-z_]{1,32});dur=([0-9]+(?:\.[0-9]+)?)")


class ServerError(BaseModel):
    """The JSON body of a model server's error."""

    error: str = ""
    code: str = ""
    limit: float | None = None
    actual: float | None = None


@dataclass(frozen=True)
class Answer:
    """A model server's response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> ServerError:
        """What an error response says; empty when it says nothing that can be read."""
        try:
            return ServerError.model_validate_json(self.body)
        except ValidationError:
            return ServerError()

    @property
    def timings_ms(self) -> dict[str, float]:
        """The stages of the Server-Timing header."""
        return {name: float(value) for name, value in TIMING.findall(self.headers.get("server-timing", ""))}

    @property
    def retry_after(self) -> float | None:
        """Seconds, if the server said so."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() else None

    def raise_for_problem(self) -> None:
        """Raise the problem of an error response.

        A code of our own table keeps its meaning; anything else is a fault between the two programs, not the
        client's, whatever the status.
        """
        if self.status == OK:
            return
        error = self.error
        if error.code in CODES and error.code != "internal":
            raise Problem(
                error.code,
                error.error or CODES[error.code].title,
                limit=error.limit,
                actual=error.actual,
                retry_after=self.retry_after or (1 if self.status == UNAVAILABLE else None),
            )
        raise Problem(
            "upstream_error",
            f"A model server answered with status {self.status}. The same request may work again.",
        )
