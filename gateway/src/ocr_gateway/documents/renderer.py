"""The parent's side of one `pdf_worker` process. Everything here blocks, and runs in a thread."""

import json
import mmap
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ocr_gateway.documents.settings import DocumentSettings
from ocr_gateway.documents.text_layer import Box
from ocr_wire.pixels import Pixels

COMMAND = (sys.executable, "-I", "-B", "-m", "ocr_gateway.documents.pdf_worker")
# Blocks of a decoded page go back to the system when they are freed (mallopt(3)).
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(1024 * 1024)}
LENGTH = struct.Struct(">I")
# Of JSON: a page of text has some 100 kB.
MAX_REPLY = 32 * 1024 * 1024

T = TypeVar("T", bound="Reply")


class Reply(BaseModel):
    """What the process says; it has read hostile bytes, so its word is checked."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    error: str | None = None


class Opened(Reply):
    """An open document: how many pages it has."""

    pages: int = Field(0, ge=0)


class Measured(Reply):
    """A page: its size in points, its text layer and whether that can stand for what the page shows.

    `lines` are words with their boxes, and the number of the paragraph.
    """

    width: float = Field(0, ge=0)
    height: float = Field(0, ge=0)
    trusted: bool = False
    lines: tuple[tuple[tuple[tuple[str, Box], ...], int], ...] = ()


class RendererFailed(Exception):  # noqa: N818 - of the document, not of the gateway
    """The process has died, was killed for its time, or broke the protocol; it is of no use any more."""


class Refused(Exception):  # noqa: N818 - of the document, not of the gateway
    """The process could not do what was asked; `reason` is its own word. It can be asked again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Renderer:
    """One process, for one document; started at once, waiting for the document until `open`."""

    def __init__(self, settings: DocumentSettings) -> None:
        """Start it, without our environment, descriptors or terminal."""
        self._settings = settings
        self._size = 0
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - a constant
                COMMAND,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def bloated(self) -> bool:
        """Whether it holds more memory than a process that waits should."""
        try:
            resident = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, LookupError):  # it has died
            return True
        return resident * mmap.PAGESIZE > self._settings.renderer_idle_memory + self._size

    def open(self, data: bytes) -> int:
        """Give it the document; the number of pages.

        Raises:
            RendererFailed: also when it is too slow.
            Refused: encrypted or corrupt.
        """
        until = self._until()
        self._size = len(data)
        limits = [self._settings.renderer_memory + self._size, self._settings.page_seconds]
        with open(os.memfd_create("document"), "r+b", buffering=0) as document:  # noqa: PTH123 - a descriptor
            document.write(data)
            self._wait(until)
            try:
                socket.send_fds(self._channel, [json.dumps(limits).encode()], [document.fileno()])
            except OSError as error:
                raise RendererFailed("the process is gone") from error
        return self._reply(until, Opened).pages

    def measure(self, number: int, mode: str) -> Measured:
        """The page's size; its text layer, unless `mode` is `ocr`; in `auto`, whether that is trusted.

        Raises:
            RendererFailed, Refused.
        """
        return self._ask({"measure": number, "mode": mode}, self._until(), Measured)

    def render(self, number: int, width: int, height: int) -> Pixels:
        """The page as RGB, shape (height, width, 3).

        Raises:
            RendererFailed, Refused.
        """
        until = self._until()
        self._ask({"render": number, "width": width, "height": height}, until, Reply)
        pixels = np.empty((height, width, 3), np.uint8)
        self._receive(pixels.reshape(-1).data, until)
        return pixels

    def kill(self) -> None:
        """End the process at once; whoever waits for it gets RendererFailed."""
        self._process.kill()

    def close(self) -> None:
        """End the process and give back what it held."""
        self._process.kill()
        self._process.wait()
        self._channel.close()

    def _until(self) -> float:
        return time.monotonic() + self._settings.page_seconds

    def _ask(self, command: Mapping[str, int | str], until: float, kind: type[T]) -> T:
        body = json.dumps(command).encode()
        self._wait(until)
        try:
            self._channel.sendall(LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise RendererFailed("the process is gone") from error
        return self._reply(until, kind)

    def _reply(self, until: float, kind: type[T]) -> T:
        head = bytearray(LENGTH.size)
        self._receive(memoryview(head), until)
        (length,) = LENGTH.unpack(head)
        if length > MAX_REPLY:
            raise RendererFailed(f"the reply has {length} bytes")
        body = bytearray(length)
        self._receive(memoryview(body), until)
        try:
            reply = kind.model_validate_json(body)
        except ValidationError as error:
            raise RendererFailed("the reply cannot be read") from error
        if reply.error is not None:
            raise Refused(reply.error)
        return reply

    def _receive(self, target: memoryview, until: float) -> None:
        while target:
            self._wait(until)
            try:
                count = self._channel.recv_into(target)
            except TimeoutError as error:
                raise RendererFailed(f"it took more than {self._settings.page_seconds:g} s") from error
            except OSError as error:
                raise RendererFailed("the process is gone") from error
            if not count:
                raise RendererFailed("the process died: it took too much memory or time, or crashed")
            target = target[count:]

    def _wait(self, until: float) -> None:
        """Let the next call on the socket take what is left of the time."""
        self._channel.settimeout(max(0.001, until - time.monotonic()))
