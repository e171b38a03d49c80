"""Compute that pods ask for."""

from __future__ import annotations

from pydantic import Field

from ocr_operator.models.base import Part, Quantity


class ResourceList(Part):
    """Amounts of compute."""

    cpu: Quantity | None = Field(default=None, description="Cores, such as 2 or 500m; not set when absent.")
    memory: Quantity | None = Field(
        default=None, description="Bytes, such as 512Mi or 2Gi; not set when absent."
    )


class Resources(Part):
    """Requests and limits of one pod; set here, they replace the defaults as a whole."""

    requests: ResourceList = Field(default=ResourceList(), description="What a node reserves for the pod.")
    limits: ResourceList = Field(default=ResourceList(), description="What the pod may use at most.")
