"""What gateway and model servers are told of tracing: OpenTelemetry's own variables."""

from __future__ import annotations

from typing import Final, Literal

from ocr_operator.desired.plan import Plan

# The gateway decides which requests are traced, whatever their senders say; the model servers do as it does.
Sampler = Literal["traceidratio", "parentbased_traceidratio"]
GATEWAY_SAMPLER: Final[Sampler] = "traceidratio"
MODEL_SERVER_SAMPLER: Final[Sampler] = "parentbased_traceidratio"


def environment(plan: Plan, sampler: Sampler) -> tuple[dict[str, str], ...]:
    """Variables of a container; none without tracing."""
    tracing = plan.service.spec.observability.tracing
    if tracing is None:
        return ()
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": tracing.endpoint,
        "OTEL_TRACES_SAMPLER": sampler,
        "OTEL_TRACES_SAMPLER_ARG": tracing.sample_ratio,
        "OTEL_RESOURCE_ATTRIBUTES": f"k8s.namespace.name={plan.service.metadata.namespace}",
    }
    return tuple({"name": name, "value": value} for name, value in variables.items())
