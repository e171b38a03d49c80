"""What one running model server consists of."""

import asyncio
import logging
import time

from ocr_modelserver.body import Budget
from ocr_modelserver.config import Config
from ocr_modelserver.metrics import Metrics
from ocr_modelserver.reader import open_reader
from ocr_modelserver.scheduling.job import Task
from ocr_modelserver.scheduling.scheduler import Bounds, Scheduler
from ocr_wire.logs import Sampler
from ocr_wire.tracing import open_tracer

_log = logging.getLogger(__name__)


class Server:
    """The model, its workers, and whether they may be used; made by `Server(config)`, ended by `close()`.

    Raises:
        ModelError: the model cannot be loaded.
        TracingError: spans are to be exported and cannot be.
    """

    def __init__(self, config: Config) -> None:
        self._started = time.monotonic()
        self.config = config
        self.tracer = open_tracer("ocr-modelserver", config.service)
        self.reader = open_reader(config)
        self.metrics = Metrics(config.service, self.reader.model)
        self.budget = Budget(config.max_bytes_in_flight)
        bounds = Bounds(config.max_queue, config.heavy_pixels, running=config.pages_at_once)
        self.scheduler = Scheduler(config.threads, bounds, time.monotonic)
        self.metrics.watch(self.scheduler, self.budget, config.detection_threads)
        self.access_log = Sampler(config.access_log_sample)
        self.ready = False
        self._failed = False

    @property
    def alive(self) -> bool:
        """Whether a restart would not help: every worker lives and the warm-up has not failed."""
        return self.scheduler.alive and not self._failed

    async def start(self) -> None:
        """Warm up as many pages as are read at once, then be ready."""
        if self.config.warmup:
            try:
                warm_up = Task(self.reader.warm_up, size=0.0)
                jobs = self.scheduler.submit("warm-up", [warm_up] * self.config.pages_at_once)
                await asyncio.gather(*(asyncio.wrap_future(job.future) for job in jobs))
            except Exception:  # noqa: BLE001 - whatever it was, liveness says so and the log has it
                self._failed = True
                self.metrics.load_failures.inc()
                _log.exception("the warm-up failed")
                return
        seconds = time.monotonic() - self._started
        self.metrics.load_duration.set(seconds)
        self.metrics.load_success.set_to_current_time()
        self.metrics.ready.set(1)
        self.ready = True
        model = self.reader.model
        _log.info("ready", extra={"model": model.name, "sha256": model.sha256, "seconds": round(seconds, 2)})

    def close(self) -> None:
        """Finish what is queued and end the workers."""
        self.ready = False
        self.scheduler.close()
        self.tracer.close()
