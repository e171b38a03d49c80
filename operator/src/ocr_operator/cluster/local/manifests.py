"""The user's file: OCRServices, OCRProfiles and Secrets read strictly, and read again when it changes."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ocr_operator.cluster.local.secrets import InvalidSecretError, secret
from ocr_operator.models.manifest import OCR_PROFILE, SECRET, Manifest
from ocr_operator.models.names import API_VERSION, GROUP, KIND
from ocr_operator.models.profile import OCRProfile
from ocr_operator.models.service import Key, OCRService

POLL_SECONDS: Final = 0.3
MODELS: Final[Mapping[str, type[OCRService | OCRProfile]]] = {
    KIND: OCRService,
    OCR_PROFILE.kind: OCRProfile,
}
MEMBERS: Final = ("apiVersion", "kind", "metadata", "spec", "status")
# Every page is read without ways in, registries and trials of new revisions; one host has none of them.
OF_CLUSTERS: Final = ("expose.ingress", "expose.gatewayAPI", "imagePullSecrets", "rollout")
ALONE: Final = (
    "take source and sha256 out, or run the model alone: ocr-modelserver --model NAME --model-dir DIR"
)
UNCLAIMED: Final = f"spec.model.source.persistentVolumeClaim: there are no claims without a cluster; {ALONE}"
UNFETCHED: Final = (
    f"spec.model.source.http: nothing is fetched without a cluster; {ALONE}, "
    "with the folder that ocr-modelserver pull brings"
)
METADATA: Final = (
    "name",
    "namespace",
    "labels",
    "annotations",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "finalizers",
    "generateName",
    "managedFields",
    "ownerReferences",
    "selfLink",
)


class ManifestError(Exception):
    """A file that can't be used; the message says where it is wrong and what to write instead."""


@dataclass(frozen=True, slots=True)
class Manifests:
    """What a file holds: objects by identity in the file's order, and remarks about the rest."""

    services: Mapping[Key, Manifest]
    profiles: Mapping[Key, Manifest] = field(default_factory=dict)
    secrets: Mapping[Key, Manifest] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def read(path: Path) -> Manifests:
    """Read a file of YAML documents. Raises ManifestError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: not UTF-8 text") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Manifests:
    """Read YAML documents; `source` names them in messages. Raises ManifestError."""
    found: dict[str, dict[Key, Manifest]] = {kind: {} for kind in (*MODELS, SECRET.kind)}
    remarks: list[str] = []
    for number, document in enumerate(_documents(text, source), 1):
        place = f"{source}: document {number}"
        if document is None:
            continue
        if not isinstance(document, dict):
            raise ManifestError(f"{place}: a mapping with apiVersion, kind and metadata is expected")
        if _foreign(document):
            kinds = f"only {KIND}, {OCR_PROFILE.kind} and {SECRET.kind} mean something without a cluster"
            remarks.append(f"{place}: {document.get('kind')} is ignored: {kinds}")
        elif document.get("kind") == SECRET.kind:
            _add(found[SECRET.kind], _secret(document, place), place)
        else:
            own = _own(document, place)
            remarks += (*_leave_out(own["spec"], place), *_unscaled(own["spec"], place))
            _add(found[own["kind"]], own, place)
    services, profiles, secrets = found.values()
    if not services:
        raise ManifestError(f"{source}: no {KIND} in it; it needs a document with kind: {KIND}")
    return Manifests(services, profiles, secrets, tuple(remarks))


def _add(found: dict[Key, Manifest], manifest: Manifest, place: str) -> None:
    key = Key(manifest["metadata"]["namespace"], manifest["metadata"]["name"])
    if key in found:
        raise ManifestError(
            f"{place}: {manifest['kind']} {key} is there twice; give one of them another metadata.name"
        )
    found[key] = manifest


async def changes(path: Path) -> AsyncIterator[Manifests | ManifestError]:
    """What the file holds after each change; a file that can't be used is told once as the error."""
    seen = _fingerprint(path)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        now = _fingerprint(path)
        if now == seen:
            continue
        seen = now
        try:
            yield read(path)
        except ManifestError as error:
            yield error


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: a key twice in one mapping is an error, not the last one's silent victory."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is there twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


