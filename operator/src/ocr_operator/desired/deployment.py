"""Deployments: what both components share, down to the `restricted` pod."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ocr_operator.desired.metadata import child, child_name, labels, selector
from ocr_operator.desired.plan import Plan
from ocr_operator.models.compute import Resources
from ocr_operator.models.manifest import DEPLOYMENT, Manifest
from ocr_operator.models.names import GATEWAY
from ocr_operator.models.placement import Scheduling

PORT: Final = 8080
PORT_NAME: Final = "http"
TLS_PORT_NAME: Final = "https"
# Of a Service, by what it speaks.
SERVICE_PORTS: Final = {PORT_NAME: 80, TLS_PORT_NAME: 443}
# Kubernetes mounts a Secret's files as root's; the programs run as somebody else.
READABLE: Final = 0o444
# From the last answer to a clean exit.
EXIT_SECONDS: Final = 5
PROBE_PERIOD_SECONDS: Final = 5
STARTUP_PERIOD_SECONDS: Final = 2
TOPOLOGY: Final = {
    "None": (),
    "Host": ("kubernetes.io/hostname",),
    "Zone": ("topology.kubernetes.io/zone", "kubernetes.io/hostname"),
}


@dataclass(frozen=True, slots=True)
class SecretFolder:
    """A Secret as a folder of files; the kubelet replaces them when the Secret changes."""

    volume: str
    secret: str

    @property
    def path(self) -> str:
        """Where the container finds it."""
        return f"/etc/kubeocr/{self.volume}"

    @property
    def source(self) -> dict[str, Any]:
        """What the volume is made of."""
        return {"secret": {"secretName": self.secret, "defaultMode": READABLE, "optional": False}}


@dataclass(frozen=True, slots=True)
class ConfigFolder:
    """A key of a ConfigMap as the only file of a folder."""

    volume: str
    config_map: str
    key: str
    file: str

    @property
    def path(self) -> str:
        """Where the container finds it."""
        return f"/etc/kubeocr/{self.volume}"

    @property
    def source(self) -> dict[str, Any]:
        """What the volume is made of."""
        items = [{"key": self.key, "path": self.file}]
        return {"configMap": {"name": self.config_map, "items": items, "defaultMode": READABLE}}


@dataclass(frozen=True, slots=True)
class ClaimFolder:
    """A volume of the user's, which nothing is written to."""

    volume: str
    claim: str

    @property
    def path(self) -> str:
        """Where the container finds it."""
        return f"/etc/kubeocr/{self.volume}"

    @property
    def source(self) -> dict[str, Any]:
        """What the volume is made of."""
        return {"persistentVolumeClaim": {"claimName": self.claim, "readOnly": True}}


@dataclass(frozen=True, slots=True)
class FilledFolder:
    """A folder of the pod's own, which a preparation fills before the program reads it."""

    volume: str
    size: str

    @property
    def path(self) -> str:
        """Where the container finds it."""
        return f"/etc/kubeocr/{self.volume}"

    @property
    def source(self) -> dict[str, Any]:
        """What the volume is made of."""
        return {"emptyDir": {"sizeLimit": self.size}}


Folder = SecretFolder | ConfigFolder | ClaimFolder | FilledFolder


@dataclass(frozen=True, slots=True)
class Preparation:
    """What the program's image does before the program starts: it fills one of the program's folders."""

    name: str
    arguments: tuple[str, ...]
    fills: FilledFolder
    folders: tuple[Folder, ...]
    seconds: int


@dataclass(frozen=True, slots=True)
class Program:
    """The container of a component, as far as components differ."""

    name: str
    image: str
    arguments: tuple[str, ...]
    environment: tuple[dict[str, Any], ...]
    resources: Resources
    startup_path: str
    startup_seconds: int
    drain_seconds: int
    request_seconds: int
    folders: tuple[Folder, ...] = ()
    preparation: Preparation | None = None
    tls: bool = False

    @property
    def port_name(self) -> str:
        """Name of the container's port: what it speaks."""
        return TLS_PORT_NAME if self.tls else PORT_NAME


def build_deployment(plan: Plan, component: str, program: Program) -> Manifest:
    """The Deployment of a component or slot, without `replicas`: those are in `desired.scales`."""
    deadline = plan.service.spec.rollout.progress_deadline_seconds
    prepared = program.preparation.seconds if program.preparation else 0
    manifest = child(plan, DEPLOYMENT, component)
    manifest["spec"] = {
        "selector": {"matchLabels": selector(plan.service.metadata.name, component)},
        # Never fewer pods than asked for: no request is lost in a roll-out.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        # Past the time that a pod may take to start, an image pull on a new node included.
        "progressDeadlineSeconds": deadline + prepared + program.startup_seconds,
        "revisionHistoryLimit": 5,
        "template": {
            "metadata": _metadata(plan, component, program),
            "spec": _pod(plan, component, program),
        },
    }
    return manifest


