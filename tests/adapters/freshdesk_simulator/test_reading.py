"""Tickets and conversations as they are read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api

TICKET_KEYS = {
    *("id", "subject", "type", "status", "priority", "source", "requester_id", "responder_id", "group_id"),
    *("company_id", "product_id", "form_id", "email_config_id", "due_by", "fr_due_by", "nr_due_by"),
    *("is_escalated", "fr_escalated", "nr_escalated", "spam", "description", "description_text"),
    *("custom_fields", "tags", "cc_emails", "attachments", "created_at", "updated_at"),
}
STATS_KEYS = {
    *("agent_responded_at", "requester_responded_at", "first_responded_at", "status_updated_at", "reopened_at"),
    *("resolved_at", "closed_at", "pending_since"),
}
CONVERSATION_KEYS = {
    *("id", "ticket_id", "body", "body_text", "incoming", "private", "user_id", "source", "from_email"),
    *("to_emails", "created_at", "updated_at", "attachments"),
}


def test_a_ticket(api: Api, ticket_id: str) -> None:
    """A new ticket has numbers for its choices, instants in whole seconds, and its text as HTML and plain."""
    ticket = api.ticket(ticket_id)
    assert ticket.keys() >= TICKET_KEYS
    assert (ticket["id"], ticket["status"], ticket["priority"], ticket["source"]) == (1, 2, 1, 1)
    assert (ticket["subject"], ticket["tags"], ticket["spam"]) == ("Invoice", ["vip"], False)
    assert (ticket["description"], ticket["description_text"]) == ("<div>It is wrong.</div>", "It is wrong.")
    assert ticket["created_at"] == ticket["updated_at"] == "2026-11-23T09:15:45Z"
    assert {"stats", "requester", "company", "conversations", "deleted"}.isdisjoint(ticket)


def test_what_can_be_included(api: Api, sandbox: FreshdeskSandbox) -> None:
    """Statistics, requester, company and conversations come with a ticket when they are asked for."""
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T", email="Ana@Example.com")
    ticket = api.ticket(ticket_id, "stats,requester,company,conversations")
    assert ticket["stats"] == dict.fromkeys(STATS_KEYS)
    assert ticket["requester"]["email"] == "ana@example.com"
    assert ticket["requester"]["id"] == ticket["requester_id"]
    assert (ticket["company"], ticket["conversations"]) == ({}, [])
    assert api.fetch(f"/tickets/{ticket_id}", include="nonsense").status == 400


def test_included_conversations_stop_at_ten(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """The oldest ten come with the ticket; the rest is on the pages of its conversations."""
    for number in range(12):
        sandbox.customer_replies(ticket_id, f"Message {number}")
    included = api.ticket(ticket_id, "conversations")["conversations"]
    assert [item["body_text"] for item in included] == [f"Message {number}" for number in range(10)]
    assert all(item.keys() >= CONVERSATION_KEYS for item in included)
    assert len(api.conversations(ticket_id)) == 12


def test_pages_of_conversations(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Thirty a page unless told otherwise, at most a hundred, the next page in the Link header."""
    for number in range(31):
        sandbox.customer_replies(ticket_id, f"Message {number}")
    path = f"/tickets/{ticket_id}/conversations"
    first = api.fetch(path)
    assert len(first.json()) == 30
    assert first.headers["link"] == f'<{sandbox.base_url}/api/v2{path}?page=2&per_page=30>; rel="next"'
    last = api.fetch(path, page="2")
    assert [item["body_text"] for item in last.json()] == ["Message 30"]
    assert "link" not in last.headers
    assert api.fetch(path, per_page="101").status == 400


@pytest.mark.parametrize(
    ("channel", "source"),
    [
        (Channel.EMAIL, 1),
        (Channel.WEB_FORM, 2),
        (Channel.PHONE, 3),
        (Channel.SOCIAL, 6),
        (Channel.CHAT, 7),
        (Channel.WHATSAPP, 13),
        (Channel.OTHER, 8),
    ],
)
def test_sources(api: Api, sandbox: FreshdeskSandbox, channel: Channel, source: int) -> None:
    """Each channel has its number."""
    assert api.ticket(sandbox.open_ticket(channel=channel, subject="S", text="T"))["source"] == source


def test_a_source_that_nobody_knows(api: Api, sandbox: FreshdeskSandbox) -> None:
    """Live accounts have higher numbers than are documented."""
    ticket_id = sandbox.open_ticket(channel=Channel.OTHER, subject="S", text="T", source=41)
    assert api.ticket(ticket_id)["source"] == 41
    assert sandbox.view(ticket_id).channel == "Source 41"


