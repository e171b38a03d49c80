"""The program `ocr-gateway`."""

import ctypes
import logging
import sys

from ocr_gateway import config as configuration
from ocr_gateway.access.watched import InvalidFileError
from ocr_gateway.config import MIB
from ocr_gateway.server import Server, listen
from ocr_wire import logs
from ocr_wire.tracing import TracingError

M_MMAP_THRESHOLD = -3


def main() -> None:
    """Serve until SIGTERM or SIGINT.

    Status 0 then, 1 when the port or a file of the flags cannot be had, 2 for a wrong flag.
    """
    config = configuration.parse(sys.argv[1:])
    logs.configure(config.log_level)
    _return_large_blocks()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        listener = listen(config.host, config.port)
    except OSError as error:
        sys.stderr.write(
            f"ocr-gateway: cannot listen on {config.host} port {config.port}: {error.strerror}\n"
        )
        raise SystemExit(1) from None
    try:
        server = Server(config)
    except (InvalidFileError, TracingError) as error:
        sys.stderr.write(f"ocr-gateway: {error}\n")
        raise SystemExit(1) from None
    logging.getLogger(__name__).info("listening", extra={"host": config.host, "port": config.port})
    server.run(sockets=[listener])


def _return_large_blocks() -> None:
    """Give a decoded page's memory back to the system as soon as it is freed.

    glibc raises its threshold for doing so up to 32 MiB when it sees blocks of that size, and Pillow's blocks
    of 16 MiB would then stay in the arena of each thread that ever decoded (mallopt(3)).
    """
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, MIB)


if __name__ == "__main__":
    main()
