"""The simulated account: its users, ticket fields and tickets, and what an update does to a ticket.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ is the source
of the rules; all methods are safe to call from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from oneclick_sla_plugin.ports import Clock
from oneclick_sla_zendesk.simulator import text
from oneclick_sla_zendesk.simulator.errors import conflict, invalid_parameter, record_invalid, record_not_found
from oneclick_sla_zendesk.simulator.fields import CUSTOM_TYPES, Option, TagsAndValues, TicketField, tags_of
from oneclick_sla_zendesk.simulator.records import (
    PROPERTIES,
    Audit,
    Change,
    Comment,
    Ticket,
    User,
    changes_between,
)

UPDATE_KEYS = frozenset(
    {*PROPERTIES, "tags", "custom_fields", "fields", "comment", "description", "metadata"}
    | {"safe_update", "updated_stamp"}
)
"""Keys of ``ticket`` that an update understands. All others are dropped, which only a response header tells."""
CREATE_KEYS = UPDATE_KEYS | {"requester", "recipient", "via"}

_CHOICES: Mapping[str, frozenset[str | None]] = {
    "priority": frozenset({"low", "normal", "high", "urgent", None}),
    "status": frozenset({"new", "open", "pending", "hold", "solved", "closed"}),
    "type": frozenset({"problem", "incident", "question", "task", None}),
}
_REOPENED_BY_CUSTOMER = frozenset({"pending", "hold", "solved"})
_SYSTEM_FIELDS = (
    ("subject", "Subject"),
    ("description", "Description"),
    ("status", "Status"),
    ("tickettype", "Type"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("assignee", "Assignee"),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """What the account tells its listener: an audit was added to ``ticket``, or (``audit`` ``None``) it was deleted."""

    ticket: Ticket
    actor: User
    audit: Audit | None


class Account:
    """All records of one account, under one lock."""

    def __init__(self, *, clock: Clock, first_ticket_id: int, listener: Callable[[Happening], None]) -> None:
        """``listener`` is called under :attr:`lock`, in the order in which things happen."""
        self.lock = threading.RLock()
        self.tags_first = True
        self._clock = clock
        self._listener = listener
        self._last_id = 360_000
        self._next_ticket_id = first_ticket_id
        self._users: dict[int, User] = {}
        self._users_by_email: dict[str, User] = {}
        self._fields: dict[int, TicketField] = {}
        self._tickets: dict[int, Ticket] = {}
        for kind, title in _SYSTEM_FIELDS:
            self._add_field(TicketField(self._new_id(), kind, title, self._now(), self._now(), system=True))

    # --- users ---

    def add_user(self, user_id: int | None, name: str, email: str, role: str) -> User:
        with self.lock:
            user = User(user_id or self._new_id(), name, email, role, self._now())
            self._users[user.id] = self._users_by_email[email] = user
            return user

    def user(self, user_id: int) -> User:
        """``RefusalError`` (404) when there is none."""
        with self.lock:
            if user_id not in self._users:
                raise record_not_found()
            return self._users[user_id]

    def users(self, user_ids: Iterable[int]) -> list[User]:
        """Those that exist."""
        with self.lock:
            return [self._users[user_id] for user_id in user_ids if user_id in self._users]

    def requester(self, name: str, email: str) -> User:
        """The user with this address, made when there is none."""
        with self.lock:
            return self._users_by_email.get(email) or self.add_user(None, name or email, email, "end-user")

    # --- ticket fields ---

    def fields(self) -> list[TicketField]:
        with self.lock:
            return list(self._fields.values())

    def field(self, field_id: int) -> TicketField:
        """``RefusalError`` (404) when there is none."""
        with self.lock:
            if field_id not in self._fields:
                raise record_not_found()
            return self._fields[field_id]

    def create_field(self, given: Mapping[str, Any]) -> TicketField:
        """``RefusalError`` (422) for an unknown type, no title, or an option whose tag is taken."""
        with self.lock:
            if given.get("type") not in CUSTOM_TYPES:
                raise record_invalid("type", "Type: is invalid")
            if not given.get("title"):
                raise record_invalid("title", "Title: cannot be blank")
            blank = TicketField(self._new_id(), str(given["type"]), "", self._now(), self._now())
            return self._add_field(self._with_attributes(blank, given))

    def update_field(self, field_id: int, given: Mapping[str, Any]) -> TicketField:
        """Options are replaced as a whole. ``RefusalError`` as for creating one, or 404."""
        with self.lock:
            return self._add_field(self._with_attributes(self.field(field_id), given))

    def _with_attributes(self, field: TicketField, given: Mapping[str, Any]) -> TicketField:
        options = field.options
        if "custom_field_options" in given:
            known = {option.value: option.id for option in field.options}
            options = tuple(
                Option(known.get(value) or self._new_id(), name, value)
                for name, value in _options(given["custom_field_options"])
            )
        changed = replace(
            field,
            title=given.get("title", field.title),
            description=given.get("description", field.description),
            agent_description=given.get("agent_description", field.agent_description),
            active=given.get("active", field.active),
            tag=given.get("tag", field.tag),
            regexp=given.get("regexp_for_validation", field.regexp),
            options=options,
            updated_at=self._now(),
        )
        values = [option.value for option in options]
        taken = frozenset[str]().union(*(other.tags for other in self._fields.values() if other.id != field.id))
        for value in [*values, *([changed.tag] if changed.tag else [])]:
            if value in taken or values.count(value) > 1:
                raise record_invalid("custom_field_options", "Tag: is already in use by another option or field")
        return changed

    def _add_field(self, field: TicketField) -> TicketField:
        self._fields[field.id] = field
        return field

    # --- tickets ---

    def tickets(self) -> list[Ticket]:
        with self.lock:
            return list(self._tickets.values())

    def ticket(self, ticket_id: int) -> Ticket:
        """``RefusalError`` (404) when there is none."""
        with self.lock:
            if ticket_id not in self._tickets:
                raise record_not_found()
            return self._tickets[ticket_id]

    def create_ticket(
        self,
        given: Mapping[str, Any],
        *,
        actor: User,
        requester: User,
        channel: str,
        rel: str | None = None,
        voice: bool = False,
    ) -> Ticket:
        """A new ticket with its first comment, written by the requester. ``RefusalError`` (422) without one."""
        with self.lock:
            now = self._now()
            blank = Ticket(
                self._next_ticket_id,
                now,
                now,
                channel,
                requester.id,
                requester.id,
                subject="",
                rel=rel,
                recipient=given.get("recipient"),
            )
            first = {"public": True, **(given.get("comment") or {"body": given.get("description") or ""})}
            after = self._with_properties(blank, {**given, "requester_id": requester.id})
            audit_id = self._new_id()
            comment = self._comment(after, first, requester, audit_id, channel, voice=voice)
            if comment is None:
                raise record_invalid("base", "Description: cannot be blank")
            self._next_ticket_id += 1
            after = replace(after, subject=after.subject or comment.plain_body[:80])
            changes = (
                Change("subject", None, after.subject),
                Change("status", None, after.status),
                Change("priority", None, after.priority),
                Change("requester_id", None, after.requester_id),
                *(
                    change
                    for change in changes_between(blank, after)
                    if change.name not in ("subject", "status", "priority")
                ),
            )
            return self._record(after, actor, audit_id, changes, comment, channel, given, creates=True)

    def update_ticket(
        self,
        ticket_id: int,
        given: Mapping[str, Any],
        *,
        actor: User,
        channel: str,
        voice: bool = False,
    ) -> tuple[Ticket, Audit | None]:
        """Apply an update as a whole or not at all; without a difference and a comment nothing is recorded.

        ``RefusalError``: 404, 409 (``safe_update``, whatever its value, with an
        ``updated_stamp`` that is not the ticket's ``updated_at``), 422 (closed, or
        a value that is not allowed).
        """
        with self.lock:
            before = self.ticket(ticket_id)
            if before.status == "closed":
                raise record_invalid("status", "Status: closed prevents ticket update")
            if "safe_update" in given and _instant(given.get("updated_stamp")) != before.updated_at:
                raise conflict("UpdateConflict")
            after = self._with_properties(before, given)
            audit_id = self._new_id()
            comment = self._comment(after, given.get("comment"), actor, audit_id, channel, voice=voice)
            if comment and actor.id == before.requester_id and after.status in _REOPENED_BY_CUSTOMER:
                after = replace(after, status="open")
            changes = changes_between(before, after)
            if not changes and comment is None:
                return before, None
            after = self._record(after, actor, audit_id, changes, comment, channel, given, creates=False)
            return after, after.audits[-1]

    def delete_ticket(self, ticket_id: int, *, actor: User) -> None:
        """Move a ticket to the deleted ones, where the API does not show it."""
        with self.lock:
            self._listener(Happening(self._tickets.pop(self.ticket(ticket_id).id), actor, None))

    def _with_properties(self, before: Ticket, given: Mapping[str, Any]) -> Ticket:
        plain = {name: given[name] for name in PROPERTIES if name in given}
        for name, value in plain.items():
            if name in _CHOICES and value not in _CHOICES[name]:
                raise record_invalid(name, f"{name.capitalize()}: is not valid")
        for name in ("requester_id", "assignee_id"):
            if plain.get(name) is not None and plain[name] not in self._users:
                raise record_invalid(name, f"{name}: is not valid")
        fields = [field for field in self._fields.values() if not field.system]
        values = _by_id(given.get("custom_fields", given.get("fields", ())))
        state = TagsAndValues(before.tags, before.values)
        for step in ("tags", "values") if self.tags_first else ("values", "tags"):
            if step == "values":
                state = state.with_values(values, fields)
            elif "tags" in given:
                state = state.with_tags(tags_of(given["tags"]), before.tags, fields)
        return replace(before, **plain, tags=state.tags, values=state.values)

    def _comment(
        self, ticket: Ticket, given: Any, actor: User, audit_id: int, channel: str, *, voice: bool
    ) -> Comment | None:
        if not isinstance(given, Mapping) or not (given.get("html_body") or given.get("body")):
            return None
        author = self._users.get(given.get("author_id") or actor.id, actor)
        # The visibility of the last comment carries over; a customer has no private comments.
        carried = ticket.comments[-1].public if ticket.comments else True
        placeholders = self._placeholders(ticket, actor) if actor.is_staff else None
        if given.get("html_body"):
            html = text.cut(str(given["html_body"]))
            html = html if placeholders is None else text.expand_html(html, placeholders)
        else:
            body = text.cut(str(given["body"]))
            html = text.html_of(body if placeholders is None else text.expand(body, placeholders))
        return Comment(
            id=self._new_id(),
            audit_id=audit_id,
            type="VoiceComment" if voice else "Comment",
            author_id=author.id,
            public=bool(given.get("public", carried)) if actor.is_staff else True,
            channel=channel,
            created_at=self._now(),
            html_body=html,
            plain_body=text.plain_of(html),
        )

    def _placeholders(self, ticket: Ticket, actor: User) -> dict[str, str]:
        requester = self._users[ticket.requester_id]
        return {
            "ticket.id": str(ticket.id),
            "ticket.title": ticket.subject,
            "ticket.status": ticket.status.capitalize(),
            "ticket.priority": (ticket.priority or "").capitalize(),
            "ticket.tags": " ".join(sorted(ticket.tags)),
            "ticket.description": ticket.description,
            "ticket.requester.name": requester.name,
            "ticket.requester.email": requester.email,
            "current_user.name": actor.name,
        }

    def _record(
        self,
        ticket: Ticket,
        actor: User,
        audit_id: int,
        changes: tuple[Change, ...],
        comment: Comment | None,
        channel: str,
        given: Mapping[str, Any],
        *,
        creates: bool,
    ) -> Ticket:
        now = self._now()
        metadata = given.get("metadata")
        audit = Audit(
            id=audit_id,
            ticket_id=ticket.id,
            author_id=actor.id,
            channel=channel,
            created_at=now,
            creates=creates,
            changes=changes,
            comment=comment,
            first_event_id=self._new_id(len(changes) + 1),
            custom_metadata=metadata if isinstance(metadata, Mapping) else {},
        )
        ticket = replace(
            ticket,
            updated_at=now,
            comments=(*ticket.comments, comment) if comment else ticket.comments,
            audits=(*ticket.audits, audit),
        )
        self._tickets[ticket.id] = ticket
        self._listener(Happening(ticket, actor, audit))
        return ticket

    def _new_id(self, count: int = 1) -> int:
        first = self._last_id + 1
        self._last_id += count
        return first

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)


def _by_id(given: Any) -> dict[int, Any]:
    try:
        return {int(item["id"]): item.get("value") for item in given}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise invalid_parameter("custom_fields") from None


def _options(given: Any) -> list[tuple[str, str]]:
    try:
        return [(str(item["name"]), str(item["value"])) for item in given]
    except (KeyError, TypeError):
        raise record_invalid("custom_field_options", "Options: need a name and a value") from None


def _instant(stamp: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return instant if instant.tzinfo else None
