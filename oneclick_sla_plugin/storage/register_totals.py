"""Totals of a period, from complaints as the register has them.

A complaint belongs to the period in which it was received. It was acknowledged, or
answered, in time when the first event that did so came at or before the instant
that the event itself names as due (``due_at``); events that the ticket does not
show any more do not count. One that still waits is late once the due instant of its
registration, or of its last extension, has passed. Where no event names a due
instant there is no deadline, and no share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from oneclick_sla_plugin.domain.complaint import Happened, Stage
from oneclick_sla_plugin.storage.register_records import OVER, Complaint, RecordedEvent, instant_fact

_ENDS = frozenset({Happened.CLOSED, Happened.REJECTED, Happened.WITHDRAWN, Happened.DUPLICATED})
_GONE = OVER - {Stage.CLOSED}
"""Nobody owes an answer to these."""

NO_TYPE = "none"
"""Under which complaints are counted that have no type."""


@dataclass(frozen=True, slots=True)
class Timeliness:
    """How many complaints of a period kept one deadline.

    ``late``: it came too late, or has not come and is overdue; ``waiting``: it has
    not come and is not overdue; ``undated``: it came, and no deadline is known.
    """

    in_time: int = 0
    late: int = 0
    waiting: int = 0
    undated: int = 0

    @property
    def share(self) -> float | None:
        """In time of those of which it is known, from 0 to 1; ``None`` where there are none."""
        known = self.in_time + self.late
        return self.in_time / known if known else None


@dataclass(frozen=True, slots=True)
class Totals:
    """The register over [``since``, ``until``).

    Open at an instant: received before it and then neither closed, rejected,
    withdrawn nor known as a duplicate. ``extended`` and ``reopened`` count complaints,
    not events; ``suspects_*`` are suspicions of the period that never got a number.
    """

    since: datetime
    until: datetime
    received: int
    by_type: Mapping[str, int]
    by_channel: Mapping[str, int]
    acknowledged: Timeliness
    answered: Timeliness
    extended: int
    reopened: int
    duplicates: int
    rejected: int
    withdrawn: int
    open_at_begin: int
    open_at_end: int
    suspects_rejected: int
    suspects_waiting: int


def totals(complaints: Iterable[Complaint], since: datetime, until: datetime, now: datetime) -> Totals:
    """The totals of [``since``, ``until``) as they are known at ``now``."""
    known = list(complaints)
    numbered = [one for one in known if one.number is not None]
    received = [one for one in numbered if since <= one.received_at < until]
    suspects = [one for one in known if one.number is None and since <= one.received_at < until]
    stages = Counter(one.stage for one in received)
    return Totals(
        since=since,
        until=until,
        received=len(received),
        by_type=_counted(one.type.value if one.type else NO_TYPE for one in received),
        by_channel=_counted(one.channel.value for one in received),
        acknowledged=_timeliness(received, Happened.ACKNOWLEDGED, now),
        answered=_timeliness(received, Happened.RESPONDED, now),
        extended=sum(one.count(Happened.EXTENDED) > 0 for one in received),
        reopened=sum(one.count(Happened.REOPENED) > 0 for one in received),
        duplicates=stages[Stage.DUPLICATE],
        rejected=stages[Stage.REJECTED],
        withdrawn=stages[Stage.WITHDRAWN],
        open_at_begin=sum(_open_at(one, since) for one in numbered),
        open_at_end=sum(_open_at(one, until) for one in numbered),
        suspects_rejected=sum(one.stage is Stage.REJECTED for one in suspects),
        suspects_waiting=sum(one.stage is Stage.SUSPECTED for one in suspects),
    )


def _counted(values: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(values).items()))


def _timeliness(complaints: Iterable[Complaint], what: Happened, now: datetime) -> Timeliness:
    counts = Counter(_verdict(one, what, now) for one in complaints)
    return Timeliness(counts["in_time"], counts["late"], counts["waiting"], counts["undated"])


def _verdict(one: Complaint, what: Happened, now: datetime) -> str:
    event = one.first(what)
    due = None if event is None else instant_fact(event, "due_at")
    if what is Happened.ACKNOWLEDGED:
        answer = one.first(Happened.RESPONDED)
        if answer is not None and (event is None or answer.at < event.at):  # a direct answer acknowledges too
            event, due = answer, _acknowledgement_due_at(one)
    if event is not None:
        return "undated" if due is None else "in_time" if event.at <= due else "late"
    if one.stage in _GONE:
        return "gone"
    due = _acknowledgement_due_at(one) if what is Happened.ACKNOWLEDGED else one.response_due_at
    return "late" if due is not None and due < now else "waiting"


def _acknowledgement_due_at(one: Complaint) -> datetime | None:
    registered = one.first(Happened.REGISTERED)
    return None if registered is None else instant_fact(registered, "ack_due_at")


def _open_at(one: Complaint, at: datetime) -> bool:
    if one.received_at >= at:
        return False
    changes = [event for event in one.events if event.standing and event.at < at and _opens(event) is not None]
    latest = max(changes, key=lambda event: (event.at, event.position), default=None)
    return latest is None or _opens(latest) is True


def _opens(event: RecordedEvent) -> bool | None:
    """Whether an event opens a complaint, or closes it; ``None`` for all others."""
    if event.what == Happened.REOPENED:
        return True
    return False if event.what in _ENDS else None
