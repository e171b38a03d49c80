"""Autoscaling: its fields, and the rules between them."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.unit.crd_case import Case, Refusal, Spec, both, spoken

COMPONENTS: Final = ("modelServer", "gateway")
HOURS: Final[Spec] = {
    "name": "office",
    "timeZone": "Europe/Berlin",
    "start": "08:00",
    "end": "18:00",
    "minReplicas": 3,
}
INTEGERS: Final[Mapping[str, tuple[int, int]]] = {
    "minReplicas": (1, 1000),
    "maxReplicas": (1, 1000),
    "metrics[].target": (1, 1000),
    "behavior.scaleUp.pods": (1, 1000),
    "behavior.scaleUp.percent": (1, 1000),
    "behavior.scaleUp.periodSeconds": (15, 1800),
    "behavior.scaleDown.pods": (1, 1000),
    "behavior.scaleDown.percent": (1, 1000),
    "behavior.scaleDown.periodSeconds": (15, 1800),
    "behavior.scaleDownStabilizationSeconds": (0, 3600),
    "schedules[].minReplicas": (1, 1000),
    "schedules[].maxReplicas": (1, 1000),
}
OBJECTS: Final = ("metrics[]", "behavior", "behavior.scaleUp", "behavior.scaleDown", "schedules[]")
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
METRICS: Final = ("CPU", "Memory", "QueueDepth")

ALONE = "autoscaling sets the replicas; change its minReplicas and maxReplicas, or remove autoscaling first"
BOUNDS = "minReplicas (2 when absent) may not be more than maxReplicas; change one of them"
RAISES = "a schedule only raises minReplicas and maxReplicas; lower those of autoscaling itself"
SCHEDULE_BOUNDS = "minReplicas of a schedule may not be more than maxReplicas; change one of them"
AMOUNT = "set pods, percent or both"
LASTS = "start and end must differ; for a whole day write 00:00 and 24:00"
GATEWAY_METRICS = "QueueDepth is of model servers; scale gateways by CPU or Memory"


def item(path: str, place: int) -> object:
    """A member of the list."""
    if path.endswith("days"):
        return DAYS[place % len(DAYS)]
    if path.endswith("metrics"):
        return {"type": METRICS[place % len(METRICS)], "target": 70}
    return {**HOURS, "name": f"s{place}", "minReplicas": 1}


def scaled(component: str, **members: object) -> Spec:
    """A spec with these members of autoscaling."""
    return {component: {"autoscaling": {"maxReplicas": 9, **members}}}


def autoscaling() -> Iterator[Case]:
    """Rules between fields, each kept and broken in every way."""
    for component in COMPONENTS:
        path = f"spec.{component}.autoscaling"
        scaling = {"autoscaling": {"maxReplicas": 9}}
        for replicas in (0, 2):
            both_set = {component: {**scaling, "replicas": replicas}}
            yield Case(f"{component}: {replicas} replicas, too", both_set, both(f"spec.{component}", ALONE))
        yield Case(f"{component}: as many as 2", scaled(component, maxReplicas=2))
        yield Case(f"{component}: 1 of 1", scaled(component, minReplicas=1, maxReplicas=1))
        yield Case(f"{component}: less than 2", scaled(component, maxReplicas=1), both(path, BOUNDS))
        yield Case(f"{component}: 10 of 9", scaled(component, minReplicas=10), both(path, BOUNDS))
        for name in ("scaleUp", "scaleDown"):
            empty = scaled(component, behavior={name: {}})
            yield Case(f"{component}: {name} by nothing", empty, both(f"{path}.behavior.{name}", AMOUNT))
        cpu = {"type": "CPU", "target": 70}
        twice = Refusal(path, 'Duplicate value: {"type":"CPU"}', "every type in metrics may stand only once")
        yield Case(f"{component}: CPU twice", scaled(component, metrics=[cpu, cpu]), twice)
        yield from _schedules(component, path)
    queue = {"type": "QueueDepth", "target": 4}
    memory = {"type": "Memory", "target": 80}
    where = "gateway.autoscaling.metrics"
    yield Case("gateways by memory", scaled("gateway", metrics=[memory]), covers=where)
    yield Case(
        "gateways by CPU", scaled("gateway", metrics=[{**memory, "type": "CPU"}]), covers=f"{where}[].type"
    )
    refusal = both("spec.gateway", GATEWAY_METRICS)
    yield Case("gateways by a queue", scaled("gateway", metrics=[memory, queue]), refusal)


def _schedules(component: str, path: str) -> Iterator[Case]:
    def hours(**members: object) -> Spec:
        return scaled(component, schedules=[{**HOURS, **members}])

    yield Case(f"{component}: over midnight", hours(start="22:00", end="06:00"))
    yield Case(f"{component}: as many as ever", hours(minReplicas=2, maxReplicas=9))
    yield Case(f"{component}: more than ever", hours(minReplicas=10, maxReplicas=12))
    yield Case(f"{component}: no time at all", hours(end="08:00"), both(f"{path}.schedules[0]", LASTS))
    yield Case(f"{component}: a floor that is lower", hours(minReplicas=1), both(path, RAISES))
    yield Case(f"{component}: a ceiling that is lower", hours(maxReplicas=8), both(path, RAISES))
    yield Case(f"{component}: a floor over all", hours(minReplicas=10), both(path, SCHEDULE_BOUNDS))
    crossed = hours(minReplicas=13, maxReplicas=12)
    yield Case(f"{component}: a floor over its ceiling", crossed, both(path, SCHEDULE_BOUNDS))
    twice = Refusal(path, 'Duplicate value: {"name":"office"}', "every name in schedules may stand only once")
    yield Case(f"{component}: a name twice", scaled(component, schedules=[HOURS, HOURS]), twice)


def required() -> Iterator[Case]:
    """The members that must be there."""
    for component in COMPONENTS:
        path = f"{component}.autoscaling"
        lacking = {
            f"{path}.maxReplicas": {component: {"autoscaling": {}}},
            f"{path}.metrics[].type": scaled(component, metrics=[{"target": 1}]),
            f"{path}.metrics[].target": scaled(component, metrics=[{"type": "CPU"}]),
            **{
                f"{path}.schedules[].{name}": scaled(
                    component, schedules=[{key: value for key, value in HOURS.items() if key != name}]
                )
                for name in HOURS
            },
        }
        for field, spec in lacking.items():
            refusal = Refusal(spoken(field), "Required value", "Field required")
            yield Case(f"{field} must be there", spec, refusal)
