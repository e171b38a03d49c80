"""Seeds side by side, each lane a process with a control plane of its own."""

import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.chaos.play import Result, play
from tests.chaos.schedule import draw
from tests.cluster.controlplane import ControlPlane
from tests.support.process import ROOT

RATE: Final = 300


def results_of(seeds: Sequence[int], lanes: int) -> Iterator[Result]:
    """What comes of the seeds, as they end."""
    context = multiprocessing.get_context("spawn")
    waiting, played = context.Queue(), context.Queue()
    for seed in [*seeds, *[None] * lanes]:
        waiting.put(seed)
    workers = [context.Process(target=_lane, args=(waiting, played), daemon=True) for _ in range(lanes)]
    for worker in workers:
        worker.start()
    for _ in seeds:
        yield _next(played, workers)
    for worker in workers:
        worker.join()


def _next(played: Any, workers: Sequence[Any]) -> Result:
    while True:
        try:
            result: Result = played.get(timeout=5)
        except queue.Empty:
            if any(worker.exitcode for worker in workers):
                raise SystemExit("a control plane could not be run; see above") from None
        else:
            return result


def _lane(waiting: Any, played: Any) -> None:
    """A process with a control plane: what a seed does to its apiserver is no other seed's business."""
    with ControlPlane(rate=RATE) as plane:
        plane.kubectl.run("apply", "--server-side", f"--filename={ROOT / 'crds'}")
        plane.kubectl.established("crd/ocrservices.kubeocr.dev", "crd/ocrprofiles.kubeocr.dev")
        while (seed := waiting.get()) is not None:
            played.put(_played(seed, plane))


def _played(seed: int, plane: ControlPlane) -> Result:
    schedule = draw(seed)
    try:
        return play(schedule, plane)
    except Exception as error:  # noqa: BLE001 - a seed that can't be played is a failed one
        problem = f"{type(error).__name__}: {error}"
        return Result(seed, schedule.crew, (), len(schedule.faults), 0.0, 0.0, 0, 0, (problem,))
