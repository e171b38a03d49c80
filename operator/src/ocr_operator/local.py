"""`ocr-operator local`: every OCRService of a file on this host, built and judged as in a cluster."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import aiohttp

from ocr_operator.cluster.local import manifests
from ocr_operator.cluster.local.deployments import Deployments
from ocr_operator.cluster.local.manifests import ManifestError, Manifests
from ocr_operator.cluster.local.pods import Node, Programs
from ocr_operator.cluster.local.processes import MissingProgramError, check_models, program
from ocr_operator.cluster.local.secrets import SecretFolders
from ocr_operator.cluster.local.services import PortTakenError, Services, listen
from ocr_operator.cluster.local.store import Store
from ocr_operator.cluster.local.table import Table
from ocr_operator.cluster.port import ClusterError, Event
from ocr_operator.desired.effective import effective, own
from ocr_operator.models.manifest import OCR_PROFILE, OCR_SERVICE, SECRET, Manifest, Ref, ref
from ocr_operator.models.names import COMPONENTS, MODEL_SERVER, SERVICE_LABEL
from ocr_operator.models.operands import Operands
from ocr_operator.models.service import Key
from ocr_operator.models.status import Status
from ocr_operator.reconcile import Applied, Reconciler
from ocr_operator.runtime.fleet import Fleet
from ocr_operator.runtime.profiles import Profiles
from ocr_operator.runtime.queue import WorkQueue
from ocr_operator.runtime.workers import Result, Workers

USER = "user"
# What programs get to finish their requests when everything ends; nobody waits longer after a Ctrl-C.
END_SECONDS = 10.0
# The column AGE of a table on a terminal.
REDRAW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to run: the file, the first gateway's port, and what children are made of."""

    manifest: Path
    gateway_port: int
    operands: Operands
    operator_version: str
    programs: Programs = program


def run(options: Options) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP; the exit status. A reason not to start is one line on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        wanted = manifests.read(options.manifest)
        for component in COMPONENTS:
            options.programs(component)
        first = listen(options.gateway_port)
        check_models(options.programs(MODEL_SERVER), _models(wanted))
    except (ManifestError, MissingProgramError, PortTakenError, OSError) as error:
        sys.stderr.write(f"ocr-operator local: {error}\n")
        return 1
    with first, tempfile.TemporaryDirectory(prefix="kubeocr-") as folder:
        asyncio.run(_run(Host(options, Path(folder), first, sys.stdout), wanted))
    return 0


def _models(wanted: Manifests) -> frozenset[str]:
    return frozenset(_model(wanted, body) for body in wanted.services.values())


def _model(wanted: Manifests, body: Manifest) -> str:
    service, _ = own(body)
    if asked := service.spec.profile_ref:
        profile = wanted.profiles.get(Key(service.metadata.namespace, asked.name))
        service, _ = effective(service, body, asked.name, profile)
    return service.spec.model.name


async def _run(host: Host, wanted: Manifests) -> None:
    await host.serve(wanted, _signals())


