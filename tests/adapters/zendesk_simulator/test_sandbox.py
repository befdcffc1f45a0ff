"""The sandbox in the hands of its owner: people that act, and what an agent sees."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.ports import AgentView, Request, Sandbox
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api


def test_settings_and_secrets_log_in(sandbox: ZendeskSandbox, api: Api) -> None:
    """What the sandbox names as settings and secrets is enough for a token."""
    assert sandbox.settings() == {"base_url": sandbox.base_url, "client_id": "sandbox"}
    assert sandbox.secrets() == {"client_secret": "sandbox-secret"}
    made = api.new_token(client_id=sandbox.settings()["client_id"], client_secret=sandbox.secrets()["client_secret"])
    assert made.status == 201


def test_numbers_begin_where_they_are_told_to(manual_clock: ManualClock) -> None:
    """The first ticket has the number that was asked for, and the next ones follow."""
    with ZendeskSandbox(clock=manual_clock, first_ticket_id=5158) as sandbox:
        ids = [sandbox.open_ticket(channel=Channel.EMAIL, subject="Hello", text="Hello") for _ in range(2)]
        assert ids == ["5158", "5159"]
        assert [view.id for view in sandbox.tickets()] == ids


def test_a_ticket_as_an_agent_sees_it(sandbox: ZendeskSandbox, api: Api, ticket_id: str) -> None:
    """Fields by title and only those with a value, our private notes as text, and how often we wrote."""
    stage = api.new_dropdown("Stage", "stage_1", "stage_2")
    due = api.new_field("text", "Next due")
    api.new_field("text", "Never set")
    values = [{"id": stage, "value": "stage_2"}, {"id": due, "value": "2026-11-24T09:00:00Z"}]
    api.put(ticket_id, priority="high", custom_fields=values, comment={"html_body": "<p>Due.</p>", "public": False})
    api.put(ticket_id, comment={"body": "A public answer of ours", "public": True})
    api.put(ticket_id, priority="high")
    sandbox.agent_replies(ticket_id, "An agent's note", public=False)
    view: AgentView = sandbox.view(ticket_id)
    assert (view.id, view.subject, view.channel, view.status, view.priority) == (
        "1",
        "Invoice",
        "email",
        "new",
        "high",
    )
    assert view.tags == ["stage_2", "vip"]
    assert view.fields == {"Stage": "Stage 2", "Next due": "2026-11-24T09:00:00Z"}
    assert view.notes == ["Due."]
    assert view.writes == 2


def test_opening_a_ticket_is_not_a_write(sandbox: ZendeskSandbox, api: Api) -> None:
    """Only updates of the integration's user are counted, not a ticket it opened."""
    made = api.call("POST", "/api/v2/tickets", {"ticket": {"comment": {"body": "Hello"}}}).json()["ticket"]
    assert made["submitter_id"] == 9001
    assert sandbox.view(str(made["id"])).writes == 0


def test_an_agents_public_reply_takes_a_new_ticket(sandbox: ZendeskSandbox, api: Api, ticket_id: str) -> None:
    """The ticket is then the agent's and open; a private note leaves it new."""
    sandbox.agent_replies(ticket_id, "A note", public=False)
    assert api.ticket(ticket_id)["status"] == "new"
    sandbox.agent_replies(ticket_id, "We look into it")
    ticket = api.ticket(ticket_id)
    assert (ticket["status"], ticket["assignee_id"]) == ("open", 9002)
    assert [(comment["author_id"], comment["public"]) for comment in api.comments(ticket_id)[1:]] == [
        (9002, False),
        (9002, True),
    ]


@pytest.mark.parametrize(
    ("status", "after"), [("new", "new"), ("open", "open"), ("pending", "open"), ("hold", "open"), ("solved", "open")]
)
def test_a_customers_reply_opens_the_ticket_again(
    sandbox: ZendeskSandbox, ticket_id: str, status: str, after: str
) -> None:
    """A ticket that waits or is solved is open again when its requester writes."""
    sandbox.agent_changes(ticket_id, status=status)
    sandbox.customer_replies(ticket_id, "Hello?")
    assert sandbox.view(ticket_id).status == after


def test_an_agent_edits_a_ticket(sandbox: ZendeskSandbox, api: Api, ticket_id: str) -> None:
    """An agent changes properties, single tags and fields by their titles; nothing of it counts as a write of ours."""
    api.new_field("text", "Promised at")
    api.new_dropdown("Stage", "stage_1")
    sandbox.agent_changes(
        ticket_id,
        priority="low",
        add_tags=["urgent_call"],
        remove_tags=["vip"],
        fields={"Promised at": "2026-11-30", "Stage": "stage_1"},
    )
    view = sandbox.view(ticket_id)
    assert (view.priority, view.tags, view.writes) == ("low", ["stage_1", "urgent_call"], 0)
    assert view.fields == {"Promised at": "2026-11-30", "Stage": "Stage 1"}
    sandbox.agent_changes(ticket_id, tags=["only"])
    assert sandbox.view(ticket_id).tags == ["only"]


def test_calls(sandbox: ZendeskSandbox, api: Api, ticket_id: str) -> None:
    """A call is a public voice comment of the one who called, also in the history."""
    sandbox.call_comment(ticket_id, "Called back")
    sandbox.call_comment(ticket_id, "Called again", by_agent=False)
    requester = api.ticket(ticket_id)["requester_id"]
    calls = [(comment["type"], comment["author_id"], comment["public"]) for comment in api.comments(ticket_id)[1:]]
    assert calls == [("VoiceComment", 9002, True), ("VoiceComment", requester, True)]
    events = [event for audit in api.audits(ticket_id)[1:] for event in audit["events"]]
    assert [event["type"] for event in events] == ["VoiceComment", "VoiceComment"]


def test_customers_are_recognised_by_their_address(sandbox: ZendeskSandbox, api: Api) -> None:
    """Tickets of one address have one requester, others have others."""
    ids = [
        sandbox.open_ticket(channel=Channel.EMAIL, subject="Hello", text="Hello", email=email)
        for email in ("ana@example.com", "ana@example.com", None)
    ]
    first, second, third = (api.ticket(ticket_id)["requester_id"] for ticket_id in ids)
    assert first == second != third


def test_nobody_is_left_after_closing(manual_clock: ManualClock) -> None:
    """A closed sandbox answers nobody; closing twice is no error."""
    sandbox: Sandbox = ZendeskSandbox(clock=manual_clock)
    sandbox.close()
    sandbox.close()
    with HttpTransport(sandbox.base_url) as client, pytest.raises(TemporaryPlatformError):
        client.send(Request("GET", "/api/v2/tickets", "read"))


def test_without_webhooks_all_is_delivered(sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Nothing is on its way when nobody subscribed."""
    assert sandbox.wait_delivered(timedelta(0))
