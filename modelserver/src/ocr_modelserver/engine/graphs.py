"""Changes to a network's graph before it is opened."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper


def line_network(
    content: bytes, listed: str | None, wanted: Callable[[str], bool]
) -> tuple[bytes, tuple[str, ...]]:
    """A network of lines (n, 3, 48, w) as it is opened, and its characters.

    It gets two outputs: index and probability (n, t) of the best character. The published networks give a
    probability for each of up to 18,710 characters at every step: 12 MB for a line of 1,280 pixels, to be
    copied out of the runtime for its two largest numbers. Characters that are not wanted are cut out of its
    last layer. `listed` has the characters, one a line, unless the file's metadata does.

    Raises:
        ValueError: there are no characters, or the network does not end in a probability for each of them.
    """
    model = _parse(content)
    properties = {each.key: each.value for each in model.metadata_props}
    characters = _characters(listed or properties.get("character", ""))
    kept = [index for index, each in enumerate(characters) if index == 0 or wanted(each)]
    if len(model.graph.output) != 1 or model.graph.node[-1].op_type != "Softmax":
        raise ValueError("the recognition network does not end in a Softmax")
    _check_width(model.graph, len(characters))
    if len(kept) < len(characters):
        _keep(model.graph, kept)
    _put_best_out(model.graph)
    return bytes(model.SerializeToString()), tuple(characters[index] for index in kept)


def _check_width(graph: GraphProto, characters: int) -> None:
    """Characters of another network would be read as wrong ones, or not be there."""
    shape = graph.output[0].type.tensor_type.shape.dim
    width = shape[-1].dim_value if shape else 0  # 0: the file leaves it open
    if width not in (0, characters):
        raise ValueError(
            f"the recognition network tells {width} characters apart, blank and space included, "
            f"and {characters} are listed"
        )


def _put_best_out(graph: GraphProto) -> None:
    logits, probabilities = graph.node[-1].input[0], graph.node[-1].output[0]
    # By attribute up to opset 17, by input from 18 on: the networks of the catalogue are of 11 to 14.
    graph.node.append(helper.make_node("ArgMax", [logits], ["best"], axis=-1, keepdims=0))
    graph.node.append(helper.make_node("ReduceMax", [probabilities], ["probability"], axes=[-1], keepdims=0))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("best", TensorProto.INT64, ["n", "t"]))
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", "t"]))


def _keep(graph: GraphProto, kept: list[int]) -> None:
    """Give the last layer, MatMul and Add, the wanted columns only.

    They are gathered out of the constants by nodes that ONNX Runtime replaces by their result when it opens
    the file.
    """
    bias = _source(graph, graph.node[-1].input[0])
    weights = _source(graph, bias.input[0])
    if (bias.op_type, weights.op_type) != ("Add", "MatMul"):
        raise ValueError("the recognition network does not end in MatMul, Add and Softmax")
    graph.initializer.append(numpy_helper.from_array(np.array(kept, np.int64), "kept"))
    for node, axis in ((weights, 1), (bias, 0)):
        name = f"{node.input[1]}.kept"
        place = list(graph.node).index(node)
        graph.node.insert(place, helper.make_node("Gather", [node.input[1], "kept"], [name], axis=axis))
        node.input[1] = name
    del graph.value_info[:]  # it has the shapes of before


def _source(graph: GraphProto, tensor: str) -> NodeProto:
    """The node that computes a tensor, through nodes that only name it anew."""
    node = next(each for each in graph.node if tensor in each.output)
    return _source(graph, node.input[0]) if node.op_type == "Identity" else node


def _characters(listed: str) -> tuple[str, ...]:
    """The blank, the characters listed one a line, and the space, which the lists leave out."""
    if not listed:
        raise ValueError("the recognition model lists no characters in its metadata, nor does a file")
    # Not splitlines(): the list may hold characters that Unicode takes for line ends.
    return ("", *listed.replace("\r\n", "\n").removesuffix("\n").split("\n"), " ")


def _parse(content: bytes) -> ModelProto:
    try:
        return onnx.load_from_string(content)
    except Exception as error:  # protobuf's DecodeError is of its C extension
        raise ValueError(f"the file is no ONNX model: {error}") from error
