"""From the plugin's ticket to the neutral one (PROTOCOL.md, section 4). One read shows the whole ticket."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from oneclick_sla_osticket.catalogue import FIELD_NAMES, Catalogue
from oneclick_sla_osticket.limits import PLATFORM, unexpected_body
from oneclick_sla_osticket.settings import KnownRequester
from oneclick_sla_plugin.domain.changes import Note, compose
from oneclick_sla_plugin.domain.model import (
    Author,
    Channel,
    Field,
    Message,
    Priority,
    Requester,
    Status,
    StatusChange,
    Ticket,
    Written,
)
from oneclick_sla_plugin.errors import TicketGone
from oneclick_sla_plugin.ports import Request

READ = "read ticket"

_CHANNELS = {
    "email": Channel.EMAIL,
    "web": Channel.WEB_FORM,
    "phone": Channel.PHONE,
    "api": Channel.API,
}
"""What is not listed ("Other") is ``OTHER``."""

_ID = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_NUMBER = re.compile(r"#([A-Za-z0-9._-]{1,20})", re.ASCII)
_ACTORS = {"agent": Author.AGENT, "user": Author.CUSTOMER}


@dataclass(frozen=True, slots=True)
class Account:
    """What reading a ticket needs to know of its account.

    ``channels``: channels by the name of a help topic, for what osTicket has no source for.
    ``tiers``: service levels by the id of an organisation.
    """

    name: str
    catalogue: Catalogue
    channels: Mapping[str, Channel] = field(default_factory=dict)
    known_requester: KnownRequester | None = None
    tiers: Mapping[str, str] = field(default_factory=dict)


def read_request(ticket_id: str) -> Request:
    """Read a ticket by its id, or by the number that people see, with a ``#`` before it.

    Raises ``TicketGone`` for what can be neither.
    """
    if number := _NUMBER.fullmatch(ticket_id):
        return Request("GET", f"/sla/tickets/{number.group(1)}", READ, query=(("by", "number"),))
    if not _ID.fullmatch(ticket_id):
        raise TicketGone(platform=PLATFORM, operation=READ)
    return Request("GET", f"/sla/tickets/{ticket_id}", READ)


def ticket(body: Mapping[str, Any], account: Account) -> Ticket:
    """The neutral ticket. Raises ``TicketGone`` for one in the bin, ``PermanentPlatformError`` for another shape."""
    found = None
    try:
        gone = body["status"]["state"] == "deleted"
        found = None if gone else _build(body, account)
    except (KeyError, TypeError, ValueError, AttributeError):
        gone = False
    # Raised outside the handler: a conversion's error may quote what it was given.
    if gone:
        raise TicketGone(platform=PLATFORM, operation=READ)
    if found is None:
        raise unexpected_body(READ)
    return found


def instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return at


def _build(body: Mapping[str, Any], account: Account) -> Ticket:
    created_at, updated_at = instant(body["created_at"]), instant(body["updated_at"])
    status = account.catalogue.status(body["status"])
    history = body["history"]
    return Ticket(
        platform=PLATFORM,
        account=account.name,
        id=str(body["id"]),
        created_at=created_at,
        updated_at=updated_at,
        channel=_channel(body, account.channels),
        subject=body["subject"],
        status=status,
        tags=frozenset(body["tags"]),
        requester=_requester(body["requester"], account),
        messages=tuple(_message(entry) for entry in body["thread"]),
        status_history=tuple(_status_history(history, created_at, updated_at, status, account.catalogue)),
        fields=_fields(body["fields"]),
        priority=account.catalogue.priority(body["priority"]),
        recipient=body["recipient"],
        created_by=next((_ACTORS.get(each["by"]) for each in history if each["event"] == "created"), None),
        group=_id(body["department"]),
        assignee=_text(body["assignee"]["agent_id"]),
        form=_id(body["topic"]),
        merged_into=_text(body["merged_into"]),
        written=_written(body["record"]),
        version=body["version"],
        number=body["number"],
    )


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _id(named: Mapping[str, Any] | None) -> str | None:
    return None if named is None else str(named["id"])


def _channel(body: Mapping[str, Any], by_topic: Mapping[str, Channel]) -> Channel:
    topic = body["topic"]
    named = by_topic.get(topic["name"]) if topic is not None else None
    return named or _CHANNELS.get(str(body["source"]).lower(), Channel.OTHER)


def _requester(raw: Mapping[str, Any], account: Account) -> Requester:
    organization, rule = raw["organization_id"], account.known_requester
    known = organization is not None if rule is not None and rule.organization else None
    return Requester(id=str(raw["id"]), known=known, tier=account.tiers.get(str(organization)))


def _fields(raw: Mapping[str, Any]) -> dict[Field, str]:
    values = {name: raw.get(shown) for name, shown in FIELD_NAMES.items()}
    return {name: value for name, value in values.items() if isinstance(value, str) and value}


# --- Thread and history -----------------------------------------------------------------------


def _message(entry: Mapping[str, Any]) -> Message:
    text, keys = entry["text"], entry["keys"]
    if keys:
        # Keys stand beside an entry, not in its text; they are put where notes are looked for.
        text += compose(Note(key, "") for key in keys)
    return Message(
        id=str(entry["id"]),
        at=instant(entry["at"]),
        author=_author(entry),
        public=entry["type"] in ("message", "reply"),
        text=text,
        voice=entry["source"] == "Phone",
    )


def _author(entry: Mapping[str, Any]) -> Author:
    if entry["keys"] is not None:
        return Author.US
    if entry["agent_id"] is not None:
        return Author.AGENT
    return Author.CUSTOMER if entry["user_id"] is not None else Author.SYSTEM


def _status_history(
    history: Iterable[Mapping[str, Any]],
    created_at: datetime,
    updated_at: datetime,
    status: Status,
    catalogue: Catalogue,
) -> Iterable[StatusChange]:
    """What the history tells, begun with the creation and ended with the status that the ticket has.

    A reopening does not say to which status it led; the ticket's own is then right if it was the last.
    """
    last = StatusChange(created_at, Status.OPEN)
    yield last
    for entry in history:
        otherwise = {"closed": Status.SOLVED, "reopened": Status.OPEN, "edited": last.status}.get(entry["event"])
        if otherwise is None:
            continue
        now = catalogue.status_of(entry["status_id"], otherwise)
        if now is not last.status:
            last = StatusChange(instant(entry["at"]), now)
            yield last
    if last.status is not status:
        yield StatusChange(max(last.at, updated_at), status)


def _written(record: Any) -> Written | None:
    """What we wrote last; ``None`` for a record that is not ours to read."""
    try:
        priority = record["priority"]
        return Written(
            priority=Priority(priority) if priority else None,
            tags=frozenset(str(tag) for tag in record["tags"]),
            fields={Field(name): str(value) for name, value in record["fields"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
