"""What `helm test` runs: the operator answers, is ready and counts. Usage: python3 -c THIS http://HOST:PORT."""

import sys
import time
import urllib.request

URL = sys.argv[1]
# It takes a moment until every node knows a new Service's endpoints, and its DNS name.
UNTIL = time.monotonic() + 45


def get(path: str) -> str:
    """The body of an answer 200; when there is none in time the program ends with the reason."""
    while True:
        try:
            with urllib.request.urlopen(f"{URL}{path}", timeout=10) as answer:  # noqa: S310 - the chart's own Service
                return str(answer.read().decode())
        except OSError as error:
            if time.monotonic() > UNTIL:
                sys.exit(f"{URL}{path}: {error}")
            time.sleep(1)


print(f"{URL}/readyz says {get('/readyz')}")
[build] = [line for line in get("/metrics").splitlines() if line.startswith("ocr_operator_build_info{")]
print(build)
