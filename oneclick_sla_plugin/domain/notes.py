"""What agents are told in the ticket: short, one note a fact, in the account's language.

A note says what, why (the clause) and what the agent can do. It holds no text of
the customer. Words come from outside (:class:`Wording`); what is said and when is
decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.changes import Note
from oneclick_sla_plugin.domain.clocks import SHORTEST_WARNED, Clock, ClockState
from oneclick_sla_plugin.domain.model import Channel, Metric
from oneclick_sla_plugin.domain.policy import (
    Amount,
    BusinessDays,
    BusinessDayTime,
    CloseOfBusinessDay,
    Elapsed,
    OpenTime,
    Policy,
)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language for readers in one time zone.

    ``texts``: templates by key, with named places in braces. ``days`` begin with
    Monday, ``months`` with January.
    """

    language: str
    zone: ZoneInfo
    texts: Mapping[str, str] = field(repr=False)
    days: tuple[str, ...] = field(repr=False)
    months: tuple[str, ...] = field(repr=False)

    def say(self, key: str, **places: str) -> str:
        return self.texts[key].format_map(places)

    def instant(self, at: datetime) -> str:
        """For instance ``Wed 14 May 2025, 10:00``, in the reader's zone; midnight is the end of the day before."""
        local = at.astimezone(self.zone)
        clock = local.strftime("%H:%M:%S" if local.second else "%H:%M")
        if clock == "00:00":
            local, clock = local - timedelta(days=1), "24:00"
        return f"{self.days[local.weekday()]} {local.day} {self.months[local.month - 1]} {local.year}, {clock}"

    def amount(self, amount: Amount) -> str:
        match amount:
            case Elapsed(duration):
                return self._duration("elapsed", duration)
            case OpenTime(duration):
                return self._duration("open", duration)
            case BusinessDayTime(duration):
                return self._duration("business_day", duration)
            case BusinessDays(days):
                return self.say("amount.business_days", count=str(days))
            case CloseOfBusinessDay():
                return self.say("amount.close_of_business_day")
        return str(amount)

    def channel(self, channel: Channel) -> str:
        return self.texts[f"channel.{channel}"]

    def _duration(self, unit: str, duration: timedelta) -> str:
        for size, name in ((timedelta(hours=1), "hours"), (timedelta(minutes=1), "minutes")):
            if duration % size == timedelta(0) and duration > size:
                return self.say(f"amount.{unit}_{name}", count=str(duration // size))
        return self.say(f"amount.{unit}_seconds", count=str(duration // timedelta(seconds=1)))


def clock_notes(clock: Clock, channel: Channel, policy: Policy, wording: Wording) -> tuple[Note, ...]:
    """The notes that a clock asks for as it stands: when it is due, or that it was missed."""
    metric = clock.metric.replace("_", "-")
    if clock.state is ClockState.RUNNING and clock.due_at - clock.started_at >= SHORTEST_WARNED:
        kind = "due"
    elif clock.state is ClockState.BREACHED and clock.met_at is None:
        kind = "breached"
    else:
        return ()
    text = wording.say(
        f"{_TEXT_OF[clock.metric]}.{kind}",
        due=wording.instant(clock.due_at),
        zone=wording.zone.key,
        clause=clock.target.clause,
        channel=wording.channel(channel),
        amount=wording.amount(clock.target.within),
        policy=policy.title,
    )
    return (Note(f"{metric}-{kind}", text),)


_TEXT_OF: Mapping[Metric, str] = {Metric.FIRST_REPLY: "note.first_reply"}
