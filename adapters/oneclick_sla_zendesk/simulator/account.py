"""The simulated account: its ticket fields and tickets, and what an update does to a ticket.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ is the source
of the rules; all methods are safe to call from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from oneclick_sla_plugin.ports import Clock
from oneclick_sla_zendesk.simulator import text
from oneclick_sla_zendesk.simulator.directory import Directory
from oneclick_sla_zendesk.simulator.errors import conflict, invalid_parameter, record_invalid, record_not_found
from oneclick_sla_zendesk.simulator.fields import FieldRegistry, TagsAndValues, TicketField, tags_of
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
REDACTED_TAG = "redacted_content"
_REOPENED_BY_CUSTOMER = frozenset({"pending", "hold", "solved"})


@dataclass(frozen=True, slots=True)
class Happening:
    """What the account tells its listener: an audit was added to ``ticket``, or (``audit`` ``None``) it was deleted.

    ``spam``: it was deleted by marking it as spam. ``merged_into``: the audit merged it into that ticket.
    """

    ticket: Ticket
    actor: User
    audit: Audit | None
    spam: bool = False
    merged_into: int | None = None


class Account(Directory):
    """All records of one account, under one lock."""

    def __init__(self, *, clock: Clock, first_ticket_id: int, listener: Callable[[Happening], None]) -> None:
        """``listener`` is called under :attr:`lock`, in the order in which things happen."""
        super().__init__(clock)
        self.tags_first = True
        self._listener = listener
        self._next_ticket_id = first_ticket_id
        self._tickets: dict[int, Ticket] = {}
        self._deleted: dict[int, Ticket] = {}
        self.ticket_fields = FieldRegistry(self.new_id, self._now)

    def fields(self) -> list[TicketField]:
        """All ticket fields."""
        with self.lock:
            return self.ticket_fields.all()

    # --- tickets ---

    def tickets(self) -> list[Ticket]:
        """All that are not deleted, by their id."""
        with self.lock:
            return list(self._tickets.values())

    def all_tickets(self) -> list[Ticket]:
        """Deleted ones too, whose status is ``deleted``."""
        with self.lock:
            return [*self._tickets.values(), *self._deleted.values()]

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
        sources: Mapping[str, Any] | None = None,
    ) -> Ticket:
        """A new ticket with its first comment, written by the requester. ``RefusalError`` (422) without one.

        ``sources`` is its ``via.source.from``: of a follow-up, the closed ticket.
        """
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
                organization_id=requester.organization_id,
                sources=sources or {},
            )
            first = {"public": True, **(given.get("comment") or {"body": given.get("description") or ""})}
            after = self._with_properties(blank, {**given, "requester_id": requester.id})
            audit_id = self.new_id()
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
        source: Mapping[str, Any] | None = None,
        merged_into: int | None = None,
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
            audit_id = self.new_id()
            comment = self._comment(after, given.get("comment"), actor, audit_id, channel, voice=voice)
            if comment and actor.id == before.requester_id and after.status in _REOPENED_BY_CUSTOMER:
                after = replace(after, status="open")
            changes = changes_between(before, after)
            if not changes and comment is None:
                return before, None
            after = self._record(
                after, actor, audit_id, changes, comment, channel, given, source=source, merged_into=merged_into
            )
            return after, after.audits[-1]

    def redact_comment(self, ticket_id: int, comment_id: int, html: str, *, actor: User) -> Comment:
        """Make what ``html`` marks unreadable, in the comment and in the audits, also on a closed ticket.

        ``RefusalError``: 404 when the ticket has no such comment, 422 when ``html`` marks
        nothing or is, but for its marks, not what the comment says.
        """
        with self.lock:
            before = self.ticket(ticket_id)
            comment = next((each for each in before.comments if each.id == comment_id), None)
            if comment is None:
                raise record_not_found()
            redacted = text.redact(html)
            if text.unmarked(html) != comment.html_body or redacted == html:
                raise record_invalid("html_body", "Html body: is not valid")
            new = replace(comment, html_body=redacted, plain_body=text.plain_of(redacted))
            after = replace(
                before,
                tags=before.tags | {REDACTED_TAG},
                comments=tuple(new if each is comment else each for each in before.comments),
                audits=tuple(
                    replace(audit, comment=new) if audit.comment and audit.comment.id == comment_id else audit
                    for audit in before.audits
                ),
            )
            self._record(after, actor, self.new_id(), changes_between(before, after), None, "api", {})
            return new

    def rate_ticket(self, ticket_id: int, score: str) -> None:
        """The requester is satisfied (``good``) or not (``bad``)."""
        with self.lock:
            before = self.ticket(ticket_id)
            change = Change("satisfaction_score", before.satisfaction, score)
            requester = self.user(before.requester_id)
            after = replace(before, satisfaction=score)
            self._record(after, requester, self.new_id(), (change,), None, "web", {})

    def delete_ticket(self, ticket_id: int, *, actor: User, spam: bool = False) -> None:
        """Move a ticket to the deleted ones, where the API shows it in exports only."""
        with self.lock:
            ticket = self._tickets.pop(self.ticket(ticket_id).id)
            self._deleted[ticket_id] = replace(ticket, status="deleted", generated_at=self._clock())
            self._listener(Happening(ticket, actor, None, spam=spam))

    def touch_ticket(self, ticket_id: int) -> None:
        """Something of the system is done to the ticket: exports tell of it, though nothing was updated."""
        with self.lock:
            self._tickets[ticket_id] = replace(self.ticket(ticket_id), generated_at=self._clock())

    def _with_properties(self, before: Ticket, given: Mapping[str, Any]) -> Ticket:
        plain = {name: given[name] for name in PROPERTIES if name in given}
        for name, value in plain.items():
            if name in _CHOICES and value not in _CHOICES[name]:
                raise record_invalid(name, f"{name.capitalize()}: is not valid")
        for name in ("requester_id", "assignee_id"):
            if plain.get(name) is not None and plain[name] not in self._users:
                raise record_invalid(name, f"{name}: is not valid")
        fields = [field for field in self.fields() if not field.system]
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
        placeholders = self.placeholders(ticket, actor) if actor.is_staff else None
        if given.get("html_body"):
            html = text.cut(str(given["html_body"]))
            html = html if placeholders is None else text.expand_html(html, placeholders)
        else:
            body = text.cut(str(given["body"]))
            html = text.html_of(body if placeholders is None else text.expand(body, placeholders))
        return Comment(
            id=self.new_id(),
            audit_id=audit_id,
            type="VoiceComment" if voice else "Comment",
            author_id=author.id,
            public=bool(given.get("public", carried)) if actor.is_staff else True,
            channel=channel,
            created_at=self._now(),
            html_body=html,
            plain_body=text.plain_of(html),
        )

    def placeholders(self, ticket: Ticket, actor: User) -> dict[str, str]:
        """What ``{{…}}`` stands for in comments and in the templates of triggers; nothing in it is escaped."""
        requester = self._users[ticket.requester_id]
        return {
            "ticket.id": str(ticket.id),
            "ticket.title": ticket.subject,
            "ticket.status": ticket.status.capitalize(),
            "ticket.priority": (ticket.priority or "").capitalize(),
            "ticket.tags": " ".join(sorted(ticket.tags)),
            "ticket.description": ticket.description,
            "ticket.account": "Sandbox",
            "ticket.link": f"/agent/tickets/{ticket.id}",
            "ticket.assignee.id": str(ticket.assignee_id or ""),
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
        creates: bool = False,
        source: Mapping[str, Any] | None = None,
        merged_into: int | None = None,
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
            first_event_id=self.new_id(len(changes) + 1),
            custom_metadata=metadata if isinstance(metadata, Mapping) else {},
            source=source or {},
        )
        ticket = replace(
            ticket,
            updated_at=now,
            generated_at=self._clock(),
            comments=(*ticket.comments, comment) if comment else ticket.comments,
            audits=(*ticket.audits, audit),
        )
        self._tickets[ticket.id] = ticket
        self._listener(Happening(ticket, actor, audit, merged_into=merged_into))
        return ticket


def _by_id(given: Any) -> dict[int, Any]:
    try:
        return {int(item["id"]): item.get("value") for item in given}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise invalid_parameter("custom_fields") from None


def _instant(stamp: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(str(stamp))
    except ValueError:
        return None
    return instant if instant.tzinfo else None
