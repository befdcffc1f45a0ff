"""From the difference that has to be written to the body of one ticket update.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#update-ticket .
Everything goes in one PUT: one audit, one run of the account's triggers, all or
nothing when somebody else was faster. Three of its traits shape this module:
``tags`` replaces the whole list; a dropdown's option is a tag of its own accord;
placeholders in a comment are expanded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oneclick_sla_plugin.domain.changes import Changes, Note, compose
from oneclick_sla_plugin.domain.model import TAG_FIELDS, Field, Ticket, Written
from oneclick_sla_plugin.exchanges import json_request
from oneclick_sla_plugin.ports import Request
from oneclick_sla_zendesk.audits import METADATA_KEY
from oneclick_sla_zendesk.fields import FieldCatalogue
from oneclick_sla_zendesk.tickets import ticket_path

WRITE = "write ticket"

LONGEST_COMMENT = 64 * 1024
"""Bytes of a comment; Zendesk cuts what is longer without a word."""

_ELLIPSIS = "…"
_PIECE = re.compile(r"(?P<opening>\{(?=[{%]))|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class TicketUpdate:
    """What one PUT says, and which fields it had to leave out because the account lacks them."""

    values: Mapping[str, Any] = field(repr=False)
    record: Mapping[str, Any]
    missing: frozenset[Field] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.values)

    def request(self, ticket_id: str, stamp: str | None) -> Request:
        """The PUT, to be refused by Zendesk (409) if the ticket has moved since ``stamp``."""
        ticket = {**self.values, "metadata": {METADATA_KEY: self.record}}
        if stamp is not None:
            # The presence of safe_update counts, whatever its value.
            ticket |= {"safe_update": True, "updated_stamp": stamp}
        return json_request("PUT", ticket_path(ticket_id), WRITE, {"ticket": ticket})


def ticket_update(ticket: Ticket, changes: Changes, written: Written, fields: FieldCatalogue) -> TicketUpdate:
    """Everything of ``changes`` but the reply. Empty when the account has a place for none of it."""
    writable = fields.writable(changes.fields)
    values: dict[str, Any] = {}
    if changes.priority is not None:
        values["priority"] = changes.priority.value
    tags = _tags(ticket, changes, fields)
    if tags is not None:
        values["tags"] = tags
    if writable:
        values["custom_fields"] = [
            {"id": target.id, "value": None if value is None else target.stored(value)}
            for target, value in writable.items()
        ]
    if changes.notes:
        values["comment"] = {"html_body": comment_html(compose(changes.notes)), "public": False}
    return TicketUpdate(
        values, _record(written, fields), frozenset(changes.fields) - {target.name for target in writable}
    )


def reply_update(reply: Note, written: Written, fields: FieldCatalogue) -> TicketUpdate:
    """A public message to the customer. It shows no marker: its key goes into the metadata."""
    values = {"comment": {"html_body": comment_html(reply.text), "public": True}}
    return TicketUpdate(values, {**_record(written, fields), "replies": [reply.key]})


def _tags(ticket: Ticket, changes: Changes, fields: FieldCatalogue) -> list[str] | None:
    """The whole list of tags as it is to stand, ``None`` when the fields alone bring it about.

    Zendesk does not say whether it applies fields or tags first. The list therefore
    names the tags of the dropdowns as they will be: either order then ends the same.
    """
    carried: set[str] = set()
    chosen: set[str] = set()
    for target, value in fields.writable(changes.fields).items():
        if target.is_dropdown and target.name in TAG_FIELDS:
            carried |= target.options
            if value is not None:
                chosen.add(target.stored(value))
    if not (changes.add_tags | changes.remove_tags) - carried:
        return None
    return sorted((((ticket.tags - changes.remove_tags) | changes.add_tags) - carried) | chosen)


def _record(written: Written, fields: FieldCatalogue) -> dict[str, Any]:
    """What is remembered as written: no field that could not be, so that it is written once it exists."""
    return {
        "priority": written.priority.value if written.priority else None,
        "tags": sorted(written.tags),
        "fields": {target.name.value: value for target, value in fields.writable(written.fields).items()},
    }


def comment_html(text: str, limit: int = LONGEST_COMMENT) -> str:
    """Plain text as HTML that shows the same, within ``limit`` bytes.

    A longer text loses the end of what stands before its last paragraph, which holds
    the marker. Zendesk expands placeholders in comments of agents, but not in code:
    a brace that would open one stands in a code tag of its own, so that no two braces
    ever meet.
    """
    whole = "".join(_html_pieces(text))
    if len(whole.encode()) <= limit:
        return whole
    body, gap, last = text.rpartition("\n\n")
    ending = "".join(_html_pieces(_ELLIPSIS + gap + last))
    room = limit - len(ending.encode())
    if room < 0 or not body:
        body, ending = text, _ELLIPSIS
        room = limit - len(ending.encode())
    kept = []
    for piece in _html_pieces(body):
        room -= len(piece.encode())
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + ending


def _html_pieces(text: str) -> Iterable[str]:
    for match in _PIECE.finditer(text):
        piece = match.group()
        if match.lastgroup == "opening":
            yield "<code>{</code>"
        elif piece == "\n":
            yield "<br>"
        else:
            yield html.escape(piece)
