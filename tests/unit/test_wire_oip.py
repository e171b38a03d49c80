"""The Open Inference Protocol codec."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_wire.oip import (
    InferRequest,
    InferResponse,
    OipError,
    RequestedOutput,
    Tensor,
    bytes_tensor,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)

EMPTY = {"name": "x", "datatype": "UINT8", "shape": [0], "data": []}


def tensor_of(**members: object) -> bytes:
    entry = {"name": "x", "datatype": "UINT8", "shape": [2], "data": [1, 2]} | members
    return json.dumps({"inputs": [{k: v for k, v in entry.items() if v is not None}]}).encode()


def refused(body: bytes, header_length: int | None = None) -> str:
    with pytest.raises(OipError) as caught:
        decode_request(body, header_length)
    assert caught.value.code == "invalid_request"
    return caught.value.message


@given(st.lists(st.binary(max_size=50), max_size=5), st.text(max_size=9), st.booleans())
def test_a_request_survives_the_wire(elements: list[bytes], name: str, asks: bool) -> None:
    request = InferRequest(
        (bytes_tensor("image", tuple(elements)),),
        id=name,
        outputs=(RequestedOutput("text", {"binary_data": asks}),),
        parameters={"binary_data_output": True},
    )

    message = encode_request(request)
    read = decode_request(message.body, message.header_length)

    assert read.inputs[0].data == tuple(elements)
    assert (read.id, read.outputs, read.parameters) == (request.id, request.outputs, request.parameters)
    assert read.wants_binary("text") is asks
    assert read.wants_binary("result") is True


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("dtype", ["UINT8", "INT64", "FP32"])
def test_an_array_survives_the_wire(dtype: str, binary: bool) -> None:
    array = np.arange(24).reshape(2, 4, 3).astype({"UINT8": "u1", "INT64": "i8", "FP32": "f4"}[dtype])

    message = encode_request(InferRequest((Tensor("image", dtype, array.shape, array, binary),)))
    (read,) = decode_request(message.body, message.header_length).inputs

    assert isinstance(read.data, np.ndarray)
    assert np.array_equal(read.data, array)
    assert read.data.dtype == array.dtype
    assert (message.header_length is not None) is binary


def test_tensors_in_json_and_raw_tensors_mix_in_a_response() -> None:
    response = InferResponse(
        "ocr", (bytes_tensor("text", ("grüße".encode(),), binary=False), bytes_tensor("result", (b"\xff\0",)))
    )

    message = encode_response(response)
    read = decode_response(message.body, message.header_length)

    assert json.loads(message.body[: message.header_length])["outputs"][0]["data"] == ["grüße"]
    assert [tensor.data for tensor in read.outputs] == [("grüße".encode(),), (b"\xff\0",)]


def test_nested_lists_are_read() -> None:
    (read,) = decode_request(tensor_of(shape=[2, 1], data=[[1], [2]])).inputs

    assert isinstance(read.data, np.ndarray)
    assert read.data.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (b"{}", "inputs is not a list"),
        (b'{"inputs": [1]}', "inputs is not a list of objects"),
        (b'{"inputs": [{}]}', "no name"),
        (json.dumps({"inputs": [{"name": "x"}] * 65}).encode(), "65 entries"),
        (b'{"inputs": [], "id": 3}', "id is not a string"),
        (tensor_of(datatype="STRING"), "datatype 'STRING' is unknown"),
        (tensor_of(datatype=["BYTES"]), "is unknown"),
        (tensor_of(shape=None), "shape is not a list"),
        (tensor_of(shape=[-1]), "shape is not a list"),
        (tensor_of(shape=[True]), "shape is not a list"),
        (tensor_of(shape=[3]), "asks for 3 elements, found 2"),
        (tensor_of(shape=[10**30]), "asks for"),
        (tensor_of(data=None), "neither data nor the parameter"),
        (tensor_of(data="ab"), "data is not a list"),
        (tensor_of(data=[1, 300]), "no UINT8"),
        (tensor_of(data=[1, -1]), "no UINT8"),
        (tensor_of(data=[1, 1.5]), "no UINT8"),
        (tensor_of(data=[1, "2"]), "no UINT8"),
        (tensor_of(data=[1, None]), "no UINT8"),
        (tensor_of(data=[[1], 2]), "not a list of UINT8"),
        (tensor_of(datatype="BYTES", data=[1, 2]), "is a string"),
        (tensor_of(parameters=[]), "parameters is not an object"),
        (tensor_of(parameters={"binary_data_size": 2}), "not both"),
        (tensor_of(data=None, parameters={"binary_data_size": 2}), "0 bytes follow"),
        (tensor_of(data=None, parameters={"binary_data_size": -1}), "0 bytes follow"),
        (json.dumps({"inputs": [EMPTY, EMPTY]}).encode(), "same name"),
    ],
)  # fmt: skip
def test_a_broken_request_is_refused_with_its_reason(body: bytes, says: str) -> None:
    assert says in refused(body)


@pytest.mark.parametrize(
    ("blob", "shape", "says"),
    [
        (struct.pack("<I", 9) + b"ab", [1], "cut off"),
        (b"\0\0", [1], "cut off"),
        (struct.pack("<I", 1) + b"a", [2], "asks for 2 elements, found 1"),
        (struct.pack("<I", 0) * 3, [2], "asks for 2 elements, found 3"),
    ],
)
def test_broken_bytes_elements_are_refused(blob: bytes, shape: list[int], says: str) -> None:
    head = tensor_of(datatype="BYTES", shape=shape, data=None, parameters={"binary_data_size": len(blob)})

    assert says in refused(head + blob, len(head))


def test_bytes_behind_the_last_tensor_are_refused() -> None:
    head = tensor_of()

    assert "3 bytes are left" in refused(head + b"abc", len(head))


@pytest.mark.parametrize("header_length", [-1, 10**6])
def test_a_header_length_outside_the_body_is_refused(header_length: int) -> None:
    assert "the body has" in refused(tensor_of(), header_length)


@given(st.binary(max_size=60), st.integers(-2, 70))
def test_no_bytes_raise_anything_but_the_protocols_error(body: bytes, header_length: int) -> None:
    with pytest.raises(OipError):
        decode_request(body, header_length)
