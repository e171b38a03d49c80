"""The stages of pages as parts of their request's span."""

import time
from collections.abc import Iterator, Sequence

from ocr_modelserver.metrics import spent
from ocr_modelserver.scheduling.job import Job
from ocr_wire.result import Page
from ocr_wire.tracing import Part


def stages(pages: Sequence[Page], jobs: Sequence[Job[Page]]) -> Iterator[Part]:
    """The stages of each page, one after the other from when it was submitted; pages are numbered from 1."""
    epoch = time.time() - time.monotonic()
    for number, (page, job) in enumerate(zip(pages, jobs, strict=True), 1):
        end = epoch + job.submitted
        for stage, seconds in spent(page, job.queue_seconds).items():
            start, end = end, end + seconds
            yield Part(f"ocr.{stage}", start, end, {"ocr.page": number})
