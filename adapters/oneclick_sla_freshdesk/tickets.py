"""From Freshdesk's ticket and conversations to the neutral ticket.

One read for a ticket of less than ten conversations (``include`` brings ten at most, the
oldest first), one more for each hundred otherwise, and one for each agent who is seen for
the first time. https://developers.freshdesk.com/api/#view_a_ticket ,
https://developers.freshdesk.com/api/#list_all_ticket_notes
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from oneclick_sla_freshdesk import channels, history, people, records
from oneclick_sla_freshdesk.exchanges import PAGE_SIZE, pages
from oneclick_sla_freshdesk.fields import RECORD, Catalogue
from oneclick_sla_freshdesk.history import instant
from oneclick_sla_freshdesk.limits import PLATFORM, TICKETS_PATH, fetch, unexpected_body
from oneclick_sla_plugin.domain.changes import Note, compose
from oneclick_sla_plugin.domain.model import Author, Message, Priority, Requester, Ticket
from oneclick_sla_plugin.errors import TicketGone
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request

READ = "read ticket"

EMBEDDED_CONVERSATIONS = 10
"""As many come with a ticket; there may be more when so many came."""

PRIORITIES: Mapping[int, Priority] = {1: Priority.LOW, 2: Priority.NORMAL, 3: Priority.HIGH, 4: Priority.URGENT}

_TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Account:
    """What reading a ticket needs to know of its account.

    ``own_id``: the agent this program acts as; ``roles``: who is of the team, learnt as
    people write.
    """

    name: str
    own_id: int
    catalogue: Catalogue
    roles: MutableMapping[int, Author] = field(default_factory=dict)
    known_requester: Literal["company"] | None = None


def ticket_path(ticket_id: str, rest: str = "") -> str:
    return f"{TICKETS_PATH}{quote(ticket_id, safe='')}{rest}"


def read_raw(ticket_id: str, operation: str = READ, include: str = "") -> Exchange[Mapping[str, Any]]:
    """The ticket as Freshdesk shows it. Raises ``TicketGone`` for one in the trash or the spam folder, too."""
    query = (("include", include),) if include else ()
    raw = yield from fetch(Request("GET", ticket_path(ticket_id), operation, query=query))
    if raw.get("deleted") or raw.get("spam"):
        raise TicketGone(platform=PLATFORM, operation=operation)
    return raw


def read_conversations(ticket_id: str, operation: str = READ) -> Exchange[list[Mapping[str, Any]]]:
    """All conversations of a ticket, as many pages as there are."""
    path = ticket_path(ticket_id, "/conversations")
    return (yield from pages(Request("GET", path, operation, query=(("per_page", str(PAGE_SIZE)),))))


def read_ticket(ticket_id: str, account: Account) -> Exchange[Ticket]:
    """Read a ticket whole. Raises ``TicketGone``, and the other platform errors."""
    raw = yield from read_raw(ticket_id, include="stats,requester,conversations")
    embedded = raw.get("conversations")
    if isinstance(embedded, list) and len(embedded) < EMBEDDED_CONVERSATIONS:
        conversations: Sequence[Mapping[str, Any]] = embedded
    else:
        conversations = yield from read_conversations(ticket_id)
    for user_id in _unknown_writers(conversations, account):
        account.roles[user_id] = yield from people.read_role(user_id)
    try:
        ticket = build_ticket(raw, conversations, account)
    except (KeyError, TypeError, ValueError, AttributeError):
        ticket = None
    # Raised outside the handler: a conversion's error may quote what it was given.
    if ticket is None:
        raise unexpected_body(READ)
    return ticket


def _unknown_writers(conversations: Sequence[Mapping[str, Any]], account: Account) -> list[int]:
    writers = [each.get("user_id") for each in conversations if isinstance(each, dict) and not each.get("incoming")]
    known = {account.own_id, *account.roles}
    return list(dict.fromkeys(writer for writer in writers if isinstance(writer, int) and writer not in known))


def build_ticket(raw: Mapping[str, Any], conversations: Sequence[Mapping[str, Any]], account: Account) -> Ticket:
    """The neutral ticket from the bodies that were read."""
    conversations = sorted(conversations, key=lambda each: (instant(each["created_at"]), each["id"]))
    custom_fields = raw.get("custom_fields") or {}
    record = records.merged(
        records.decode(account.catalogue.raw(RECORD, custom_fields)),
        [
            found
            for each in conversations
            if _is_ours(each, account) and each.get("private") and (found := records.in_note(_text(each))) is not None
        ],
    )
    replies = record.replies if record is not None else {}
    created_at, updated_at = instant(raw["created_at"]), instant(raw["updated_at"])
    status = account.catalogue.status_of(raw["status"])
    outbound = raw.get("source") == channels.OUTBOUND_EMAIL
    requester_id = raw["requester_id"]
    return Ticket(
        platform=PLATFORM,
        account=account.name,
        id=str(raw["id"]),
        created_at=created_at,
        updated_at=updated_at,
        channel=channels.channel_of(raw.get("source")),
        subject=raw.get("subject") or "",
        status=status,
        tags=frozenset(raw.get("tags") or ()),
        requester=Requester(str(requester_id), _known(raw, account)),
        messages=(
            _description(raw, Author.AGENT if outbound else Author.CUSTOMER),
            *(_message(each, account, replies) for each in conversations),
        ),
        status_history=history.status_history(raw.get("stats") or {}, created_at, updated_at, status),
        fields=account.catalogue.read(custom_fields),
        priority=PRIORITIES.get(raw.get("priority") or 0),
        recipient=_recipient(raw),
        created_by=Author.AGENT if outbound else Author.CUSTOMER,
        brand=_id(raw.get("product_id")),
        group=_id(raw.get("group_id")),
        assignee=_id(raw.get("responder_id")),
        form=_id(raw.get("form_id")),
        merged_into=history.merged_into(status, str(raw["id"]), conversations),
        written=record.written if record is not None else None,
        version=raw["updated_at"],
    )


def _id(value: object) -> str | None:
    return None if value is None else str(value)


def _known(raw: Mapping[str, Any], account: Account) -> bool | None:
    return raw.get("company_id") is not None if account.known_requester == "company" else None


def _recipient(raw: Mapping[str, Any]) -> str | None:
    to = raw.get("to_emails")
    return (str(to[0]) if isinstance(to, list) and to else None) or raw.get("support_email") or None


# --- Messages ---------------------------------------------------------------------------------


def _description(raw: Mapping[str, Any], author: Author) -> Message:
    """The first message is no conversation: it is the ticket's description."""
    text = raw.get("description_text")
    return Message(
        id=f"ticket-{raw['id']}",
        at=instant(raw["created_at"]),
        author=author,
        public=True,
        text=text if isinstance(text, str) else _plain(raw.get("description")),
        voice=raw.get("source") == 3,
    )


