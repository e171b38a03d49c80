"""Clients that send what is on the schedule, side by side, and the ledger of what came of it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.soak.asks import Ask, Wanted
from tests.soak.exchange import Gone, exchange
from tests.soak.verdict import FULL, Answer, Unexplained, judge, judge_batch

CLIENTS = 6
API_KEY = "a-key-of-the-soak-0123456789"
# So often a client comes back to a service that says it is full.
TRIES = 20
JOB_SECONDS = 180.0


@dataclass
class Ledger:
    """What became of every request: how many by kind and outcome, and each that nothing explains.

    `problems` counts all answers by their code, those of a request that came again, too.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        """All that were sent; a job is one, whatever it was asked meanwhile."""
        return self.counts.total()

    def book(self, kind: str, outcome: str) -> None:
        """One more."""
        with self.lock:
            self.counts[kind, outcome] += 1

    def book_unexplained(self, kind: str, said: str) -> None:
        """One more, with the time and what is known of it."""
        with self.lock:
            self.counts[kind, "unexplained"] += 1
            self.unexplained.append(f"{time.strftime('%X')} {kind}: {said}")


class Client:
    """Sends one request after the other."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        """Of the service at this address."""
        self._url = url
        self._ledger = ledger

    def do(self, ask: Ask, request_id: str) -> None:
        """Send it, and book what came of it."""
        headers = {"x-api-key": API_KEY, "x-request-id": request_id, **ask.headers}
        ask = replace(ask, headers=headers)
        try:
            self._ledger.book(ask.kind, self._outcome(ask))
        except Gone:
            self._ledger.book(ask.kind, "left")
        except (Unexplained, ValueError, KeyError) as error:
            self._ledger.book_unexplained(ask.kind, f"{request_id} {ask.target} {error!r}")

    def _outcome(self, ask: Ask) -> str:
        if ask.job:
            return self._job(ask)
        answer = self._answer(ask)
        return judge(ask.wanted[0], answer) if len(ask.wanted) == 1 else judge_batch(ask.wanted, answer)

    def _answer(self, ask: Ask) -> Answer:
        """The answer, once the service is not full."""
        for _ in range(TRIES):
            answer = exchange(self._url, ask.method, ask.target, ask.headers, ask.body, ask.manner)
            if answer.headers.get("x-request-id") != ask.headers["x-request-id"]:
                raise Unexplained(f"it answers another request: {answer.headers.get('x-request-id')}")
            problem = answer.problem
            if problem is None:
                return answer
            with self._ledger.lock:
                self._ledger.problems[problem["code"]] += 1
            if problem["code"] not in FULL:
                return answer
            # A stream has begun when it is refused, so its headers cannot say when to come again.
            time.sleep(1.0 if answer.status == 200 else float(answer.headers["retry-after"]))
        raise Unexplained(f"it is full, {TRIES} times: {problem}")

    def _job(self, ask: Ask) -> str:
        accepted = self._answer(ask)
        if accepted.status != 202:
            raise Unexplained(f"the job is not accepted: {accepted.status} {accepted.body[:300]!r}")
        place = accepted.headers["location"]
        match ask.job:
            case "cancelled":
                return self._cancelled(ask, place)
            case "sent twice":
                self._sent_twice(ask, place)
        job = self._awaited(ask, place)
        result = self._answer(_get(ask, f"{place}/result"))
        outcome = judge(ask.wanted[0], result)
        if (job["status"] == "succeeded") != (result.status == 200):
            raise Unexplained(f"the job has {job['status']}, its result is {result.status}")
        return outcome

    def _awaited(self, ask: Ask, place: str) -> dict[str, Any]:
        until = time.monotonic() + JOB_SECONDS
        while time.monotonic() < until:
            answer = self._answer(_get(ask, f"{place}?wait=5"))
            if answer.status != 200:
                raise Unexplained(f"{place}: {answer.status} {answer.body[:300]!r}")
            job: dict[str, Any] = json.loads(answer.body)
            if job["status"] in {"succeeded", "failed"}:
                return job
        raise Unexplained(f"{place} has not ended after {JOB_SECONDS:.0f} s: {job}")

    def _cancelled(self, ask: Ask, place: str) -> str:
        ended = self._answer(replace(_get(ask, place), method="DELETE"))
        if ended.status != 204:
            raise Unexplained(f"it cannot be cancelled: {ended.status} {ended.body[:300]!r}")
        return judge(Wanted(codes=frozenset({"job_cancelled"})), self._answer(_get(ask, place)))

    def _sent_twice(self, ask: Ask, place: str) -> None:
        again = self._answer(ask).headers.get("location")
        if again != place:
            raise Unexplained(f"sent again it is another job: {again}, not {place}")
        reused = Wanted(codes=frozenset({"idempotency_key_reused"}))
        judge(reused, self._answer(replace(ask, body=ask.body + b"\n")))


def _get(ask: Ask, target: str) -> Ask:
    """Another question about a job, by the same client."""
    headers = {name: ask.headers[name] for name in ("x-api-key", "x-request-id")}
    return Ask(ask.kind, (), target, "GET", headers=headers)


@contextmanager
def clients(url: str, asks: Iterator[Ask], seed: int) -> Iterator[Ledger]:
    """Clients that send while the block runs; at its end each finishes what it is at."""
    ledger, over, lock, numbers = Ledger(), threading.Event(), threading.Lock(), itertools.count(1)

    def work() -> None:
        client = Client(url, ledger)
        while not over.is_set():
            with lock:
                ask, number = next(asks), next(numbers)
            client.do(ask, f"soak-{seed}-{number}")

    threads = [threading.Thread(target=work, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield ledger
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=300)
