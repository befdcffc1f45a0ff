"""The neutral ticket and the decision as JSON: what the command line reads and prints.

Reading is strict: unknown keys, missing keys and instants without an offset are
errors, reported with their path and without the value, which may be a customer's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from oneclick_sla_plugin.domain.changes import Changes, Desired, Note
from oneclick_sla_plugin.domain.clocks import Clock
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Context,
    Fields,
    Flag,
    Kind,
    Message,
    Priority,
    Requester,
    Satisfaction,
    Status,
    StatusChange,
    Ticket,
    Written,
    rfc3339,
)
from oneclick_sla_plugin.domain.model import Field as FieldName
from oneclick_sla_plugin.domain.sensitive import Finding
from oneclick_sla_plugin.errors import InputError, problems_of

_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE)


def _instant_of(value: object) -> datetime:
    """https://www.rfc-editor.org/rfc/rfc3339#section-5.6, without leap seconds."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except OverflowError:
            raise ValueError("lies outside the years 1 to 9999") from None
        except ValueError:
            pass
    raise ValueError("is no instant with its offset, such as 2026-11-22T09:00:00-05:00")


_Instant = Annotated[datetime, PlainValidator(_instant_of)]
_Id = Annotated[str, Field(min_length=1)]
_FieldValues = dict[FieldName, str | None]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Requester(_Entry):
    id: _Id
    known: bool | None
    tier: str | None = None


class _Message(_Entry):
    id: _Id
    at: _Instant
    author: Author
    public: bool
    voice: bool | None = None
    text: str


class _StatusChange(_Entry):
    at: _Instant
    status: Status


class _Satisfaction(_Entry):
    score: Literal["good", "bad"]
    at: _Instant


class _Written(_Entry):
    priority: Priority | None = None
    tags: list[str]
    fields: _FieldValues


class _Context(_Entry):
    peak: bool | None = None
    kind: Kind | None = None


class _Ticket(_Entry):
    platform: _Id
    account: _Id
    id: _Id
    number: _Id | None = None
    created_at: _Instant
    updated_at: _Instant
    channel: Channel
    recipient: str | None = None
    subject: str
    status: Status
    priority: Priority | None = None
    tags: list[str]
    fields: _FieldValues
    requester: _Requester
    created_by: Literal["customer", "agent", "system"] | None = None
    messages_visible: bool | None = None
    brand: str | None = None
    group: str | None = None
    assignee: str | None = None
    form: str | None = None
    merged_into: str | None = None
    satisfaction: _Satisfaction | None = None
    written: _Written | None = None
    messages: list[_Message]
    status_history: list[_StatusChange]
    context: _Context | None = None


_NESTED: Mapping[str, Iterable[str]] = {
    "fields": tuple(FieldName),
    "requester": _Requester.model_fields,
    "satisfaction": _Satisfaction.model_fields,
    "written": _Written.model_fields,
    "messages": _Message.model_fields,
    "status_history": _StatusChange.model_fields,
    "context": _Context.model_fields,
}
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,40}|\[key\]")
"""What is repeated of a key that we do not know: a name, but no text."""


def parse_ticket(line: str | bytes) -> Ticket:
    """Read one neutral ticket. Raises ``InputError`` with every problem and its path."""
    try:
        read = _Ticket.model_validate_json(line)
    except ValidationError as error:
        found = [
            {**item, "loc": [part if isinstance(part, int) or _KEY.fullmatch(part) else "?" for part in item["loc"]]}
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise InputError(problems_of(found, known_keys=_Ticket.model_fields, nested=_NESTED)) from None
    context = read.context or _Context()
    return Ticket(
        platform=read.platform,
        account=read.account,
        id=read.id,
        created_at=read.created_at,
        updated_at=read.updated_at,
        channel=read.channel,
        subject=read.subject,
        status=read.status,
        tags=frozenset(read.tags),
        requester=Requester(read.requester.id, read.requester.known, read.requester.tier),
        messages=tuple(
            Message(message.id, message.at, message.author, message.public, message.text, bool(message.voice))
            for message in read.messages
        ),
        status_history=tuple(StatusChange(change.at, change.status) for change in read.status_history),
        fields=_present(read.fields),
        priority=read.priority,
        recipient=read.recipient,
        created_by=Author(read.created_by) if read.created_by else None,
        messages_visible=read.messages_visible is not False,
        brand=read.brand,
        group=read.group,
        assignee=read.assignee,
        form=read.form,
        merged_into=read.merged_into,
        satisfaction=Satisfaction(read.satisfaction.score, read.satisfaction.at) if read.satisfaction else None,
        written=(
            Written(read.written.priority, frozenset(read.written.tags), _present(read.written.fields))
            if read.written
            else None
        ),
        context=Context(context.peak, context.kind),
        number=read.number,
    )


def _present(fields: Mapping[FieldName, str | None]) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def decision_document(decision: Decision, changes: Changes) -> dict[str, Any]:
    """The decision and what would be written, ready for JSON; instants in UTC."""
    return {
        "ticket": decision.ticket,
        "policy": decision.policy,
        "channel": decision.channel,
        "kind": decision.kind,
        "priority": {"value": decision.priority.value, "because": list(decision.priority.because)},
        "complaint": _complaint(decision),
        "clocks": [_clock(clock) for clock in decision.clocks],
        "findings": [finding_document(finding) for finding in decision.findings],
        "flags": {
            **{flag.value: flag in decision.flags for flag in Flag},
            "info_missing": list(decision.info_missing),
        },
        "desired": _desired(decision.desired),
        "changes": _changes(changes),
        "next_look_at": _instant(decision.next_look_at),
    }


def _complaint(decision: Decision) -> dict[str, Any]:
    if decision.complaint is None:
        return {"verdict": "no", "type": None, "stage": None, "number": None, "because": []}
    case = decision.complaint.case
    return {
        "verdict": "auto" if case.registered else "suggested",
        "type": case.type,
        "stage": case.stage,
        "number": decision.complaint.number,
        "because": [{"rule": rule, "score": weight} for rule, weight in case.rules],
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding, ready for JSON: masked, with its place in characters of the message as written."""
    return {
        "type": finding.type,
        "message": finding.message,
        "start": finding.start,
        "end": finding.end,
        "masked": finding.masked,
        "confidence": finding.confidence,
        "level": finding.level,
    }


def _clock(clock: Clock) -> dict[str, Any]:
    return {
        "metric": clock.metric,
        "started_at": _instant(clock.started_at),
        "due_at": _instant(clock.due_at),
        "warn_at": _instant(clock.warn_at),
        "state": clock.state,
        "met_at": _instant(clock.met_at),
        "because": clock.because,
    }


def _desired(desired: Desired) -> dict[str, Any]:
    return {
        "priority": desired.priority,
        "tags": sorted(desired.tags),
        "fields": dict(desired.fields),
        "notes": [_note(note) for note in desired.notes],
        "reply": _note(desired.reply) if desired.reply else None,
    }


def _changes(changes: Changes) -> dict[str, Any]:
    return {
        "priority": changes.priority,
        "add_tags": sorted(changes.add_tags),
        "remove_tags": sorted(changes.remove_tags),
        "fields": dict(changes.fields),
        "notes": [_note(note) for note in changes.notes],
        "reply": _note(changes.reply) if changes.reply else None,
    }


def _note(note: Note) -> dict[str, str]:
    return {"key": note.key, "text": note.text}


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
