"""What a PUT does to a ticket, and what a POST makes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.transport import HttpTransport, Timeouts

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api

PATIENCE_SECONDS = 30.0


def test_only_what_is_sent_changes(api: Api, ticket_id: str, manual_clock: ManualClock) -> None:
    """Keys that are not sent stay, inside of ``custom_fields`` too; the answer is the ticket afterwards."""
    stage, due = api.new_dropdown("Stage", "Registered", "Closed"), api.new_field("custom_text", "Next due")
    api.put(ticket_id, custom_fields={stage: "Registered", due: "soon"})
    manual_clock.advance(timedelta(minutes=1))
    answer = api.put(ticket_id, priority=4, type="Complaint", custom_fields={due: None})
    assert answer.status == 200
    ticket = api.ticket(ticket_id)
    assert answer.json() == ticket
    assert (ticket["priority"], ticket["type"], ticket["status"], ticket["tags"]) == (4, "Complaint", 2, ["vip"])
    assert ticket["custom_fields"] == {stage: "Registered", due: None}
    assert ticket["updated_at"] == "2026-11-23T09:16:45Z"


def test_tags_are_replaced(api: Api, ticket_id: str) -> None:
    """The list that is sent is the list that is; who does not send an old tag drops it."""
    assert api.put(ticket_id, tags=["sla_priority_high", "sla_priority_high"]).json()["tags"] == ["sla_priority_high"]
    assert api.put(ticket_id, tags=[]).json()["tags"] == []


def test_nothing_new_is_no_change(
    api: Api, sandbox: FreshdeskSandbox, ticket_id: str, manual_clock: ManualClock
) -> None:
    """A PUT of what stands there already leaves ``updated_at`` alone."""
    manual_clock.advance(timedelta(minutes=1))
    assert api.put(ticket_id, priority=1, tags=["vip"]).json()["updated_at"] == "2026-11-23T09:15:45Z"
    assert sandbox.view(ticket_id).writes == 0


def test_the_last_write_wins(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Between the request and its effect an agent can add a tag, and loses it: there is no locking."""
    sandbox.before_next_write(lambda: sandbox.agent_changes(ticket_id, add_tags=["sla_is_complaint"], priority="High"))
    assert api.put(ticket_id, tags=["vip", "sla_on_track"]).status == 200
    ticket = api.ticket(ticket_id)
    assert ticket["tags"] == ["vip", "sla_on_track"]
    assert ticket["priority"] == 3
    assert api.put(ticket_id, tags=["vip"]).json()["tags"] == ["vip"]


def test_a_race_waits_for_an_update(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Notes do not set it off, and each is for one update."""
    sandbox.before_next_write(lambda: sandbox.agent_changes(ticket_id, subject="First"))
    sandbox.before_next_write(lambda: sandbox.agent_changes(ticket_id, subject="Second"))
    api.post(f"/tickets/{ticket_id}/notes", {"body": "x"})
    assert api.ticket(ticket_id)["subject"] == "Invoice"
    assert [api.put(ticket_id, priority=priority).json()["subject"] for priority in (2, 3)] == ["First", "Second"]


def test_closed_tickets_stay_editable(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Unlike on other helpdesks a closed ticket takes every write."""
    sandbox.agent_changes(ticket_id, status="Closed")
    assert api.put(ticket_id, tags=["late"], priority=2).json()["tags"] == ["late"]
    assert api.ticket(ticket_id)["status"] == 5


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"priority": 0}, "priority", "invalid_value"),
        ({"priority": "4"}, "priority", "datatype_mismatch"),
        ({"priority": True}, "priority", "invalid_value"),
        ({"status": 99}, "status", "invalid_value"),
        ({"source": 99}, "source", "invalid_value"),
        ({"subject": 7}, "subject", "datatype_mismatch"),
        ({"responder_id": 42}, "responder_id", "invalid_value"),
        ({"group_id": "x"}, "group_id", "datatype_mismatch"),
        ({"tags": ["x" * 33]}, "tags", "invalid_value"),
        ({"tags": ["a,b"]}, "tags", "invalid_value"),
        ({"tags": [1]}, "tags", "datatype_mismatch"),
        ({"custom_fields": []}, "custom_fields", "datatype_mismatch"),
        ({"nr_due_by": "2026-12-01T16:00:00Z"}, "nr_due_by", "invalid_field"),
        ({"sla_policy_id": 1}, "sla_policy_id", "invalid_field"),
    ],
)
def test_values_that_are_refused(
    api: Api,
    ticket_id: str,
    problems: Callable[[Response], dict[str, str]],
    given: dict[str, Any],
    field: str,
    code: str,
) -> None:
    """400 names the field and what is wrong with it."""
    refused = api.put(ticket_id, **given)
    assert (refused.status, problems(refused)) == (400, {field: code})


