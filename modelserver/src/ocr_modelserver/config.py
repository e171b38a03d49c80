"""What the model server is told at its start."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ocr_wire.raster import Limits

Mode = Literal["throughput", "latency"]

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Config:
    """The model to serve and the bounds it is served within.

    `languages` (BCP 47) limit what is read to their characters; none mean all that the model reads.
    `threads` is the number of CPUs to use: `throughput` reads that many pages at once with one thread each,
    `latency` one page at a time with all of them. `max_queue` counts pages that wait. Pages of more
    than `heavy_pixels` are read one at a time, for what decoding them takes. `model_dir` is the folder of an
    own model, which `model` only names, and `model_sha256` what that must have.
    """

    models_dir: Path
    threads: int
    model: str = "balanced"
    model_dir: Path | None = None
    model_sha256: str | None = None
    languages: tuple[str, ...] = ()
    mode: Mode = "throughput"
    max_queue: int = 64
    heavy_pixels: int = 10_000_000
    warmup: bool = True
    limits: Limits = field(default_factory=Limits)
    service: str = "local"
    # Of the requests that went well one of so many is logged.
    access_log_sample: int = 1
    body_idle_seconds: float = 10.0
    body_total_seconds: float = 60.0

    @property
    def pages_at_once(self) -> int:
        """Pages read at once; threads that have none help with the lines of another's."""
        return self.threads if self.mode == "throughput" else 1

    @property
    def detection_threads(self) -> int:
        """Threads that look for the text of one page."""
        return 1 if self.mode == "throughput" else self.threads

    @property
    def max_body_bytes(self) -> int:
        """The largest body: one page of raw RGB at the pixel limit, or 64 MiB of files."""
        return max(64 * MEBIBYTE, 3 * self.limits.max_pixels) + MEBIBYTE

    @property
    def max_json_bytes(self) -> int:
        """The largest body without binary tensors: a 20 MiB file in base64, and some. JSON takes several
        times its size to parse."""
        return 32 * MEBIBYTE

    @property
    def max_bytes_in_flight(self) -> int:
        """All bodies that are held at once, waiting or being read; with the models of two workers and one
        page of 50 megapixels being decoded it fits a limit of 1 GiB."""
        return max(160 * MEBIBYTE, self.max_body_bytes)
