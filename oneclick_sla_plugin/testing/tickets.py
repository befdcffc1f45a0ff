"""Small tickets for tests: a valid one by default, each fact changed by its name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from oneclick_sla_plugin.domain.model import Author, Channel, Message, Requester, Status, StatusChange, Ticket

RECEIVED_AT = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
"""A Tuesday, 10:00 in Lima and 16:00 in Madrid, far from holidays and clock changes."""


def a_message(
    after: timedelta = timedelta(0),
    author: Author = Author.CUSTOMER,
    *,
    text: str = "¿Dónde veo mi factura?",
    public: bool = True,
    voice: bool = False,
    id: str = "1",  # noqa: A002 - the name of the field
) -> Message:
    """A message ``after`` the instant at which :func:`a_ticket` was received."""
    return Message(id=id, at=RECEIVED_AT + after, author=author, public=public, text=text, voice=voice)


def a_ticket(messages: Iterable[Message] | None = None, **facts: Any) -> Ticket:
    """An open e-mail ticket with one message of a customer, ``facts`` aside."""
    thread = (a_message(),) if messages is None else tuple(messages)
    values: dict[str, Any] = {
        "platform": "zendesk",
        "account": "acme",
        "id": "42",
        "created_at": RECEIVED_AT,
        "updated_at": RECEIVED_AT,
        "channel": Channel.EMAIL,
        "subject": "Factura",
        "status": Status.OPEN,
        "tags": frozenset(),
        "requester": Requester("7"),
        "messages": thread,
        "status_history": (StatusChange(RECEIVED_AT, Status.OPEN),),
    }
    values.update(facts)
    return Ticket(**values)
