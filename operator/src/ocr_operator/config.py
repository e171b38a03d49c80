"""What `ocr-operator run` is told: flags, and what a pod's environment adds."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml
from pydantic import ValidationError

from ocr_operator.cluster.kube.lease import Timing
from ocr_operator.models.operands import Operands

LEASE_NAME: Final = "ocr-operator"
NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class ConfigError(Exception):
    """A setting that can't be used; the message is one line for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of one operator process."""

    operands: Operands
    # Of the process, among its like: the pod's name, as Events and the Lease show it.
    identity: str
    lease_namespace: str
    # Without one, the pod's service account.
    kubeconfig: Path | None = None
    # None: all.
    namespaces: tuple[str, ...] = ()
    workers: int = 8
    # Without one, all addresses.
    health_host: str | None = None
    health_port: int = 8081
    leader_elect: bool = False
    lease_timing: Timing = field(default_factory=Timing)
    resync_seconds: float = 600.0
    # How long a watch may owe a change that a list has shown.
    stale_seconds: float = 120.0
    # Time between two looks at which kinds the cluster serves, and between two tries to start.
    discovery_seconds: float = 10.0


def load_operands(path: Path) -> Operands:
    """Read the operand versions from a YAML file. Raises ConfigError."""
    try:
        return Operands.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--operands: {path} can't be read: {error}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"--operands: {path} is no YAML: {reason}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigError(f"--operands: {path}: {where}: {first['msg']}") from error


def identity(environment: Mapping[str, str] = os.environ) -> str:
    """The pod's name; elsewhere host and process."""
    return environment.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"


def lease_namespace(environment: Mapping[str, str] = os.environ) -> str:
    """The pod's namespace; elsewhere `default`."""
    named = environment.get("POD_NAMESPACE")
    if named:
        return named
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.is_file() else "default"
