"""A small HTTP program in place of gateway and model server: python program.py COMPONENT FLAG ...

- As a gateway, it is ready once its endpoints file names an address, and answers with the lines of that file.
- As a model server, it answers with its process id. With the environment variable FAIL it says so and ends.
"""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn


def main() -> None:
    if sys.argv[2:] == ["models"]:
        print(f"balanced\t{os.environ.get('MODELS', 'on disk')}")
        return
    component, flags = sys.argv[1], dict(flag.lstrip("-").partition("=")[::2] for flag in sys.argv[2:])
    if reason := os.environ.get("FAIL"):
        raise SystemExit(f"{component}: {reason}")

    def endpoints() -> str:
        name = flags["upstream"].rpartition(":")[0]
        path = Path(os.environ["OCR_ENDPOINTS_DIR"], name)
        return path.read_text() if path.exists() else ""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = endpoints() if component == "gateway" else f"{os.getpid()}\n"
            self.send_response(200 if text or self.path != "/readyz" else 503)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            print(format % args, flush=True)

    def end(*_: object) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    with ThreadingHTTPServer((flags["host"], int(flags["port"])), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
