"""From the difference that has to be written to the bodies of requests.

https://developers.freshdesk.com/api/#update_ticket : one PUT with priority, tags, custom
fields and the record of them; a private note and a reply are requests of their own. Three
traits shape this module: ``tags`` replaces the whole list, so it is merged with the ticket
as it was read a moment before; there is no locking; due dates that were set by hand are no
longer moved by Freshdesk itself.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from oneclick_sla_freshdesk import records
from oneclick_sla_freshdesk.fields import RECORD, Catalogue
from oneclick_sla_freshdesk.history import instant
from oneclick_sla_freshdesk.limits import PLATFORM, fetch
from oneclick_sla_freshdesk.records import Record
from oneclick_sla_freshdesk.tickets import PRIORITIES, read_conversations, read_raw, ticket_path
from oneclick_sla_plugin.domain.changes import Changes, compose, note_keys
from oneclick_sla_plugin.domain.model import Field, Priority, Status, Ticket, Written
from oneclick_sla_plugin.errors import AccountPaused, TemporaryPlatformError, TicketChanged
from oneclick_sla_plugin.exchanges import Exchange, json_request
from oneclick_sla_plugin.ports import Request

WRITE = "write ticket"
WRITE_NOTE = "write note"
WRITE_REPLY = "write reply"
READ_AGAIN = "read ticket around a write"

_NUMBERS: Mapping[Priority, int] = {priority: number for number, priority in PRIORITIES.items()}

_DUE_DATES_LAST = timedelta(minutes=1)
"""A due date that is nearer than this may be past by the time Freshdesk looks at it."""


@dataclass(frozen=True, slots=True)
class TicketUpdate:
    """What one PUT says, which fields it had to leave out, and the record where the account lacks the field for it."""

    values: Mapping[str, Any] = field(repr=False)
    missing: frozenset[Field] = frozenset()
    record: Record | None = None

    def request(self, ticket_id: str) -> Request:
        return json_request("PUT", ticket_path(ticket_id), WRITE, self.values)


def ticket_update(
    raw: Mapping[str, Any],
    changes: Changes,
    written: Written,
    catalogue: Catalogue,
    *,
    now: datetime,
    due_dates: bool,
) -> TicketUpdate:
    """Everything of ``changes`` but notes and the reply, over the ticket ``raw`` as it stands now.

    ``due_dates``: whether the account wants Freshdesk's own due dates written.
    """
    standing = raw.get("custom_fields") or {}
    writable = catalogue.writable(changes.fields, standing)
    values: dict[str, Any] = {}
    if changes.priority is not None:
        values["priority"] = _NUMBERS[changes.priority]
    tags = merged_tags(raw, changes)
    if tags is not None:
        values["tags"] = tags
    custom = dict(writable.values())
    # No field that could not be written is remembered, so that it is written once it exists.
    kept = {
        name: value for name, value in written.fields.items() if name in catalogue.writable({name: value}, standing)
    }
    record = Record(Written(written.priority, written.tags, kept), _replies(raw, changes, catalogue))
    key = catalogue.key_of(RECORD, standing)
    if key is not None and standing.get(key) != record.encoded():
        custom[key] = record.encoded()
    if custom:
        values["custom_fields"] = custom
    if due_dates:
        values |= _due_dates(raw, written, catalogue, now)
    return TicketUpdate(values, frozenset(changes.fields) - frozenset(writable), record if key is None else None)


@dataclass(frozen=True, slots=True)
class Writing:
    """How an account is written to. ``own_id``: the agent this program acts as."""

    own_id: int
    catalogue: Catalogue
    now: datetime
    due_dates: bool = False
    notify_emails: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def write_ticket(ticket: Ticket, changes: Changes, written: Written, how: Writing) -> Exchange[frozenset[Field]]:
    """Write everything: one PUT, then a private note, then a reply. Returns the fields that have no place there.

    The ticket is read again right before; ``TicketChanged`` when it is no longer at
    ``ticket.version``. Tags are read once more right after, and put right if another
    program wrote its own list meanwhile. When the answer to a note or a reply is lost,
    it is looked for on the ticket before the loss is told to the caller.
    """
    raw = yield from read_raw(ticket.id, READ_AGAIN)
    if ticket.version is not None and raw.get("updated_at") != ticket.version:
        raise TicketChanged(platform=PLATFORM, operation=WRITE, reason="conflict")
    told = note_keys(ticket)
    reply = changes.reply if changes.reply is not None and changes.reply.key not in told else None
    changes = replace(changes, reply=reply)
    update = ticket_update(raw, changes, written, how.catalogue, now=how.now, due_dates=how.due_dates)
    if update.values:
        yield from fetch(update.request(ticket.id))
    if "tags" in update.values:
        yield from _verify_tags(ticket.id, changes)
    line = None
    if update.record is not None and (update.record.written != ticket.written or reply is not None):
        line = update.record.line()
    note = note_request(ticket, changes, line, how.notify_emails)
    if note is not None:
        marker = line or compose(changes.notes).rpartition("\n")[2]
        yield from _post(note, ticket.id, lambda each: marker in str(each.get("body_text")), how.own_id)
    if reply is not None:
        text = reply.text
        wanted = records.fingerprint(text)
        yield from _post(
            reply_request(ticket, text),
            ticket.id,
            lambda each: not each.get("private") and records.is_reply(str(each.get("body_text")), wanted),
            how.own_id,
        )
    return update.missing


def _verify_tags(ticket_id: str, changes: Changes) -> Exchange[None]:
    after = yield from read_raw(ticket_id, READ_AGAIN)
    tags = None if shows_tags(after, changes) else merged_tags(after, changes)
    if tags is not None:
        yield from fetch(json_request("PUT", ticket_path(ticket_id), WRITE, {"tags": tags}))


def _post(request: Request, ticket_id: str, is_it: Callable[[Mapping[str, Any]], bool], own_id: int) -> Exchange[None]:
    """Post a note or a reply, which is not to be posted twice. Raises the error of a lost answer if it is not there."""
    try:
        yield from fetch(request)
    except TemporaryPlatformError as error:
        if error.status is not None or isinstance(error, AccountPaused):
            raise
        lost = error
    else:
        return
    standing = yield from read_conversations(ticket_id, READ_AGAIN)
    if not any(each.get("user_id") == own_id and is_it(each) for each in standing):
        raise lost


def merged_tags(raw: Mapping[str, Any], changes: Changes) -> list[str] | None:
    """The whole list of tags as it is to stand, others' in their order; ``None`` when it stands so already."""
    standing = [str(tag) for tag in raw.get("tags") or ()]
    kept = [tag for tag in standing if tag not in changes.remove_tags]
    wanted = [*kept, *sorted(changes.add_tags - set(kept))]
    return None if wanted == standing else wanted


