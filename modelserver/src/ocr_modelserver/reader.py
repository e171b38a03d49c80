"""From an image, encoded or raw, to a document: the pipeline over every page of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import cv2
import numpy as np

from ocr_modelserver.config import Config
from ocr_modelserver.decode import Sheet, Source, decode, sheets
from ocr_modelserver.engine.detect import LONG_SIDE, detect
from ocr_modelserver.engine.doubt import Doubt
from ocr_modelserver.engine.pipeline import REDUCE_ABOVE, Stopwatch, read_page
from ocr_modelserver.engine.recognise import MAX_WIDTH, read_line
from ocr_modelserver.engine.sessions import (
    Detector,
    Networks,
    Recogniser,
    Second,
    check_shapes,
    open_network,
    open_recogniser,
)
from ocr_modelserver.models.catalogue import ModelError
from ocr_modelserver.models.catalogue import Second as SecondModel
from ocr_modelserver.models.languages import can_have
from ocr_modelserver.models.selection import Selection, of_catalogue, of_folder
from ocr_modelserver.spread import Map
from ocr_wire.card import ModelCard
from ocr_wire.raster import Limits
from ocr_wire.result import Document, ModelRef, Page

Checkpoint = Callable[[], None]

_WARMUP_SIDE = 1280


class Reader:
    """Reads images with one model; stateless, so any number of threads may call it at once."""

    def __init__(self, networks: Networks, card: ModelCard, limits: Limits) -> None:
        self.networks = networks
        self.limits = limits
        self.card = card
        self.model = ModelRef(name=card.name, sha256=card.sha256)

    def read(self, source: Source, checkpoint: Checkpoint, spread: Map = map) -> Document:
        """Read an image file or one page of raw RGB pixels (h, w, 3).

        `checkpoint` is called between the parts of the work and raises to give up; `spread` reads the lines.

        Raises:
            ImageProblem: the file breaks a limit or is damaged.
        """
        pages = (self.read_page(sheet, checkpoint, spread) for sheet in sheets(source, self.limits))
        return Document(model=self.model, pages=tuple(pages))

    def read_page(self, sheet: Sheet, checkpoint: Checkpoint, spread: Map = map) -> Page:
        """Read one page; its lines are read by `spread`.

        Raises:
            ImageProblem: the file is damaged.
        """
        checkpoint()
        stopwatch = Stopwatch(time.perf_counter)
        with stopwatch.stage("decode"):
            frame = decode(sheet, REDUCE_ABOVE)
        return read_page(self.networks, frame, stopwatch, checkpoint, spread)

    def warm_up(self, checkpoint: Checkpoint, _: Map = map) -> None:
        """Run the largest inputs once: memory is taken and kernels are chosen before the first request."""
        page = np.full((_WARMUP_SIDE, _WARMUP_SIDE, 3), 255, np.uint8)
        for y in range(100, 500, 100):
            cv2.putText(
                page, "KubeOCR reads this line", (100, y), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2
            )
        self.read(page[: _WARMUP_SIDE // 2, : _WARMUP_SIDE // 2], checkpoint)
        detect(replace(self.networks.detect, long_side=LONG_SIDE), page, checkpoint)
        widest = np.tile(page[60:108, 100:420], (1, MAX_WIDTH // 320, 1))
        for recogniser in self.networks.recognisers:
            checkpoint()
            read_line(recogniser, widest)


def open_reader(config: Config) -> Reader:
    """Load and verify the models of the configured profile, or the own model.

    Raises:
        ModelError: it is unknown or lacks a language, or a file is missing or wrong.
    """
    if config.model_dir:
        selection = of_folder(config.model, config.model_dir, config.model_sha256)
    else:
        selection = of_catalogue(config.model, config.models_dir)
    selection.check_languages(config.languages)
    return Reader(_open_networks(config, selection), selection.card, config.limits)


def _open_networks(config: Config, selection: Selection) -> Networks:
    profile, files = selection.profile, selection.files

    def recogniser(name: str) -> Recogniser:
        characters = files[name].get("characters")
        return open_recogniser(
            files[name]["recognise"](),
            characters() if characters else None,
            partial(can_have, config.languages),
        )

    try:
        networks = Networks(
            detect=Detector(
                open_network(files[profile.detect]["detect"](), config.detection_threads), profile.long_side
            ),
            recognise=recogniser(profile.recognise),
            second=_second(profile.second, recogniser),
        )
        check_shapes(networks)
    except ValueError as error:
        raise ModelError(f"model {config.model}: {error}") from None
    return networks


def _second(settings: SecondModel | None, recogniser: Callable[[str], Recogniser]) -> Second | None:
    if settings is None:
        return None
    doubt = Doubt(settings.word_below, settings.letter_below)
    return Second(recogniser(settings.model), doubt)
