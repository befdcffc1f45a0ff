"""The sandbox in the hands of its owner: people that act, and what an agent sees."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.ports import AgentView, Request, Sandbox
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)


def test_settings_and_secrets_log_in(sandbox: FreshdeskSandbox, api: Api) -> None:
    """What the sandbox names as settings and secrets is enough for a call; so is the token for requests by hand."""
    assert sandbox.settings() == {"base_url": sandbox.base_url}
    assert sandbox.secrets() == {"api_key": "sandbox-key"}
    assert api.call("GET", "/agents/me", key=sandbox.agent_token).json()["id"] == 9002


def test_numbers_begin_where_they_are_told_to(manual_clock: ManualClock) -> None:
    """The first ticket has the number that was asked for, and the next ones follow."""
    with FreshdeskSandbox(clock=manual_clock, first_ticket_id=5158) as sandbox:
        ids = [sandbox.open_ticket(channel=Channel.EMAIL, subject="Hello", text="Hello") for _ in range(2)]
        assert ids == ["5158", "5159"]
        assert [view.id for view in sandbox.tickets()] == ids


def test_a_ticket_as_an_agent_sees_it(sandbox: FreshdeskSandbox, api: Api, ticket_id: str) -> None:
    """Words for numbers, fields by label and only those with a value, our private notes, how often we wrote."""
    stage, due = api.new_dropdown("Stage", "Registered"), api.new_field("custom_text", "Next due")
    api.new_field("custom_text", "Never set")
    api.put(ticket_id, priority=3, tags=["vip", "sla_on_track"], custom_fields={stage: "Registered", due: "soon"})
    api.put(ticket_id, priority=3)
    api.post(f"/tickets/{ticket_id}/notes", {"body": "<p>Due.</p>", "private": True})
    api.post(f"/tickets/{ticket_id}/notes", {"body": "A public note", "private": False})
    sandbox.agent_replies(ticket_id, "An agent's note", public=False)
    view: AgentView = sandbox.view(ticket_id)
    assert (view.id, view.subject, view.channel, view.status, view.priority) == (
        "1",
        "Invoice",
        "Email",
        "Open",
        "High",
    )
    assert view.tags == ["sla_on_track", "vip"]
    assert view.fields == {"Stage": "Registered", "Next due": "soon"}
    assert view.notes == ["Due."]
    assert view.writes == 1


def test_an_agent_edits_a_ticket(sandbox: FreshdeskSandbox, api: Api, ticket_id: str) -> None:
    """Properties by number or name, single tags, fields by label; nothing of it counts as a write of ours."""
    api.new_field("custom_text", "Promised at")
    sandbox.agent_changes(
        ticket_id,
        priority="Urgent",
        status=7,
        add_tags=["urgent_call"],
        remove_tags=["vip"],
        fields={"Promised at": "2026-11-30"},
    )
    view = sandbox.view(ticket_id)
    assert (view.priority, view.status, view.tags, view.writes) == (
        "Urgent",
        "Waiting on Third Party",
        ["urgent_call"],
        0,
    )
    assert view.fields == {"Promised at": "2026-11-30"}
    sandbox.agent_changes(ticket_id, tags=["only"])
    assert sandbox.view(ticket_id).tags == ["only"]
    with pytest.raises(KeyError):
        sandbox.agent_changes(ticket_id, priority="Extreme")


def test_an_agent_solves_a_ticket(sandbox: FreshdeskSandbox, api: Api, ticket_id: str) -> None:
    """It is resolved, not closed."""
    sandbox.agent_solves(ticket_id)
    assert api.ticket(ticket_id)["status"] == 4


def test_customers_are_recognised_by_their_address(sandbox: FreshdeskSandbox, api: Api) -> None:
    """Tickets of one address, in whatever case, have one requester, others have others."""
    ids = [
        sandbox.open_ticket(channel=Channel.EMAIL, subject="Hello", text="Hello", email=email)
        for email in ("ana@example.com", "ANA@example.com", None)
    ]
    first, second, third = (api.ticket(ticket_id)["requester_id"] for ticket_id in ids)
    assert first == second != third


def test_the_recipient(sandbox: FreshdeskSandbox, api: Api, ticket_id: str) -> None:
    """The address that a customer wrote to is on the ticket, if there was one."""
    other = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T", recipient="Feedback@example.com")
    assert api.ticket(other)["to_emails"] == ["feedback@example.com"]
    assert api.ticket(ticket_id)["to_emails"] is None


def test_pages_for_a_browser(sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """A list and a page for each ticket, with notes, and nobody's text as markup."""
    sandbox.agent_replies(ticket_id, "Look <b>here</b>", public=False)
    with HttpTransport(sandbox.base_url) as client:
        start, page, missing = (
            client.send(Request("GET", path, "look")) for path in ("/", "/helpdesk/tickets/1", "/a/tickets/99")
        )
    assert (start.status, page.status, missing.status) == (200, 200, 404)
    assert b'<a href="/a/tickets/1">#1</a>' in start.body
    assert b"<b>Customer 1</b> wrote" in page.body
    assert b'<article class="sheet private">' in page.body
    assert b"Look &lt;b&gt;here&lt;/b&gt;" in page.body


def test_the_clock_alone_brings_webhooks(
    sandbox: FreshdeskSandbox, api: Api, ticket_id: str, receiver: Receiver, manual_clock: ManualClock
) -> None:
    """Nobody has to ask for what is due: a running simulator looks at its clock."""
    api.new_rule(4, receiver.url, events=[{"field_name": "status"}])
    receiver.status = 500
    sandbox.agent_changes(ticket_id, status=3)
    assert sandbox.wait_delivered(PATIENCE)
    receiver.status = 200
    manual_clock.advance(timedelta(minutes=5))
    give_up_at = time.monotonic() + PATIENCE.total_seconds()
    while len(receiver.received) < 2:
        assert time.monotonic() < give_up_at, "the second attempt does not come"
        time.sleep(0.01)


def test_nobody_is_left_after_closing(manual_clock: ManualClock) -> None:
    """A closed sandbox answers nobody; closing twice is no error."""
    sandbox: Sandbox = FreshdeskSandbox(clock=manual_clock)
    sandbox.close()
    sandbox.close()
    with HttpTransport(sandbox.base_url) as client, pytest.raises(TemporaryPlatformError):
        client.send(Request("GET", "/api/v2/tickets", "read"))
