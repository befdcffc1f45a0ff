"""Tickets as agents see them, for the sandbox's owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oneclick_sla_freshdesk.simulator import text
from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.records import PRIORITIES, SOURCES, Ticket


@dataclass(slots=True)
class TicketView:
    """A ticket as an agent sees it, in Freshdesk's words; implements ``ports.AgentView``.

    ``fields`` are the non-empty custom fields by label. ``notes`` are the private
    notes of the integration's agent as plain text, and ``writes`` counts that
    agent's updates that took effect.
    """

    id: str
    subject: str = field(repr=False)
    channel: str
    status: str
    priority: str | None
    tags: Sequence[str]
    fields: Mapping[str, str]
    notes: Sequence[str] = field(repr=False)
    writes: int


def view_of(account: Account, ticket: Ticket, own_agent_id: int) -> TicketView:
    fields = [(item.label, ticket.custom_fields.get(name)) for name, item in account.fields.custom().items()]
    return TicketView(
        id=str(ticket.id),
        subject=ticket.subject,
        channel=SOURCES.get(ticket.source, f"Source {ticket.source}"),
        status=account.fields.statuses()[ticket.status].value,
        priority=PRIORITIES[ticket.priority],
        tags=sorted(ticket.tags),
        fields={label: str(value) for label, value in fields if value not in (None, "")},
        notes=[
            text.plain_of(item.body)
            for item in ticket.conversations
            if item.user_id == own_agent_id and item.private and not item.incoming
        ],
        writes=ticket.own_writes,
    )
