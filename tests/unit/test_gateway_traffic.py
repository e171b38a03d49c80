"""How the gateway divides requests between two revisions of the model servers."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_gateway.access.watched import InvalidFileError
from ocr_gateway.config import HostPort
from ocr_gateway.upstream.traffic import Divided, Split
from tests.catalogue import scraped
from tests.unit.gateway_kit import (
    Gateway,
    ModelServer,
    eventually,
    failing,
    gateway,
    image,
    model_server,
    tiff,
)

PNG = image()
STABLE, CANDIDATE = HostPort("models", 80), HostPort("models-b", 80)


def write(folder: Path, weights: Mapping[str, int], since: int = 1) -> Path:
    """The file that says the split, replaced as the kubelet does."""
    new, path = folder / "new.json", folder / "traffic.json"
    new.write_text(json.dumps({"weights": weights, "since": since}))
    new.replace(path)
    return path


def endpoints(running: Gateway, host: str, *servers: ModelServer) -> None:
    """The model servers of an upstream."""
    folder = running.config.endpoints_dir
    assert folder is not None
    (folder / host).write_text("".join(f"127.0.0.1:{server.port}\n" for server in servers))


async def post(running: Gateway, number: int, body: bytes = PNG) -> Counter[int]:
    """Statuses of so many requests, each of an id of its own."""
    calls = (
        running.client.post("/v1/ocr", content=body, headers={"X-Request-Id": f"r-{n}"})
        for n in range(number)
    )
    return Counter([(await call).status_code for call in calls])


async def value(running: Gateway, name: str, **labels: str) -> float | None:
    """The sum of a metric's samples that have these labels; None where there is no sample."""
    lines = (await running.client.get("/metrics")).text.splitlines()
    wanted = [f'{label}="{text}"' for label, text in labels.items()]
    found = [line for line in lines if line.startswith(f"{name}{{") and all(w in line for w in wanted)]
    return sum(float(line.rpartition(" ")[2]) for line in found) if found else None


@given(st.integers(1, 99), st.integers(0, 1000))
def test_parts_of_the_requests_are_as_the_weights_say(weight: int, salt: int) -> None:
    split = Split({STABLE: 100 - weight, CANDIDATE: weight})
    chosen = Counter(split.order(f"{salt}-{n}")[0] for n in range(2000))
    assert abs(chosen["models-b"] / 20 - weight) < 6


@given(st.text(max_size=20))
def test_a_request_has_one_place_and_another_only_if_that_has_weight(request_id: str) -> None:
    both = Split({STABLE: 50, CANDIDATE: 50})
    assert both.order(request_id) == both.order(request_id)
    assert sorted(both.order(request_id)) == ["models", "models-b"]
    assert Split({STABLE: 100, CANDIDATE: 0}).order(request_id) == ("models",)


def test_more_weight_moves_requests_one_way_only() -> None:
    ids = [f"r-{n}" for n in range(300)]

    def candidate(weight: int) -> set[str]:
        split = Split({STABLE: 100 - weight, CANDIDATE: weight})
        return {one for one in ids if split.order(one)[0] == "models-b"}

    assert candidate(10) < candidate(30) < candidate(80)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "Expecting value"),
        ("[]", "valid dictionary"),
        ('{"weights": {}, "since": 1}', "at least 1 item"),
        ('{"weights": {"models:80": 90}, "since": 1}', "the weights make 90, not 100"),
        ('{"weights": {"models": 100}, "since": 1}', "is not HOST:PORT"),
        ('{"weights": {"a:1": 120, "b:1": -20}, "since": 1}', "less than or equal to 100"),
        ('{"weights": {"a:1": 50, "b:1": 25, "c:1": 25}, "since": 1}', "at most 2 items"),
        ('{"weights": {"a:1": 100}}', "Field required"),
    ],
)
def test_a_file_that_says_no_split_is_refused_and_the_old_one_holds(
    tmp_path: Path, content: str, says: str
) -> None:
    told: list[Split] = []
    path = write(tmp_path, {"models:80": 100})
    divided = Divided(path, told.append)
    path.write_text(content)
    assert divided.refresh() is False
    assert divided.split == Split({STABLE: 100}, 1)
    assert told == [divided.split]
    with pytest.raises(InvalidFileError, match=says):
        Divided(path, told.append)


