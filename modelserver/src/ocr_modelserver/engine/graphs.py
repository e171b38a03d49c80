"""Changes to a network's graph before it is opened."""

import onnx
from onnx import ModelProto, TensorProto, helper


def with_best_characters(content: bytes) -> bytes:
    """A network of lines (n, 3, 48, w) gets two outputs: index and probability (n, t) of the best character.

    The published networks give a probability for each of up to 18,710 characters at every step: 12 MB for a
    line of 1,280 pixels, to be copied out of the runtime for its two largest numbers.

    Raises:
        ValueError: the network does not end in one probability for each character.
    """
    model = _parse(content)
    graph = model.graph
    if len(graph.output) != 1 or graph.node[-1].op_type != "Softmax":
        raise ValueError("the recognition network does not end in a Softmax")
    logits, probabilities = graph.node[-1].input[0], graph.node[-1].output[0]
    # By attribute up to opset 17, by input from 18 on: the networks of the catalogue are of 11 to 14.
    graph.node.append(helper.make_node("ArgMax", [logits], ["best"], axis=-1, keepdims=0))
    graph.node.append(helper.make_node("ReduceMax", [probabilities], ["probability"], axes=[-1], keepdims=0))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("best", TensorProto.INT64, ["n", "t"]))
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", "t"]))
    return bytes(model.SerializeToString())


def _parse(content: bytes) -> ModelProto:
    try:
        return onnx.load_from_string(content)
    except Exception as error:  # protobuf's DecodeError is of its C extension
        raise ValueError(f"the file is no ONNX model: {error}") from error
