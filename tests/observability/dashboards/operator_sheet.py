"""Dashboard `ocr-operator`: the OCRServices of a cluster, and how the operator keeps up with them."""

from __future__ import annotations

from tests.observability.dashboards.sheet import Panel, Row, Sheet, Variable, panel, quantiles, share

SERVICES = 'namespace=~"$namespace"'
OURS = "and on (instance) ocr_operator_build_info"
BAD: tuple[tuple[float | None, str], ...] = ((None, "green"), (1, "red"))


def _condition(kind: str, status: str) -> str:
    selector = f'{SERVICES}, type="{kind}", status="{status}"'
    return f"max by (namespace, name) (ocr_operator_resource_condition{{{selector}}})"


def _count(series: str) -> str:
    return f"count({series} == 1) or vector(0)"


def _pods(state: str) -> str:
    selector = f'{SERVICES}, state="{state}"'
    return f"sum by (namespace, name, component) (ocr_operator_resource_replicas{{{selector}}})"


def _rate(metric: str, by: str, selector: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


FAILED = (
    'sum(rate(ocr_operator_k8s_requests_total{code=~"5..|429|error|timeout"}[$__rate_interval])) or vector(0)'
)
NOT_READY = _count(_condition("Ready", "False"))
SERVICES_ROW = Row(
    "OCRServices",
    (
        panel("Ready", "Take pages now.", "short", _count(_condition("Ready", "True")), kind="stat", width=6),
        panel(
            "Not ready",
            "Take no pages; the table says which.",
            "short",
            NOT_READY,
            kind="stat",
            width=6,
            steps=BAD,
        ),
        panel(
            "Stalled",
            "Need a person's hand; what ran before may still serve.",
            "short",
            _count(_condition("Stalled", "True")),
            kind="stat",
            width=6,
            steps=BAD,
        ),
        panel(
            "Firing alerts",
            "Alerts of the chart's rules.",
            "short",
            'count(ALERTS{alertname=~"OCR.*", alertstate="firing"}) or vector(0)',
            kind="stat",
            width=6,
            steps=BAD,
        ),
        panel(
            "Services",
            "1: Ready. A row leads to the service's own dashboard.",
            "short",
            _condition("Ready", "True"),
            kind="table",
            link="ocr-service",
        ),
        panel(
            "Changes not taken up",
            "Generations that the status is behind the spec.",
            "short",
            f"max by (namespace, name) (ocr_operator_resource_generation{{{SERVICES}}})"
            f" - max by (namespace, name) (ocr_operator_resource_observed_generation{{{SERVICES}}})",
            "{{namespace}}/{{name}}",
        ),
        panel(
            "Pods missing",
            "Pods that are wanted and take no requests.",
            "short",
            f"{_pods('desired')} - {_pods('ready')}",
            "{{namespace}}/{{name}} {{component}}",
        ),
    ),
)
WORK_ROW = Row(
    "Work",
    (
        panel(
            "Reconciles",
            "requeue_after: a service that moves is looked at again soon.",
            "ops",
            _rate("ocr_operator_reconcile_total", "result"),
            "{{result}}",
        ),
        Panel(
            "Time of a reconcile",
            "All requests of one look.",
            "s",
            quantiles("ocr_operator_reconcile_duration_seconds", ""),
        ),
        Panel(
            "Wait for a worker",
            "From the event to its turn.",
            "s",
            quantiles("ocr_operator_queue_duration_seconds", ""),
        ),
        panel("Services waiting", "For a worker.", "short", "sum(ocr_operator_queue_depth)", "waiting"),
        panel(
            "Children applied",
            "Only created and changed are writes that changed something.",
            "ops",
            _rate("ocr_operator_child_applies_total", "result"),
            "{{result}}",
        ),
        panel(
            "Changes by others put back",
            "A steady rate is a fight with another tool.",
            "ops",
            _rate("ocr_operator_drift_corrections_total", "kind"),
            "{{kind}}",
        ),
    ),
)
API_ROW = Row(
    "Kubernetes API",
    (
        panel(
            "Requests", "By answer.", "reqps", _rate("ocr_operator_k8s_requests_total", "code"), "{{code}}"
        ),
        panel(
            "Failed requests",
            "5xx, 429 and no answer; the alert OCROperatorAPIErrors fires above 5 %.",
            "percentunit",
            share(FAILED, "sum(rate(ocr_operator_k8s_requests_total[$__rate_interval]))"),
            "failed",
            steps=((None, "green"), (0.05, "red")),
        ),
        panel(
            "Time of a request",
            "95th percentile.",
            "s",
            "histogram_quantile(0.95, "
            + _rate("ocr_operator_k8s_request_duration_seconds_bucket", "le, verb")
            + ")",
            "{{verb}}",
        ),
        panel(
            "Events",
            "What watches told.",
            "ops",
            _rate("ocr_operator_watch_events_total", "resource"),
            "{{resource}}",
        ),
        panel(
            "Watches begun anew",
            "About one in five minutes is normal; none for half an hour is a dead watch.",
            "ops",
            _rate("ocr_operator_watch_restarts_total", "resource"),
            "{{resource}}",
        ),
        panel(
            "Age of the last event",
            "Long on a calm cluster.",
            "s",
            "time() - max by (resource) (ocr_operator_watch_last_event_timestamp_seconds)",
            "{{resource}}",
        ),
    ),
)
PROCESS_ROW = Row(
    "Process",
    (
        panel("Leader", "1: this pod writes.", "short", "ocr_operator_leader", "{{pod}}", width=6),
        panel(
            "Event loop lag",
            "How late one look in a hundred was.",
            "s",
            "histogram_quantile(0.99, sum by (pod, le) "
            "(rate(ocr_operator_event_loop_lag_seconds_bucket[$__rate_interval])))",
            "{{pod}}",
            width=6,
        ),
        panel("Memory", "Resident.", "bytes", f"process_resident_memory_bytes {OURS}", "{{pod}}", width=6),
        panel(
            "CPU",
            "Cores.",
            "short",
            f"rate(process_cpu_seconds_total[$__rate_interval]) {OURS}",
            "{{pod}}",
            width=6,
        ),
    ),
)
SHEET = Sheet(
    uid="ocr-operator",
    title="KubeOCR / Operator",
    description="The OCRServices of the cluster, and the operator that keeps them.",
    variables=(Variable("namespace", "namespace", "ocr_operator_resource_condition"),),
    rows=(SERVICES_ROW, WORK_ROW, API_ROW, PROCESS_ROW),
)