async def test_a_new_split_holds_without_a_restart_and_counts_anew(tmp_path: Path) -> None:
    file = write(tmp_path, {"models:80": 100})
    settings: dict[str, Any] = {"upstream": file}
    async with model_server() as one, model_server() as two, gateway(tmp_path, one, **settings) as running:
        endpoints(running, "models-b", two)
        await post(running, 10)
        assert (len(one.seen), len(two.seen)) == (10, 0)
        assert await value(running, "ocr_gateway_traffic_calls_total", upstream="models") == 10
        write(tmp_path, {"models:80": 60, "models-b:80": 40}, since=7)
        await eventually(lambda: follows(running, 7))
        assert await value(running, "ocr_gateway_traffic_calls_total", upstream="models") == 0
        await asyncio.sleep(3 * running.config.refresh_seconds)
        one.seen.clear()
        await post(running, 60)
        assert len(one.seen) + len(two.seen) == 60
        assert 10 < len(two.seen) < 40
        calls = await value(running, "ocr_gateway_traffic_calls_total", upstream="models-b", result="ok")
        seconds = await value(running, "ocr_gateway_traffic_call_duration_seconds_count", upstream="models-b")
        assert calls == seconds == len(two.seen)
        weights = {host: await value(running, "ocr_gateway_traffic_weight", upstream=host) for host in HOSTS}
        assert weights == {"models": 60, "models-b": 40}
        write(tmp_path, {"models:80": 100}, since=8)
        await eventually(lambda: follows(running, 8))
        assert await value(running, "ocr_gateway_traffic_weight", upstream="models-b") is None


HOSTS = ("models", "models-b")


async def follows(running: Gateway, since: int) -> bool:
    """Whether the gateway says that it took the split over."""
    return await value(running, "ocr_gateway_traffic_timestamp_seconds") == since


async def test_all_pages_of_a_document_are_read_by_one_revision(tmp_path: Path) -> None:
    file = write(tmp_path, {"models:80": 50, "models-b:80": 50})
    pages = tiff(range(10, 90, 10))
    async with model_server() as one, model_server() as two, gateway(tmp_path, one, upstream=file) as running:
        endpoints(running, "models-b", two)
        await asyncio.sleep(3 * running.config.refresh_seconds)
        for number in range(8):
            one.seen.clear()
            two.seen.clear()
            headers = {"X-Request-Id": f"d-{number}"}
            assert (await running.client.post("/v1/ocr", content=pages, headers=headers)).status_code == 200
            assert sorted((len(one.seen), len(two.seen))) == [0, 8]


async def test_a_revision_that_errs_fails_no_more_requests_than_its_weight(tmp_path: Path) -> None:
    file = write(tmp_path, {"models:80": 80, "models-b:80": 20})
    async with (
        model_server() as one,
        model_server(failing(500, "internal")) as two,
        gateway(tmp_path, one, upstream=file) as running,
    ):
        endpoints(running, "models-b", two)
        await asyncio.sleep(3 * running.config.refresh_seconds)
        statuses = await post(running, 100)
        assert statuses[502] == len(two.seen)
        assert 5 < statuses[502] < 40
        failed = await value(running, "ocr_gateway_traffic_calls_total", upstream="models-b", result="failed")
        assert failed == statuses[502]


@pytest.mark.parametrize("absent", ["models", "models-b"])
async def test_requests_of_a_revision_without_servers_go_to_the_other_one(
    tmp_path: Path, absent: str
) -> None:
    file = write(tmp_path, {"models:80": 50, "models-b:80": 50})
    async with model_server() as one, gateway(tmp_path, upstream=file) as running:
        endpoints(running, ({*HOSTS} - {absent}).pop(), one)
        await running.settled()
        assert await post(running, 40) == {200: 40}


async def test_a_busy_server_is_no_failure_of_its_revision(tmp_path: Path) -> None:
    file = write(tmp_path, {"models:80": 100})
    busy = failing(503, "queue_full")
    async with model_server(busy) as one, gateway(tmp_path, one, upstream=file) as running:
        assert await post(running, 3) == {503: 3}
        assert await value(running, "ocr_gateway_traffic_calls_total") == 0


async def test_a_gateway_of_one_revision_tells_nothing_of_a_split(tmp_path: Path) -> None:
    async with model_server() as one, gateway(tmp_path, one) as running:
        await post(running, 3)
        shown = scraped((await running.client.get("/metrics")).text)
        assert {name for name in shown if "traffic" in name and shown[name].labels} == set()
