"""What the soak takes for right, for explained and for flat."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest

from ocr_gateway.problems import CODES, Problem, render
from tests.soak.asks import OUTPUTS, Wanted, schedule
from tests.soak.samples import Sample, life
from tests.soak.verdict import READERS, Answer, Unexplained, judge, judge_batch

TRUTH = ("the invoice shows forty two euros", "payable within thirty days after receipt")


def answer(*pages: str, **more: Any) -> Answer:
    document = {
        "pages": [{"page": number, "text": text} for number, text in enumerate(pages, start=1)],
        **more,
    }
    return Answer(200, {}, json.dumps(document).encode())


def refusal(code: str) -> Answer:
    made = render(Problem(code, "No."), request_id="req_1", path="/v1/ocr")
    return Answer(made.status_code, dict(made.headers), bytes(made.body))


def test_the_same_seed_asks_the_same_and_another_one_does_not() -> None:
    first, again, other = (list(islice(schedule(seed), 40)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_schedule_has_every_output_and_every_problem_that_a_client_alone_can_cause() -> None:
    wanted = [each for ask in islice(schedule(1), 1500) for each in ask.wanted]
    assert {each.output for each in wanted} == set(OUTPUTS) == set(READERS)
    asked_for = {code for each in wanted for code in each.codes}
    assert {code for code, told in CODES.items() if told.status < 500} - asked_for == {
        # of jobs, which the clients ask for besides
        "idempotency_key_reused",
        "job_cancelled",
        # of time, or of many requests
        "job_not_finished",
        "result_expired",
        "tenant_busy",
        "tenant_quota",
        # of a file that is read and cannot be written
        "output_failed",
    }


def test_an_answer_is_right_when_its_pages_are_those_that_were_drawn() -> None:
    assert judge(Wanted(TRUTH), answer(*TRUTH)) == "read"


@pytest.mark.parametrize("pages", [TRUTH[::-1], TRUTH[:1], (TRUTH[0], TRUTH[1].replace("thirty", "forty"))])
def test_pages_in_another_order_missing_or_misread_are_unexplained(pages: tuple[str, ...]) -> None:
    with pytest.raises(Unexplained):
        judge(Wanted(TRUTH), answer(*pages))


def test_a_refusal_has_to_fit_what_was_sent() -> None:
    assert judge(Wanted(codes=frozenset({"corrupt_pdf"})), refusal("corrupt_pdf")) == "corrupt_pdf"
    for wanted in (Wanted(TRUTH), Wanted(codes=frozenset({"encrypted_pdf"}))):
        with pytest.raises(Unexplained, match="422 corrupt_pdf"):
            judge(wanted, refusal("corrupt_pdf"))
    with pytest.raises(Unexplained, match="not refused as corrupt_pdf"):
        judge(Wanted(codes=frozenset({"corrupt_pdf"})), answer(*TRUTH))


def test_an_error_that_is_no_documented_problem_is_unexplained() -> None:
    wanted = Wanted(codes=frozenset({"corrupt_pdf"}))
    with pytest.raises(Unexplained, match="is no problem"):
        judge(wanted, Answer(500, {"content-type": "text/plain"}, b"Internal Server Error"))
    body = json.dumps({"code": "corrupt_pdf", "status": 500, "retryable": False}).encode()
    with pytest.raises(Unexplained, match="not documented so"):
        judge(wanted, Answer(500, {"content-type": "application/problem+json"}, body))


def stream(*events: dict[str, Any]) -> Answer:
    return Answer(
        200,
        {"content-type": "application/x-ndjson"},
        b"".join(json.dumps(e).encode() + b"\n" for e in events),
    )


def test_a_stream_without_a_page_is_the_problem_of_its_first_one_and_one_without_an_end_is_unexplained() -> (
    None
):
    meta, page = {"event": "meta", "pages": 1}, {"event": "page", "page": 1, "text": TRUTH[0]}
    failed = {"event": "page_error", "page": 1, "error": json.loads(refusal("queue_full").body)}
    wanted = Wanted(TRUTH[:1], "ndjson")
    assert judge(wanted, stream(meta, page, {"event": "end", "status": "succeeded"})) == "read"
    told = stream(meta, failed, {"event": "end", "status": "failed"}).problem
    assert told is not None
    assert told["code"] == "queue_full"
    with pytest.raises(Unexplained, match="breaks off"):
        judge(wanted, stream(meta, page))


def test_of_a_batch_each_place_has_its_own_answer() -> None:
    good, bad = Wanted(TRUTH[:1]), Wanted(codes=frozenset({"corrupt_pdf"}))
    read = {"document": json.loads(answer(TRUTH[0]).body)}
    refused = {"error": json.loads(refusal("corrupt_pdf").body)}
    batch = Answer(200, {}, json.dumps({"results": [read, refused]}).encode())
    assert judge_batch((good, bad), batch) == "read"
    with pytest.raises(Unexplained):
        judge_batch((bad, good), batch)


def samples(grown: float, *, files: int = 0, seconds: int = 600) -> list[Sample]:
    """A pod that fills in its first third and then grows by so many MiB and files until its end."""
    third = seconds // 3

    def sample(at: int) -> Sample:
        share = max(0, at - third) / (2 * third)
        return Sample(at, 200 + min(at, third) / third * 100 + grown * share, 40 + round(files * share))

    return [sample(at) for at in range(0, seconds, 2)]


def test_a_pod_that_fills_and_stays_is_flat() -> None:
    told = life("a", samples(5))
    assert told is not None
    assert told.is_flat
    assert told.slope == pytest.approx(5 / 400 * 3600, rel=0.01)


@pytest.mark.parametrize("grown", [samples(80), samples(0, files=60)])
def test_a_pod_that_grows_in_memory_or_open_files_is_not_flat(grown: list[Sample]) -> None:
    told = life("a", grown)
    assert told is not None
    assert not told.is_flat


def test_a_pod_that_lived_a_minute_tells_nothing() -> None:
    assert life("a", samples(100, seconds=60)) is None
