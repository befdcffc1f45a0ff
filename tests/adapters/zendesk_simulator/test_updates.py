"""Ticket updates over REST: what takes effect, what is dropped, what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api

LONG_SECONDS = 30


def test_an_update_answers_with_its_audit(api: Api, ticket_id: str, manual_clock: ManualClock) -> None:
    """One update is one audit of the token's user, with each change and our own metadata."""
    manual_clock.advance(timedelta(minutes=5))
    response = api.put(
        ticket_id,
        priority="urgent",
        tags=["vip", "late"],
        comment={"html_body": "<p>Due</p>", "public": False},
        metadata={"sla_plugin": {"rules": "v7"}},
    )
    audit = response.json()["audit"]
    assert response.status == 200
    assert response.json()["ticket"]["updated_at"] == "2026-11-23T09:20:45Z"
    assert audit["author_id"] == 9001
    assert audit["metadata"]["custom"] == {"sla_plugin": {"rules": "v7"}}
    changes = [
        (event["field_name"], event["previous_value"], event["value"])
        for event in audit["events"]
        if event["type"] == "Change"
    ]
    assert changes == [("priority", None, "urgent"), ("tags", ["vip"], ["late", "vip"])]
    comments = [event for event in audit["events"] if event["type"] == "Comment"]
    assert [(event["plain_body"], event["public"]) for event in comments] == [("Due", False)]
    assert api.audits(ticket_id)[-1] == audit


def test_the_first_audit_creates(api: Api, ticket_id: str) -> None:
    """A ticket's first audit is the requester's, with ``Create`` events and the first comment."""
    first = api.audits(ticket_id)[0]
    created = {event["field_name"]: event["value"] for event in first["events"] if event["type"] == "Create"}
    assert (created["subject"], created["status"], created["priority"], created["tags"]) == (
        "Invoice",
        "new",
        None,
        ["vip"],
    )
    assert first["author_id"] == api.ticket(ticket_id)["requester_id"]
    assert [event["type"] for event in first["events"]].count("Comment") == 1


