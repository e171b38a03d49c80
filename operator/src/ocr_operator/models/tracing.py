"""Where the spans of a service go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ocr_operator.models import urls
from ocr_operator.models.base import Form, Part

Endpoint = Annotated[
    str,
    Field(max_length=512),
    # A '$' in a variable's value may begin a reference.
    Form(
        r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?(/[!#%-~]*)?",
        "write the collector's URL for OTLP over HTTP, such as http://collector.observability:4318",
    ),
]
# A string: a CRD's numbers with a fraction are not the same in every client.
Ratio = Annotated[
    str,
    Field(max_length=8),
    Form(r"0(\.[0-9]+)?|1(\.0+)?", "write a number from 0 to 1 in quotes, such as '0.1'"),
]


class Tracing(Part):
    """Spans of gateway and model servers, by OpenTelemetry; none when absent."""

    endpoint: Endpoint = Field(description="URL of a collector that takes OTLP over HTTP.")
    sample_ratio: Ratio = Field(default="0.1", description="Part of the requests that is traced, 0 to 1.")

    @property
    def port(self) -> int:
        """Port of the endpoint, its scheme's when it names none."""
        return urls.port(self.endpoint)
