"""Open Inference Protocol v2: infer requests and responses, with the binary tensor extension.

A message is a JSON object, optionally followed by the raw bytes of its tensors; the header
`Inference-Header-Content-Length` then says where the JSON ends and each tensor's parameter
`binary_data_size` how many bytes are its own, in order. A BYTES element is a 4-byte little-endian
length and that many bytes.
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import json
from dataclasses import dataclass, field

from ocr_wire.tensors import (
    DTYPES,
    MAX_RANK,
    Buffer,
    Json,
    OipError,
    Tensor,
    from_bytes,
    from_json,
    to_bytes,
    to_json,
)

__all__ = [
    "HEADER_LENGTH",
    "InferRequest",
    "InferResponse",
    "Message",
    "OipError",
    "RequestedOutput",
    "Tensor",
    "bytes_tensor",
    "decode_request",
    "decode_response",
    "encode_request",
    "encode_response",
]

HEADER_LENGTH = "Inference-Header-Content-Length"
MAX_TENSORS = 64


@dataclass(frozen=True, slots=True)
class RequestedOutput:
    """An output that the caller selects."""

    name: str
    parameters: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A call of a model."""

    inputs: tuple[Tensor, ...]
    id: str | None = None
    outputs: tuple[RequestedOutput, ...] = ()
    parameters: Json = field(default_factory=dict)

    def wants_binary(self, output: str) -> bool:
        """Whether the caller wants this output's data as raw bytes."""
        default = bool(self.parameters.get("binary_data_output", False))
        for requested in self.outputs:
            if requested.name == output:
                return bool(requested.parameters.get("binary_data", default))
        return default


