"""From the difference that has to be written to one set of changes (PROTOCOL.md, section 5).

Everything goes in one request, a reply to the customer too. The plugin refuses it
when the ticket has moved, and knows it again by its key.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oneclick_sla_osticket.catalogue import FIELD_NAMES, Catalogue
from oneclick_sla_plugin.domain.changes import Changes, Note
from oneclick_sla_plugin.domain.model import Field, SlaState, Ticket, Written
from oneclick_sla_plugin.exchanges import json_request
from oneclick_sla_plugin.ports import Request

WRITE = "write ticket"

NOTE_TITLE = "SLA"

LONGEST_TEXT = 60_000
"""Bytes of a note or reply as HTML."""

_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class TicketUpdate:
    """What one request says, and what it had to leave out because the helpdesk lacks it (osTicket's names)."""

    values: Mapping[str, Any] = field(repr=False)
    record: Mapping[str, Any]
    missing: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.values)

    def request(self, ticket: Ticket, attempt: int = 0) -> Request:
        """The request, the same bytes whenever the same is to be written on the same state of the ticket.

        ``attempt`` tells it from an earlier one that the database undid, whose key must not be used again.
        """
        body: dict[str, Any] = {**self.values, "record": self.record}
        if ticket.version is not None:
            body["version"] = ticket.version
        body["key"] = _key(ticket, body, attempt)
        return json_request("POST", f"/sla/tickets/{ticket.id}/changes", WRITE, body, sort_keys=True)


def ticket_update(
    ticket: Ticket,
    changes: Changes,
    written: Written,
    catalogue: Catalogue,
    *,
    due_date: bool = True,
    alerts: bool = True,
) -> TicketUpdate:
    """The update for ``changes``. Empty when the helpdesk has a place for none of them.

    ``due_date``: osTicket's own due date follows the next due instant. ``alerts``: a
    note whose owner has to hear of it makes osTicket alert its agents.
    """
    writable = catalogue.writable(changes.fields)
    missing = {FIELD_NAMES[name] for name in changes.fields if name not in writable}
    values: dict[str, Any] = {}
    if changes.priority is not None:
        name = catalogue.priority_name(changes.priority)
        if name is None:
            missing.add("priority")
        else:
            values["priority"] = name
    if writable:
        values["fields"] = {FIELD_NAMES[name]: changes.fields[name] for name in writable}
    if changes.add_tags or changes.remove_tags:
        if catalogue.has_tags:
            values |= {"add_tags": sorted(changes.add_tags), "remove_tags": sorted(changes.remove_tags)}
        else:
            missing.add("sla_tags")
    if due_date and Field.NEXT_DUE_AT in changes.fields:
        due_at = changes.fields[Field.NEXT_DUE_AT]
        # A missed date stays, for osTicket's own overdue flag: without it the ticket had until the SLA plan's date.
        missed = due_at is None and changes.fields.get(Field.SLA_STATE) == SlaState.BREACHED
        # osTicket refuses a due instant for a closed ticket; taking it away it allows.
        if not missed and (due_at is None or not ticket.settled):
            values["due_at"] = due_at
    if changes.notes:
        owned = any(note.owner is not None for note in changes.notes)
        text = "\n\n".join(note.text for note in changes.notes)
        keys = [note.key for note in changes.notes]
        values["note"] = {"title": NOTE_TITLE, "text": fitting(text), "keys": keys, "alert": alerts and owned}
    if changes.reply is not None:
        values["reply"] = _reply(changes.reply)
    return TicketUpdate(values, record_of(written, catalogue), frozenset(missing))


def record_of(written: Written, catalogue: Catalogue) -> dict[str, Any]:
    """What is remembered as written: nothing that could not be, so that it is written once there is a place for it."""
    priority = written.priority
    return {
        "priority": priority.value if priority is not None and catalogue.priority_name(priority) is not None else None,
        "tags": sorted(written.tags) if catalogue.has_tags else [],
        "fields": {name.value: written.fields[name] for name in sorted(catalogue.writable(written.fields))},
    }


def fitting(text: str, limit: int = LONGEST_TEXT) -> str:
    """The text, without its end when its HTML (a line break is a tag there) has more than ``limit`` bytes."""
    room = limit - len(_ELLIPSIS.encode())
    if _html_size(text) <= limit:
        return text
    kept = 0
    for character in text:
        room -= _html_size(character)
        if room < 0:
            break
        kept += 1
    return text[:kept] + _ELLIPSIS


def _html_size(text: str) -> int:
    return len(html.escape(text).encode()) + len("<br />") * text.count("\n")


def _reply(reply: Note) -> dict[str, Any]:
    return {"text": fitting(reply.text), "keys": [reply.key]}


def _key(ticket: Ticket, body: Mapping[str, Any], attempt: int) -> str:
    """Names this set of changes: the same for a repetition, another for whatever differs.

    What was recorded before counts too: a record is no part of the version, and writing
    the same as before the last write is not a repetition of it.
    """
    before = ticket.written
    standing = (
        None
        if before is None
        else [before.priority, sorted(before.tags), {name.value: value for name, value in before.fields.items()}]
    )
    content = json.dumps([ticket.account, ticket.id, body, standing, attempt], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
