"""From where a roll-out stands to where it stands next.

    another template ──► candidate's pods ──► the step's weight ──► gateways follow ──► pause and calls
                             ▲      (0 while none of its pods is ready)                       │
                             └──────────────────────── the next step ◄────────────────────────┤ well
    it is the stable one ◄── all its pods ◄─────────── after the last ◄───────────────────────┤
    the old one alone, the new one remembered as failed ◄─────────────────────────────────────┘ badly, or late

A user may say by an annotation that the steps which are left are left out, or that it is to be taken back.

The first rule that fits decides. Each look moves by one step at most, and the same look of the same state
moves to the same place, so an operator that ends anywhere in between goes on where the status says.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ocr_operator.desired.canary import canary_of, candidate_size
from ocr_operator.desired.metadata import child_name
from ocr_operator.desired.plan import Plan
from ocr_operator.desired.revision import policy, revision
from ocr_operator.desired.traffic import split_seconds
from ocr_operator.models.names import MODEL_SERVER, PROMOTE, ROLLBACK
from ocr_operator.models.reasons import Reason
from ocr_operator.models.revisions import Candidate, Failed, Revisions
from ocr_operator.models.rollout import Step
from ocr_operator.rollouts.analysis import breach
from ocr_operator.rollouts.look import Look
from ocr_operator.rollouts.samples import Report, Sample, together
from ocr_operator.status.failures import MESSAGE_LENGTH, describe
from ocr_operator.status.rollout import rollout


def advance(plan: Plan, look: Look, now: datetime) -> Revisions:
    """The next state of an accepted spec; `plan.revisions` is the one before."""
    before, wanted = _remembered(plan.revisions, look), revision(plan)
    if before.slot not in look.deployments:
        return _begin(before, wanted, look, now)
    replaced_at_once = not plan.canary or before.stable is None or not before.served
    if replaced_at_once or before.stable == wanted:
        return _settle(before, wanted, now)
    failed = before.failed
    if not plan.replicas(MODEL_SERVER):
        return _without_candidate(before, now)
    if failed and (failed.revision, failed.policy) == (wanted, policy(plan)):
        return _without_candidate(before, now)
    candidate = before.candidate
    if candidate is None or (candidate.revision, candidate.policy) != (wanted, policy(plan)):
        fresh = Candidate(revision=wanted, policy=policy(plan), step=1, weight=0, since=_say(now))
        return _changed(_without_candidate(before, now), candidate=fresh, failed=None)
    return _Trial(plan, candidate, look, now).next()


def proven(revisions: Revisions, look: Look) -> Revisions:
    """Once all pods of a revision were ready it is one to go back to; `look` is at what was applied."""
    numbers = rollout(look.deployments.get(revisions.slot))
    if revisions.served or not (numbers.complete and numbers.available):
        return revisions
    return _changed(revisions, served=True)


def _remembered(before: Revisions, look: Look) -> Revisions:
    """The state before; when there is none, or it was lost, the larger Deployment is the stable one."""
    if before.stable is not None or not look.deployments:
        return before
    available = {slot: rollout(live).available for slot, live in look.deployments.items()}
    return Revisions(slot=max(available, key=lambda slot: available[slot]))


def _begin(before: Revisions, wanted: str, look: Look, now: datetime) -> Revisions:
    """No stable Deployment: the first roll-out, or somebody deleted it. What runs beside it stands in."""
    slot = before.other if before.other in look.deployments else before.slot
    same = slot == before.slot and not before.candidate
    return Revisions(slot=slot, stable=wanted, split=before.split if same else _say(now))


def _settle(before: Revisions, wanted: str, now: datetime) -> Revisions:
    """The stable Deployment is given what is wanted."""
    served = before.served and before.stable == wanted
    return _changed(_without_candidate(before, now), stable=wanted, served=served, failed=None)


def _without_candidate(before: Revisions, now: datetime) -> Revisions:
    return _divided(before, None, now) if before.candidate else before


def _divided(before: Revisions, candidate: Candidate | None, now: datetime) -> Revisions:
    """With another candidate, and with a new split if that changes the weights."""
    after = _changed(before, candidate=candidate)
    return after if after.weights == before.weights else _changed(after, split=_say(now))


def _changed(before: Revisions, **members: object) -> Revisions:
    return before.model_copy(update=members)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A candidate, and what decides about it."""

    plan: Plan
    candidate: Candidate
    look: Look
    now: datetime

    def next(self) -> Revisions:
        """One step on, back, or nothing yet."""
        numbers = rollout(self.look.deployments.get(self.before.other))
        ready = numbers.complete and numbers.desired == candidate_size(self.plan, self.candidate)
        if self.candidate.weight and not numbers.available:
            return self._weigh(0)
        if failure := self._failure(ready=ready):
            return self._fail(*failure)
        if self._step is None:
            return self._take_over() if ready else self.before
        if self.plan.service.says(PROMOTE):
            return self._become(step=len(canary_of(self.plan).steps) + 1, since=_say(self.now))
        if self.candidate.weight != self._step.weight:
            return self._weigh(self._step.weight) if ready else self.before
        return self._measured()

    def _failure(self, *, ready: bool) -> tuple[Reason, str] | None:
        """Why it is to be taken back."""
        if self.plan.service.says(ROLLBACK):
            return Reason.ROLLED_BACK, f"asked for by the annotation {ROLLBACK}"
        if why := self._breach:
            return Reason.ANALYSIS_FAILED, why
        if self.now >= self._deadline:
            return Reason.PROGRESS_DEADLINE_EXCEEDED, self._late(ready=ready)
        return None

    def _measured(self) -> Revisions:
        """It has the step's weight: wait for the gateways, then for the pause and enough calls."""
        if self.candidate.followed is None:
            return self._become(followed=_say(self.now)) if self._followed else self.before
        return (
            self._become(step=self.candidate.step + 1, since=_say(self.now)) if self._passed else self.before
        )

    @property
    def before(self) -> Revisions:
        return self.plan.revisions

    @property
    def _step(self) -> Step | None:
        """The step that it is at; None when it is to take over."""
        steps = canary_of(self.plan).steps
        return steps[self.candidate.step - 1] if self.candidate.step <= len(steps) else None

    @property
    def _deadline(self) -> datetime:
        """Of the step; once the gateways follow, what they took to do so is given back.

        Pods that come and go don't put it off: the step's beginning stays.
        """
        pause = self._step.pause_seconds if self._step else 0
        patience = self.plan.service.spec.rollout.progress_deadline_seconds
        begun = max(self.candidate.since, self.candidate.followed or "")
        return datetime.fromisoformat(begun) + timedelta(seconds=pause + patience)

    @property
    def _following(self) -> tuple[Report, ...]:
        """Gateways that do as they are asked now."""
        name = self.plan.service.metadata.name
        weights = {child_name(name, slot): weight for slot, weight in self.before.weights.items()}
        asked = split_seconds(self.before.split)
        return tuple(r for r in self.look.reports if (r.since, dict(r.weights)) == (asked, weights))

    @property
    def _followed(self) -> bool:
        return 0 < self.look.gateways == len(self._following)

    @property
    def _breach(self) -> str | None:
        """What its calls say against it, as soon as there are enough of them."""
        if self.candidate.followed is None:
            return None
        return breach(canary_of(self.plan).analysis, self._sample)

    @property
    def _passed(self) -> bool:
        if self._step is None or self.candidate.followed is None:
            return False
        pause = timedelta(seconds=self._step.pause_seconds)
        over = self.now >= datetime.fromisoformat(self.candidate.followed) + pause
        return over and self._sample.total >= canary_of(self.plan).analysis.min_samples

    @property
    def _sample(self) -> Sample:
        """Its calls, as measured by the gateways that follow."""
        return together(self._following, child_name(self.plan.service.metadata.name, self.before.other))

    def _late(self, *, ready: bool) -> str:
        """What a step has waited for too long."""
        least = canary_of(self.plan).analysis.min_samples
        if not ready:
            numbers = rollout(self.look.deployments.get(self.before.other))
            size = candidate_size(self.plan, self.candidate)
            what = f"{numbers.ready} of {size} candidates ready"
            failure = describe(self.look.failure) if self.look.failure else None
            return "; ".join(filter(None, (what, failure or numbers.refused or numbers.stuck)))
        if self.candidate.followed is None:
            return f"{len(self._following)} of {self.look.gateways} gateways follow"
        return (
            f"{self._sample.total} of the {least} calls that a verdict needs; "
            "send more pages, or lower spec.rollout.canary.analysis.minSamples"
        )

    def _weigh(self, weight: int) -> Revisions:
        changed = self.candidate.model_copy(update={"weight": weight, "followed": None})
        return _divided(self.before, changed, self.now)

    def _become(self, **members: object) -> Revisions:
        return _changed(self.before, candidate=self.candidate.model_copy(update=members))

    def _fail(self, reason: Reason, why: str) -> Revisions:
        place = self._step.weight if self._step else self.candidate.weight
        failed = Failed(
            revision=self.candidate.revision,
            policy=self.candidate.policy,
            reason=reason,
            message=f"revision {self.candidate.revision} at {place}% of the requests: {why}"[:MESSAGE_LENGTH],
        )
        return _changed(_divided(self.before, None, self.now), failed=failed)

    def _take_over(self) -> Revisions:
        return Revisions(
            slot=self.before.other, stable=self.candidate.revision, served=True, split=_say(self.now)
        )


def _say(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
