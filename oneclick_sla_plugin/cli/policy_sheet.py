"""A policy on the screen: each clause, what it promises, and what the program does for it; and the same as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.cli.explanation import METRICS
from oneclick_sla_plugin.cli.screen import heading, printable
from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.explanation import asked_by
from oneclick_sla_plugin.domain.policy import Condition, Escalation, From, Policy, Target, Timing

_HOLIDAYS_SHOWN = 3
_HOLIDAYS_WITHIN = 400
"""Days in which the next holidays are looked for."""
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the sheet: where it is written, what is promised and what the program does."""

    clause: str
    promise: str
    program: tuple[str, ...]


def rows_of(policy: Policy) -> list[Row]:
    """All that a policy says, in the order of its clauses."""
    return sorted(_rows(policy), key=lambda row: [int(number) for number in _NUMBER.findall(row.clause)][:2])


def _rows(policy: Policy) -> Iterator[Row]:
    for target in policy.targets:
        yield Row(target.clause, target.title, _target(target))
    if policy.estimate is not None:
        estimate = policy.estimate
        does = f"Resolution: the date promised to the customer, calendar {estimate.calendar_name}"
        yield Row(estimate.clause, estimate.title, (does, "no date after the first reply: tag sla_estimate_missing"))
    for channel_rule in policy.channel_rules:
        yield Row(channel_rule.clause, _asked(channel_rule.when), (f"channel {channel_rule.value}",))
    for kind_rule in policy.kind_rules:
        yield Row(kind_rule.clause, _asked(kind_rule.when), (f"kind {kind_rule.value}",))
    for priority_rule in policy.priority_rules:
        yield Row(priority_rule.clause, _asked(priority_rule.when), (f"priority {priority_rule.value}",))
    if policy.delay_clause is not None:
        does = "at the warning point a delay notice is drafted, with the promised date or a blank"
        yield Row(policy.delay_clause, "delays are announced with an estimate", (does,))


def _target(target: Target) -> tuple[str, ...]:
    since = ", from the next opening" if target.begins is From.OPENING else ""
    parts = [f"{METRICS[target.metric]}: {target.within}{since}, calendar {target.calendar_name}"]
    asked = _asked(target.when, target.timing)
    if asked != _ALWAYS:
        parts.append(f"when {asked}")
    if target.acknowledgement:
        parts.append("an automatic acknowledgement counts")
    if target.pauses:
        parts.append(f"stands still while {', '.join(sorted(target.pauses))}")
    if target.ambiguous:
        parts.append("the words have another reading: see policy validate")
    return tuple(parts)


_ALWAYS = "always"


def _asked(*conditions: Condition | Timing) -> str:
    asked = [
        f"{name.replace('_', ' ')} {', '.join(map(printable, words))}"
        for condition in conditions
        for name, words in asked_by(condition)
    ]
    return "; ".join(asked) or _ALWAYS


def _escalation(escalation: Escalation) -> str:
    if escalation.share is not None:
        at = f"at {escalation.share:.0%} of the time"
    elif escalation.before is not None:
        at = f"{escalation.before} before the due instant"
    else:
        at = f"{escalation.after} after the due instant"
    only = f", for {', '.join(sorted(escalation.metrics))}" if escalation.metrics is not None else ""
    return f"{escalation.name} {at}{only}"


def next_holidays(calendar: BusinessCalendar, now: datetime) -> Iterator[tuple[date, str]]:
    """The next few holidays of a calendar, from the local date of ``now`` on, with their names."""
    today = calendar.local_date(now)
    found = 0
    for day in (today + timedelta(days=n) for n in range(_HOLIDAYS_WITHIN)):
        name = calendar.holiday_name(day)
        if name is not None and found < _HOLIDAYS_SHOWN:
            found += 1
            yield day, name


# --- on the screen -----------------------------------------------------------------------------


def print_policy(console: Console, policy: Policy, tables: Mapping[str, Any], now: datetime) -> None:
    """Print the sheet. ``tables``: the file's own, for the opening hours in its words."""
    console.print(heading(printable(policy.title)))
    console.print(Text(f"{printable(str(policy))}, {policy.time_zone.key}"))
    for line in _dates(policy, now):
        console.print(Text(line))
    console.print()
    sheet = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    sheet.add_column("§", no_wrap=True)
    sheet.add_column("promise", ratio=2)
    sheet.add_column("what the program does", ratio=3)
    for row in rows_of(policy):
        sheet.add_row(printable(row.clause), printable(row.promise), "\n".join(map(printable, row.program)))
    console.print(sheet)
    console.print()
    console.print(_facts(policy, tables, now))