@dataclass(frozen=True, slots=True)
class InferResponse:
    """A model's answer."""

    model_name: str
    outputs: tuple[Tensor, ...]
    model_version: str | None = None
    id: str | None = None
    parameters: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """An encoded message; `header_length` is None when it is JSON alone."""

    body: bytes
    header_length: int | None

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that belong to the body."""
        if self.header_length is None:
            return {"Content-Type": "application/json"}
        return {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(self.header_length)}


def bytes_tensor(name: str, elements: tuple[bytes, ...], *, binary: bool = True) -> Tensor:
    """A BYTES tensor of rank one."""
    return Tensor(name, "BYTES", (len(elements),), elements, binary)


def encode_request(request: InferRequest) -> Message:
    """The request as an HTTP body."""
    head = _present({"id": request.id, "parameters": request.parameters})
    if request.outputs:
        head["outputs"] = [_present({"name": o.name, "parameters": o.parameters}) for o in request.outputs]
    return _encode(head, "inputs", request.inputs)


def encode_response(response: InferResponse) -> Message:
    """The response as an HTTP body."""
    head = _present(
        {
            "model_name": response.model_name,
            "model_version": response.model_version,
            "id": response.id,
            "parameters": response.parameters,
        }
    )
    return _encode(head, "outputs", response.outputs)


def decode_request(body: Buffer, header_length: int | None = None) -> InferRequest:
    """Read a request; `header_length` is the value of the header, None when it is absent.

    Raises:
        OipError: the body is not a valid request.
    """
    head, tensors = _decode(body, header_length, "inputs")
    outputs = _list(head, "outputs", required=False)
    return InferRequest(
        inputs=tensors,
        id=_string(head, "id"),
        outputs=tuple(RequestedOutput(_name(o, "outputs"), _parameters(o)) for o in outputs),
        parameters=_parameters(head),
    )


def decode_response(body: Buffer, header_length: int | None = None) -> InferResponse:
    """Read a response; the counterpart of `decode_request`.

    Raises:
        OipError: the body is not a valid response.
    """
    head, tensors = _decode(body, header_length, "outputs")
    return InferResponse(
        model_name=_string(head, "model_name") or "",
        outputs=tensors,
        model_version=_string(head, "model_version"),
        id=_string(head, "id"),
        parameters=_parameters(head),
    )


def _present(members: Json) -> Json:
    return {key: value for key, value in members.items() if value is not None and value != {}}


def _encode(head: Json, member: str, tensors: tuple[Tensor, ...]) -> Message:
    blobs: list[bytes | memoryview] = []
    described = []
    for tensor in tensors:
        entry: Json = {"name": tensor.name, "shape": list(tensor.shape), "datatype": tensor.datatype}
        parameters = {k: v for k, v in tensor.parameters.items() if k != "binary_data_size"}
        if tensor.binary:
            blob = to_bytes(tensor)
            parameters["binary_data_size"] = len(blob)
            blobs.append(blob)
        else:
            entry["data"] = to_json(tensor)
        described.append(entry | _present({"parameters": parameters}))
    text = json.dumps(head | {member: described}, ensure_ascii=False, separators=(",", ":")).encode()
    return Message(b"".join([text, *blobs]), len(text) if blobs else None)


def _decode(body: Buffer, header_length: int | None, member: str) -> tuple[Json, tuple[Tensor, ...]]:
    size = len(body) if header_length is None else header_length
    if not 0 <= size <= len(body):
        raise OipError(f"{HEADER_LENGTH} is {size}, but the body has {len(body)} bytes")
    try:
        head = json.loads(bytes(body[:size]))
    except (ValueError, RecursionError) as error:
        raise OipError(f"the body is not a JSON object: {error}") from None
    if not isinstance(head, dict):
        raise OipError("the body is not a JSON object")
    entries = _list(head, member, required=True)
    rest = memoryview(body)[size:]
    tensors = []
    for entry in entries:
        tensor, rest = _tensor(entry, member, rest)
        tensors.append(tensor)
    if rest:
        raise OipError(f"{len(rest)} bytes are left behind the last tensor of {member}")
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise OipError(f"two tensors of {member} have the same name")
    return head, tuple(tensors)


def _tensor(entry: Json, member: str, rest: memoryview) -> tuple[Tensor, memoryview]:
    name = _name(entry, member)
    datatype, shape, parameters = str(entry.get("datatype")), _shape(entry, name), _parameters(entry)
    if datatype != "BYTES" and datatype not in DTYPES:
        known = ", ".join(("BYTES", *DTYPES))
        raise OipError(f"tensor {name}: datatype {datatype!r} is unknown; known are {known}")
    size = parameters.get("binary_data_size")
    if size is None:
        if "data" not in entry:
            raise OipError(f"tensor {name}: neither data nor the parameter binary_data_size is given")
        listed = from_json(entry, name, shape)
        return Tensor(name, datatype, shape, listed, binary=False, parameters=parameters), rest
    if "data" in entry:
        raise OipError(f"tensor {name}: give either data or the parameter binary_data_size, not both")
    if not _is_size(size) or size > len(rest):
        raise OipError(f"tensor {name}: binary_data_size is {size!r}, but {len(rest)} bytes follow")
    raw = from_bytes(name, datatype, shape, rest[:size])
    return Tensor(name, datatype, shape, raw, binary=True, parameters=parameters), rest[size:]


def _shape(entry: Json, name: str) -> tuple[int, ...]:
    shape = entry.get("shape")
    if not isinstance(shape, list) or len(shape) > MAX_RANK or not all(_is_size(side) for side in shape):
        raise OipError(f"tensor {name}: shape is not a list of at most {MAX_RANK} whole numbers of 0 or more")
    return tuple(shape)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _list(head: Json, member: str, *, required: bool) -> list[Json]:
    entries = head.get(member, None if required else [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise OipError(f"{member} is not a list of objects")
    if len(entries) > MAX_TENSORS:
        raise OipError(f"{member} has {len(entries)} entries, at most {MAX_TENSORS} are read")
    return entries


def _name(entry: Json, member: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise OipError(f"an entry of {member} has no name")
    return name


def _string(head: Json, member: str) -> str | None:
    value = head.get(member)
    if value is not None and not isinstance(value, str):
        raise OipError(f"{member} is not a string")
    return value


def _parameters(entry: Json) -> Json:
    value = entry.get("parameters", {})
    if not isinstance(value, dict):
        raise OipError("parameters is not an object")
    return value
