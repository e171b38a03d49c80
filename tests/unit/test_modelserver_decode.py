"""Whatever bytes come: pages within the limits, or a refusal that names its reason."""

import contextlib
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from ocr_modelserver.decode import decode, sheets
from ocr_modelserver.engine.pipeline import REDUCE_ABOVE
from ocr_wire.raster import MIN_SIDE, Frame, ImageProblem, Limits, reduction
from tests.support import hostile
from tests.support.drawing import encoded

LIMITS = Limits()


def frames_of(data: bytes, limits: Limits = LIMITS, reduce_above: int = REDUCE_ABOVE) -> list[Frame]:
    return [decode(sheet, reduce_above) for sheet in sheets(data, limits)]


@pytest.mark.parametrize("name", hostile.readable())
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_rare_kinds_of_images_are_decoded(name: str) -> None:
    (frame,) = frames_of(hostile.readable()[name])

    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.shape == (frame.height, frame.width, 3)
    if name not in {"solid black", "solid white", "noise", "4x1", "5x5"}:
        assert int(frame.pixels.max()) - int(frame.pixels.min()) > 200


@pytest.mark.parametrize("name", hostile.refusable())
@pytest.mark.filterwarnings("ignore")
def test_bombs_and_broken_files_are_refused_with_little_memory(name: str) -> None:
    data, codes = hostile.refusable()[name]
    tracemalloc.start()
    try:
        with pytest.raises(ImageProblem) as caught:
            frames_of(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert caught.value.code in codes
    assert peak < 4 << 20


@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA"]),
    file_format=st.sampled_from(["PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG"]),
    reduce_above=st.sampled_from([100, 5_000, 10**9]),
)
@example(width=130, height=129, mode="1", file_format="PNG", reduce_above=100)
def test_a_page_of_any_shape_and_kind_keeps_its_proportions(
    width: int, height: int, mode: str, file_format: str, reduce_above: int
) -> None:
    image = Image.new(mode, (width, height))
    with contextlib.suppress(OSError):  # a format that does not know the mode
        data = encoded(image, file_format)
        if max(width, height) < MIN_SIDE:
            with pytest.raises(ImageProblem, match="one side has to be at least 4"):
                sheets(data, LIMITS)
            return
        (frame,) = frames_of(data, LIMITS, reduce_above)
        assert (frame.width, frame.height) == (width, height)
        longest = max(width, height)
        assert longest // reduction(width, height, reduce_above) <= max(frame.pixels.shape[:2]) <= longest


@given(st.sampled_from(hostile.seeds()), st.randoms(use_true_random=False))
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_decoded_or_refused(data: bytes, rng: random.Random) -> None:
    with contextlib.suppress(ImageProblem):
        for frame in frames_of(hostile.mutated(data, rng), Limits(max_pixels=1_000_000)):
            assert frame.pixels.shape[2] == 3
            assert frame.width * frame.height <= 1_000_000
