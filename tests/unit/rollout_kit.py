"""A service under roll-out for tests of pure code: its Deployments and gateways do as they are told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ocr_operator.desired.build import build, kept
from ocr_operator.desired.plan import Facts, Plan
from ocr_operator.desired.revision import revision
from ocr_operator.desired.scales import Scale, build_scales
from ocr_operator.desired.traffic import split_seconds
from ocr_operator.models.manifest import DEPLOYMENT, Manifest, ref
from ocr_operator.models.names import SLOTS
from ocr_operator.models.revisions import Revisions, Slot
from ocr_operator.rollouts.advance import advance, proven
from ocr_operator.rollouts.look import Look
from ocr_operator.rollouts.samples import Report, Sample
from tests.unit.samples import OPERANDS, ocr_service

START = datetime(2026, 1, 2, 3, 0, 0, tzinfo=UTC)
STEPS = [{"weight": 10, "pauseSeconds": 60}, {"weight": 50, "pauseSeconds": 60}]
ANALYSIS = {"maxErrorRate": "5%", "maxP99Ms": 1000, "minSamples": 20}
CANARY = {"strategy": "Canary", "canary": {"steps": STEPS, "analysis": ANALYSIS}}
NAMES: dict[Slot, str] = {slot: f"invoices-{slot}" for slot in SLOTS}


def spec(mode: str = "throughput", *, replicas: int = 4, **members: Any) -> dict[str, Any]:
    """A spec under canary; another `mode` is another template of the model servers."""
    server = {"replicas": replicas, "runtime": {"mode": mode}}
    return {"modelServer": server, "rollout": CANARY, **members}


@dataclass
class Deployed:
    """A Deployment: its template, pods that are wanted, and pods of the newest template that are ready."""

    template: Any
    replicas: int = 0
    ready: int = 0

    def take(self, scale: Scale) -> None:
        """Have the pods that are asked for."""
        if not scale.fits(self.live()):
            self.replicas = scale.manifest["spec"]["replicas"]

    def live(self) -> Manifest:
        """As the API shows it."""
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        numbers = dict.fromkeys(counts, min(self.ready, self.replicas)) | {"replicas": self.replicas}
        return {
            "metadata": {"generation": 1},
            "spec": {"replicas": self.replicas, "template": self.template},
            "status": {"observedGeneration": 1, **numbers, "updatedReplicas": self.replicas},
        }


@dataclass
class Gateway:
    """What a gateway follows, and what it has counted of each upstream since."""

    since: int = 0
    weights: Mapping[str, int] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)


@dataclass
class World:
    """The cluster of one service. `step` is one reconcile."""

    spec: dict[str, Any]
    now: datetime = START
    revisions: Revisions = field(default_factory=Revisions)
    deployments: dict[Slot, Deployed] = field(default_factory=dict)
    gateways: list[Gateway] = field(default_factory=lambda: [Gateway(), Gateway()])
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """What the spec asks for, with the state as a restarted operator reads it from the status."""
        operand = OPERANDS.find("0.1.0")
        assert operand is not None
        remembered = Revisions.model_validate(self.revisions.dump())
        running = self.look().replicas(remembered.slot)
        service = ocr_service(self.spec, annotations=self.annotations)
        return Plan(service, operand, Facts(), self.now, remembered, running)

    def say(self, annotation: str, generation: int = 1) -> World:
        """The user says something of the spec as it is, or of another one."""
        self.annotations = {annotation: str(generation)}
        return self

    @property
    def wanted(self) -> str:
        """The revision that is asked for."""
        return revision(self.plan)

    @property
    def weight(self) -> int:
        """Percent that is asked for the candidate."""
        return self.revisions.candidate.weight if self.revisions.candidate else 0

    def look(self) -> Look:
        """What the operator sees."""
        return Look(
            deployments={slot: deployed.live() for slot, deployed in self.deployments.items()},
            gateways=len(self.gateways),
            reports=tuple(Report(g.since, g.weights, dict(g.samples)) for g in self.gateways),
        )

    def step(self, seconds: float = 3) -> World:
        """Decide and do; then time passes."""
        plan = self.plan
        self.revisions = advance(plan, self.look(), self.now)
        plan = replace(plan, revisions=self.revisions)
        scales = {ref(scale.manifest).name: scale for scale in build_scales(plan)}
        built = {ref(m).name: m["spec"]["template"] for m in build(plan) if ref(m).kind == DEPLOYMENT}
        untouched = {identity.name for identity in kept(plan)}
        for slot, name in NAMES.items():
            live = self.deployments.get(slot)
            if name in built and (live is None or live.template != built[name]):
                self.deployments[slot] = Deployed(built[name])
            elif name not in built and name not in untouched:
                self.deployments.pop(slot, None)
            if slot in self.deployments:
                self.deployments[slot].take(scales[name])
        self.revisions = proven(self.revisions, self.look())
        self.now += timedelta(seconds=seconds)
        return self

    def ready(self, *slots: Slot) -> World:
        """All pods of these slots become ready; of both when none is named."""
        for slot in slots or SLOTS:
            if slot in self.deployments:
                self.deployments[slot].ready = self.deployments[slot].replicas
        return self

    def follow(self, *gateways: int) -> World:
        """These gateways take the split over and count anew; all when none is named."""
        since = split_seconds(self.revisions.split)
        weights = {NAMES[slot]: weight for slot, weight in self.revisions.weights.items()}
        for index in gateways or range(len(self.gateways)):
            gateway = self.gateways[index]
            if (gateway.since, gateway.weights) != (since, weights):
                self.gateways[index] = Gateway(since, weights)
        return self

    def calls(self, ok: int, failed: int = 0, seconds: float = 0.2) -> World:
        """Every upstream that a gateway follows answers so many calls, in that time."""
        buckets = {bound: float(ok + failed) * (bound >= seconds) for bound in (0.1, 0.5, 2.0, math.inf)}
        for gateway in self.gateways:
            for name in gateway.weights:
                before = gateway.samples.get(name, Sample())
                gateway.samples[name] = before + Sample(ok, failed, buckets)
        return self

    def settled(self) -> World:
        """The spec as it is runs and serves."""
        self.step().ready().step().follow().step()
        assert self.revisions.served
        assert self.revisions.stable == self.wanted
        return self

    def tried(self, mode: str = "latency") -> World:
        """Another template is asked for; its candidate has the first step's weight, and all follow."""
        self.spec = spec(mode)
        self.step().step().ready().step().follow().step()
        assert self.weight == 10
        assert self.revisions.candidate is not None
        assert self.revisions.candidate.followed is not None
        return self


def settled(**members: Any) -> World:
    """A service that runs."""
    return World(spec(**members)).settled()
