"""Saying instants, amounts and channels in the words of one language; what is said and when is in ``notes``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.amounts import (
    Amount,
    BusinessDays,
    BusinessDayTime,
    CloseOfBusinessDay,
    Elapsed,
    OpenTime,
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

    def rule(self, rule: str) -> str:
        """What a rule of a classifier sees, whichever language it is of; its id where there are no words for it."""
        return self.texts.get(f"rule.{rule}") or self.texts.get(f"rule.{rule.partition('.')[2]}") or rule

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

    def _duration(self, unit: str, duration: timedelta) -> str:
        for size, name in ((timedelta(hours=1), "hours"), (timedelta(minutes=1), "minutes")):
            if duration % size == timedelta(0) and duration > size:
                return self.say(f"amount.{unit}_{name}", count=str(duration // size))
        return self.say(f"amount.{unit}_seconds", count=str(duration // timedelta(seconds=1)))