def test_due_dates_can_be_null(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Accounts differ: the account's own due dates, or none of them."""
    assert api.ticket(ticket_id)["fr_due_by"] == "2026-11-24T09:15:45Z"
    sandbox.behaviour.null_due_dates = True
    ticket = api.ticket(ticket_id)
    assert (ticket["due_by"], ticket["fr_due_by"], ticket["nr_due_by"]) == (None, None, None)


def test_escalation(api: Api, sandbox: FreshdeskSandbox, ticket_id: str, manual_clock: ManualClock) -> None:
    """A due date that passes shows; a response ends the first one's danger, a solution the other's."""
    manual_clock.advance(timedelta(days=4))
    assert [api.ticket(ticket_id)[key] for key in ("fr_escalated", "is_escalated")] == [True, True]
    sandbox.agent_replies(ticket_id, "Sorry")
    sandbox.agent_changes(ticket_id, status="Resolved")
    assert [api.ticket(ticket_id)[key] for key in ("fr_escalated", "is_escalated")] == [False, False]


def test_the_trash(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """A ticket in the trash can be read, not written, and be taken out again; later it is gone."""
    sandbox.agent_deletes(ticket_id)
    assert api.ticket(ticket_id)["deleted"] is True
    refused = api.put(ticket_id, priority=4)
    assert (refused.status, refused.body) == (404, b"")
    assert api.call("POST", f"/tickets/{ticket_id}/notes", {"body": "x"}).status == 404
    assert api.call("PUT", f"/tickets/{ticket_id}/restore").status == 204
    assert "deleted" not in api.ticket(ticket_id)
    sandbox.agent_deletes(ticket_id, forever=True)
    assert api.fetch(f"/tickets/{ticket_id}").status == 404


def test_deleting_by_the_api(api: Api, ticket_id: str) -> None:
    """204 without a body, and the ticket is in the trash."""
    response = api.call("DELETE", f"/tickets/{ticket_id}")
    assert (response.status, response.body) == (204, b"")
    assert api.ticket(ticket_id)["deleted"] is True
    assert api.call("DELETE", f"/tickets/{ticket_id}").status == 404


def test_spam(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Spam can be read and says what it is."""
    sandbox.agent_deletes(ticket_id, spam=True)
    assert api.ticket(ticket_id)["spam"] is True
    assert api.put(ticket_id, priority=4).status == 404


def test_archived_tickets(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """They are found under an address of their own and nowhere else."""
    sandbox.archive(ticket_id)
    assert api.fetch(f"/tickets/{ticket_id}").status == 404
    archived = api.get(f"/tickets/archived/{ticket_id}")
    assert (archived["id"], archived["archived"]) == (int(ticket_id), True)
    assert api.get("/tickets") == []


def test_merged_tickets(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """The one that was merged is closed; private notes on both tell of it."""
    other = sandbox.open_ticket(channel=Channel.EMAIL, subject="Again", text="Still wrong.")
    sandbox.agent_merges(other, into=ticket_id)
    assert (api.ticket(other)["status"], api.ticket(ticket_id)["status"]) == (5, 2)
    [closed], [kept] = api.conversations(other), api.conversations(ticket_id)
    assert closed["body_text"] == f"This ticket is closed and merged into ticket {ticket_id}"
    assert kept["body_text"] == f"Merged from ticket {other}: Again"
    assert closed["private"]
    assert kept["private"]


def test_statistics(api: Api, sandbox: FreshdeskSandbox, ticket_id: str, manual_clock: ManualClock) -> None:
    """Each instant is that of the last (or, of the first response, the first) deed of its kind."""
    manual_clock.advance(timedelta(minutes=1))
    sandbox.agent_replies(ticket_id, "We look into it")
    manual_clock.advance(timedelta(minutes=1))
    sandbox.agent_changes(ticket_id, status="Pending")
    pending = api.ticket(ticket_id, "stats")["stats"]
    manual_clock.advance(timedelta(minutes=1))
    sandbox.agent_replies(ticket_id, "It is paid back")
    sandbox.agent_changes(ticket_id, status="Closed")
    closed = api.ticket(ticket_id, "stats")["stats"]
    manual_clock.advance(timedelta(minutes=1))
    sandbox.customer_replies(ticket_id, "It is not")
    reopened = api.ticket(ticket_id, "stats")["stats"]
    assert (pending["pending_since"], pending["resolved_at"]) == ("2026-11-23T09:17:45Z", None)
    assert closed["first_responded_at"] == "2026-11-23T09:16:45Z"
    assert closed["agent_responded_at"] == closed["closed_at"] == closed["resolved_at"] == "2026-11-23T09:18:45Z"
    assert closed["pending_since"] is None
    assert reopened["reopened_at"] == reopened["requester_responded_at"] == "2026-11-23T09:19:45Z"
    assert (reopened["closed_at"], reopened["resolved_at"]) == (None, None)


def test_people(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Agents have their names inside of a contact; contacts are found by their address."""
    me = api.get("/agents/me")
    assert (me["id"], me["contact"]["email"]) == (9001, "sla-plugin@example.com")
    assert api.get("/agents/9002")["contact"]["name"] == "Alex Agent"
    assert [agent["id"] for agent in api.get("/agents")] == [9001, 9002, 9003]
    requester = api.ticket(ticket_id)["requester_id"]
    assert api.get(f"/contacts/{requester}")["email"] == "customer-1@example.com"
    assert [contact["id"] for contact in api.get("/contacts", email="Customer-1@example.com")] == [requester]
    assert api.get("/contacts", email="nobody@example.com") == []