@pytest.mark.parametrize(
    ("type_", "good", "bad", "code"),
    [
        ("custom_text", "x" * 255, "x" * 256, "invalid_value"),
        ("custom_text", "x", 7, "datatype_mismatch"),
        ("custom_paragraph", "x" * 256, ["x"], "datatype_mismatch"),
        ("custom_checkbox", True, "true", "datatype_mismatch"),
        ("custom_number", 7, 7.5, "datatype_mismatch"),
        ("custom_decimal", 7.5, "7.5", "datatype_mismatch"),
        ("custom_date", "2026-12-01", "2026-12-01T10:00:00Z", "invalid_date"),
    ],
)
def test_custom_values(
    api: Api,
    ticket_id: str,
    problems: Callable[[Response], dict[str, str]],
    type_: str,
    good: Any,
    bad: Any,
    code: str,
) -> None:
    """Each type of field takes its own values, and null to be empty."""
    name = api.new_field(type_, "Field")
    assert api.put(ticket_id, custom_fields={name: good}).json()["custom_fields"] == {name: good}
    assert problems(api.put(ticket_id, custom_fields={name: bad})) == {f"custom_fields.{name}": code}
    assert api.put(ticket_id, custom_fields={name: None}).json()["custom_fields"] == {name: None}


@pytest.mark.parametrize("value", ["registered", "Registered ", "", "Unheard"])
def test_a_choice_is_exact(api: Api, ticket_id: str, value: str) -> None:
    """A dropdown takes its choices to the letter."""
    stage = api.new_dropdown("Stage", "None", "Registered")
    assert api.put(ticket_id, custom_fields={stage: value}).status == 400
    assert api.put(ticket_id, custom_fields={stage: "Registered"}).status == 200


def test_a_required_field_fails_any_write(
    api: Api, sandbox: FreshdeskSandbox, ticket_id: str, problems: Callable[[Response], dict[str, str]]
) -> None:
    """Accounts may refuse a write for a field that it does not name."""
    name = api.new_field("custom_text", "Contract", required_for_agents=True)
    assert api.put(ticket_id, priority=2).status == 200
    sandbox.behaviour.enforce_required_fields = True
    assert problems(api.put(ticket_id, priority=3)) == {f"custom_fields.{name}": "missing_field"}
    assert api.put(ticket_id, priority=3, custom_fields={name: "C-7"}).status == 200


def test_mail_of_the_team_keeps_its_text(api: Api, sandbox: FreshdeskSandbox) -> None:
    """Subject and description of an outbound ticket cannot be changed; its other properties can."""
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="Offer", text="Hello", source=10)
    assert api.put(ticket_id, description="x").status == 400
    assert api.put(ticket_id, subject="x").status == 400
    assert api.put(ticket_id, priority=2).status == 200


def test_html_is_rewritten(api: Api, ticket_id: str) -> None:
    """Paragraphs come back as ``div``, scripts are gone, and the plain text follows the HTML."""
    html = "<p class='x'>One &amp; two</p><script>alert(1)</script><p>Three<br>four</p>"
    ticket = api.put(ticket_id, description=html).json()
    assert ticket["description"] == "<div class='x'>One &amp; two</div><div>Three<br>four</div>"
    assert ticket["description_text"] == "One & two\nThree\nfour"


# --- due dates ---


@pytest.mark.parametrize(
    ("due", "first", "codes"),
    [
        pytest.param("2026-12-01T16:00:00Z", "2026-11-24T09:00:00Z", {}, id="both"),
        pytest.param("2026-12-01T18:00:00+02:00", "2026-11-24T09:00:00Z", {}, id="with an offset"),
        pytest.param("2026-12-01T16:00:00Z", None, {"fr_due_by": "missing_field"}, id="one alone"),
        pytest.param(None, "2026-12-01T16:00:00Z", {"due_by": "missing_field"}, id="the other alone"),
        pytest.param("2026-12-01T16:00:00Z", "2026-12-01T16:00:00Z", {"due_by": "invalid_value"}, id="equal"),
        pytest.param("2026-11-24T09:00:00Z", "2026-12-01T16:00:00Z", {"due_by": "invalid_value"}, id="wrong order"),
        pytest.param("2026-12-01T16:00:00Z", "2026-11-23T09:15:44Z", {"fr_due_by": "invalid_value"}, id="past"),
        pytest.param("tomorrow", "2026-12-01T16:00:00Z", {"due_by": "invalid_date"}, id="no instant"),
        pytest.param("2026-12-01T16:00:00", "2026-11-24T09:00:00Z", {"due_by": "invalid_date"}, id="no offset"),
    ],
)
def test_due_dates(
    api: Api,
    ticket_id: str,
    problems: Callable[[Response], dict[str, str]],
    due: str | None,
    first: str | None,
    codes: dict[str, str],
) -> None:
    """Both are sent together, in order and not in the past."""
    sent = {name: value for name, value in (("due_by", due), ("fr_due_by", first)) if value}
    answer = api.put(ticket_id, **sent)
    assert answer.status == (400 if codes else 200)
    if codes:
        assert problems(answer) == codes
    else:
        ticket = answer.json()
        assert (ticket["due_by"], ticket["fr_due_by"]) == ("2026-12-01T16:00:00Z", "2026-11-24T09:00:00Z")