def _dates(policy: Policy, now: datetime) -> Iterator[str]:
    if policy.effective_from is not None:
        open_too = ", for tickets open then too" if policy.applies_to_open else ""
        yield f"in force from {policy.effective_from}{open_too}"
    if policy.review_by is not None:
        passed = now.astimezone(policy.time_zone).date() > policy.review_by
        yield f"to be reviewed by {policy.review_by}{', which has passed' if passed else ''}"


def _facts(policy: Policy, tables: Mapping[str, Any], now: datetime) -> Table:
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(no_wrap=True)
    facts.add_column()
    channels = ", ".join(channel for channel in tables["channels"])
    facts.add_row("channels", Text(f"{channels}; every other follows {policy.default_channel}"))
    facts.add_row("owners", Text(_owners(policy)))
    facts.add_row("warnings", Text("\n".join(_escalation(escalation) for escalation in policy.escalations)))
    for name, calendar in policy.calendars.items():
        facts.add_row("calendar", Text(f"{name}: {_hours(tables['calendars'][name]['hours'])}"))
        for line in _calendar(calendar, tables["calendars"][name], policy, now):
            facts.add_row("", Text(f"  {line}"))
    return facts


def _owners(policy: Policy) -> str:
    named = (f"{channel}: {printable(owner)}" for channel, owner in policy.owners.items())
    return "; ".join(named) or "none named; an account may name them"


def _hours(hours: Mapping[str, Iterable[str]]) -> str:
    return "; ".join(f"{days} {', '.join(windows) or 'closed'}" for days, windows in hours.items())


def _calendar(calendar: BusinessCalendar, table: Mapping[str, Any], policy: Policy, now: datetime) -> Iterator[str]:
    if calendar.time_zone.key != policy.time_zone.key:
        yield f"in {calendar.time_zone.key}"
    holidays = table.get("holidays", {})
    if "country" in holidays:
        place = "-".join(holidays[key] for key in ("country", "subdivision") if key in holidays)
        yield f"holidays of {place} (holidays {policy.holidays_version})"
    for day, name in next_holidays(calendar, now):
        yield f"{day:%a} {day} {printable(name)}".rstrip()
    for day, windows in table.get("exceptions", {}).items():
        yield f"{day} {', '.join(windows) or 'closed'} instead"


# --- as data -----------------------------------------------------------------------------------


def policy_document(policy: Policy, tables: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The same as data; targets and rules in the words of the file."""
    return {
        "id": policy.id,
        "version": policy.version,
        "title": policy.title,
        "language": policy.language,
        "time_zone": policy.time_zone.key,
        "effective_from": policy.effective_from.isoformat() if policy.effective_from else None,
        "review_by": policy.review_by.isoformat() if policy.review_by else None,
        "channels": list(tables["channels"]),
        "default_channel": policy.default_channel,
        "owners": dict(policy.owners),
        "escalations": [_escalation(escalation) for escalation in policy.escalations],
        "clauses": [
            {"clause": row.clause, "promise": row.promise, "program": "; ".join(row.program)} for row in rows_of(policy)
        ],
        "targets": [_target_document(target) for target in policy.targets],
        "calendars": [
            {
                "name": name,
                "time_zone": calendar.time_zone.key,
                "hours": tables["calendars"][name]["hours"],
                "next_holidays": [
                    {"date": day.isoformat(), "name": called} for day, called in next_holidays(calendar, now)
                ],
            }
            for name, calendar in policy.calendars.items()
        ],
        "holidays_version": policy.holidays_version,
    }


def _target_document(target: Target) -> dict[str, Any]:
    return {
        "name": target.name,
        "metric": target.metric,
        "clause": target.clause,
        "title": target.title,
        "within": str(target.within),
        "calendar": target.calendar_name,
        "begins": target.begins,
        "when": {name: list(words) for asked in (target.when, target.timing) for name, words in asked_by(asked)},
        "acknowledgement": target.acknowledgement,
        "pauses": sorted(target.pauses),
        "ambiguous": target.ambiguous,
    }
