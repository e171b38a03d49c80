"""One JSON object a line, with the same keys in every program."""

import json
import logging
from datetime import datetime

import pytest

from ocr_operator.runtime.logs import JsonFormatter as OperatorFormatter
from ocr_wire.logs import CONTEXT, JsonFormatter, Sampler


def written(formatter: logging.Formatter, **extra: object) -> dict[str, object]:
    """What a record becomes."""
    record = logging.LogRecord("ocr.x", logging.WARNING, "f", 1, "said %s", ("it",), None)
    vars(record).update(extra)
    entry: dict[str, object] = json.loads(formatter.format(record))
    return entry


@pytest.mark.parametrize("formatter", [JsonFormatter(), OperatorFormatter()])
def test_every_program_writes_the_same_keys(formatter: logging.Formatter) -> None:
    entry = written(formatter)
    assert list(entry) == ["timestamp", "severity", "message", "logger"]
    assert (entry["severity"], entry["message"], entry["logger"]) == ("warning", "said it", "ocr.x")
    stamp = str(entry["timestamp"])
    assert stamp.endswith("Z")
    assert datetime.fromisoformat(stamp).tzinfo is not None


def test_a_line_has_the_request_and_the_trace_that_it_was_written_for() -> None:
    token = CONTEXT.set({"request_id": "r", "trace_id": "t"})
    try:
        entry = written(JsonFormatter(), pages=3)
    finally:
        CONTEXT.reset(token)
    assert (entry["request_id"], entry["trace_id"], entry["pages"]) == ("r", "t", 3)
    assert "request_id" not in written(JsonFormatter())


def test_of_what_went_well_one_in_n_is_taken_and_of_the_rest_all() -> None:
    sampler = Sampler(3)
    assert [sampler.takes(well=True) for _ in range(7)] == [True, False, False, True, False, False, True]
    assert all(sampler.takes(well=False) for _ in range(5))
    assert all(Sampler(1).takes(well=True) for _ in range(3)) is True
