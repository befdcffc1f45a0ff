"""What came of the demo's messages on each helpdesk, and whether it is what it must be.

The same message has to come to the same decision everywhere. What may differ is what
a helpdesk cannot do, which its platform states (``ports.Capabilities``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.cli.demo.script import Expected, ScriptedAccount, ScriptedTicket
from oneclick_sla_plugin.cli.screen import listed
from oneclick_sla_plugin.domain.changes import Changes, diff, note_keys
from oneclick_sla_plugin.domain.clocks import Clock
from oneclick_sla_plugin.domain.complaint import Stage
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.explanation import Explanation
from oneclick_sla_plugin.domain.field_labels import FIELD_LABELS
from oneclick_sla_plugin.domain.model import TAG_PREFIX, Channel, Field, Metric, Ticket
from oneclick_sla_plugin.ports import AgentView, Capabilities
from oneclick_sla_plugin.storage.register_check import Verification
from oneclick_sla_plugin.storage.register_records import Complaint, number_of
from oneclick_sla_plugin.storage.register_totals import Totals


@dataclass(frozen=True, slots=True)
class Helpdesk:
    """A platform of the demo: its name, what it states that it can do, and what its connection offers besides."""

    name: str
    capabilities: Capabilities
    redacts: bool
    knows_people: bool

    def tells(self, channel: Channel) -> bool:
        return channel in self.capabilities.channels

    def mistaken_channels(self) -> str:
        """Which channels it cannot tell, in words; empty where there are none."""
        if not (channels := frozenset(Channel) - self.capabilities.channels):
            return ""
        names = listed(sorted(channel.replace("_", " ") for channel in channels))
        return f"takes {names} for another channel, whose rules then hold"

    def shortcomings(self) -> Iterator[str]:
        """What it cannot do that others can, in words."""
        if mistaken := self.mistaken_channels():
            yield mistaken
        if fields := frozenset(Field) - self.capabilities.fields:
            yield f"has no place for {listed(sorted(FIELD_LABELS[field] for field in fields))}"
        if not self.capabilities.locking:
            yield "has no locking: what an agent does while an update is on its way may be overwritten"
        if not self.redacts:
            yield "offers no redaction to programs: agents remove sensitive data by hand"
        if not self.knows_people:
            yield "does not tell programs who a customer is: the printed sheet leaves lines to write on"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One message on one helpdesk at the end: the ticket as agents and as the program see it, and the decision."""

    helpdesk: Helpdesk
    view: AgentView
    ticket: Ticket
    decision: Decision
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the complaint that is followed shows on each helpdesk after something happened, and what is due next."""

    at: datetime
    told: str
    stages: Mapping[str, str | None]
    duty: Clock | None
    expected: Stage

    @property
    def wrong(self) -> tuple[str, ...]:
        return tuple(
            f"{helpdesk}: {stage} instead of {self.expected} once {self.told}"
            for helpdesk, stage in self.stages.items()
            if stage != self.expected
        )


@dataclass(frozen=True, slots=True)
class Result:
    """One message of the script and what came of it, a helpdesk after the other."""

    script: ScriptedTicket
    account: ScriptedAccount
    outcomes: tuple[Outcome, ...]
    explanation: Explanation | None
    chapters: tuple[Chapter, ...]

    @property
    def decision(self) -> Decision:
        """The decision, which is the same on all that tell the message's channel, unless something is wrong."""
        able = (outcome for outcome in self.outcomes if outcome.helpdesk.tells(self.script.channel))
        return next(able, self.outcomes[0]).decision

    @property
    def wrong(self) -> tuple[str, ...]:
        found = [f"{outcome.helpdesk.name}: {what}" for outcome in self.outcomes for what in outcome.wrong]
        return (*found, *(what for chapter in self.chapters for what in chapter.wrong))


@dataclass(frozen=True, slots=True)
class RegisterPages:
    """What stands in the complaint register at the end, and one complaint ``printed``; ``sheet`` is HTML."""

    zone: ZoneInfo
    complaints: Sequence[Complaint]
    verification: Verification
    totals: Totals
    printed: Complaint
    sheet: str

    def deviations(self, expected: int) -> Iterator[str]:
        """What is not as it must be after ``expected`` complaints went the whole way in time, with an extension each."""
        totals = self.totals
        compared = {
            "complaints registered": totals.received,
            "acknowledged in time": totals.acknowledged.in_time,
            "answered in time": totals.answered.in_time,
            "extended": totals.extended,
            "closed": sum(one.stage is Stage.CLOSED for one in self.complaints),
            "numbers without a gap": len(_gapless(self.complaints)),
        }
        yield from (f"{what}: {is_} instead of {expected}" for what, is_ in compared.items() if is_ != expected)
        yield from (f"the register is not intact: {fault.where}, {fault.what}" for fault in self.verification.faults)
        if str(self.printed.number) not in self.sheet:
            yield "the printed sheet has no number"


def _gapless(complaints: Sequence[Complaint]) -> set[str]:
    year = complaints[0].received_at.year
    return {one.number for one in complaints if one.number} & {
        number_of("", year, n) for n in range(1, len(complaints) + 1)
    }


