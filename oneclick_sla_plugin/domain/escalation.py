"""Steps before and after a due instant: when somebody is told.

Steps are counted in the time of the target, and nobody is called at night: a step
that falls into closed time moves to the next opening, or, if that would be too
late, back to the last closing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from oneclick_sla_plugin.domain.amounts import Amount, Ticking
from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.model import Metric
from oneclick_sla_plugin.domain.pauses import Pause, add_without_pauses
from oneclick_sla_plugin.domain.policy import Escalation, Estimate, Target

SHORTEST_WARNED = timedelta(minutes=15)
"""Nobody is warned of a target shorter than this: the warning would come too late to help."""


@dataclass(frozen=True, slots=True)
class Step:
    """An instant at which somebody is told; ``before_due``: a warning, else the promise was already missed."""

    name: str
    at: datetime
    before_due: bool


def steps_of(
    promise: Target | Estimate,
    escalations: Iterable[Escalation],
    counts_from: datetime,
    planned_at: datetime,
    due_at: datetime,
    pauses: Iterable[Pause] = (),
) -> tuple[Step, ...]:
    """The steps of a promise, in the order of time.

    ``planned_at`` is the due instant without the ``pauses`` and ``due_at`` with them.
    Raises ``OutOfOpenTime`` when the calendar ends before a step.
    """
    calendar = promise.calendar
    ticking: Ticking = promise.within.ticking(calendar) if isinstance(promise, Target) else calendar
    metric = promise.metric if isinstance(promise, Target) else Metric.RESOLUTION
    whole = ticking.between(counts_from, planned_at)
    if whole < SHORTEST_WARNED:
        return ()
    steps = []
    for escalation in escalations:
        if escalation.metrics is not None and metric not in escalation.metrics:
            continue
        if escalation.after is not None:
            at = calendar.next_opening(escalation.after.due(due_at, calendar))
            steps.append(Step(escalation.name, at, before_due=False))
            continue
        if escalation.before is not None:
            at = _before(escalation.before, calendar, due_at)
        else:
            at = add_without_pauses(ticking, counts_from, whole * (escalation.share or 0.0), pauses)
        at = _waking(at, calendar, due_at)
        if counts_from < at < due_at:
            steps.append(Step(escalation.name, at, before_due=True))
    return tuple(sorted(steps, key=lambda step: step.at))


def _before(amount: Amount, calendar: BusinessCalendar, due_at: datetime) -> datetime:
    ticking = amount.ticking(calendar)
    return ticking.add(due_at, -ticking.between(due_at, amount.due(due_at, calendar)))


def _waking(at: datetime, calendar: BusinessCalendar, due_at: datetime) -> datetime:
    if calendar.is_open(at):
        return at
    opening = calendar.next_opening(at)
    return opening if opening < due_at else calendar.previous_closing(at)
