"""How a new revision of the model servers takes over."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import Form, Part, cel

STEPS = (
    "!has(self.steps) || (size(self.steps) > 0 && self.steps.map(s, s.weight).isSorted() && "
    "self.steps.all(s, self.steps.exists_one(t, t.weight == s.weight)))",
    "steps needs at least one entry, and each a greater weight than the one before",
)
CANARY = (
    "!has(self.canary) || (has(self.strategy) && self.strategy == 'Canary')",
    "canary goes with strategy: Canary; set the strategy or remove canary",
)
Percent = Annotated[
    str,
    Field(max_length=8),
    Form(r"(100|[0-9]{1,2}(\.[0-9]+)?)%", "write a part of the requests in quotes, such as '1%' or '0.5%'"),
]


class Step(Part):
    """A part of the requests for the new revision, and how long at least."""

    weight: Annotated[int, Field(ge=1, le=99)] = Field(description="Percent of the requests.")
    pause_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=300, description="Time at this weight, from when every gateway follows."
    )


class Analysis(Part):
    """What the new revision must keep at every step, as the gateways measure it."""

    max_error_rate: Percent = Field(
        default="1%", description="Failed calls of its model servers: 5xx, no answer, no connection."
    )
    max_p99_ms: Annotated[int, Field(ge=1, le=60_000)] | None = Field(
        default=None, description="99th percentile of a call's time in milliseconds; any when absent."
    )
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=100, description="Calls that a verdict needs; until then a step waits."
    )


DEFAULT_STEPS: Final = (Step(weight=5), Step(weight=25), Step(weight=50))


class Canary(Part):
    """The way of a new revision from the first request to all of them."""

    model_config = ConfigDict(json_schema_extra=cel(STEPS))

    replicas: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="Pods of the new revision at every step; by weight when absent."
    )
    steps: Annotated[tuple[Step, ...], Field(max_length=8)] = Field(
        default=DEFAULT_STEPS,
        description="Weights on the way to all requests: 5, 25 and 50 when absent.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    analysis: Analysis = Analysis()

    @model_validator(mode="after")
    def _weights_rise(self) -> Self:
        weights = [step.weight for step in self.steps]
        if not weights or weights != sorted(set(weights)):
            raise ValueError(STEPS[1])
        return self


class Rollout(Part):
    """How a new revision of the model servers takes over; gateways always roll."""

    model_config = ConfigDict(json_schema_extra=cel(CANARY))

    strategy: Literal["RollingUpdate", "Canary"] = Field(
        default="RollingUpdate",
        description="RollingUpdate: pod by pod. Canary: beside the old one, with more and more of the "
        "requests, and back by itself when it fails.",
    )
    canary: Canary | None = None
    progress_deadline_seconds: Annotated[int, Field(ge=10, le=86_400)] = Field(
        default=600, description="Time for a roll-out, or for a step beside its pause, to get on."
    )

    @model_validator(mode="after")
    def _canary_goes_with_its_strategy(self) -> Self:
        if self.canary is not None and self.strategy != "Canary":
            raise ValueError(CANARY[1])
        return self