def test_people_and_the_integration_are_told_apart(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Each audit names who did it: the integration, the agent or the customer."""
    api.put(ticket_id, priority="low")
    sandbox.agent_changes(ticket_id, priority="high")
    sandbox.customer_replies(ticket_id, "Hello?")
    requester_id = api.ticket(ticket_id)["requester_id"]
    assert [audit["author_id"] for audit in api.audits(ticket_id)] == [requester_id, 9001, 9002, requester_id]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"ticket": {"priority": None, "tags": ["vip"]}}, id="no difference"),
        pytest.param({"priority": "urgent"}, id="no wrapper"),
        pytest.param({"ticket": {"description": "Other"}}, id="the description"),
        pytest.param({"ticket": {"metadata": {"a": 1}}}, id="metadata alone"),
    ],
)
def test_updates_without_effect(
    api: Api, sandbox: ZendeskSandbox, ticket_id: str, manual_clock: ManualClock, body: dict[str, Any]
) -> None:
    """It is answered 200, and the ticket stays as it is: no audit, the same ``updated_at``, no write counted."""
    before = api.ticket(ticket_id)
    manual_clock.advance(timedelta(minutes=1))
    response = api.call("PUT", f"/api/v2/tickets/{ticket_id}", body)
    assert (response.status, response.json()["audit"]) == (200, None)
    assert "x-zendesk-api-warn" not in response.headers
    assert api.ticket(ticket_id) == before
    assert len(api.audits(ticket_id)) == 1
    assert sandbox.view(ticket_id).writes == 0


def test_unknown_keys_are_dropped_with_a_warning(api: Api, ticket_id: str) -> None:
    """What is known takes effect, the rest is named in a header only."""
    response = api.put(ticket_id, priority="high", urgency="high", additional_tags=["x"])
    assert response.status == 200
    assert response.headers["x-zendesk-api-warn"] == (
        'Removed restricted keys ["additional_tags", "urgency"] from parameters'
    )
    ticket = api.ticket(ticket_id)
    assert (ticket["priority"], ticket["tags"]) == ("high", ["vip"])


@pytest.mark.parametrize("safe_update", [True, False, "true", None])
@pytest.mark.parametrize(
    ("stamp", "status"),
    [
        pytest.param("2026-11-23T09:15:45Z", 200, id="current"),
        pytest.param("2026-11-23T10:15:45+01:00", 200, id="current in another offset"),
        pytest.param("2026-11-23T09:15:44Z", 409, id="older"),
        pytest.param("2026-11-23T09:15:46Z", 409, id="newer"),
        pytest.param("yesterday", 409, id="not an instant"),
        pytest.param(None, 409, id="missing"),
    ],
)
def test_safe_updates(api: Api, ticket_id: str, safe_update: Any, stamp: str | None, status: int) -> None:
    """The presence of ``safe_update`` counts, not its value: a stamp other than ``updated_at`` is a conflict."""
    response = api.put(ticket_id, priority="high", safe_update=safe_update, updated_stamp=stamp)
    assert response.status == status
    if status == 409:
        assert response.json()["error"] == "UpdateConflict"
    assert api.ticket(ticket_id)["priority"] == ("high" if status == 200 else None)


def test_without_safe_update_the_stamp_is_not_looked_at(api: Api, ticket_id: str) -> None:
    """An update that is not safe always wins."""
    assert api.put(ticket_id, priority="high", updated_stamp="2000-01-01T00:00:00Z").status == 200


def test_two_changes_within_a_second_slip_past(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """``updated_at`` has whole seconds, so a change within the same second is not seen as a conflict."""
    stamp = api.ticket(ticket_id)["updated_at"]
    sandbox.agent_changes(ticket_id, priority="low")
    assert api.put(ticket_id, priority="high", safe_update=True, updated_stamp=stamp).status == 200


def test_injected_conflicts(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """The next safe updates get ``UpdateConflict``, the next of any kind ``DatabaseConflict``; then all is as before."""
    stamp = api.ticket(ticket_id)["updated_at"]
    safe = {"priority": "high", "safe_update": True, "updated_stamp": stamp}
    sandbox.conflict_next(2)
    assert api.put(ticket_id, type="task").status == 200
    assert [api.put(ticket_id, **safe).json().get("error") for _ in range(3)] == ["UpdateConflict"] * 2 + [None]
    sandbox.conflict_next(1, "DatabaseConflict")
    refused = api.put(ticket_id, priority="low")
    assert (refused.status, refused.json()["error"]) == (409, "DatabaseConflict")
    assert api.ticket(ticket_id)["priority"] == "high"
    assert api.put(ticket_id, priority="low").status == 200


def test_a_closed_ticket_refuses_everything(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """A closed ticket answers 422 with the reason, whatever is asked."""
    sandbox.agent_changes(ticket_id, status="closed")
    response = api.put(ticket_id, comment={"body": "late", "public": False})
    assert (response.status, response.json()["error"]) == (422, "RecordInvalid")
    assert "status" in response.json()["details"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"priority": "asap"},
        {"status": "done"},
        {"type": "complaint"},
        {"assignee_id": 1},
    ],
)
def test_values_that_are_not_allowed(api: Api, ticket_id: str, attributes: dict[str, Any]) -> None:
    """A wrong value is 422, and nothing of the update takes effect."""
    response = api.put(ticket_id, tags=["changed"], **attributes)
    assert (response.status, response.json()["error"]) == (422, "RecordInvalid")
    assert set(response.json()["details"]) == set(attributes)
    assert api.ticket(ticket_id)["tags"] == ["vip"]


def test_a_ticket_made_by_hand(api: Api, sandbox: ZendeskSandbox) -> None:
    """``POST /tickets`` with a channel makes the requester's own ticket, as if it had come in there."""
    body = {
        "ticket": {
            "subject": "Order",
            "comment": {"body": "Where is it?"},
            "requester": {"name": "Ana", "email": "ana@example.com"},
            "via": {"channel": "web"},
        }
    }
    response = api.call("POST", "/api/v2/tickets.json", body, token=sandbox.agent_token)
    ticket = response.json()["ticket"]
    assert (response.status, ticket["via"]["channel"], ticket["subject"]) == (201, "web", "Order")
    requester = api.get(f"/api/v2/users/{ticket['requester_id']}")["user"]
    assert (requester["name"], requester["email"], requester["role"]) == ("Ana", "ana@example.com", "end-user")
    assert api.audits(str(ticket["id"]))[0]["author_id"] == requester["id"]
    again = api.call("POST", "/api/v2/tickets", body).json()["ticket"]
    assert again["requester_id"] == requester["id"]


def test_a_ticket_opened_through_the_api(api: Api, sandbox: ZendeskSandbox) -> None:
    """Without a channel the ticket came through the API, and its audit is the token user's."""
    body = {"ticket": {"subject": "Order", "comment": {"body": "Where is it?"}}}
    ticket = api.call("POST", "/api/v2/tickets", body, token=sandbox.agent_token).json()["ticket"]
    assert ticket["via"]["channel"] == "api"
    assert api.audits(str(ticket["id"]))[0]["author_id"] == 9002


def test_a_ticket_needs_a_first_comment(api: Api) -> None:
    """A ticket without text is 422, and uses up no number."""
    assert api.call("POST", "/api/v2/tickets", {"ticket": {"subject": "Empty"}}).status == 422
    made = api.call("POST", "/api/v2/tickets", {"ticket": {"comment": {"body": "Hello"}}})
    assert made.json()["ticket"]["id"] == 1


def test_requests_are_counted_by_operation(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Refused requests count too, and the suffix makes no other operation."""
    api.put(ticket_id, priority="low")
    api.put("99", priority="low")
    api.call("GET", "/api/v2/tickets/1.json")
    assert sandbox.requests == {
        "POST /oauth/tokens": 1,
        "PUT /api/v2/tickets/{ticket_id}": 2,
        "GET /api/v2/tickets/{ticket_id}": 1,
    }


def test_injected_answers(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """A quota that is used up can be played: the update is answered 429 and has no effect."""
    sandbox.answer_next(1, 429, operation="PUT /api/v2/tickets/{ticket_id}", headers={"Retry-After": "3"})
    refused = api.put(ticket_id, priority="high")
    assert (refused.status, refused.headers["retry-after"]) == (429, "3")
    assert api.ticket(ticket_id)["priority"] is None
    assert api.put(ticket_id, priority="high").status == 200


@pytest.mark.parametrize(("before_effect", "seen"), [(True, None), (False, "high")])
def test_held_writes(
    api: Api,
    sandbox: ZendeskSandbox,
    ticket_id: str,
    connect: Callable[[ZendeskSandbox], Api],
    before_effect: bool,
    seen: str | None,
) -> None:
    """While an update is held, its effect is not there yet, or is there already, as the test wants."""
    sandbox.delay_writes(timedelta(seconds=LONG_SECONDS), before_effect=before_effect)
    writer = connect(sandbox)
    applied = threading.Event()
    statuses: list[int] = []

    def write() -> None:
        statuses.append(writer.put(ticket_id, priority="high").status)
        applied.set()

    thread = threading.Thread(target=write)
    thread.start()
    for _ in range(100 * LONG_SECONDS):
        arrived = sandbox.requests["PUT /api/v2/tickets/{ticket_id}"]
        if arrived and api.ticket(ticket_id)["priority"] == seen:
            break
        applied.wait(0.01)
    assert api.ticket(ticket_id)["priority"] == seen
    assert not applied.is_set()
    sandbox.close()  # lets held answers go
    thread.join(LONG_SECONDS)
    assert statuses == [200]
    assert sandbox.view(ticket_id).priority == "high"


def test_updates_from_many_threads_are_all_kept(
    sandbox: ZendeskSandbox, api: Api, ticket_id: str, connect: Callable[[ZendeskSandbox], Api]
) -> None:
    """Concurrent updates each become one audit with ids of their own."""

    def write(number: int) -> None:
        writers[number].put(ticket_id, comment={"body": f"note {number}", "public": False})

    writers = [connect(sandbox) for _ in range(12)]
    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view = sandbox.view(ticket_id)
    assert (view.writes, sorted(view.notes)) == (12, sorted(f"note {number}" for number in range(12)))
    ids = [audit["id"] for audit in api.audits(ticket_id)]
    assert len(set(ids)) == 13
