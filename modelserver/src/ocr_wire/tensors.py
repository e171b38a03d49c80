"""Tensors of the Open Inference Protocol: datatypes, and data from and to bytes and JSON."""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_RANK = 8

DTYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
# By kind of datatype, the kinds that numpy finds in a JSON list and that become it without loss of meaning.
_JSON_KINDS = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}
_LENGTH = struct.Struct("<I")

Json = dict[str, Any]
Buffer = bytes | bytearray | memoryview


class OipError(Exception):
    """The message breaks the protocol. `code` is stable (`invalid_request`), `message` is for people."""

    def __init__(self, message: str, code: str = "invalid_request") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor. `data` is a tuple of byte strings for BYTES, else an array of `shape`.

    `binary` says whether the data travels (or came) as raw bytes behind the JSON. A BYTES element that
    came in the JSON is the UTF-8 of its string: a base64 text is still base64 then.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: tuple[bytes, ...] | npt.NDArray[Any]
    binary: bool = True
    parameters: Json = field(default_factory=dict)


def to_bytes(tensor: Tensor) -> bytes | memoryview:
    """The tensor's data as raw bytes."""
    if isinstance(tensor.data, tuple):
        return b"".join(part for element in tensor.data for part in (_LENGTH.pack(len(element)), element))
    flat = np.ascontiguousarray(tensor.data, DTYPES[tensor.datatype]).reshape(-1)
    return flat.view(np.uint8).data


def to_json(tensor: Tensor) -> list[Any]:
    """The tensor's data as a flat list for JSON; BYTES have to be UTF-8."""
    if isinstance(tensor.data, tuple):
        return [element.decode() for element in tensor.data]
    flat: list[Any] = tensor.data.ravel().tolist()
    return flat


def from_bytes(
    name: str, datatype: str, shape: tuple[int, ...], raw: memoryview
) -> tuple[bytes, ...] | npt.NDArray[Any]:
    """Raw bytes to data of that datatype and shape.

    Raises:
        OipError: they do not fit.
    """
    count = math.prod(shape)
    if datatype == "BYTES":
        elements = tuple(_elements(name, raw, count))
        if len(elements) != count:
            raise OipError(
                f"tensor {name}: shape {list(shape)} asks for {count} elements, found {len(elements)}"
            )
        return elements
    dtype = DTYPES[datatype]
    if len(raw) != count * dtype.itemsize:
        expected = count * dtype.itemsize
        raise OipError(
            f"tensor {name}: shape {list(shape)} of {datatype} takes {expected} bytes, not {len(raw)}"
        )
    return np.frombuffer(raw, dtype).reshape(shape)


def _elements(name: str, raw: memoryview, most: int) -> Iterator[bytes]:
    position = 0
    for _ in range(most + 1):
        if position == len(raw):
            return
        if position + _LENGTH.size > len(raw):
            raise OipError(f"tensor {name}: the length of a BYTES element is cut off")
        (length,) = _LENGTH.unpack_from(raw, position)
        position += _LENGTH.size
        if position + length > len(raw):
            raise OipError(f"tensor {name}: a BYTES element of {length} bytes is cut off")
        yield bytes(raw[position : position + length])
        position += length


def from_json(entry: Json, name: str, shape: tuple[int, ...]) -> tuple[bytes, ...] | npt.NDArray[Any]:
    """The entry\'s member `data` to data of that shape; lists may be nested.

    Raises:
        OipError: it does not fit.
    """
    data, datatype, count = entry["data"], entry["datatype"], math.prod(shape)
    if not isinstance(data, list):
        raise OipError(f"tensor {name}: data is not a list")
    try:
        values = np.array(data, dtype=object if datatype == "BYTES" else None)
    except (ValueError, OverflowError):
        raise OipError(f"tensor {name}: data is not a list of {datatype} of shape {list(shape)}") from None
    if values.size != count or values.ndim > MAX_RANK:
        raise OipError(f"tensor {name}: shape {list(shape)} asks for {count} elements, found {values.size}")
    if datatype == "BYTES":
        return tuple(_utf8(name, element) for element in values.ravel())
    try:
        # Casting from the list, not from `values`: only that refuses a number out of the type's range.
        numbers = np.array(data, dtype=DTYPES[datatype])
    except (ValueError, OverflowError, TypeError):
        numbers = None
    if numbers is None or (count and values.dtype.kind not in _JSON_KINDS[numbers.dtype.kind]):
        raise OipError(f"tensor {name}: data has a value that is no {datatype}")
    return numbers.reshape(shape)


def _utf8(name: str, element: object) -> bytes:
    if not isinstance(element, str):
        raise OipError(f"tensor {name}: a BYTES element in JSON is a string, not {type(element).__name__}")
    return element.encode("utf-8", "surrogatepass")