def _metadata(plan: Plan, component: str, program: Program) -> dict[str, Any]:
    spec = plan.service.spec
    asked = spec.gateway if component == GATEWAY else spec.model_server
    return {
        "labels": {**asked.pod_labels, **labels(plan, component)},
        "annotations": {**asked.pod_annotations, "kubectl.kubernetes.io/default-container": program.name},
    }


def _pod(plan: Plan, component: str, program: Program) -> dict[str, Any]:
    pull = [secret.dump() for secret in plan.service.spec.image_pull_secrets]
    prepared = program.preparation
    # The preStop sleep, then the program's own drain of kept connections, then the last request.
    grace = 2 * program.drain_seconds + program.request_seconds + EXIT_SECONDS
    return {
        "serviceAccountName": child_name(plan.service.metadata.name, program.name),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        **({"initContainers": [_init_container(program, prepared)]} if prepared else {}),
        "containers": [_container(program)],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            *map(_volume, (*program.folders, *(prepared.folders if prepared else ()))),
        ],
        **({"imagePullSecrets": pull} if pull else {}),
        **_scheduling(plan.scheduling(component), selector(plan.service.metadata.name, component)),
    }


def _container(program: Program) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": program.name,
        "image": program.image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--host=$(HOST)", "--port=$(PORT)", *program.arguments],
        "env": [
            {"name": "HOST", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
            {"name": "PORT", "value": str(PORT)},
            *program.environment,
        ],
        "ports": [{"name": program.port_name, "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": _probe(
            program, program.startup_path, STARTUP_PERIOD_SECONDS, _rounds(program.startup_seconds)
        ),
        "livenessProbe": _probe(program, "/livez", 2 * PROBE_PERIOD_SECONDS, 3),
        "readinessProbe": _probe(program, "/readyz", PROBE_PERIOD_SECONDS, 3),
        **_confined(),
        "volumeMounts": [_tmp(), *map(_read_only, program.folders)],
        **_resources(program),
    }
    if program.drain_seconds:
        # Endpoints, kube-proxy and clients learn of the end while the pod still answers.
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": program.drain_seconds}}}
    return container


def _init_container(program: Program, preparation: Preparation) -> dict[str, Any]:
    filled = preparation.fills
    return {
        "name": preparation.name,
        "image": program.image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(preparation.arguments),
        **_confined(),
        "volumeMounts": [
            _tmp(),
            {"name": filled.volume, "mountPath": filled.path},
            *map(_read_only, preparation.folders),
        ],
        # The program's, once more: a pod is as large as the largest of the two, and quotas ask for each.
        **_resources(program),
    }


def _confined() -> dict[str, Any]:
    return {
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


def _resources(program: Program) -> dict[str, Any]:
    resources = {part: amounts for part, amounts in program.resources.dump().items() if amounts}
    return {"resources": resources} if resources else {}


def _tmp() -> dict[str, Any]:
    return {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - the pod's own emptyDir


def _read_only(folder: Folder) -> dict[str, Any]:
    return {"name": folder.volume, "mountPath": folder.path, "readOnly": True}


def _volume(folder: Folder) -> dict[str, Any]:
    return {"name": folder.volume, **folder.source}


def _rounds(seconds: int) -> int:
    return -(-seconds // STARTUP_PERIOD_SECONDS)


def _probe(program: Program, path: str, period: int, failures: int) -> dict[str, Any]:
    scheme = {"scheme": "HTTPS"} if program.tls else {}
    return {
        "httpGet": {"path": path, "port": program.port_name, **scheme},
        "periodSeconds": period,
        "failureThreshold": failures,
        # A pod that reads pages on all its cores answers late, but it is alive.
        "timeoutSeconds": PROBE_PERIOD_SECONDS,
    }


def _scheduling(scheduling: Scheduling, pods: dict[str, str]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if scheduling.node_selector:
        spec["nodeSelector"] = dict(scheduling.node_selector)
    if scheduling.tolerations:
        spec["tolerations"] = [toleration.dump() for toleration in scheduling.tolerations]
    if scheduling.priority_class_name:
        spec["priorityClassName"] = scheduling.priority_class_name
    if scheduling.runtime_class_name:
        spec["runtimeClassName"] = scheduling.runtime_class_name
    if keys := TOPOLOGY[scheduling.topology_spread]:
        spec["topologySpreadConstraints"] = _spread(keys, pods)
    return spec


def _spread(keys: Sequence[str], pods: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(pods)},
        }
        for key in keys
    ]
