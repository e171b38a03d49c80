"""Workers of the benchmark that answer, fail, die and hang."""

import sys
from pathlib import Path

import pytest

from tests.bench import child as children
from tests.bench.child import Child, ChildError
from tests.bench.engines import Engine
from tests.bench.environments import NotMeasuredError
from tests.bench.measure import Lane, Stored, by_work, run_processes
from tests.bench.pages import Page
from tests.bench.sheet import Line

READY = "import sys, json, time\nprint('{\"ready\": true}', flush=True)\n"
ECHO = """
for request in sys.stdin:
    path = json.loads(request)["path"]
    if "bad" in path:
        sys.exit("out of memory")
    line = {"text": path, "polygon": [[0, 0], [9, 0], [9, 9], [0, 9]]}
    answer = {"lines": [line], "text": None, "seconds": 1.5, "cpu_seconds": 1.0}
    print(json.dumps({"error": "no text"} if "odd" in path else answer), flush=True)
print('{"peak_rss": 42}', flush=True)
"""
HANG = "time.sleep(600)"


def command(tmp_path: Path, program: str) -> list[str]:
    path = tmp_path / "worker.py"
    path.write_text(program)
    return [sys.executable, str(path)]


def stored(name: str, text: str = "a") -> Stored:
    line = Line(text, ((0, 0), (9, 0), (9, 9), (0, 9)))
    return Stored(Page(name, "prose", "en", frozenset({"prose"}), b"", (line,)), Path(name))


def test_a_worker_reads_pages_and_tells_its_memory_at_the_end(tmp_path: Path) -> None:
    with Child(command(tmp_path, READY + ECHO), [0], tmp_path / "log") as child:
        reading = child.read(Path("one.png"), "en")
        assert (reading.lines[0].text, reading.seconds, reading.error) == ("one.png", 1.5, "")
        assert child.read(Path("odd.png"), "en").error == "no text"
        assert child.end() == 42


def test_a_worker_that_cannot_start_gives_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ChildError, match="no such model"):
        Child(command(tmp_path, "raise SystemExit('no such model')"), [0], tmp_path / "log")


def test_a_worker_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PAGE_SECONDS", 0.2)
    child = Child(command(tmp_path, READY + HANG), [0], tmp_path / "log")
    with child, pytest.raises(ChildError, match="hung"):
        child.read(Path("one.png"), "en")


def test_a_death_costs_one_page_and_the_lane_goes_on(tmp_path: Path) -> None:
    with Lane(command(tmp_path, READY + ECHO), [0], tmp_path / "log", stored("warm")) as lane:
        assert "out of memory" in lane.read(stored("bad")).error
        assert lane.read(stored("one")).lines[0].text == "one"
        assert lane.end() == 42


def test_every_page_is_read_once_at_full_load(tmp_path: Path) -> None:
    class Echo(Engine):
        def command(self) -> list[str]:
            return command(tmp_path, READY + ECHO)

    pages = [stored(name) for name in ("a", "bad", "c", "odd")]
    measured = run_processes(Echo("echo", "echo"), pages, [0, 0], tmp_path / "log")
    assert {name for name, reading in measured.readings.items() if not reading.error} == {"a", "c"}
    assert (measured.cpu_seconds, measured.peak_rss, measured.latencies) == (2.0, 84, [1.5, 1.5])


def test_an_engine_that_dies_at_once_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(NotMeasuredError, match="does not start"):
        Lane(command(tmp_path, "raise SystemExit(1)"), [0], tmp_path / "log", stored("warm"))


def test_pages_with_most_text_come_first() -> None:
    names = [each.page.name for each in by_work([stored("short", "a"), stored("long", "a" * 9)])]
    assert names == ["long", "short"]
