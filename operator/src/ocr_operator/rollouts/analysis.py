"""Whether a candidate's calls are within what spec.rollout.canary.analysis allows."""

from __future__ import annotations

from decimal import Decimal

from ocr_operator.models.rollout import Analysis
from ocr_operator.rollouts.samples import Sample


def breach(analysis: Analysis, sample: Sample) -> str | None:
    """What is over a limit, with the figures; None when nothing is, or when too few calls say so."""
    if sample.total < analysis.min_samples:
        return None
    allowed = Decimal(analysis.max_error_rate.removesuffix("%"))
    if 100 * Decimal(sample.failed) > allowed * sample.total:
        return (
            f"{sample.failed:.0f} of {sample.total} calls failed "
            f"({100 * sample.error_rate:.1f}%, at most {analysis.max_error_rate})"
        )
    if analysis.max_p99_ms is not None and sample.p99_ms > analysis.max_p99_ms:
        return f"p99 is {sample.p99_ms:.0f} ms over {sample.total} calls (at most {analysis.max_p99_ms} ms)"
    return None
