"""From readings to the figures of the report; pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from tests.bench.child import Reading
from tests.bench.pages import Page
from tests.bench.score import Score, score

ALL = "all"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run gives: a reading a page at full load, the time it all took, and the cost.

    `seconds` is from the first page's start to the last one's end, `latencies` are of one client; all in
    seconds. `peak_rss` is in bytes, of all processes that worked at full load.
    """

    readings: Mapping[str, Reading]
    seconds: float
    cpu_seconds: float
    latencies: Sequence[float]
    peak_rss: int


@dataclass(frozen=True, slots=True)
class Figures:
    """An engine's row in the report. Times in seconds, memory in MiB, scores by group of pages."""

    pages_per_second: float
    cpu_seconds: float
    p50: float
    p99: float
    peak_mib: float
    scores: Mapping[str, Score]
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """An engine and its figures, or the reason why there are none.

    `bare`: the pages a second that its networks alone would allow, where that was measured.
    """

    name: str
    ours: bool
    figures: Figures | None
    reason: str = ""
    bare: float | None = None


def figures(measured: Measured, pages: Sequence[Page]) -> Figures:
    """Score every page; one that was not read scores as empty, and does not count as done."""
    done = [each for each in measured.readings.values() if not each.error]
    scores = {page.name: _score(page, measured.readings.get(page.name, Reading())) for page in pages}
    groups = {ALL: list(pages)}
    for page in pages:
        for group in sorted(page.groups):
            groups.setdefault(group, []).append(page)
    return Figures(
        pages_per_second=len(done) / measured.seconds,
        cpu_seconds=measured.cpu_seconds / max(1, len(done)),
        p50=percentile(measured.latencies, 50),
        p99=percentile(measured.latencies, 99),
        peak_mib=measured.peak_rss / (1 << 20),
        scores={group: mean([scores[page.name] for page in members]) for group, members in groups.items()},
        errors={name: each.error for name, each in measured.readings.items() if each.error},
    )


def _score(page: Page, reading: Reading) -> Score:
    return score(page.lines, reading.lines, reading.text)


def mean(scores: Sequence[Score]) -> Score:
    """The mean over pages, each page counting the same."""
    places = [each.found for each in scores if each.found is not None]
    return Score(
        word_f1=fmean(each.word_f1 for each in scores),
        cer=fmean(each.cer for each in scores),
        cer_no_spaces=fmean(each.cer_no_spaces for each in scores),
        found=fmean(places) if places else None,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The least value that so many per cent of the values do not exceed (nearest rank); nan of none."""
    if not values:
        return math.nan
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


def in_front(results: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Pairs of one of ours and a peer that is both faster and better in word-F1."""
    return [
        (own, peer)
        for own in results
        for peer in results
        if own.ours
        and not peer.ours
        and own.figures
        and peer.figures
        and peer.figures.pages_per_second > own.figures.pages_per_second
        and peer.figures.scores[ALL].word_f1 > own.figures.scores[ALL].word_f1
    ]
