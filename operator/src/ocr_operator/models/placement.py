"""Where pods may run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import LabelKey, Labels, LabelValue, ObjectName, Part, cel

TOLERATION_EXISTS = (
    "!has(self.operator) || self.operator != 'Exists' || !has(self.value)",
    "a toleration with operator Exists takes no value; remove value or write operator: Equal",
)
TOLERATION_EQUAL = (
    "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
    "a toleration without key needs operator: Exists",
)
TOLERATION_SECONDS = (
    "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
    "tolerationSeconds needs effect: NoExecute; set the effect or remove tolerationSeconds",
)


class Toleration(Part):
    """A taint that pods accept, as in a Pod."""

    model_config = ConfigDict(json_schema_extra=cel(TOLERATION_EXISTS, TOLERATION_EQUAL, TOLERATION_SECONDS))

    key: LabelKey | None = Field(default=None, description="Key of the taint; every key when absent.")
    operator: Literal["Exists", "Equal"] | None = Field(
        default=None, description="Equal, the meaning when absent, compares the value; Exists does not."
    )
    value: LabelValue | None = Field(default=None, description="Value of the taint; empty when absent.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; every effect when absent."
    )
    toleration_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        default=None, description="Time until a NoExecute taint evicts the pod; never when absent."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError(TOLERATION_EXISTS[1])
        if self.key is None and self.operator != "Exists":
            raise ValueError(TOLERATION_EQUAL[1])
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise ValueError(TOLERATION_SECONDS[1])
        return self


class Scheduling(Part):
    """Where pods may run, by a few of a pod's own fields."""

    node_selector: Labels = Field(
        default={}, description="Labels that a node must have; any node when empty."
    )
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = Field(
        default=(),
        description="Taints that pods accept; none when empty.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    topology_spread: Literal["None", "Host", "Zone"] = Field(
        default="Zone", description="Spread pods over hosts, or over zones and hosts, where possible."
    )
    priority_class_name: ObjectName | None = Field(
        default=None, description="A PriorityClass of the cluster; its default when absent."
    )
    runtime_class_name: ObjectName | None = Field(
        default=None, description="A RuntimeClass of the cluster, such as gvisor; the nodes' own when absent."
    )
