"""Tickets as agents see them, for the sandbox's owner."""

from __future__ import annotations

from oneclick_sla_freshdesk.simulator import text
from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.records import PRIORITIES, SOURCES, Ticket
from oneclick_sla_plugin.ports import AgentView


def view_of(account: Account, ticket: Ticket, own_agent_id: int) -> AgentView:
    """The ticket in Freshdesk's words.

    ``fields`` by label. ``notes`` are the private notes of the integration's agent, and
    ``writes`` counts that agent's updates that took effect.
    """
    fields = [(item.label, ticket.custom_fields.get(name)) for name, item in account.fields.custom().items()]
    return AgentView(
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
