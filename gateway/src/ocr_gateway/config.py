"""The gateway's settings: command-line flags, checked here and nowhere else."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ocr_gateway.access import settings as access
from ocr_gateway.access.settings import AccessSettings
from ocr_gateway.documents.settings import DocumentSettings
from ocr_gateway.flags import Parser, seconds, whole
from ocr_gateway.jobs import settings as jobs
from ocr_gateway.jobs.settings import JobSettings

MIB = 1024 * 1024
MAX_PORT = 65535
HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True)
class HostPort:
    """A host name or IP address (IPv6 without its brackets) and a TCP port."""

    host: str
    port: int


@dataclass(frozen=True)
class Config:
    """Everything the gateway can be told. Sizes in bytes and pixels, times in seconds."""

    # Or the file that divides the requests between two.
    upstream: HostPort | Path
    host: str = "127.0.0.1"
    port: int = 8080
    service: str = "local"
    max_body_bytes: int = 20 * MIB
    max_pages: int = 50
    max_image_pixels: int = 50_000_000
    request_timeout_seconds: float = 60
    drain_seconds: float = 15
    log_level: str = "info"
    # Of the requests that went well one of so many is logged.
    access_log_sample: int = 1
    endpoints_dir: Path | None = None
    # A sender that pauses longer than this between two pieces of a body has gone.
    body_stall_seconds: float = 10
    # How long a request waits for the first model server to appear, as at a restart of the only one.
    endpoint_wait_seconds: float = 5
    # How often the endpoints are resolved and asked whether they are ready.
    refresh_seconds: float = 1
    # Pages of one document that are at the same time at each model server.
    page_concurrency: int = 4
    # Requests held at once; each costs a task, two sockets and some kilobytes beside its body.
    max_requests: int = 512
    documents: DocumentSettings = field(default_factory=DocumentSettings)
    access: AccessSettings = field(default_factory=AccessSettings)
    jobs: JobSettings = field(default_factory=JobSettings)

    @property
    def max_held_bytes(self) -> int:
        """Bodies held at once, in bytes.

        A body lives up to three times (as received, as sent, in the socket's buffer), so 128 MiB keep the
        process below half a gibibyte: six bodies of the default limit, or hundreds of ordinary pages.
        """
        return max(128 * MIB, 2 * self.max_body_bytes)


def host_port(text: str) -> HostPort:
    """Parse HOST:PORT or [IPv6]:PORT."""
    host, separator, port = text.rpartition(":")
    if not separator or not HOST_NAME.fullmatch(host) or ".." in host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return HostPort(host.strip("[]"), whole(1, MAX_PORT)(port))


def _service(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,251}[A-Za-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a resource name")
    return text


def _parser() -> Parser:
    parser = Parser(prog="ocr-gateway", description="The HTTP gateway of an OCR service.", allow_abbrev=False)
    add = parser.add_argument
    add("--host", default="127.0.0.1", metavar="H", help="address to listen on (default: %(default)s)")
    add("--port", type=whole(1, MAX_PORT), default=8080, metavar="P", help="port (default: %(default)s)")
    upstream = parser.add_mutually_exclusive_group(required=True)
    upstream.add_argument(
        "--upstream",
        type=host_port,
        metavar="HOST:PORT",
        help="model servers: a name that resolves to the address of each one, and their port",
    )
    upstream.add_argument(
        "--traffic-file",
        type=Path,
        metavar="F",
        help="a file that divides the requests between two upstreams, read again when it changes",
    )
    add("--service", type=_service, default="local", metavar="NAME", help="metric label (%(default)s)")
    add("--max-body-bytes", type=whole(1), default=20 * MIB, metavar="N", help="(default: %(default)s)")
    add("--max-pages", type=whole(1), default=50, metavar="N", help="of one document (%(default)s)")
    add("--max-image-pixels", type=whole(1), default=50_000_000, metavar="N", help="a page (%(default)s)")
    add("--request-timeout-seconds", type=seconds(0.1), default=60.0, metavar="N", help="(default: 60)")
    add(
        "--drain-seconds",
        type=seconds(0),
        default=15.0,
        metavar="N",
        help="after SIGTERM, open connections are served and closed for so long (default: 15)",
    )
    add("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    add(
        "--access-log-sample",
        type=whole(1),
        default=1,
        metavar="N",
        help="of the requests that go well 1 of N is logged, of the others each (default: 1)",
    )
    access.add_flags(parser)
    jobs.add_flags(parser)
    return parser


def parse(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> Config:
    """Read the flags. A wrong one ends the program with one line on stderr and status 2."""
    parser = _parser()
    flags = vars(parser.parse_args(arguments))
    flags["access"] = access.taken(flags, parser)
    flags["jobs"] = jobs.taken(flags, parser)
    if (traffic := flags.pop("traffic_file")) is not None:
        flags["upstream"] = traffic
    endpoints_dir = environ.get("OCR_ENDPOINTS_DIR")
    return Config(**flags, endpoints_dir=Path(endpoints_dir) if endpoints_dir else None)
