"""Notes and replies: how they are made, what they do to the ticket, what can be changed afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.ports import Response
from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api


def test_a_note(api: Api, ticket_id: str) -> None:
    """Private unless it says otherwise, from the key's agent; the answer is the conversation as it is listed."""
    note = api.post(
        f"/tickets/{ticket_id}/notes", {"body": "<p>Due &lt;soon&gt;</p>", "notify_emails": ["A@b.example"]}
    )
    assert (note["private"], note["incoming"], note["source"], note["user_id"]) == (True, False, 2, 9001)
    assert (note["body"], note["body_text"]) == ("<div>Due &lt;soon&gt;</div>", "Due <soon>")
    assert (note["ticket_id"], note["to_emails"]) == (int(ticket_id), ["a@b.example"])
    assert api.conversations(ticket_id) == [note]


def test_a_note_is_not_idempotent(api: Api, ticket_id: str) -> None:
    """The same request twice makes two notes."""
    first, second = (api.post(f"/tickets/{ticket_id}/notes", {"body": "x", "private": True}) for _ in range(2))
    assert [item["id"] for item in api.conversations(ticket_id)] == [first["id"], second["id"]]


def test_a_reply(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """It goes to the requester and is public."""
    reply = api.post(f"/tickets/{ticket_id}/reply", {"body": "<div>Hello</div>", "cc_emails": ["Boss@Example.com"]})
    assert (reply["private"], reply["incoming"], reply["source"], reply["user_id"]) == (False, False, 0, 9001)
    assert (reply["to_emails"], reply["cc_emails"]) == (["customer-1@example.com"], ["boss@example.com"])
    assert sandbox.view(ticket_id).notes == []


@pytest.mark.parametrize(
    ("path", "given", "responds"),
    [
        ("notes", {"body": "x", "private": True}, False),
        ("notes", {"body": "x", "private": False}, True),
        ("reply", {"body": "x"}, True),
    ],
)
def test_what_stops_the_first_response_clock(
    api: Api, ticket_id: str, manual_clock: ManualClock, path: str, given: dict[str, Any], responds: bool
) -> None:
    """A public note and a reply are responses; a private note is none. Each moves ``updated_at``."""
    manual_clock.advance(timedelta(minutes=1))
    api.post(f"/tickets/{ticket_id}/{path}", given)
    ticket = api.ticket(ticket_id, "stats")
    assert ticket["stats"]["first_responded_at"] == ("2026-11-23T09:16:45Z" if responds else None)
    assert ticket["updated_at"] == "2026-11-23T09:16:45Z"
    assert ticket["status"] == 2


@pytest.mark.parametrize("path", ["notes", "reply"])
@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({}, {"body": "missing_field"}),
        ({"body": ""}, {"body": "missing_field"}),
        ({"body": 7}, {"body": "datatype_mismatch"}),
        ({"body": "x", "nonsense": 1}, {"nonsense": "invalid_field"}),
        ({"body": "x", "user_id": 42}, {"user_id": "invalid_value"}),
    ],
)
def test_what_is_refused(
    api: Api,
    ticket_id: str,
    problems: Callable[[Response], dict[str, str]],
    path: str,
    given: dict[str, Any],
    codes: dict[str, str],
) -> None:
    """400 with a list, and nothing is added."""
    refused = api.call("POST", f"/tickets/{ticket_id}/{path}", given)
    assert (refused.status, problems(refused)) == (400, codes)
    assert api.conversations(ticket_id) == []


def test_private_is_a_boolean(api: Api, ticket_id: str, problems: Callable[[Response], dict[str, str]]) -> None:
    """Text that looks like one is refused."""
    refused = api.call("POST", f"/tickets/{ticket_id}/notes", {"body": "x", "private": "true"})
    assert problems(refused) == {"private": "datatype_mismatch"}


def test_only_notes_can_be_edited(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """What was sent, and what the customer wrote, stays as it is."""
    note = api.post(f"/tickets/{ticket_id}/notes", {"body": "before"})
    reply = api.post(f"/tickets/{ticket_id}/reply", {"body": "sent"})
    sandbox.customer_replies(ticket_id, "card number")
    customers = api.conversations(ticket_id)[-1]
    assert api.call("PUT", f"/conversations/{note['id']}", {"body": "after"}).json()["body"] == "after"
    for standing in (reply, customers):
        assert api.call("PUT", f"/conversations/{standing['id']}", {"body": "after"}).status == 405
    assert [item["body_text"] for item in api.conversations(ticket_id)] == ["after", "sent", "card number"]


def test_every_conversation_can_be_deleted(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """A deleted one is gone from the list."""
    sandbox.customer_replies(ticket_id, "card number")
    sandbox.agent_replies(ticket_id, "Do not send that")
    first, _ = api.conversations(ticket_id)
    assert api.call("DELETE", f"/conversations/{first['id']}").status == 204
    assert [item["body_text"] for item in api.conversations(ticket_id)] == ["Do not send that"]


def test_whose_conversation_it_is(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Customer, agent and telephone have their own marks."""
    sandbox.customer_replies(ticket_id, "Hello?")
    sandbox.agent_replies(ticket_id, "A note", public=False)
    sandbox.agent_notes_publicly(ticket_id, "A public note")
    sandbox.call_comment(ticket_id, "Called back")
    sandbox.call_comment(ticket_id, "Called us", by_agent=False)
    requester = api.ticket(ticket_id)["requester_id"]
    marks = [
        (item["user_id"], item["incoming"], item["private"], item["source"]) for item in api.conversations(ticket_id)
    ]
    assert marks == [
        (requester, True, False, 0),
        (9002, False, True, 2),
        (9002, False, False, 2),
        (9002, False, False, 9),
        (requester, True, False, 9),
    ]


@pytest.mark.parametrize(("status", "after"), [(2, 2), (3, 2), (4, 2), (5, 2), (6, 6)])
def test_a_customers_reply_opens_the_ticket_again(
    api: Api, sandbox: FreshdeskSandbox, ticket_id: str, status: int, after: int
) -> None:
    """A ticket that is pending, resolved or closed is open again; a status of the account's own stays."""
    sandbox.agent_changes(ticket_id, status=status)
    sandbox.customer_replies(ticket_id, "Hello?")
    assert api.ticket(ticket_id)["status"] == after
