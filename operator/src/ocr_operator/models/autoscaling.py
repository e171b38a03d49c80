"""How many pods there shall be, as the load and the hour ask."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import Form, Part, cel, map_list

MIN_REPLICAS: Final = 2
_LEAST: Final = f"(has(self.minReplicas) ? self.minReplicas : {MIN_REPLICAS})"
RATE_AMOUNT = ("has(self.pods) || has(self.percent)", "set pods, percent or both")
SCHEDULE_LASTS = (
    "self.start != self.end",
    "start and end must differ; for a whole day write 00:00 and 24:00",
)
AUTOSCALING_BOUNDS = (
    f"{_LEAST} <= self.maxReplicas",
    f"minReplicas ({MIN_REPLICAS} when absent) may not be more than maxReplicas; change one of them",
)
SCHEDULES_RAISE = (
    f"!has(self.schedules) || self.schedules.all(s, s.minReplicas >= {_LEAST} && "
    "(!has(s.maxReplicas) || s.maxReplicas >= self.maxReplicas))",
    "a schedule only raises minReplicas and maxReplicas; lower those of autoscaling itself",
)
SCHEDULES_BOUNDS = (
    "!has(self.schedules) || self.schedules.all(s, "
    "s.minReplicas <= (has(s.maxReplicas) ? s.maxReplicas : self.maxReplicas))",
    "minReplicas of a schedule may not be more than maxReplicas; change one of them",
)
# For who has pods of its own.
AUTOSCALING_ALONE = (
    "!(has(self.replicas) && has(self.autoscaling))",
    "autoscaling sets the replicas; change its minReplicas and maxReplicas, or remove autoscaling first",
)
ZONE_FORM: Final = Form(
    "[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*",
    "write a time zone of the IANA database, such as Europe/Berlin or UTC",
)
NAME_FORM: Final = Form(
    "[a-z0-9]([-a-z0-9]*[a-z0-9])?", "write only a-z, 0-9 and '-', with a letter or digit first and last"
)
_HOURS: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
START_FORM: Final = Form(_HOURS, "write hours and minutes in quotes, such as 08:00")
END_FORM: Final = Form(f"{_HOURS}|24:00", "write hours and minutes in quotes, such as 18:00 or 24:00")

Replicas = Annotated[int, Field(ge=1, le=1000)]
Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


class Metric(Part):
    """One measure of the load; of several the one that asks for most pods counts."""

    type: Literal["CPU", "Memory", "QueueDepth"] = Field(
        description="CPU and Memory need metrics-server. QueueDepth, pages that wait at the gateways, "
        "needs an adapter that serves ocr_gateway_pages_waiting as a custom metric."
    )
    target: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="What to keep to, on average over the pods: percent of the request, or pages that wait."
    )


class ScalingRate(Part):
    """How much may change in a period; with both pods and percent, what is more."""

    model_config = ConfigDict(json_schema_extra=cel(RATE_AMOUNT))

    pods: Replicas | None = Field(
        default=None, description="Pods that come or go; percent alone counts when absent."
    )
    percent: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="The same as a part of the pods there are; pods alone counts when absent."
    )
    period_seconds: Annotated[int, Field(ge=15, le=1800)] = Field(
        default=60, description="Length of the period."
    )

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if self.pods is None and self.percent is None:
            raise ValueError(RATE_AMOUNT[1])
        return self


class ScalingBehavior(Part):
    """How fast pods come and go."""

    scale_up: ScalingRate = Field(
        default=ScalingRate(pods=4, percent=100, period_seconds=30), description="Pods that come at most."
    )
    scale_down: ScalingRate = Field(
        default=ScalingRate(pods=1, percent=25, period_seconds=60), description="Pods that go at most."
    )
    scale_down_stabilization_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=300, description="Pods go when none was needed for so long."
    )


class Schedule(Part):
    """Hours at which more pods are kept, such as those of an office."""

    model_config = ConfigDict(json_schema_extra=cel(SCHEDULE_LASTS))

    name: Annotated[str, Field(max_length=63), NAME_FORM] = Field(description="What it is for.")
    time_zone: Annotated[str, Field(max_length=64), ZONE_FORM] = Field(
        description="Zone of the IANA database, such as Europe/Berlin, whose clock counts."
    )
    days: Annotated[tuple[Day, ...], Field(max_length=7)] = Field(
        default=(),
        description="Days on which it starts; every day when empty.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    start: Annotated[str, Field(max_length=5), START_FORM] = Field(description="Beginning, such as 08:00.")
    end: Annotated[str, Field(max_length=5), END_FORM] = Field(
        description="End, such as 18:00; on the next day when it is before the start."
    )
    min_replicas: Replicas = Field(description="Pods to run at least in these hours.")
    max_replicas: Replicas | None = Field(
        default=None, description="Pods to run at most in these hours; as ever when absent."
    )

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            raise ValueError(SCHEDULE_LASTS[1])
        return self


class Autoscaling(Part):
    """A HorizontalPodAutoscaler; without it the number of replicas is fixed."""

    model_config = ConfigDict(json_schema_extra=cel(AUTOSCALING_BOUNDS, SCHEDULES_RAISE, SCHEDULES_BOUNDS))

    min_replicas: Replicas = Field(default=MIN_REPLICAS, description="Pods to run at least.")
    max_replicas: Replicas = Field(description="Pods to run at most.")
    metrics: Annotated[tuple[Metric, ...], Field(max_length=3)] = Field(
        default=(),
        description="The load; CPU at 70 percent of its request when empty.",
        json_schema_extra=map_list("type"),
    )
    behavior: ScalingBehavior = ScalingBehavior()
    schedules: Annotated[tuple[Schedule, ...], Field(max_length=16)] = Field(
        default=(),
        description="Hours with more replicas, none when empty; where they overlap, the most of each counts.",
        json_schema_extra=map_list("name"),
    )

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(AUTOSCALING_BOUNDS[1])
        for each in self.schedules:
            most = self.max_replicas if each.max_replicas is None else each.max_replicas
            if each.min_replicas < self.min_replicas or most < self.max_replicas:
                raise ValueError(SCHEDULES_RAISE[1])
            if each.min_replicas > most:
                raise ValueError(SCHEDULES_BOUNDS[1])
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names in (
            ("type in metrics", [metric.type for metric in self.metrics]),
            ("name in schedules", [schedule.name for schedule in self.schedules]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"every {what} may stand only once")
        return self
