"""What the networks alone would allow: their calls of a run, computed again with nothing around them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ocr_modelserver.config import Config
from ocr_modelserver.engine.arrays import Floats
from ocr_modelserver.engine.sessions import Networks, Recogniser
from ocr_modelserver.models.store import default_models_dir
from ocr_modelserver.reader import Reader, open_reader
from tests.bench.measure import Stored

T = TypeVar("T")
Call = tuple[Callable[[Floats], object], Floats]


def bare_pages_per_second(model: str, pages: Sequence[Stored], cores: int) -> float:
    """Pages a second if the model's networks were given the tensors of these pages, and nothing else to do.

    One thread a core, the largest tensors first; what the tensors are is found by reading the pages before.
    """
    reader = open_reader(Config(default_models_dir(), threads=1, model=model))
    calls: list[Call] = []
    recording = Reader(_recorded(reader.networks, calls), reader.card, reader.limits)
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda page: recording.read(page.path.read_bytes(), lambda: None), pages))
        calls.sort(key=lambda call: call[1].size, reverse=True)
        start = time.perf_counter()
        list(pool.map(lambda call: call[0](call[1]), calls))
        return len(pages) / (time.perf_counter() - start)


def _recorded(networks: Networks, calls: list[Call]) -> Networks:
    """The same networks; each call is noted."""

    def noted(network: Callable[[Floats], T]) -> Callable[[Floats], T]:
        def call(batch: Floats) -> T:
            calls.append((network, batch))
            return network(batch)

        return call

    def reading(recogniser: Recogniser) -> Recogniser:
        return replace(recogniser, network=noted(recogniser.network))

    second = networks.second
    return replace(
        networks,
        detect=replace(networks.detect, network=noted(networks.detect.network)),
        recognise=reading(networks.recognise),
        second=replace(second, recogniser=reading(second.recogniser)) if second else None,
    )