@dataclass(frozen=True, slots=True)
class Performance:
    """The whole demo at its end."""

    helpdesks: Sequence[Helpdesk]
    began: datetime
    ended: datetime
    results: Sequence[Result]
    register: RegisterPages

    @property
    def wrong(self) -> tuple[str, ...]:
        followed = sum(bool(result.chapters) for result in self.results) * len(self.helpdesks)
        found = [f"{result.script.subject}: {what}" for result in self.results for what in result.wrong]
        return (*found, *self.register.deviations(followed))


def first_reply(decision: Decision) -> Clock | None:
    return next((clock for clock in decision.clocks if clock.metric is Metric.FIRST_REPLY), None)


def next_duty(decision: Decision) -> Clock | None:
    """Of what a complaint's clocks still want, the earliest."""
    owed = [clock for clock in decision.clocks if clock.running and clock.metric.startswith("complaint_")]
    return min(owed, key=lambda clock: clock.due_at, default=None)


def reasons(decision: Decision) -> list[str]:
    """Why: the clauses behind the priority and the clocks."""
    return [*decision.priority.because, *(clock.because for clock in decision.clocks)]


def judged(script: ScriptedTicket, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes, each with what is wrong with it.

    Everything decided must stand on the ticket. Where the helpdesk tells the message's
    channel, it must be as the script expects and as on the others.
    """
    able = [outcome for outcome in outcomes if outcome.helpdesk.tells(script.channel)]
    found = []
    for outcome in outcomes:
        wrong = [*_unwritten(diff(outcome.ticket, outcome.decision.desired))]
        if outcome in able:
            wrong += [*_unexpected(script.expect, outcome), *differences(outcome, able[0])]
        found.append(replace(outcome, wrong=tuple(wrong)))
    return tuple(found)


def differences(outcome: Outcome, other: Outcome) -> list[str]:
    """In what the outcomes of one message differ on two helpdesks that could both do what was asked."""
    fields = outcome.helpdesk.capabilities.fields & other.helpdesk.capabilities.fields
    mine, theirs = _aspects(outcome, fields), _aspects(other, fields)
    return [f"{name} is not as on {other.helpdesk.name}" for name in mine if mine[name] != theirs[name]]


def _unexpected(expected: Expected, outcome: Outcome) -> Iterator[str]:
    ticket, decision = outcome.ticket, outcome.decision
    clock = first_reply(decision)
    compared: dict[str, tuple[object, object]] = {
        "priority": (ticket.priority, expected.priority),
        "due": (clock.due_at if clock else None, expected.due),
        "state": (clock.state.value if clock else None, expected.state),
        "clause": (any(text.startswith(expected.clause) for text in reasons(decision)), True),
        **{tag: (tag in ticket.tags, True) for tag in {f"sla_priority_{expected.priority}", *expected.tags}},
    }
    return (f"{what}: {is_} instead of {should}" for what, (is_, should) in compared.items() if is_ != should)


def _unwritten(changes: Changes) -> Iterator[str]:
    if changes:
        names = [*changes.fields, *changes.add_tags, *changes.remove_tags, *(note.key for note in changes.notes)]
        yield f"decided and not written: {', '.join(map(str, names)) or 'priority or reply'}"


def _aspects(outcome: Outcome, fields: frozenset[Field]) -> dict[str, object]:
    """What must be the same everywhere. Ids are a helpdesk's own, numbers are given once."""
    ticket, decision = outcome.ticket, outcome.decision
    own = {Field.COMPLAINT_NUMBER} | frozenset(Field) - fields
    return {
        "the channel": decision.channel,
        "the kind": decision.kind,
        "the priority": ticket.priority,
        "a clock": [(clock.metric, clock.due_at, clock.state, clock.because) for clock in decision.clocks],
        "the complaint": (decision.complaint.case.stage, decision.complaint.case.type) if decision.complaint else None,
        "a finding": [(found.type, found.start, found.end, found.masked) for found in decision.findings],
        "a flag": (decision.flags, decision.info_missing),
        "a tag": {tag for tag in ticket.tags if tag.startswith(TAG_PREFIX)},
        "a field": {name: value for name, value in ticket.fields.items() if name not in own},
        "a note": {key.partition(".")[0] for key in note_keys(ticket)},
    }


def document(result: Result) -> dict[str, Any]:
    """A result ready for JSON."""
    return {
        "account": result.account.name,
        "channel": result.script.channel,
        "subject": result.script.subject,
        "because": reasons(result.decision),
        "as_expected": not result.wrong,
        "wrong": list(result.wrong),
        "helpdesks": {outcome.helpdesk.name: _outcome_document(outcome) for outcome in result.outcomes},
    }


def _outcome_document(outcome: Outcome) -> Mapping[str, Any]:
    view = outcome.view
    return {
        "id": view.id,
        "channel": outcome.decision.channel,
        "status": view.status,
        "priority": view.priority,
        "tags": sorted(view.tags),
        "fields": dict(view.fields),
        "notes": list(view.notes),
        "writes": view.writes,
    }
