"""Time that does not count: the spans of a ticket's status history, and adding time around them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from oneclick_sla_plugin.domain.amounts import Ticking
from oneclick_sla_plugin.domain.model import Status, Ticket

SETTLED = frozenset({Status.SOLVED, Status.CLOSED})

_AT = attrgetter("at")
_BEGINS = attrgetter("begins")


class Pause(NamedTuple):
    """A half-open interval during which a ticket's clock stands still, and the status that caused it.

    A tuple, since a long history has hundreds at each look, and a frozen dataclass takes twice as long to make.
    """

    begins: datetime
    ends: datetime
    status: Status | None = None


def pauses_of(ticket: Ticket, statuses: Collection[Status], since: datetime, until: datetime) -> tuple[Pause, ...]:
    """The spans between ``since`` and ``until`` that the ticket spent in ``statuses``, oldest first.

    Changes out of order are put in order; changes of one instant keep theirs, so
    that the last of them holds.
    """
    if not statuses:
        return ()
    spans = []
    ends = until
    for change in sorted(ticket.status_history, key=_AT)[::-1]:
        at = change.at
        if change.status in statuses:
            begins = at if at > since else since  # noqa: FURB136 - a year of history passes here: no calls
            if begins < ends:
                spans.append(Pause(begins, ends, change.status))
        if at <= since:  # what came before was over by then
            break
        if at < ends:  # noqa: PLR1730 - likewise
            ends = at
    return tuple(spans[::-1])


def settled_at(ticket: Ticket) -> datetime | None:
    """When the ticket was solved for the last time; ``None`` while it is open.

    A platform that tells no history leaves the last update as the best answer.
    """
    if not ticket.settled:
        return None
    history = sorted(ticket.status_history, key=_AT)
    at = None
    for change in history:
        if change.status not in SETTLED:
            at = None
        elif at is None:
            at = change.at
    return at or ticket.updated_at


def add_without_pauses(ticking: Ticking, start: datetime, amount: timedelta, pauses: Iterable[Pause]) -> datetime:
    """When ``amount`` has been counted since ``start``, with the pauses not counted.

    Pauses may overlap, be out of order, or lie before ``start``. ``amount`` is not negative.
    """
    at, left = start, amount
    for pause in sorted(pauses, key=_BEGINS):
        if pause.begins > at:
            counted = ticking.between(at, pause.begins)
            if counted >= left:
                break
            left -= counted
        at = max(at, pause.ends)
    return ticking.add(at, left)
