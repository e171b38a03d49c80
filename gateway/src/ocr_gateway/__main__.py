"""The program `ocr-gateway`."""

import logging
import sys

from ocr_gateway import config as configuration
from ocr_gateway.server import Server, listen
from ocr_wire import logs


def main() -> None:
    """Serve until SIGTERM or SIGINT. Status 0 then, 1 when the port cannot be had, 2 for a wrong flag."""
    config = configuration.parse(sys.argv[1:])
    logs.configure(config.log_level)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        listener = listen(config.host, config.port)
    except OSError as error:
        sys.stderr.write(
            f"ocr-gateway: cannot listen on {config.host} port {config.port}: {error.strerror}\n"
        )
        raise SystemExit(1) from None
    logging.getLogger(__name__).info("listening", extra={"host": config.host, "port": config.port})
    Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
