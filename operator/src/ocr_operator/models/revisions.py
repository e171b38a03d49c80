"""Where a roll-out of the model servers stands: all that the operator must remember of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ocr_operator.models.base import Part
from ocr_operator.models.names import MODEL_SERVER, MODEL_SERVER_B

Slot = Literal["model-server", "model-server-b"]
# RFC 3339 in seconds, as metav1.Time prints it.
Timestamp = Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
Short = Annotated[str, Field(max_length=512)]


class Candidate(Part):
    """A new revision that is being tried."""

    revision: Short = Field(description="Digest of its pods' template.")
    policy: Short = Field(description="Digest of the spec.rollout that it is tried by.")
    step: Annotated[int, Field(ge=1)] = Field(
        description="The step it is at, from 1; one more than there are when it takes over."
    )
    weight: Annotated[int, Field(ge=0, le=99)] = Field(description="Percent of the requests asked for it.")
    since: Timestamp = Field(description="When the step began.")
    followed: Timestamp | None = Field(
        default=None, description="When all gateways had taken the weight over; the pause counts from then."
    )


class Failed(Part):
    """A revision that was taken back; it is not tried again until its template or spec.rollout changes."""

    revision: Short = Field(description="Digest of its pods' template.")
    policy: Short = Field(description="Digest of the spec.rollout that it was tried by.")
    reason: Short = Field(description="Why, in one word.")
    message: Annotated[str, Field(max_length=2048)] = Field(description="Why, with the figures.")


class Revisions(Part):
    """The revisions of the model servers."""

    slot: Slot = Field(
        default="model-server", description="The stable revision's Deployment, after the service's name."
    )
    stable: Short | None = Field(
        default=None, description="Digest of the template that this Deployment was given last."
    )
    served: bool = Field(default=False, description="Whether all pods of that template were once ready.")
    candidate: Candidate | None = None
    failed: Failed | None = None
    split: Timestamp | None = Field(
        default=None, description="When the requests were divided in another way last."
    )

    @property
    def other(self) -> Slot:
        """The slot for a candidate."""
        return MODEL_SERVER_B if self.slot == MODEL_SERVER else MODEL_SERVER

    @property
    def weights(self) -> dict[Slot, int]:
        """Percent of the requests by slot; the candidate's is there when it has any."""
        weight = self.candidate.weight if self.candidate else 0
        return {self.slot: 100 - weight, **({self.other: weight} if weight else {})}


class Traffic(Part):
    """A part of the requests, as asked for."""

    deployment: Short = Field(description="Deployment whose pods get them.")
    revision: Short = Field(description="Digest of these pods' template.")
    weight: Annotated[int, Field(ge=0, le=100)] = Field(description="Percent of the requests.")
