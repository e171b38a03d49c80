"""Dashboard `ocr-service`: one OCRService in detail, for whoever was called because of it."""

from __future__ import annotations

from tests.observability.dashboards.inference_sheet import PODS, PROCESSES, REFUSED, SERVICE, rate
from tests.observability.dashboards.sheet import Panel, Query, Row, Sheet, Variable, panel, quantiles, share

RESOURCE = 'namespace=~"$namespace", name=~"$ocrservice"'
WRONG: tuple[tuple[float | None, str], ...] = ((None, "green"), (1, "red"))
RIGHT: tuple[tuple[float | None, str], ...] = ((None, "red"), (1, "green"))


def _condition(kind: str) -> str:
    return f'max(ocr_operator_resource_condition{{{RESOURCE}, type="{kind}", status="True"}})'


def _used(held: str, capacity: str) -> str:
    return f"sum(ocr_gateway_{held}{{{SERVICE}}}) / sum(ocr_gateway_{capacity}{{{SERVICE}}})"


STATE = Row(
    "State",
    (
        panel(
            "Ready", "1: takes pages now.", "short", _condition("Ready"), kind="stat", width=4, steps=RIGHT
        ),
        panel(
            "Stalled",
            "1: needs a person's hand.",
            "short",
            _condition("Stalled"),
            kind="stat",
            width=4,
            steps=WRONG,
        ),
        panel(
            "Firing alerts",
            "Of this service.",
            "short",
            f'count(ALERTS{{{SERVICE}, alertstate="firing"}} or ALERTS{{{RESOURCE}, alertname=~"OCR.*", '
            'alertstate="firing"}) or vector(0)',
            kind="stat",
            width=4,
            steps=WRONG,
        ),
        panel(
            "Version and model",
            "What it runs.",
            "short",
            f"max by (operand_version, model, model_sha256) (ocr_operator_resource_info{{{RESOURCE}}})",
            kind="table",
            width=12,
        ),
        Panel(
            "Pods",
            "Wanted and ready.",
            "short",
            tuple(
                Query(
                    f'sum by (component) (ocr_operator_resource_replicas{{{RESOURCE}, state="{state}"}})',
                    f"{{{{component}}}} {state}",
                )
                for state in ("desired", "ready")
            ),
            width=12,
        ),
        panel(
            "Model servers",
            "As the gateways see them.",
            "short",
            f"sum by (state) (ocr_gateway_upstream_endpoints{{{SERVICE}}})",
            "{{state}}",
            width=12,
        ),
    ),
)
TRAFFIC = Row(
    "Requests",
    (
        panel(
            "By path",
            "All methods.",
            "reqps",
            rate("ocr_gateway_requests_total", "route"),
            "{{route}}",
            stacked=True,
        ),
        panel(
            "By status",
            "All methods.",
            "reqps",
            rate("ocr_gateway_requests_total", "code"),
            "{{code}}",
            stacked=True,
        ),
        panel(
            "Time by path",
            "95th percentile.",
            "s",
            f"histogram_quantile(0.95, {rate('ocr_gateway_request_duration_seconds_bucket', 'le, route')})",
            "{{route}}",
        ),
        REFUSED,
        panel(
            "Sizes of bodies",
            "Received; median.",
            "bytes",
            quantiles("ocr_gateway_request_size_bytes", SERVICE)[0].expr,
            "received",
        ),
        panel(
            "Credentials refused",
            "By reason; none without spec.gateway.auth.",
            "reqps",
            rate("ocr_gateway_auth_failures_total", "reason"),
            "{{reason}}",
        ),
    ),
)
ROOM = Row(
    "Room in the gateways",
    (
        Panel(
            "Held",
            "Part of the documents and of their bytes that may be held at once.",
            "percentunit",
            (
                Query(_used("requests_held", "requests_capacity"), "documents"),
                Query(_used("body_bytes_held", "body_bytes_capacity"), "bytes"),
            ),
        ),
        panel(
            "Pages waiting",
            "For a model server.",
            "short",
            f"sum by (pod) (ocr_gateway_pages_waiting{{{SERVICE}}})",
            "{{pod}}",
        ),
        panel(
            "Backlog",
            "Time until all that waits is read.",
            "s",
            f"max by (pod) (ocr_gateway_backlog_seconds{{{SERVICE}}})",
            "{{pod}}",
        ),
        Panel(
            "Jobs",
            "Waiting in the store, and running.",
            "short",
            (
                Query(f"max(ocr_gateway_jobs_waiting{{{SERVICE}}})", "waiting"),
                Query(f"sum(ocr_gateway_jobs_running{{{SERVICE}}})", "running"),
            ),
        ),
        panel(
            "Jobs ended", "By outcome.", "ops", rate("ocr_gateway_jobs_ended_total", "status"), "{{status}}"
        ),
        panel(
            "Files taken over",
            "Keys and certificates that changed; refused ones leave the old in use.",
            "short",
            f"sum by (files, result) (increase(ocr_gateway_reloads_total{{{SERVICE}}}[$__range]))",
            "{{files}} {{result}}",
        ),
    ),
)
UPSTREAM = Row(
    "Calls of model servers",
    (
        panel(
            "Calls",
            "By result.",
            "reqps",
            rate("ocr_gateway_upstream_requests_total", "result"),
            "{{result}}",
            stacked=True,
        ),
        panel(
            "Sent again",
            "Part of the calls that went to another model server after a failure.",
            "percentunit",
            share(
                rate("ocr_gateway_upstream_requests_total", "ocrservice", f'{SERVICE}, attempt="retry"'),
                rate("ocr_gateway_upstream_requests_total", "ocrservice"),
            ),
            "sent again",
        ),
        Panel(
            "Time of a call",
            "One page.",
            "s",
            quantiles("ocr_gateway_upstream_request_duration_seconds", SERVICE),
        ),
        panel(
            "Requests by outcome",
            "As the model servers count them.",
            "reqps",
            rate("ocr_model_inference_requests_total", "outcome"),
            "{{outcome}}",
            stacked=True,
        ),
        panel("Pages", "By pod.", "ops", rate("ocr_model_pages_total", "pod"), "{{pod}}"),
        panel(
            "Backlog of model servers",
            "Time to read all that waits and runs there.",
            "s",
            f"ocr_model_backlog_seconds{{{SERVICE}}}",
            "{{pod}}",
        ),
    ),
)
KSERVE = Row(
    "By KServe's names",
    tuple(
        panel(
            f"{step.capitalize()} by model",
            "Mean, under the name that KServe's model servers give it.",
            "s",
            share(
                rate(f"request_{step}_seconds_sum", "model_name", PODS),
                rate(f"request_{step}_seconds_count", "model_name", PODS),
            ),
            "{{model_name}}",
        )
        for step in ("preprocess", "predict", "postprocess")
    ),
)
PROCESS_ROW = Row(
    "Processes",
    (
        *PROCESSES,
        panel("Files", "Open file descriptors.", "short", f"process_open_fds{{{PODS}}}", "{{pod}}"),
    ),
)
SHEET = Sheet(
    uid="ocr-service",
    title="KubeOCR / One OCRService",
    description="One OCRService in detail.",
    variables=(
        Variable("namespace", "namespace", "ocr_gateway_build_info", multiple=False),
        Variable(
            "ocrservice", "ocrservice", 'ocr_gateway_build_info{namespace=~"$namespace"}', multiple=False
        ),
    ),
    rows=(STATE, TRAFFIC, ROOM, UPSTREAM, KSERVE, PROCESS_ROW),
)