def _documents(text: str, source: str) -> Iterator[Any]:
    try:
        yield from yaml.load_all(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        what = getattr(error, "problem", None) or str(error)
        raise ManifestError(f"{where}: not valid YAML: {what}") from error


def _foreign(document: Mapping[str, Any]) -> bool:
    group = str(document.get("apiVersion", "")).partition("/")[0]
    return "kind" in document and document["kind"] not in (*MODELS, SECRET.kind) and group != GROUP


def _unscaled(spec: Mapping[str, Any], place: str) -> Iterator[str]:
    for component in ("modelServer", "gateway"):
        if (spec.get(component) or {}).get("autoscaling"):
            yield f"{place}: spec.{component}.autoscaling: nothing measures the load here, minReplicas run"


def _secret(document: Mapping[str, Any], place: str) -> Manifest:
    try:
        return secret(document)
    except InvalidSecretError as error:
        raise ManifestError(f"{place} (Secret): {error}") from error


def _own(document: Mapping[str, Any], place: str) -> Manifest:
    """An OCRService or OCRProfile as the API server would store it."""
    for name, expected in (("apiVersion", (API_VERSION,)), ("kind", tuple(MODELS))):
        if document.get(name) not in expected:
            ways = " or ".join(expected)
            raise ManifestError(f"{place}: {name}: {document.get(name)!r} is unknown; write {name}: {ways}")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        raise ManifestError(f"{place}: metadata.name: missing; write metadata: {{name: my-service}}")
    problems = [*_unknown("", document, MEMBERS), *_unknown("metadata.", metadata, METADATA)]
    body = {**document, "spec": document.get("spec") or {}, "status": {}}
    found, wrong = _validated(body, MODELS[document["kind"]])
    problems += wrong
    if problems or found is None:
        raise ManifestError(f"{place} ({metadata['name']}): " + "; ".join(problems))
    head = {"name": found.metadata.name, "namespace": found.metadata.namespace}
    for name in ("labels", "annotations"):
        if metadata.get(name):
            head[name] = metadata[name]
    return {"apiVersion": API_VERSION, "kind": document["kind"], "metadata": head, "spec": body["spec"]}


def _validated(
    body: Mapping[str, Any], model: type[OCRService | OCRProfile]
) -> tuple[OCRService | OCRProfile | None, list[str]]:
    """The object, unless there is none, and what is wrong with it here."""
    try:
        found = model.model_validate(body)
    except ValidationError as error:
        return None, [_say(model, detail) for detail in error.errors()]
    if source := found.spec.model.source:
        return found, [UNFETCHED if source.http else UNCLAIMED]
    return found, []


def _leave_out(spec: dict[str, Any], place: str) -> Iterator[str]:
    """Remove from the spec what only clusters have, with a remark for each."""
    for path in OF_CLUSTERS:
        *parents, name = path.split(".")
        part = spec
        for parent in parents:
            part = part.get(parent) or {}
        if part.pop(name, None) is not None:
            yield f"{place}: spec.{path} is ignored: it means nothing without a cluster"


def _unknown(path: str, found: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    for name in found:
        if name not in known:
            yield f"{path}{name}: unknown field{_hint(str(name), known)}"


def _hint(name: str, known: tuple[str, ...]) -> str:
    lowered = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), lowered, n=1)
    return f"; did you mean {lowered[near[0]]}?" if near else f"; known are {', '.join(known)}"


def _say(model: type[BaseModel], error: ErrorDetails) -> str:
    location = error["loc"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown field{_hint(str(location[-1]), _fields(model, location[:-1]))}"
    text = error["msg"].removeprefix("Value error, ")
    return f"{path}: {text}" if path else text


def _fields(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Names of the fields at that place of the model."""
    for part in location:
        by_alias = {info.alias or name: info for name, info in model.model_fields.items()}
        if part in by_alias:
            model = next(_models(by_alias[str(part)].annotation))
    return tuple(info.alias or name for name, info in model.model_fields.items())


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type consists of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, tuple):
        for argument in get_args(annotation):
            yield from _models(argument)
