"""Documents that the gateway reads later."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ocr_operator.models.base import Part, SecretKeyRef, cel
from ocr_operator.models.network import Peers

JOBS_REDIS = (
    "has(self.redis) == (has(self.store) && self.store == 'Redis')",
    "redis says where it is and goes with store: Redis; set both or neither",
)
JOBS_MEMORY = (
    "!has(self.jobs) || (has(self.jobs.store) && self.jobs.store == 'Redis') || "
    "(has(self.replicas) && self.replicas <= 1)",
    "jobs in memory are known to one gateway only; set replicas: 1 or jobs.store: Redis",
)


class Redis(Part):
    """A Redis server, version 7 or newer."""

    secret_key_ref: SecretKeyRef = Field(
        description="Key of a Secret that holds the URL: redis:// or rediss://[USER:PASSWORD@]HOST:PORT/DB."
    )
    egress_to: Peers = Field(
        default=(),
        description="Where it is, for the network policy: gateways may open TCP connections to these peers, "
        "and to everybody when empty, because the operator does not read the URL.",
    )


class Jobs(Part):
    """Jobs: POST /v1/jobs, and results that are fetched later; no such endpoints when absent."""

    model_config = ConfigDict(json_schema_extra=cel(JOBS_REDIS))

    store: Literal["Memory", "Redis"] = Field(
        default="Memory",
        description="Memory: of the only gateway, lost when it ends. Redis: shared by all, none is lost.",
    )
    redis: Redis | None = None
    ttl_seconds: Annotated[int, Field(ge=60, le=86_400)] = Field(
        default=3600, description="Time that a result can be fetched, from the job's end."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=86_400)] = Field(
        default=900, description="Time for one job, from its beginning."
    )
    max_jobs: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="Jobs that are kept, ended ones included; one more is answered 503."
    )

    @model_validator(mode="after")
    def _redis_goes_with_its_store(self) -> Self:
        if (self.redis is not None) != (self.store == "Redis"):
            raise ValueError(JOBS_REDIS[1])
        return self
