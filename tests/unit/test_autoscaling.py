"""Autoscaling: what is built, when schedules count, and what is said of the autoscaler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_operator.desired.accept import refusals
from ocr_operator.desired.build import build
from ocr_operator.desired.plan import Facts, Plan
from ocr_operator.desired.scales import build_scales
from ocr_operator.desired.schedules import DAYS, bounds, next_change
from ocr_operator.models.autoscaling import Autoscaling, Schedule
from ocr_operator.models.manifest import HORIZONTAL_POD_AUTOSCALER, Manifest
from ocr_operator.runtime.news import News
from ocr_operator.status.judge import judge
from tests.conditions import unexplained
from tests.unit.samples import NOW, OPERANDS, look, ocr_service, plan, running

UTC_OFFICE = {"name": "office", "timeZone": "UTC", "start": "08:00", "end": "18:00", "minReplicas": 6}
BERLIN = ZoneInfo("Europe/Berlin")


def scaled(component: str = "modelServer", **members: Any) -> dict[str, Any]:
    """A spec with autoscaling."""
    return {component: {"autoscaling": {"maxReplicas": 9, **members}}}


def autoscalers(made: Plan) -> dict[str, dict[str, Any]]:
    """The spec of each HorizontalPodAutoscaler."""
    kind = HORIZONTAL_POD_AUTOSCALER.kind
    return {m["metadata"]["name"]: m["spec"] for m in build(made) if m["kind"] == kind}


def floors(made: Plan) -> dict[str, tuple[int, bool]]:
    """Replicas of each component, and whether they are only the least."""
    return {
        scale.manifest["metadata"]["name"]: (scale.manifest["spec"]["replicas"], scale.floor)
        for scale in build_scales(made)
    }


def test_without_autoscaling_there_is_no_autoscaler() -> None:
    assert autoscalers(plan()) == {}


@pytest.mark.parametrize(("component", "name"), [("modelServer", "model-server"), ("gateway", "gateway")])
def test_an_autoscaler_aims_at_the_deployment_and_has_calm_defaults(component: str, name: str) -> None:
    (spec,) = autoscalers(plan(scaled(component))).values()
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"invoices-{name}"}
    assert spec["scaleTargetRef"] == target
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 9)
    utilization = {"type": "Utilization", "averageUtilization": 70}
    assert spec["metrics"] == [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}]
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300


def test_metrics_and_rates_are_as_asked() -> None:
    metrics = [{"type": "Memory", "target": 80}, {"type": "QueueDepth", "target": 4}]
    behavior = {"scaleDownStabilizationSeconds": 0, "scaleUp": {"pods": 2, "periodSeconds": 15}}
    (spec,) = autoscalers(plan(scaled(metrics=metrics, behavior=behavior))).values()
    memory, queue = spec["metrics"]
    assert memory["resource"]["name"] == "memory"
    assert queue["object"] == {
        "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "invoices-gateway"},
        "metric": {"name": "ocr_gateway_pages_waiting"},
        "target": {"type": "AverageValue", "averageValue": "4"},
    }
    assert spec["behavior"] == {
        "scaleUp": {
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 2, "periodSeconds": 15}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Pods", "value": 1, "periodSeconds": 60},
                {"type": "Percent", "value": 25, "periodSeconds": 60},
            ],
        },
    }


def test_an_autoscaled_deployment_only_has_a_floor() -> None:
    assert floors(plan(scaled(minReplicas=3))) == {
        "invoices-model-server": (3, True),
        "invoices-gateway": (2, False),
    }


def test_a_suspended_service_runs_no_pods_and_keeps_its_autoscaler() -> None:
    made = plan({**scaled(), "suspend": True})
    assert set(floors(made).values()) == {(0, False)}
    assert autoscalers(made).keys() == {"invoices-model-server"}


@pytest.mark.parametrize(
    ("running", "fits"), [(None, False), (0, False), (1, False), (2, True), (8, True), (1000, True)]
)
def test_nothing_above_the_floor_is_touched(running: int | None, fits: bool) -> None:
    (_, scale) = build_scales(plan(scaled()))
    live = {"spec": {} if running is None else {"replicas": running}}
    assert scale.fits(live) == fits
    assert scale.owned == {}


def test_a_fixed_number_is_the_only_one_that_fits() -> None:
    (_, scale) = build_scales(plan({"modelServer": {"replicas": 5}}))
    assert [n for n in range(9) if scale.fits({"spec": {"replicas": n}})] == [5]
    assert scale.owned == {"replicas": 5}


@pytest.mark.parametrize(("least", "budget"), [(1, False), (2, True)])
def test_a_disruption_budget_goes_by_the_least_number_of_pods(least: int, budget: bool) -> None:
    budgets = [m for m in build(plan(scaled(minReplicas=least))) if m["kind"] == "PodDisruptionBudget"]
    assert ("invoices-model-server" in {m["metadata"]["name"] for m in budgets}) == budget


# Schedules.


def office(**members: Any) -> Autoscaling:
    """Two to nine pods, six in office hours."""
    schedule = {**UTC_OFFICE, **members}
    return Autoscaling.model_validate({"maxReplicas": 9, "schedules": [schedule]})


def least(autoscaling: Autoscaling, *moments: datetime) -> list[int]:
    """The floor at each moment."""
    return [bounds(autoscaling, moment).least for moment in moments]


def test_in_its_hours_a_schedule_raises_floor_and_ceiling() -> None:
    asked = office(maxReplicas=20)
    at = [datetime(2026, 1, 1, *clock, tzinfo=UTC) for clock in ((7, 59), (8, 0), (17, 59), (18, 0))]
    assert [tuple(bounds(asked, moment)) for moment in at] == [(2, 9), (6, 20), (6, 20), (2, 9)]


def test_where_schedules_overlap_the_most_counts() -> None:
    both = [UTC_OFFICE, {**UTC_OFFICE, "name": "noon", "start": "11:00", "end": "13:00", "minReplicas": 8}]
    asked = Autoscaling.model_validate({"maxReplicas": 9, "schedules": both})
    assert least(asked, NOW, NOW + timedelta(hours=2)) == [8, 6]


def test_a_schedule_over_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    friday = datetime(2026, 1, 2, tzinfo=UTC)
    asked = office(days=["Fri"], start="22:00", end="06:00")
    at = [friday + timedelta(hours=hours) for hours in (5, 21, 22, 29, 30, 46)]
    assert least(asked, *at) == [2, 2, 6, 6, 2, 2]


def test_a_whole_day_ends_at_24_00() -> None:
    saturday = datetime(2026, 1, 3, tzinfo=UTC)
    asked = office(days=["Sat"], start="00:00", end="24:00")
    at = [saturday + timedelta(minutes=minutes) for minutes in (-1, 0, 24 * 60 - 1, 24 * 60)]
    assert least(asked, *at) == [2, 6, 6, 2]


@pytest.mark.parametrize(
    ("day", "start", "end", "first", "last"),
    [
        # Put on from 02:00 to 03:00 at 01:00 UTC: a time between the two is before and after.
        ((2026, 3, 29), "02:30", "04:00", (0, 30), (2, 0)),
        ((2026, 3, 29), "01:00", "02:30", (0, 0), (1, 30)),
        # Put back from 03:00 to 02:00 at 01:00 UTC: a time between the two is there twice.
        ((2026, 10, 25), "02:30", "04:00", (0, 30), (3, 0)),
        ((2026, 10, 25), "01:00", "02:30", (-1, 0), (1, 30)),
    ],
)
def test_where_the_clock_is_changed_the_window_is_the_longer_one(
    day: tuple[int, int, int], start: str, end: str, first: tuple[int, int], last: tuple[int, int]
) -> None:
    asked = office(timeZone="Europe/Berlin", start=start, end=end)
    opens, closes = (
        datetime(*day, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
        for hours, minutes in (first, last)
    )
    second = timedelta(seconds=1)
    assert least(asked, opens - second, opens, closes - second, closes) == [2, 6, 6, 2]


clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
schedules = st.builds(
    lambda start, end, **members: {**UTC_OFFICE, "start": start, "end": end, **members},
    clocks,
    clocks | st.just("24:00"),
    days=st.lists(st.sampled_from(DAYS), max_size=3),
    minReplicas=st.integers(2, 9),
    timeZone=st.sampled_from(
        ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
    ),
).filter(lambda schedule: schedule["start"] != schedule["end"])
lists = st.lists(schedules, max_size=3).map(
    lambda found: [{**each, "name": f"s{place}"} for place, each in enumerate(found)]
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made UTC


def shows(schedule: Schedule, now: datetime) -> bool:
    """Whether the clock on the wall is in the window: the plain definition, blind to changes of the clock."""
    shown = now.astimezone(ZoneInfo(schedule.time_zone))
    today, clock = DAYS[shown.weekday()], f"{shown:%H:%M}"
    yesterday = DAYS[(shown.weekday() - 1) % 7]

    def starts(day: Any) -> bool:
        return not schedule.days or day in schedule.days

    if schedule.start < schedule.end:
        return starts(today) and schedule.start <= clock < schedule.end
    return (starts(today) and clock >= schedule.start) or (starts(yesterday) and clock < schedule.end)


def is_calm(zones: Iterable[str], now: datetime) -> bool:
    """Whether no clock is changed within two days."""
    days = (timedelta(days=-2), timedelta(days=2))
    return all(
        len({(now + day).astimezone(ZoneInfo(name)).utcoffset() for day in days}) == 1 for name in zones
    )


@given(lists, moments)
def test_a_schedule_counts_while_the_clock_on_the_wall_says_so(
    drawn: list[dict[str, Any]], now: datetime
) -> None:
    asked = Autoscaling.model_validate({"maxReplicas": 9, "schedules": drawn})
    shown = max([2, *(each.min_replicas for each in asked.schedules if shows(each, now))])
    found = bounds(asked, now).least
    assert found == shown if is_calm((each.time_zone for each in asked.schedules), now) else found >= shown


@given(lists, moments, st.floats(0, 0.999))
def test_until_the_next_change_bounds_stay_as_they_are(
    drawn: list[dict[str, Any]], now: datetime, part: float
) -> None:
    service = ocr_service(scaled("gateway", schedules=drawn))
    asked = service.spec.gateway.autoscaling
    assert asked is not None
    change = next_change(service, now)
    assert (change is None) == (not drawn)
    if change is not None:
        assert now < change <= now + timedelta(days=9)
        assert bounds(asked, now + (change - now) * part) == bounds(asked, now)


# What is refused.


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "berlin"])
def test_an_unknown_time_zone_is_refused_by_its_name(name: str) -> None:
    spec = scaled("gateway", schedules=[{**UTC_OFFICE, "timeZone": name}])
    (refusal,) = refusals(ocr_service(spec), OPERANDS, Facts())
    assert refusal.reason == "UnknownTimeZone"
    assert "spec.gateway.autoscaling.schedules: office" in refusal.message
    assert name in refusal.message


@pytest.mark.parametrize(
    ("resources", "metric", "refused"),
    [
        ({"requests": {"memory": "1Gi"}}, "CPU", True),
        ({"requests": {"cpu": "0"}}, "CPU", True),
        ({"requests": {"cpu": "1"}}, "Memory", True),
        ({"limits": {"cpu": "1"}}, "CPU", False),
        ({}, "QueueDepth", False),
        (None, "CPU", False),
    ],
)
def test_a_share_of_a_request_that_is_not_there_is_refused(
    resources: dict[str, Any] | None, metric: str, refused: bool
) -> None:
    spec = scaled(metrics=[{"type": metric, "target": 50}])
    if resources is not None:
        spec["modelServer"]["resources"] = resources
    found = refusals(ocr_service(spec), OPERANDS, Facts())
    assert [refusal.reason for refusal in found] == ["InvalidAutoscaling"] * refused
    assert all(f"resources.requests.{metric.lower()}" in refusal.message for refusal in found)


# What is said.


def condition(kind: str, status: str, reason: str) -> dict[str, str]:
    """A condition of a HorizontalPodAutoscaler."""
    return {"type": kind, "status": status, "reason": reason, "message": "pod x-123: 17 %"}


ABLE = condition("AbleToScale", "True", "ReadyForNewScale")
ACTIVE = condition("ScalingActive", "True", "ValidMetricFound")


def told(spec: Mapping[str, Any], *conditions: dict[str, str]) -> tuple[str, str, str]:
    """AutoscalingActive, when each autoscaler says this of itself."""
    children = running(plan(spec))
    for child in children:
        if child["kind"] == HORIZONTAL_POD_AUTOSCALER.kind:
            child["status"] = {"conditions": list(conditions)}
    return said(spec, children)


def said(spec: Mapping[str, Any], children: tuple[Manifest, ...]) -> tuple[str, str, str]:
    """AutoscalingActive over these children."""
    status = judge(look(ocr_service(spec), children), operator_version="0.1.0", now=NOW)
    assert unexplained(status) == []
    found = status.condition("AutoscalingActive")
    assert found is not None
    return found.status, found.reason, found.message


@pytest.mark.parametrize(
    ("conditions", "status", "reason", "words"),
    [
        ((), "Unknown", "Pending", "model servers: Kubernetes has not looked at the load yet"),
        ((ABLE,), "Unknown", "Pending", "not looked"),
        ((ABLE, ACTIVE), "True", "Active", "follows the load"),
        (
            (ABLE, ACTIVE, condition("ScalingLimited", "True", "TooManyReplicas")),
            "True",
            "AtMaximum",
            "more pods than maxReplicas, 9",
        ),
        ((ABLE, ACTIVE, condition("ScalingLimited", "True", "TooFewReplicas")), "True", "Active", "follows"),
        (
            (ABLE, condition("ScalingActive", "False", "FailedGetResourceMetric")),
            "False",
            "FailedGetResourceMetric",
            "install metrics-server",
        ),
        (
            (ABLE, condition("ScalingActive", "False", "FailedGetObjectMetric")),
            "False",
            "FailedGetObjectMetric",
            "install an adapter",
        ),
        (
            (condition("AbleToScale", "False", "FailedUpdateScale"), ACTIVE),
            "False",
            "FailedUpdateScale",
            "kubectl describe hpa invoices-model-server",
        ),
    ],
)
def test_what_an_autoscaler_says_is_told_in_words_without_figures(
    conditions: tuple[dict[str, str], ...], status: str, reason: str, words: str
) -> None:
    found = told(scaled(), *conditions)
    assert found[:2] == (status, reason)
    assert words in found[2]
    assert "x-123" not in found[2]


def test_autoscaling_that_nobody_asked_for_is_disabled() -> None:
    assert told({})[:2] == ("False", "Disabled")


def test_a_suspended_service_says_so() -> None:
    disabled = condition("ScalingActive", "False", "ScalingDisabled")
    assert told({**scaled(), "suspend": True}, ABLE, disabled)[:2] == ("False", "Suspended")


@pytest.mark.parametrize("broken", ["gateway", "model-server"])
def test_of_two_autoscalers_the_one_in_trouble_is_told(broken: str) -> None:
    spec = scaled() | scaled("gateway")
    children = running(plan(spec))
    for child in children:
        if child["kind"] == HORIZONTAL_POD_AUTOSCALER.kind:
            failing = condition("ScalingActive", "False", "FailedGetResourceMetric")
            is_broken = child["metadata"]["name"].endswith(broken)
            child["status"] = {"conditions": [ABLE, failing if is_broken else ACTIVE]}
    _, reason, message = said(spec, children)
    assert reason == "FailedGetResourceMetric"
    assert message.startswith({"gateway": "gateways:", "model-server": "model servers:"}[broken])


def test_only_what_was_not_told_before_is_news() -> None:
    news: News[str] = News()
    assert [news.is_new("a", content) for content in ([1], [1], [2], [1])] == [True, False, True, True]
    assert news.is_new("b", [1])
    news.forget("a")
    assert news.is_new("a", [1])
