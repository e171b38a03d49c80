"""Small SVGs, written by hand: speed against accuracy, and what grows with a number."""

import math
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from tests.bench.results import ALL, Figures, Result

_WIDTH, _HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 28, 52
_OURS, _PEER = "#0b62c4", "#777777"
_LABEL = 14  # pixels between labels that would touch

_HEAD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"
  font-family="sans-serif" font-size="12">
<title>{{title}}</title>
<rect width="100%" height="100%" fill="white"/>
"""
_SPEED_TITLE = "Pages a second against word-F1"
_COLOURS = (_OURS, "#b3541e", "#2b8a3e", "#7048a8", "#777777")


def speed_against_f1(results: Sequence[Result]) -> str:
    """Pages a second (logarithmic) to the right, word-F1 upwards: the better, the further up and right."""
    known = [(each, each.figures) for each in results if each.figures and each.figures.pages_per_second > 0]
    if not known:
        return _HEAD.format(title=_SPEED_TITLE) + "</svg>\n"
    speeds = [math.log10(figures.pages_per_second) for _, figures in known]
    low, high = math.floor(4 * min(speeds)) / 4, math.ceil(4 * max(speeds) + 0.6) / 4
    floor = min(0.9, math.floor(10 * min(_f1(figures) for _, figures in known)) / 10)
    inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(speed: float) -> float:
        return _LEFT + inner_width * (math.log10(speed) - low) / (high - low)

    def y(f1: float) -> float:
        return _TOP + inner_height * (1 - f1) / (1 - floor)

    parts = [_HEAD.format(title=_SPEED_TITLE)]
    parts += [_across(y(step / 100), f"{step / 100:.2f}") for step in range(round(100 * floor), 101, 5)]
    parts += [_down(x(tick), f"{tick:g}") for tick in _ticks(low, high)]
    parts.append(_text(_WIDTH / 2, _HEIGHT - 12, "pages a second on all cores of the run", "middle", "#333"))
    parts.append(_text(_LEFT, 16, "word-F1", "middle", "#333"))
    points = [(x(figures.pages_per_second), y(_f1(figures)), each) for each, figures in known]
    return "".join([*parts, *_points(points), "</svg>\n"])


def growth(title: str, along: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lines through points (x, y) over 0, both axes logarithmic: twice as steep is a power more."""
    xs = [x for line in lines.values() for x, _ in line]
    ys = [y for line in lines.values() for _, y in line]
    left, right = math.log10(min(xs)) - 0.1, math.log10(max(xs)) + 0.7  # room for the lines' names
    floor, top = math.log10(min(ys)) - 0.1, math.log10(max(ys)) + 0.1

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (math.log10(value) - left) / (right - left)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (top - math.log10(value)) / (top - floor)

    parts = [_HEAD.format(title=escape(title)), _text(_LEFT, 16, title, "start", "#333")]
    parts += [_across(y(tick), f"{tick:g}") for tick in _ticks(floor, top)]
    parts += [_down(x(tick), f"{tick:g}") for tick in sorted(set(xs))]
    parts.append(_text(_WIDTH / 2, _HEIGHT - 12, along, "middle", "#333"))
    taken = list[float]()
    for (name, line), colour in zip(lines.items(), _COLOURS, strict=False):
        points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>\n')
        label = y(line[-1][1]) + 4
        while any(abs(label - other) < _LABEL for other in taken):
            label += _LABEL
        taken.append(label)
        parts.append(_text(x(line[-1][0]) + 8, label, name, "start", colour))
    return "".join([*parts, "</svg>\n"])


def _f1(figures: Figures) -> float:
    return figures.scores[ALL].word_f1


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each decade; all digits where those would not show that the axis is logarithmic."""

    def within(digits: Iterable[int]) -> list[float]:
        steps = [digit * 10.0**power for power in range(-3, 4) for digit in digits]
        return [step for step in steps if low <= math.log10(step) <= high]

    few = within((1, 2, 5))
    return few if len(few) > 3 else within(range(1, 10))


def _points(points: Sequence[tuple[float, float, Result]]) -> list[str]:
    parts, taken = list[str](), list[tuple[float, float]]()
    for x, y, result in sorted(points, key=lambda point: point[1]):
        colour = _OURS if result.ours else _PEER
        anchor, side = ("end", -9) if x > 0.7 * _WIDTH else ("start", 9)
        label = y + 4
        while any(abs(label - other) < _LABEL and abs(x - at) < _WIDTH / 3 for at, other in taken):
            label += _LABEL
        taken.append((x, label))
        if label > y + 4:
            parts.append(_leader(x, y, x + side, label - 4, colour))
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>\n')
        parts.append(_text(x + side, label, result.name, anchor, colour))
    return parts


def _leader(x: float, y: float, to_x: float, to_y: float, colour: str) -> str:
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="0.7"/>\n'


def _across(y: float, label: str) -> str:
    line = f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4e4"/>\n'
    return line + _text(_LEFT - 8, y + 4, label, "end", "#333")


def _down(x: float, label: str) -> str:
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="#e4e4e4"/>\n'
    return line + _text(x, _HEIGHT - _BOTTOM + 18, label, "middle", "#333")


def _text(x: float, y: float, text: str, anchor: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>\n'
