"""Dashboard `ocr-inference`: what users get from all OCRServices, and what the model servers do for it."""

from __future__ import annotations

from tests.observability.dashboards.sheet import (
    Panel,
    Query,
    Row,
    Sheet,
    Variable,
    panel,
    quantiles,
    share,
)

SERVICE = 'namespace=~"$namespace", ocrservice=~"$ocrservice"'
POST = f'{SERVICE}, method="POST"'
# ServiceMonitors make the Service's name the job.
PODS = 'namespace=~"$namespace", job=~"($ocrservice)-(gateway|model-server(-b)?)"'
# By cAdvisor, inside of the kubelet; without `container` a series is about a pod's whole control group.
CONTAINERS = 'namespace=~"$namespace", pod=~"($ocrservice)-(gateway|model-server(-b)?)-.+", container!=""'
ALLOWED_ERRORS = "0.005"
NAMED = "{{namespace}}/{{ocrservice}}"
LEVEL = "namespace_ocrservice:ocr_gateway"


def rate(metric: str, by: str, selector: str = SERVICE) -> str:
    """Per second, summed over all labels but `by`."""
    return f"sum by ({by}) (rate({metric}{{{selector}}}[$__rate_interval]))"


def _month(of: str) -> str:
    return f"sum_over_time({LEVEL}_{of}:rate5m{{{SERVICE}}}[30d])"


def _mean(histogram: str, by: str, selector: str = SERVICE) -> str:
    return share(rate(f"{histogram}_sum", by, selector), rate(f"{histogram}_count", by, selector))


