"""What schedules make of the bounds of autoscaling, now and next.

A window goes from the moment at which the zone's clock shows its start to the one at which it shows its end.
Where the clock is put on or back there may be two such moments, or none; then the window is the longer one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocr_operator.models.autoscaling import Autoscaling, Day, Schedule
from ocr_operator.models.service import OCRService

DAYS: Final[tuple[Day, ...]] = get_args(Day)
# A window of yesterday may still be open, and the next of a single day is a week away.
LOOK_DAYS: Final = range(-1, 9)


class Bounds(NamedTuple):
    """Replicas at least and at most."""

    least: int
    most: int


class Window(NamedTuple):
    """Two moments in UTC; the end is no part of it."""

    start: datetime
    end: datetime


def zone(name: str) -> ZoneInfo | None:
    """The time zone of that name, if there is one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # The last two: the name of a folder of the database, or of a file that is no zone.
        return None


def bounds(autoscaling: Autoscaling, now: datetime) -> Bounds:
    """The bounds that hold now."""
    least, most = autoscaling.min_replicas, autoscaling.max_replicas
    for schedule in autoscaling.schedules:
        if any(window.start <= now < window.end for window in windows(schedule, now)):
            least = max(least, schedule.min_replicas)
            most = max(most, schedule.max_replicas or most)
    return Bounds(least, most)


def next_change(service: OCRService, now: datetime) -> datetime | None:
    """When bounds of a component may be others than now; None without schedules."""
    moments = (
        moment
        for autoscaling in (service.spec.gateway.autoscaling, service.spec.model_server.autoscaling)
        for schedule in (autoscaling.schedules if autoscaling else ())
        for window in windows(schedule, now)
        for moment in window
        if moment > now
    )
    return min(moments, default=None)


def windows(schedule: Schedule, now: datetime) -> Iterator[Window]:
    """Windows around a moment: one that is open then, and those of a week to come; none in no zone."""
    clock = zone(schedule.time_zone)
    if clock is None:
        return
    start, end = _since_midnight(schedule.start), _since_midnight(schedule.end)
    if end < start:
        end += timedelta(days=1)
    today = now.astimezone(clock).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for offset in LOOK_DAYS:
        day = today + timedelta(days=offset)
        if not schedule.days or DAYS[day.weekday()] in schedule.days:
            yield Window(min(_moments(day + start, clock)), max(_moments(day + end, clock)))


def _since_midnight(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def _moments(shown: datetime, clock: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments that `shown` may stand for; almost always twice the same."""
    first, second = (shown.replace(tzinfo=clock, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second
