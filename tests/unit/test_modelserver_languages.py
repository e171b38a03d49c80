"""From the languages that are wanted to what a network of lines may answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.sessions import open_recogniser
from ocr_modelserver.models.catalogue import ModelError
from ocr_modelserver.models.languages import can_have
from ocr_modelserver.models.selection import of_catalogue

# What each script adds, and what every text can have.
HAN, KANA, ALWAYS = "会社国々、「。\uff0b\uff21", "のアー", "aZéŁß1.,-%€μ°→①★☎"


@pytest.mark.parametrize(
    ("languages", "there", "gone"),
    [
        ((), ALWAYS + HAN + KANA, ""),
        (("en",), ALWAYS, HAN + KANA),
        (("de", "fr", "sr-Latn"), ALWAYS, HAN + KANA),
        (("zh",), ALWAYS + HAN, KANA),
        (("en", "zh-Hant"), ALWAYS + HAN, KANA),
        (("ja",), ALWAYS + HAN + KANA, ""),
    ],
)
def test_a_text_can_have_the_scripts_of_its_languages(
    languages: tuple[str, ...], there: str, gone: str
) -> None:
    assert [each for each in there if not can_have(languages, each)] == []
    assert [each for each in gone if can_have(languages, each)] == []


def network(*nodes: onnx.NodeProto, characters: str = "a\n会\nb") -> bytes:
    """One whose logits are its input, a line's first row of the first colour: as many steps as pixels / 5."""
    weights = numpy_helper.from_array(np.eye(5, dtype=np.float32), "weights")
    bias = numpy_helper.from_array(np.array([0, 0, 9, 0, 0], np.float32), "bias")
    graph = helper.make_graph(
        [*nodes, helper.make_node("Softmax", ["logits"], ["out"], axis=-1)],
        "lines",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "t", 5])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, "t", 5])],
        [weights, bias],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    helper.set_model_props(model, {"character": characters})
    return bytes(model.SerializeToString())


MATMUL = helper.make_node("MatMul", ["x", "weights"], ["product"])
ADD = helper.make_node("Add", ["product", "bias"], ["sum"])
NAMED = helper.make_node("Identity", ["sum"], ["logits"])
STEPS = np.array([[[0, 5, 0, 0, 0], [0, 0, 0, 4, 0], [3, 0, 0, 0, 0], [0, 0, 0, 0, 6]]], np.float32)


def best(content: bytes, steps: Floats, wanted: Callable[[str], bool]) -> list[str]:
    recogniser = open_recogniser(content, None, wanted)
    return [recogniser.characters[index] for index in recogniser.network(steps)[0]]


def test_characters_that_are_not_wanted_are_never_the_best() -> None:
    content = network(MATMUL, ADD, NAMED)

    assert best(content, STEPS, lambda _: True) == ["会"] * 4
    assert best(content, STEPS, lambda character: character != "会") == ["a", "b", "", " "]


def test_a_network_with_another_end_cannot_be_cut() -> None:
    content = network(MATMUL, helper.make_node("Mul", ["product", "bias"], ["logits"]))

    with pytest.raises(ValueError, match="does not end in MatMul, Add and Softmax"):
        open_recogniser(content, None, lambda character: character != "会")


def test_a_network_without_characters_is_refused() -> None:
    with pytest.raises(ValueError, match="lists no characters"):
        open_recogniser(network(MATMUL, ADD, NAMED, characters=""), None, lambda _: True)


def test_a_language_that_a_profile_does_not_read_is_refused_with_those_that_it_reads() -> None:
    of_catalogue("balanced", Path()).check_languages(("de", "ja"))
    with pytest.raises(ModelError, match=r"fast reads the languages zh, zh-Hant, en, af,.* not 'ja', 'ru'$"):
        of_catalogue("fast", Path()).check_languages(("de", "ja", "ru"))
