"""What if another policy held: the same tickets under two policies.

Tickets come one by one and are let go again; what stays are counts, whose number
depends on channels and metrics only, not on how many tickets there were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from oneclick_sla_plugin.domain.calendar import resolve_wall
from oneclick_sla_plugin.domain.clocks import Clock, ClockState
from oneclick_sla_plugin.domain.decision import Judgement, judge
from oneclick_sla_plugin.domain.model import Channel, Kind, Metric, Priority, Ticket
from oneclick_sla_plugin.domain.policy import Facts, Policy


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of a ticket under both policies; ``None`` where a policy's clock does not run."""

    metric: Metric
    old: Clock | None
    new: Clock | None

    @property
    def changed(self) -> bool:
        """Whether another due instant or another state comes of the new policy."""
        if self.old is None or self.new is None:
            return self.old is not self.new
        return self.old.due_at != self.new.due_at or self.old.state is not self.new.state


@dataclass(frozen=True, slots=True)
class Comparison:
    """A ticket judged by both policies at the same instant; ``clocks``: every metric that either measures."""

    old: Judgement
    new: Judgement
    clocks: tuple[Difference, ...]

    @property
    def priority_changed(self) -> bool:
        return self.old.priority.value is not self.new.priority.value

    @property
    def changed(self) -> bool:
        return self.priority_changed or any(clock.changed for clock in self.clocks)


@dataclass(slots=True)
class Tally:
    """How many clocks ended, or stand, in each state."""

    states: Counter[ClockState] = field(default_factory=Counter)

    @property
    def met_share(self) -> float | None:
        """Met among met and breached; ``None`` when there are neither."""
        decided = self.states[ClockState.MET] + self.states[ClockState.BREACHED]
        return self.states[ClockState.MET] / decided if decided else None


@dataclass(frozen=True, slots=True)
class Share:
    """One channel and metric under both policies. A channel is what each policy takes the ticket's to be."""

    channel: Channel
    metric: Metric
    old: Tally
    new: Tally


class Simulation:
    """Counts what ``new`` would make of tickets that ``old`` judges now."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self.old, self.new = old, new
        self.tickets = 0
        self.changed = 0
        self.priorities_changed = 0
        self._old: dict[tuple[Channel, Metric], Tally] = {}
        self._new: dict[tuple[Channel, Metric], Tally] = {}

    def add(self, ticket: Ticket, now: datetime) -> Comparison:
        """Judge a ticket by both policies as it stands at ``now`` and count it; raises what ``judge`` raises."""
        old, new = judge(ticket, self.old, now), judge(ticket, self.new, now)
        comparison = Comparison(old, new, _pair(old, new))
        _count(self._old, old)
        _count(self._new, new)
        self.tickets += 1
        self.changed += comparison.changed
        self.priorities_changed += comparison.priority_changed
        return comparison

    def shares(self) -> Iterator[Share]:
        """All channels and metrics of which a clock was measured, in the order of the vocabularies."""
        for channel in Channel:
            for metric in Metric:
                key = (channel, metric)
                if key in self._old or key in self._new:
                    yield Share(channel, metric, self._old.get(key, Tally()), self._new.get(key, Tally()))


def _pair(old: Judgement, new: Judgement) -> tuple[Difference, ...]:
    before = {clock.metric: clock for clock in old.clocks}
    after = {clock.metric: clock for clock in new.clocks}
    return tuple(Difference(metric, before.get(metric), after.get(metric)) for metric in {**before, **after})


def _count(tallies: dict[tuple[Channel, Metric], Tally], judged: Judgement) -> None:
    for clock in judged.clocks:
        key = (judged.facts.channel, clock.metric)
        tallies.setdefault(key, Tally()).states[clock.state] += 1


# --- Examples, where there are no tickets ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """Something received at an instant that is due otherwise; ``None`` where a policy promises nothing."""

    channel: Channel
    metric: Metric
    peak: bool
    received_at: datetime
    old: datetime | None
    new: datetime | None


_COMPLAINT = frozenset(metric for metric in Metric if metric.startswith("complaint"))
_DAYS = 14
_TIMES = (time(10), time(17, 30), time(22))
"""In and after usual hours, and late."""


def examples(old: Policy, new: Policy, now: datetime) -> Iterator[Example]:
    """For each channel and metric the first receipt in the fortnight after ``now`` that is due otherwise.

    Receipts are mornings, late afternoons and nights of every day in the time zone of
    ``old``, outside peaks and, if nothing differs there, within one.
    """
    today = now.astimezone(old.time_zone).date()
    receipts = [
        resolve_wall(datetime.combine(today + timedelta(days=day), at), old.time_zone)
        for day in range(1, _DAYS + 1)
        for at in _TIMES
    ]
    for channel in Channel:
        if channel not in old.channels | new.channels:
            continue
        for metric in Metric:
            tried = (_example(old, new, channel, metric, peak, at) for peak in (False, True) for at in receipts)
            first = next((example for example in tried if example.old != example.new), None)
            if first is not None:
                yield first


def _example(old: Policy, new: Policy, channel: Channel, metric: Metric, peak: bool, at: datetime) -> Example:
    kind = Kind.COMPLAINT if metric in _COMPLAINT else Kind.UNKNOWN
    facts = Facts(channel, kind, None, frozenset(), None, peak, None, priority=Priority.NORMAL)
    dues = (target.due(at) if (target := policy.target(metric, facts, at)) else None for policy in (old, new))
    return Example(channel, metric, peak, at, *dues)
