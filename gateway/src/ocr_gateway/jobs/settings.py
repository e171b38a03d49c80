"""The settings of jobs and their flags."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from ocr_gateway.flags import Parser, seconds, whole

MIB = 1024 * 1024


@dataclass(frozen=True)
class JobSettings:
    """Where jobs live and how many; times in seconds, sizes in bytes.

    `job_ttl_seconds` counts from a job's end: so long its result can be read, any number of times.
    """

    job_store: Literal["off", "memory", "redis"] = "off"
    redis_url_file: Path | None = None
    job_ttl_seconds: float = 3600
    job_timeout_seconds: float = 900
    max_jobs: int = 1000
    max_job_bytes: int = 256 * MIB
    job_workers: int = 2


def add_flags(parser: Parser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("jobs")
    add = group.add_argument
    add(
        "--job-store",
        choices=("off", "memory", "redis"),
        default="off",
        help="memory: of this process, lost when it ends; redis: shared by all gateways (default: off)",
    )
    add("--redis-url-file", type=Path, metavar="FILE", help="holds redis://[USER:PASSWORD@]HOST:PORT/DB")
    add("--job-ttl-seconds", type=seconds(1), default=3600.0, metavar="N", help="of results (default: 3600)")
    add("--job-timeout-seconds", type=seconds(1), default=900.0, metavar="N", help="(default: 900)")
    add("--max-jobs", type=whole(1, 100_000), default=1000, metavar="N", help="kept (default: %(default)s)")
    add("--max-job-bytes", type=whole(1), default=256 * MIB, metavar="N", help="kept (%(default)s)")
    add("--job-workers", type=whole(1, 64), default=2, metavar="N", help="jobs run here at once (2)")


def taken(flags: dict[str, Any], parser: Parser) -> JobSettings:
    """Take this room's values out of `flags`; those that need each other end it."""
    settings = JobSettings(**{field.name: flags.pop(field.name) for field in fields(JobSettings)})
    if (settings.job_store == "redis") != (settings.redis_url_file is not None):
        parser.error("--redis-url-file goes with --job-store=redis, and only with it")
    return settings
