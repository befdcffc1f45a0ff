"""From Zendesk's ticket, comments and audits to the neutral ticket.

Three reads for a ticket of up to a hundred comments and a hundred changes: the
ticket (first, so that its ``updated_at`` is no younger than what is read after
it), its comments with their users, and its audits. The audits hold the history
of the status and, in their metadata, what this program wrote last.

https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/ ,
https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_comments/ ,
https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from oneclick_sla_plugin.domain.changes import Note, compose
from oneclick_sla_plugin.domain.model import Author, Message, Priority, Requester, Ticket
from oneclick_sla_plugin.errors import TicketGone
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request
from oneclick_sla_zendesk import audits, channels
from oneclick_sla_zendesk.audits import instant
from oneclick_sla_zendesk.exchanges import PAGE_SIZE, pages
from oneclick_sla_zendesk.fields import FieldCatalogue
from oneclick_sla_zendesk.limits import PLATFORM, TICKETS_PATH, fetch, unexpected_body
from oneclick_sla_zendesk.settings import KnownRequester

_READ = "read ticket"

_GONE = frozenset({"deleted", "scrubbed"})

_ROLES = {"end-user": Author.CUSTOMER, "agent": Author.AGENT, "admin": Author.AGENT}

_VOICE_COMMENTS = frozenset({"VoiceComment", "TpeVoiceComment"})
"""Calls over Zendesk Talk, and over a telephone system of somebody else (Talk Partner Edition)."""

_CHAT_EVENTS = frozenset({"ChatStartedEvent", "ChatEndedEvent"})


@dataclass(frozen=True, slots=True)
class Account:
    """What reading a ticket needs to know of its account. ``own_id``: the user this program acts as."""

    name: str
    base_url: str
    own_id: str
    fields: FieldCatalogue
    known_requester: KnownRequester | None = None
    tiers: Mapping[str, str] = field(default_factory=dict)

    @property
    def sideloads(self) -> str:
        """What the first read brings along: users, and their organisations where a tier may stand there."""
        return "users,organizations" if self.tiers else "users"


def ticket_path(ticket_id: str, rest: str = "") -> str:
    return f"{TICKETS_PATH}{quote(ticket_id, safe='')}{rest}.json"


def read_own_id() -> Exchange[str]:
    """The id of the user that our token acts as."""
    request = Request("GET", "/api/v2/users/me.json", "read own user")
    body = yield from fetch(request)
    user = body.get("user")
    if not isinstance(user, dict) or not isinstance(user.get("id"), int):
        raise unexpected_body(request.operation)
    return str(user["id"])


def read_ticket(ticket_id: str, account: Account) -> Exchange[Ticket]:
    """Read a ticket whole. Raises ``TicketGone`` for a deleted one, and the other platform errors."""
    body = yield from fetch(Request("GET", ticket_path(ticket_id), _READ, query=(("include", account.sideloads),)))
    comments = yield from pages(
        Request("GET", ticket_path(ticket_id, "/comments"), _READ, query=(PAGE_SIZE, ("include", "users"))),
        account.base_url,
    )
    history = yield from pages(
        Request("GET", ticket_path(ticket_id, "/audits"), _READ, query=(PAGE_SIZE,)), account.base_url
    )
    try:
        ticket = build_ticket(body, comments, history, account)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        ticket = None
    # Raised outside the handler: a conversion's error may quote what it was given.
    if ticket is None:
        raise unexpected_body(_READ)
    return ticket


def build_ticket(
    body: Mapping[str, Any],
    comment_pages: Sequence[Mapping[str, Any]],
    audit_pages: Sequence[Mapping[str, Any]],
    account: Account,
) -> Ticket:
    """The neutral ticket from the bodies of the three reads."""
    raw = body["ticket"]
    if raw["status"] in _GONE:
        raise TicketGone(platform=PLATFORM, operation=_READ)
    users = {user["id"]: user for page in (body, *comment_pages) for user in page.get("users") or ()}
    history = sorted((audit for page in audit_pages for audit in page["audits"]), key=_age)
    comments = sorted((comment for page in comment_pages for comment in page["comments"]), key=_age)
    via = raw.get("via") or {}
    told = audits.told(history, account.own_id)
    messages = tuple(_message(comment, users, account.own_id, told) for comment in comments)
    status = audits.STATUSES[raw["status"]]
    created_at = instant(raw["created_at"])
    return Ticket(
        platform=PLATFORM,
        account=account.name,
        id=str(raw["id"]),
        created_at=created_at,
        updated_at=instant(raw["updated_at"]),
        channel=channels.channel_of(via),
        subject=_text(raw.get("subject") or raw.get("raw_subject")),
        status=status,
        tags=frozenset(_text(tag) for tag in raw.get("tags") or ()),
        requester=_requester(raw, users, body.get("organizations") or (), account),
        messages=messages,
        status_history=tuple(audits.status_history(history, created_at, status)),
        fields=account.fields.read(raw.get("custom_fields") or ()),
        priority=Priority(raw["priority"]) if raw.get("priority") else None,
        recipient=raw.get("recipient") or channels.address_of(via),
        created_by=_created_by(raw, users, account.own_id),
        messages_visible=_messages_visible(via, messages, history),
        brand=_id(raw.get("brand_id")),
        group=_id(raw.get("group_id")),
        assignee=_id(raw.get("assignee_id")),
        form=_id(raw.get("ticket_form_id")),
        merged_into=audits.merged_into(raw, history),
        satisfaction=audits.satisfaction(raw, history),
        written=audits.written(history, account.own_id),
        version=raw["updated_at"],
    )


def _age(record: Mapping[str, Any]) -> tuple[datetime, int]:
    """Order of comments and audits; within a second, which is as fine as Zendesk tells, by id."""
    return instant(record["created_at"]), record["id"]


def _id(value: int | None) -> str | None:
    return None if value is None else str(value)


def _text(value: object) -> str:
    """A text that may be missing. Raises ``TypeError`` for anything else."""
    if value is None or isinstance(value, str):
        return value or ""
    raise TypeError("no text")


# --- Comments ---------------------------------------------------------------------------------


def comment_text(comment: Mapping[str, Any]) -> str:
    """What a comment says, as :class:`Message` has it."""
    return _text(comment.get("plain_body") or comment.get("body"))


def _message(
    comment: Mapping[str, Any],
    users: Mapping[int, Mapping[str, Any]],
    own_id: str,
    told: Sequence[audits.Told],
) -> Message:
    text = comment_text(comment)
    author = _author(comment, users, own_id)
    keys = [key for entry in told if entry.is_about(comment) for key in entry.keys]
    if author is Author.US and keys:
        # A reply shows customers no marker; its keys stand in the audit and are put back here.
        text += compose(Note(key, "") for key in keys)
    return Message(
        id=str(comment["id"]),
        at=instant(comment["created_at"]),
        author=author,
        public=bool(comment["public"]),
        text=text,
        voice=comment.get("type") in _VOICE_COMMENTS,
    )


def _author(comment: Mapping[str, Any], users: Mapping[int, Mapping[str, Any]], own_id: str) -> Author:
    author_id = comment["author_id"]
    if str(author_id) == own_id:
        return Author.US
    if channels.name_of(comment.get("via") or {}) in channels.AUTOMATIC_CHANNELS:
        return Author.SYSTEM
    # Zendesk's own comments have the author -1, who is among no users.
    return _role(users.get(author_id))


def _role(user: Mapping[str, Any] | None) -> Author:
    return _ROLES.get(user.get("role") or "", Author.SYSTEM) if user else Author.SYSTEM


def _messages_visible(
    via: Mapping[str, Any], messages: Iterable[Message], history: Iterable[Mapping[str, Any]]
) -> bool:
    """Whether the comments are the conversation.

    A chat or messaging conversation lives outside the comments: while it runs there
    is at most a placeholder, afterwards a transcript in one piece. It is taken as
    not visible when an audit names the chat, or when nobody but automatic senders
    has a comment. https://developer.zendesk.com/documentation/ticketing/reference-guides/ticket-audit-events-reference/
    """
    if channels.name_of(via) not in channels.LIVE_CHANNELS:
        return True
    if any(event.get("type") in _CHAT_EVENTS for audit in history for event in audit["events"]):
        return False
    return any(message.author in (Author.CUSTOMER, Author.AGENT) for message in messages)


# --- People -----------------------------------------------------------------------------------


def _requester(
    raw: Mapping[str, Any],
    users: Mapping[int, Mapping[str, Any]],
    organizations: Iterable[Mapping[str, Any]],
    account: Account,
) -> Requester:
    """The requester, known by the account's rule, with the first of the account's tiers whose tag they have.

    A tier's tag may stand on the user or on the organisation.
    """
    requester_id = raw["requester_id"]
    user, rule = users.get(requester_id), account.known_requester
    if user is None:
        return Requester(id=str(requester_id))
    tags = set(user.get("tags") or ())
    known = None
    if rule is not None and (rule.organization or rule.tag):
        known = (rule.organization and user.get("organization_id") is not None) or rule.tag in tags
    homes = {user.get("organization_id"), raw.get("organization_id")} - {None}
    for organization in organizations:
        if organization["id"] in homes:
            tags.update(organization.get("tags") or ())
    tier = next((tier for tag, tier in account.tiers.items() if tag in tags), None)
    return Requester(id=str(requester_id), known=known, tier=tier)


def _created_by(raw: Mapping[str, Any], users: Mapping[int, Mapping[str, Any]], own_id: str) -> Author | None:
    submitter_id = raw.get("submitter_id")
    if submitter_id is None:
        return None
    if str(submitter_id) == own_id or submitter_id == -1:
        return Author.SYSTEM
    if submitter_id in users:
        return _role(users[submitter_id])
    return Author.CUSTOMER if submitter_id == raw["requester_id"] else None