MONTH_ERRORS = share(_month("errors"), _month("requests"))
OBJECTIVES = Row(
    "Objectives",
    (
        panel(
            "Availability, 30 days",
            "Requests that were not answered with a 5xx. The objective is 99.5 %.",
            "percentunit",
            f"1 - {MONTH_ERRORS}",
            NAMED,
            kind="stat",
            width=6,
            steps=((None, "red"), (0.995, "green")),
        ),
        panel(
            "Error budget left, 30 days",
            "Of the 0.5 % of the requests that may fail.",
            "percentunit",
            f"1 - {MONTH_ERRORS} / {ALLOWED_ERRORS}",
            NAMED,
            kind="stat",
            width=6,
            steps=((None, "red"), (0, "yellow"), (0.25, "green")),
        ),
        panel(
            "Burn rate, 1 hour",
            "1 uses the budget up in 30 days; from 14.4 on somebody is paged.",
            "short",
            f"{LEVEL}_errors:ratio_rate1h{{{SERVICE}}} / {ALLOWED_ERRORS}",
            NAMED,
            kind="stat",
            width=6,
            steps=((None, "green"), (1, "yellow"), (14.4, "red")),
        ),
        panel(
            "Slow pages, 1 hour",
            "Pages that took a model server longer than 2 s. The objective is 5 %.",
            "percentunit",
            f"{LEVEL}_slow_page_calls:ratio_rate1h{{{SERVICE}}}",
            NAMED,
            kind="stat",
            width=6,
            steps=((None, "green"), (0.05, "red")),
        ),
    ),
)
REFUSED = panel(
    "Refused",
    "By reason.",
    "reqps",
    rate("ocr_gateway_rejected_total", "reason"),
    "{{reason}}",
    stacked=True,
)
REQUESTS = Row(
    "Requests",
    (
        panel(
            "Requests",
            "By status.",
            "reqps",
            rate("ocr_gateway_requests_total", "code", POST),
            "{{code}}",
            stacked=True,
        ),
        panel(
            "Errors",
            "Share of the requests of five minutes that were answered with a 5xx.",
            "percentunit",
            f"{LEVEL}_errors:ratio_rate5m{{{SERVICE}}}",
            NAMED,
            steps=((None, "green"), (0.072, "red")),
        ),
        REFUSED,
        Panel(
            "Time of a request",
            "From headers to answer; long documents take long. Points are traces.",
            "s",
            tuple(
                Query(query.expr, query.legend, exemplar=query.legend == "p99")
                for query in quantiles("ocr_gateway_request_duration_seconds", f'{SERVICE}, outcome="ok"')
            ),
        ),
        panel(
            "Times of requests",
            "How many took how long.",
            "short",
            "sum by (le) (increase(ocr_gateway_request_duration_seconds_bucket"
            f'{{{SERVICE}, outcome="ok"}}[$__rate_interval]))',
            "{{le}}",
            kind="heatmap",
        ),
        panel(
            "Pages",
            "Read, or failed for good.",
            "ops",
            rate("ocr_gateway_pages_total", "outcome"),
            "{{outcome}}",
        ),
    ),
)
MODEL = Row(
    "Model servers",
    (
        panel(
            "Time of a page, by stage",
            "Means; queue is the wait for a worker.",
            "s",
            _mean("ocr_model_stage_duration_seconds", "stage"),
            "{{stage}}",
            stacked=True,
        ),
        panel(
            "Slow stages",
            "95th percentile of each.",
            "s",
            f"histogram_quantile(0.95, {rate('ocr_model_stage_duration_seconds_bucket', 'le, stage')})",
            "{{stage}}",
        ),
        panel(
            "Queue",
            "Part of its places that is taken; full, it refuses.",
            "percentunit",
            f"ocr_model_queue_depth{{{SERVICE}}} / ocr_model_queue_capacity{{{SERVICE}}}",
            "{{pod}}",
            steps=((None, "green"), (0.8, "red")),
        ),
        panel(
            "Oldest page waiting",
            "Since it came.",
            "s",
            f"ocr_model_queue_oldest_seconds{{{SERVICE}}}",
            "{{pod}}",
        ),
        panel(
            "Workers busy",
            "Part of the pages that can be read at once.",
            "percentunit",
            f"ocr_model_workers_busy{{{SERVICE}}} / ocr_model_workers{{{SERVICE}}}",
            "{{pod}}",
        ),
        panel(
            "Lines",
            "Lines of text a second.",
            "ops",
            rate("ocr_model_text_lines_total", "model"),
            "{{model}}",
        ),
        Panel(
            "Confidence",
            "How surely lines are read: the least sure tenth, and the median.",
            "percentunit",
            tuple(
                Query(
                    f"histogram_quantile({q}, {rate('ocr_model_recognition_confidence_bucket', 'le')})",
                    f"p{100 * q:.0f}",
                )
                for q in (0.1, 0.5)
            ),
        ),
        panel(
            "Pages without text",
            "Blank, or not read at all.",
            "percentunit",
            share(
                rate("ocr_model_empty_results_total", "ocrservice"),
                rate("ocr_model_pages_total", "ocrservice"),
            ),
            "{{ocrservice}}",
        ),
        panel(
            "Models",
            "Pods by the files that they read with.",
            "short",
            f"count by (namespace, ocrservice, model, model_sha256, runtime) (ocr_model_info{{{SERVICE}}})",
            kind="table",
        ),
    ),
)
PROCESSES = (
    panel("Memory", "Resident.", "bytes", f"process_resident_memory_bytes{{{PODS}}}", "{{pod}}"),
    panel(
        "CPU",
        "Cores.",
        "short",
        f"rate(process_cpu_seconds_total{{{PODS}}}[$__rate_interval])",
        "{{pod}}",
    ),
)
RESOURCES = Row(
    "Resources",
    (
        *PROCESSES,
        panel(
            "Pods ready",
            "By service and component.",
            "short",
            'sum by (namespace, name, component) (ocr_operator_resource_replicas{namespace=~"$namespace", '
            'name=~"$ocrservice", state="ready"})',
            "{{namespace}}/{{name}} {{component}}",
        ),
        panel(
            "Memory of pods",
            "What counts against the limit, as the kubelet sees it.",
            "bytes",
            f"sum by (pod) (container_memory_working_set_bytes{{{CONTAINERS}}})",
            "{{pod}}",
        ),
        panel(
            "CPU of pods",
            "Cores, as the kubelet sees it.",
            "short",
            rate("container_cpu_usage_seconds_total", "pod", CONTAINERS),
            "{{pod}}",
        ),
        panel(
            "CPU throttled",
            "Part of the time in which a CPU limit stopped the pod; none without a limit.",
            "percentunit",
            share(
                rate("container_cpu_cfs_throttled_periods_total", "pod", CONTAINERS),
                rate("container_cpu_cfs_periods_total", "pod", CONTAINERS),
            ),
            "{{pod}}",
        ),
    ),
)
SHEET = Sheet(
    uid="ocr-inference",
    title="KubeOCR / Inference",
    description="What users get from the OCRServices, and what the model servers do for it.",
    variables=(
        Variable("namespace", "namespace", "ocr_gateway_build_info"),
        Variable("ocrservice", "ocrservice", 'ocr_gateway_build_info{namespace=~"$namespace"}'),
    ),
    rows=(OBJECTIVES, REQUESTS, MODEL, RESOURCES),
)
