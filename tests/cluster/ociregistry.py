"""A real OCI registry on loopback."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import tools
from tests.cluster.controlplane import free_ports
from tests.cluster.processes import start, wait_for

START_SECONDS = 30.0
END_SECONDS = 5.0


@contextmanager
def registry(folder: Path, enter: Sequence[str] = ()) -> Iterator[str]:
    """Its address, `127.0.0.1:PORT`. It speaks plain HTTP, lets everybody in, and keeps all in the folder.

    `enter` is a command prefix, such as a node's `in_network`: then it is on the loopback of that node.
    """
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    configuration = folder / "registry.json"
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": address},
    }
    configuration.write_text(json.dumps(settings))
    program = tools.registry()
    # It would send traces to a collector's default port.
    command = ["env", "OTEL_TRACES_EXPORTER=none", str(program), "serve", str(configuration)]
    child = start("registry", command, folder, enter=enter)
    try:
        listening = f"listening on {address}"
        wait_for("the registry listens", lambda: listening in child.log.read_text(), START_SECONDS, [child])
        yield address
    finally:
        child.stop(END_SECONDS)