@pytest.mark.parametrize(("status", "stopped"), [(2, False), (3, True), (4, True), (5, True), (6, True), (7, False)])
def test_due_dates_need_a_running_timer(
    api: Api, sandbox: FreshdeskSandbox, ticket_id: str, status: int, stopped: bool
) -> None:
    """A status that stops the SLA timer refuses them, the status of the same request included."""
    due = {"due_by": "2026-12-01T16:00:00Z", "fr_due_by": "2026-11-24T09:00:00Z"}
    assert api.put(ticket_id, status=status, **due).status == (400 if stopped else 200)
    sandbox.agent_changes(ticket_id, status=status)
    assert api.put(ticket_id, **due).status == (400 if stopped else 200)


def test_the_account_moves_due_dates_until_somebody_sets_them(api: Api, ticket_id: str) -> None:
    """They follow the priority; once set by hand they stay."""
    assert api.put(ticket_id, priority=4).json()["due_by"] == "2026-11-23T13:15:45Z"
    assert api.put(ticket_id, priority=3).json()["due_by"] == "2026-11-23T21:15:45Z"
    api.put(ticket_id, due_by="2026-12-01T16:00:00Z", fr_due_by="2026-11-24T09:00:00Z")
    ticket = api.put(ticket_id, priority=4).json()
    assert (ticket["due_by"], ticket["fr_due_by"]) == ("2026-12-01T16:00:00Z", "2026-11-24T09:00:00Z")


# --- making tickets ---


def test_a_ticket_made_by_hand(api: Api, sandbox: FreshdeskSandbox) -> None:
    """It belongs to the one with the address, which is kept in lower case; open and low unless told."""
    made = api.post("/tickets", {"subject": "Invoice", "description": "<p>Wrong</p>", "email": "Ana@Example.com"})
    assert (made["status"], made["priority"], made["source"], made["spam"]) == (2, 1, 2, False)
    assert api.ticket(str(made["id"]), "requester")["requester"]["email"] == "ana@example.com"
    assert sandbox.view(str(made["id"])).writes == 0


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"subject": "S", "description": "D"}, {"requester_id": "missing_field"}),
        ({"email": "a@example.com"}, {"subject": "missing_field", "description": "missing_field"}),
        (
            {"subject": "S", "description": "D", "email": "a@example.com", "nonsense": 1, "priority": 5},
            {"nonsense": "invalid_field", "priority": "invalid_value"},
        ),
        ({"subject": "S", "description": "D", "requester_id": 42}, {"requester_id": "invalid_value"}),
        (
            {"subject": "S", "description": "D", "email": "a@example.com", "due_by": "2026-12-01T16:00:00Z"},
            {"fr_due_by": "missing_field"},
        ),
    ],
)
def test_tickets_that_are_not_made(
    api: Api, problems: Callable[[Response], dict[str, str]], given: dict[str, Any], codes: dict[str, str]
) -> None:
    """400 with all that is missing or wrong."""
    refused = api.call("POST", "/tickets", given)
    assert (refused.status, problems(refused)) == (400, codes)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_many_at_once(api: Api, sandbox: FreshdeskSandbox, ticket_id: str, method: str) -> None:
    """An update of several tickets is a job, by either method; one that fails holds up no other."""
    other = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")
    action = {"bulk_action": {"ids": [int(ticket_id), 99, int(other)], "properties": {"priority": 3}}}
    answer = api.call(method, "/tickets/bulk_update", action)
    assert (answer.status, answer.json().keys()) == (202, {"job_id"})
    assert [api.ticket(number)["priority"] for number in (ticket_id, other)] == [3, 3]


# --- slow writes ---


def test_a_write_whose_answer_is_lost(sandbox: FreshdeskSandbox, api: Api, ticket_id: str) -> None:
    """With a delay after the effect the caller gives up, and the note stands nevertheless."""
    sandbox.delay_writes(timedelta(seconds=PATIENCE_SECONDS), before_effect=False)
    brief = Timeouts(connect=timedelta(seconds=5), read=timedelta(milliseconds=100))
    with HttpTransport(sandbox.base_url, timeouts=brief) as client, pytest.raises(TemporaryPlatformError):
        client.send(
            Request(
                "POST",
                f"/api/v2/tickets/{ticket_id}/notes",
                "test",
                headers={"Authorization": "Basic c2FuZGJveC1rZXk6WA==", "Content-Type": "application/json"},
                body=b'{"body": "a note"}',
            )
        )
    assert [item["body_text"] for item in api.conversations(ticket_id)] == ["a note"]


def test_a_write_that_comes_late(sandbox: FreshdeskSandbox, api: Api, ticket_id: str) -> None:
    """With a delay before the effect nothing is seen until it is over."""
    sandbox.delay_writes(timedelta(seconds=PATIENCE_SECONDS), before_effect=True)
    writer = threading.Thread(target=api.put, args=(ticket_id,), kwargs={"priority": 4})
    writer.start()
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not sandbox.requests["PUT /api/v2/tickets/{ticket_id}"]:
        assert time.monotonic() < give_up_at, "the write does not arrive"
    assert api.ticket(ticket_id)["priority"] == 1
    sandbox.close()
    writer.join(PATIENCE_SECONDS)
    assert sandbox.view(ticket_id).priority == "Urgent"