def shows_tags(raw: Mapping[str, Any], changes: Changes) -> bool:
    """Whether the ticket has the tags that were added and none that were taken away."""
    standing = set(raw.get("tags") or ())
    return changes.add_tags <= standing and not changes.remove_tags & standing


def note_request(
    ticket: Ticket, changes: Changes, record_line: str | None, emails: Mapping[str, tuple[str, ...]]
) -> Request | None:
    """The private note that tells the facts, and the record where it has no field; ``None`` when there is nothing.

    ``emails``: whom Freshdesk tells of a note, by the owner that the note names.
    """
    parts = [compose(changes.notes)] if changes.notes else []
    parts += [record_line] if record_line else []
    if not parts:
        return None
    body: dict[str, Any] = {"body": note_html("\n".join(parts)), "private": True}
    told = dict.fromkeys(address for note in changes.notes if note.owner for address in emails.get(note.owner, ()))
    if told:
        body["notify_emails"] = [*told]
    return json_request("POST", ticket_path(ticket.id, "/notes"), WRITE_NOTE, body)


def reply_request(ticket: Ticket, text: str) -> Request:
    """A public reply, which Freshdesk e-mails to the customer."""
    return json_request("POST", ticket_path(ticket.id, "/reply"), WRITE_REPLY, {"body": note_html(text)})


def note_html(text: str) -> str:
    """Plain text as HTML that shows the same; no two braces meet, lest they be read as a placeholder."""
    parted = text.replace("{{", "{\u2060{").replace("{%", "{\u2060%").replace("{{", "{\u2060{")
    return "<div>" + html.escape(parted, quote=False).replace("\n", "<br>") + "</div>"


def _replies(raw: Mapping[str, Any], changes: Changes, catalogue: Catalogue) -> dict[str, str]:
    before = records.decode(catalogue.raw(RECORD, raw.get("custom_fields") or {}))
    replies = dict(before.replies) if before is not None else {}
    if changes.reply is not None:
        replies[changes.reply.key] = records.fingerprint(changes.reply.text)
    return replies


def _due_dates(raw: Mapping[str, Any], written: Written, catalogue: Catalogue, now: datetime) -> dict[str, str]:
    """Both due dates or none: Freshdesk takes them while the timer runs, in this order, and not in the past.

    https://support.freshdesk.com/support/solutions/folders/272943
    """
    if catalogue.status_of(raw.get("status")) is not Status.OPEN:
        return {}
    wanted = {
        "due_by": _instant(written.fields.get(Field.RESOLUTION_DUE_AT)),
        "fr_due_by": _instant(written.fields.get(Field.FIRST_REPLY_DUE_AT)),
    }
    due, first = wanted["due_by"], wanted["fr_due_by"]
    if due is None or first is None or not now + _DUE_DATES_LAST < first < due:
        return {}
    if wanted == {name: _instant(raw.get(name)) for name in wanted}:
        return {}
    return {name: at.strftime("%Y-%m-%dT%H:%M:%SZ") for name, at in (("due_by", due), ("fr_due_by", first))}


def _instant(text: object) -> datetime | None:
    """In whole seconds, which is what Freshdesk keeps."""
    try:
        return instant(text).astimezone(UTC).replace(microsecond=0) if isinstance(text, str) else None
    except ValueError:
        return None
