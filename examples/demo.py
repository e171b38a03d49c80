"""An OCRService without a cluster: start it, wait until it is ready, send a page, show its text.

On a terminal it stays until Ctrl-C; otherwise it ends with status 0 and leaves nothing running.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "ocrservice.yaml"
SAMPLE = HERE / "sample.png"
PORT = 8080
READY_SECONDS = 120


def main() -> int:
    """Run the demo; the exit status."""
    stays = sys.stdin.isatty() and sys.stdout.isatty()
    port = _port()
    program = Path(sys.executable).with_name("ocr-operator")
    print(f"$ ocr-operator local -f {_short(MANIFEST)} --gateway-port {port}", flush=True)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    host = subprocess.Popen(  # noqa: S603 - the program beside this Python
        [program, "local", "-f", str(MANIFEST), "--gateway-port", str(port)],
        stdin=subprocess.DEVNULL,
        # Ctrl-C reaches us only, and our own lines go between the host's: it must not draw over them.
        process_group=0,
        env={**os.environ, "TERM": "dumb"},
    )
    try:
        return _show(host, f"http://127.0.0.1:{port}", stays=stays)
    except KeyboardInterrupt:
        return 0
    finally:
        host.terminate()
        host.wait()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _show(host: "subprocess.Popen[bytes]", url: str, *, stays: bool) -> int:
    if not _ready(host, url):
        print("demo: the service did not become ready; the lines above say why", file=sys.stderr)
        return 1
    text = _recognise(url)
    curl = f"curl -H 'Accept: text/plain' --data-binary @{_short(SAMPLE)} {url}/v1/ocr"
    print(f"\n$ {curl}\n{text}")
    print(f"URLs to try: {url}/v1/ocr  {url}/gateway/ocr  {url}/v2/models/ocr-model/infer  {url}/metrics")
    print(f"Edit {_short(MANIFEST)} (replicas, say) and watch it being followed.\n", flush=True)
    if stays:
        return host.wait()
    return 0


def _ready(host: "subprocess.Popen[bytes]", url: str) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while host.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2):  # noqa: S310 - our own loopback port
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _recognise(url: str) -> str:
    headers = {"Content-Type": "image/png", "Accept": "application/json"}
    request = urllib.request.Request(f"{url}/v1/ocr", SAMPLE.read_bytes(), headers)  # noqa: S310 - as above
    with urllib.request.urlopen(request, timeout=90) as answer:  # noqa: S310 - as above
        pages = json.load(answer)["pages"]
    return "\n".join(str(page["text"]) for page in pages) + "\n"


def _port() -> int:
    """8080, or any free port when somebody has that one."""
    for port in (PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("demo: no loopback port is free")


def _short(path: Path) -> str:
    """As somebody in the checkout would write it."""
    return f"{HERE.name}/{path.name}"


if __name__ == "__main__":
    sys.exit(main())