def _message(raw: Mapping[str, Any], account: Account, replies: Mapping[str, str]) -> Message:
    text, author = _text(raw), _author(raw, account)
    # What is forwarded goes to somebody else than the customer.
    public = not raw.get("private") and raw.get("source") != channels.FORWARDED
    if author is Author.US and public:
        keys = [key for key, wanted in replies.items() if records.is_reply(text, wanted)]
        if keys:
            # A reply shows customers no marker; its key is put back here.
            text += compose(Note(key, "") for key in keys)
    return Message(
        id=str(raw["id"]),
        at=instant(raw["created_at"]),
        author=author,
        public=public,
        text=text,
        voice=raw.get("source") == channels.PHONE_CALL,
    )


def _author(raw: Mapping[str, Any], account: Account) -> Author:
    """``incoming`` is the customer's; else the user decides. A survey's answer waits for no reply."""
    if _is_ours(raw, account):
        return Author.US
    if raw.get("source") == channels.SURVEY:
        return Author.SYSTEM
    if raw.get("incoming"):
        return Author.CUSTOMER
    user_id = raw.get("user_id")
    return account.roles.get(user_id, Author.AGENT) if isinstance(user_id, int) else Author.SYSTEM


def _is_ours(raw: Mapping[str, Any], account: Account) -> bool:
    return raw.get("user_id") == account.own_id and not raw.get("incoming")


def _text(raw: Mapping[str, Any]) -> str:
    text = raw.get("body_text")
    return text if isinstance(text, str) else _plain(raw.get("body"))


def _plain(markup: object) -> str:
    """The text of HTML, for answers without a plain one."""
    return html.unescape(_TAGS.sub(" ", markup)).strip() if isinstance(markup, str) else ""
