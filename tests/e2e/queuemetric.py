"""The custom metrics API with one metric: the pages that wait at the gateways, as the gateway itself tells.

These tests have no adapter for Prometheus, so they serve what Kubernetes' autoscaler asks of one:
https://pkg.go.dev/k8s.io/metrics/pkg/apis/custom_metrics/v1beta2.
"""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.apiservice import aggregated
from tests.cluster.pki import Authority
from tests.e2e.world import World

GROUP, VERSION = "custom.metrics.k8s.io", "v1beta2"
ROOT = f"/apis/{GROUP}/{VERSION}"
METRIC = "ocr_gateway_pages_waiting"


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, gateway: str, *arguments: Any) -> None:
        self._gateway = gateway
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Discovery, or the metric of a Service."""
        head = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "MetricValueList", "metadata": {}}
        asked = re.fullmatch(
            rf"{ROOT}/namespaces/([^/]+)/services/([^/]+)/{METRIC}", self.path.partition("?")[0]
        )
        if asked:
            about = {"apiVersion": "v1", "kind": "Service", "namespace": asked[1], "name": asked[2]}
            value = {"describedObject": about, "metric": {"name": METRIC}, "value": str(self._waiting())}
            self._answer(200, {**head, "items": [{**value, "timestamp": f"{datetime.now(UTC):%FT%TZ}"}]})
        elif self.path.partition("?")[0] == ROOT:
            resource = {"name": f"services/{METRIC}", "singularName": "", "namespaced": True}
            resources = [{**resource, "kind": "MetricValueList", "verbs": ["get"]}]
            listing = {"apiVersion": "v1", "kind": "APIResourceList", "groupVersion": f"{GROUP}/{VERSION}"}
            self._answer(200, {**listing, "resources": resources})
        else:
            self._answer(404, {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 404})

    def _waiting(self) -> int:
        text = httpx.get(f"{self._gateway}/metrics", timeout=10).text
        return sum(
            int(float(line.rpartition(" ")[2])) for line in text.splitlines() if line.startswith(METRIC)
        )

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def queue_metric(service: World, folder: Path) -> Iterator[None]:
    """The API is served, on this machine's end of the node's link, for a service with one gateway."""
    address = str(IPv4Address(service.node.address) - 1)
    certificate, key = Authority.create().issue("metric", hosts=[address]).write(folder, "metric")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer((address, 0), partial(_Handler, service.url))
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with aggregated(service.node, "queue-metric", GROUP, VERSION, (address, server.server_port)):
            yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
