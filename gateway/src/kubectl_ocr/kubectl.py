"""kubectl as a program: its kubeconfig, its login and its words for what is refused are the user's own."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PROGRAM = "kubectl"
RESOURCE = "ocrservices.kubeocr.dev"
# What changes of a user's own are written as, for `kubectl get --show-managed-fields`.
MANAGER = "kubectl-ocr"

# Its log, beside what it says to people: "E1126 19:21:34.217218   10639 memcache.go:265] ...".
LOG_LINE = re.compile(r"[EWI]\d{4} ")

Object = dict[str, Any]


class KubectlError(Exception):
    """kubectl ended with a failure, and these were its words."""


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl with the same flags each time: namespace, context and the like."""

    flags: tuple[str, ...] = ()

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return [PROGRAM, *self.flags, *arguments]

    def run(self, *arguments: str) -> str:
        """What it prints. Raises KubectlError."""
        try:
            done = subprocess.run(  # noqa: S603 - arguments, no shell
                self.command(*arguments), capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise KubectlError("there is no kubectl on the PATH; install it first") from None
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if not LOG_LINE.match(line)]
            raise KubectlError("\n".join(said) or f"kubectl ended with status {done.returncode}")
        return done.stdout

    def json(self, *arguments: str) -> Object:
        """What it prints, as an object."""
        found: Object = json.loads(self.run(*arguments, "--output=json"))
        return found

    def service(self, name: str) -> Object:
        """The OCRService. Raises KubectlError, which for a wrong name says which there are."""
        try:
            return self.json("get", RESOURCE, name)
        except KubectlError as error:
            if "(NotFound)" not in str(error):
                raise
            raise KubectlError(f'there is no OCRService "{name}"; {self._there_is()}') from None

    def _there_is(self) -> str:
        names = [found.rpartition("/")[2] for found in self.run("get", RESOURCE, "--output=name").split()]
        return f"there is {', '.join(names)}" if names else "there is none in this namespace"

    def patch(self, resource: str, change: Mapping[str, Any]) -> str:
        """Merge a change into an object, as the user; what kubectl says of it."""
        patch = json.dumps(change)
        return self.run("patch", resource, "--type=merge", f"--patch={patch}", f"--field-manager={MANAGER}")


def flags(given: Mapping[str, object], names: Iterable[str]) -> tuple[str, ...]:
    """The flags of that name that were given, as kubectl wants them."""
    return tuple(f"--{name}={given[name]}" for name in names if given[name] is not None)


def lines(text: str) -> Sequence[str]:
    """The lines of an output that say something."""
    return [line for line in text.splitlines() if line.strip()]