class Host:
    """The store, the controllers around it, and the operator itself, in one event loop."""

    def __init__(self, options: Options, folder: Path, first: socket.socket, out: TextIO) -> None:
        self._options = options
        self._folder = folder
        self._first = first
        self.store = Store(clock=_now, on_event=self._told)
        live = out.isatty() and os.environ.get("TERM") != "dumb"
        self._table = Table(self.store, _now, out, live=live)
        self._queue: WorkQueue[Key] = WorkQueue()
        self._profiles = Profiles()
        self._changed = asyncio.Event()

    async def serve(self, wanted: Manifests, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then end every program in order."""
        self.store.subscribe(self._enqueue)
        self._table.say(f"Logs of the programs: {self._folder}. Ctrl-C ends everything.")
        async with aiohttp.ClientSession() as http:
            node = Node(self.store, self._folder, http, _now, self._options.programs)
            SecretFolders(self.store, node.secrets)
            deployments = Deployments(node)
            services = Services(self.store, self._first, node.endpoints)
            self._take(wanted)
            try:
                await self._until(stop, deployments, services)
            finally:
                self._table.end("ending the programs; a second signal ends them at once")
                self._queue.close()
                services.stop()
                await deployments.close(END_SECONDS)
                await services.close()

    async def _until(self, stop: asyncio.Event, deployments: Deployments, services: Services) -> None:
        workers = Workers(
            queue=self._queue,
            reconcile=self.reconciler(),
            retry_after=lambda error: error.retry_after if isinstance(error, ClusterError) else None,
            on_result=_unmeasured,
            count=1,
        )
        parts = (deployments.run(), services.run(), workers.run(), self._follow(), self._print())
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(part) for part in parts]
                await stop.wait()
                for task in tasks:
                    task.cancel()
        except* BrokenPipeError:
            # The reader has gone (`| head`), and what is still buffered must not fail at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def reconciler(self) -> Reconciler:
        """The operator itself, over this host."""
        return Reconciler(
            cluster=self.store,
            scrape=_nothing,
            operands=self._options.operands,
            operator_version=self._options.operator_version,
            clock=_now,
            telemetry=_Unmeasured(),
            # Every service here is new, and begins with the newest version: nobody ever moves.
            fleet=Fleet(self._queue.add),
            profiles=self._profiles,
        )

    def _take(self, wanted: Manifests) -> None:
        """Make the store hold what the file holds."""
        for remark in wanted.remarks:
            self._table.say(remark)
        # Services last: one that came before its Secret would be refused, and looked at again late.
        for kind, documents in (
            (SECRET, wanted.secrets),
            (OCR_PROFILE, wanted.profiles),
            (OCR_SERVICE, wanted.services),
        ):
            for live in tuple(self.store.select(kind)):
                if Key(live["metadata"]["namespace"], live["metadata"]["name"]) not in documents:
                    self.store.remove(ref(live))
            for manifest in documents.values():
                self.store.put(manifest, manager=USER)

    async def _follow(self) -> None:
        async for change in manifests.changes(self._options.manifest):
            if isinstance(change, ManifestError):
                self._table.say(
                    f"{change}\nThe file is not used until it is mended; what runs keeps running."
                )
            else:
                self._take(change)

    async def _print(self) -> None:
        while True:
            self._table.show()
            with suppress(TimeoutError):
                async with asyncio.timeout(REDRAW_SECONDS):
                    await self._changed.wait()
            self._changed.clear()

    def _enqueue(self, changed: Ref, live: Manifest) -> None:
        """Whatever happens to a service or to something of its label is a reason to look at it."""
        if changed.kind == OCR_SERVICE:
            self._changed.set()
            self._queue.add(Key(changed.namespace, changed.name))
        elif changed.kind == OCR_PROFILE:
            for key in self._profiles.users(changed.namespace, changed.name):
                self._queue.add(key)
        elif changed.kind == SECRET:
            for service in self.store.select(OCR_SERVICE, changed.namespace):
                self._queue.add(Key(changed.namespace, service["metadata"]["name"]))
        elif name := (live["metadata"].get("labels") or {}).get(SERVICE_LABEL):
            self._queue.add(Key(changed.namespace, name))

    def _told(self, event: Event) -> None:
        kind, name = event.about.kind.plural, event.about.name
        self._table.say(f"{event.type}  {event.reason}  {kind}/{name}: {event.message}")


class _Unmeasured:
    """Nobody scrapes an operator on a laptop."""

    def found(self, key: Key, generation: int, observed: int | None) -> None:
        """See Telemetry."""

    def applied(self, key: Key, children: Sequence[tuple[Manifest, Applied]]) -> None:
        """See Telemetry."""

    def judged(self, key: Key, status: Status) -> None:
        """See Telemetry."""

    def status_written(self) -> None:
        """See Telemetry."""

    def going(self, key: Key, since: datetime) -> None:
        """See Telemetry."""

    def forgotten(self, key: Key) -> None:
        """See Telemetry."""


async def _nothing(urls: Sequence[str]) -> tuple[str, ...]:
    """There are no canaries on one host."""
    return tuple(urls[:0])


def _unmeasured(_result: Result, _seconds: float) -> None:
    """See `_Unmeasured`."""


def _signals() -> asyncio.Event:
    """An event that the first signal to end sets; a second one ends us at once, and the kernel the rest."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end() -> None:
        stop.set()
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        loop.add_signal_handler(number, end)
    return stop


def _now() -> datetime:
    return datetime.now(UTC)
