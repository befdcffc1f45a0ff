"""Webhooks of rules: their bodies, their logins, and what becomes of those that fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox, Limits
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)
STATUS = {"field_name": "status", "from": "--", "to": "--"}
PRIORITY = {"field_name": "priority", "from": "--", "to": "--"}
SIMPLE = {
    "triggered_event": "{{triggered_event}}",
    "ticket_id": "{{ticket.id}}",
    "ticket_url": "{{ticket.url}}",
    "ticket_type": "{{ticket.ticket_type}}",
    "ticket_subject": "{{ticket.subject}}",
    "ticket_description": "{{ticket.description}}",
    "ticket_status": "{{ticket.status}}",
    "ticket_priority": "{{ticket.priority}}",
    "requester_name": "{{ticket.requester.name}}",
    "requester_email": "{{ticket.requester.email}}",
}


def delivered(sandbox: FreshdeskSandbox) -> None:
    assert sandbox.wait_delivered(PATIENCE)


# --- bodies ---


def test_the_advanced_layout(api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """The flat template with its placeholders filled, and the rule's own headers; no signature, no id."""
    api.new_rule(4, receiver.url, events=[STATUS])
    sandbox.agent_changes(ticket_id, status=6)
    delivered(sandbox)
    [(headers, _)], [payload] = receiver.received, receiver.payloads
    assert payload == {"ticket_id": ticket_id, "triggered_event": "{status:{from:2,to:6}}", "rule": "updated"}
    assert headers["x-webhook-secret"] == "s3cret"
    assert headers["content-type"] == "application/json"
    assert not [name for name in headers if "signature" in name or "delivery" in name]


def test_the_simple_layout(
    api: Api,
    sandbox: FreshdeskSandbox,
    receiver: Receiver,
    ticket_id: str,
    webhook: Callable[..., dict[str, Any]],
) -> None:
    """Everything is wrapped, text, and words where the API has numbers; renamed statuses under their new names."""
    action = webhook(receiver.url, content_layout="1", content=SIMPLE)
    api.new_rule(4, receiver.url, events=[STATUS], actions=[action])
    sandbox.agent_changes(ticket_id, type="Incident")
    sandbox.rename_status(6, "Espera al cliente")
    sandbox.agent_changes(ticket_id, status=6)
    delivered(sandbox)
    assert receiver.payloads == [
        {
            "freshdesk_webhook": {
                "triggered_event": "{status:{from:2,to:6}}",
                "ticket_id": ticket_id,
                "ticket_url": f"{sandbox.base_url}/helpdesk/tickets/{ticket_id}",
                "ticket_type": "Incident",
                "ticket_subject": "Invoice",
                "ticket_description": "<div>It is wrong.</div>",
                "ticket_status": "Espera al cliente",
                "ticket_priority": "Low",
                "requester_name": "Customer 1",
                "requester_email": "customer-1@example.com",
            }
        }
    ]


def test_form_and_xml(
    api: Api,
    sandbox: FreshdeskSandbox,
    receiver: Receiver,
    ticket_id: str,
    webhook: Callable[..., dict[str, Any]],
) -> None:
    """The two other encodings, of both layouts."""
    content = {"ticket_id": "{{ticket.id}}", "subject": "{{ticket.subject}}"}
    kinds = [("X-FORM-URLENCODED", "2"), ("X-FORM-URLENCODED", "1"), ("XML", "2")]
    actions = [
        webhook(receiver.url, content_type=kind, content_layout=layout, content=content) for kind, layout in kinds
    ]
    api.new_rule(4, receiver.url, events=[STATUS], actions=actions)
    api.put(ticket_id, subject="Fish & <chips>")
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    flat, wrapped, xml = (body.decode() for _, body in receiver.received)
    assert parse_qs(flat) == {"ticket_id": [ticket_id], "subject": ["Fish & <chips>"]}
    assert parse_qs(wrapped) == {
        "freshdesk_webhook[ticket_id]": [ticket_id],
        "freshdesk_webhook[subject]": ["Fish & <chips>"],
    }
    root = ET.fromstring(xml)  # noqa: S314 - the simulator's own
    assert (root.tag, [(item.tag, item.text) for item in root]) == (
        "freshdesk_webhook",
        [("ticket_id", ticket_id), ("subject", "Fish & <chips>")],
    )
    types = [headers["content-type"] for headers, _ in receiver.received]
    assert types == ["application/x-www-form-urlencoded"] * 2 + ["application/xml"]


@pytest.mark.parametrize(
    ("deed", "event"),
    [
        (lambda box, ticket: box.agent_changes(ticket, priority=4), "{priority:{from:1,to:4}}"),
        (lambda box, ticket: box.agent_changes(ticket, priority=4, status=3), "{status:{from:2,to:3}}"),
        (lambda box, ticket: box.agent_changes(ticket, type="Incident"), "{ticket_type:{from:,to:Incident}}"),
        (lambda box, ticket: box.agent_replies(ticket, "x", public=False), "{note_type:private}"),
        (lambda box, ticket: box.agent_notes_publicly(ticket, "x"), "{note_type:public}"),
        (lambda box, ticket: box.agent_replies(ticket, "x"), "{reply_sent:sent}"),
        (lambda box, ticket: box.agent_deletes(ticket), "{ticket_action:delete}"),
    ],
)
def test_triggered_event_names_the_first_change_only(
    api: Api,
    sandbox: FreshdeskSandbox,
    receiver: Receiver,
    ticket_id: str,
    deed: Callable[[FreshdeskSandbox, str], None],
    event: str,
) -> None:
    """One webhook for an update with several changes, and text that is not JSON."""
    names = ("note_type", "reply_sent", "ticket_type", "ticket_action")
    api.new_rule(4, receiver.url, events=[PRIORITY, STATUS, *({"field_name": name} for name in names)])
    deed(sandbox, ticket_id)
    delivered(sandbox)
    assert receiver.events == [event]


def test_the_first_change_is_one_that_the_rule_listens_to(
    api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str
) -> None:
    """Others are passed over."""
    api.new_rule(4, receiver.url, events=[PRIORITY])
    sandbox.agent_changes(ticket_id, priority=4, status=3)
    delivered(sandbox)
    assert receiver.events == ["{priority:{from:1,to:4}}"]


def test_creation(api: Api, sandbox: FreshdeskSandbox, receiver: Receiver) -> None:
    """A new ticket of whatever origin."""
    api.new_rule(1, receiver.url)
    first = sandbox.open_ticket(channel=Channel.CHAT, subject="S", text="T")
    second = api.post("/tickets", {"subject": "S", "description": "D", "email": "a@example.com"})["id"]
    delivered(sandbox)
    assert [(item["ticket_id"], item["triggered_event"]) for item in receiver.payloads] == [
        (first, "{ticket_action:created}"),
        (str(second), "{ticket_action:created}"),
    ]


@pytest.mark.parametrize(("escaping", "readable"), [(True, True), (False, False)])
def test_quotes_and_line_breaks(
    api: Api,
    sandbox: FreshdeskSandbox,
    receiver: Receiver,
    webhook: Callable[..., dict[str, Any]],
    escaping: bool,
    readable: bool,
) -> None:
    """Whether values are escaped is not documented: unescaped they break the JSON, the id is still in it."""
    sandbox.behaviour.escape_placeholders = escaping
    content = {"ticket_id": "{{ticket.id}}", "subject": "{{ticket.subject}}"}
    api.new_rule(1, receiver.url, actions=[webhook(receiver.url, content=content)])
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject='The "gold" card', text="T")
    delivered(sandbox)
    [(_, body)] = receiver.received
    assert f'"ticket_id": "{ticket_id}"'.encode() in body
    if readable:
        assert json.loads(body)["subject"] == 'The "gold" card'
    else:
        with pytest.raises(ValueError, match="delimiter"):
            json.loads(body)


def test_placeholders_in_words(
    api: Api,
    sandbox: FreshdeskSandbox,
    receiver: Receiver,
    ticket_id: str,
    webhook: Callable[..., dict[str, Any]],
) -> None:
    """Names of group and agent, tags with commas, a due date without an offset, own fields; unknown ones vanish."""
    name = api.new_field("custom_text", "Stage")
    group = api.get("/groups")[0]
    content = {
        "group": "{{ticket.group.name}}",
        "agent": "{{ticket.agent.name}}",
        "tags": "{{ticket.tags}}",
        "due": "{{ticket.due_by_time}}",
        "stage": f"{{{{ticket.{name}}}}}",
        "unknown": "[{{ticket.nonsense}}]",
        "nested": {"source": ["{{ticket.source}}", 7]},
    }
    api.new_rule(4, receiver.url, events=[STATUS], actions=[webhook(receiver.url, content=content)])
    api.put(ticket_id, custom_fields={name: "Registered"}, tags=["a", "b"])
    sandbox.agent_changes(ticket_id, status=3, responder_id=9002, group_id=group["id"])
    delivered(sandbox)
    assert receiver.payloads == [
        {
            "group": group["name"],
            "agent": "Alex Agent",
            "tags": "a, b",
            "due": "Nov 26 2026 at 09:15 AM",
            "stage": "Registered",
            "unknown": "[]",
            "nested": {"source": ["Email", 7]},
        }
    ]


@pytest.mark.parametrize(
    ("login", "authorization"),
    [
        ({"username": "hook", "password": "p:w"}, "Basic aG9vazpwOnc="),
        ({"api_key": "abc"}, "Basic YWJjOlg="),
    ],
)
def test_basic_logins(
    api: Api,
    sandbox: FreshdeskSandbox,
    receiver: Receiver,
    ticket_id: str,
    webhook: Callable[..., dict[str, Any]],
    login: dict[str, str],
    authorization: str,
) -> None:
    """User and password, or a key, beside or instead of a header of the rule's own."""
    api.new_rule(4, receiver.url, events=[STATUS], actions=[webhook(receiver.url, auth_header=login)])
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    assert receiver.received[0][0]["authorization"] == authorization


# --- delivery ---


def test_retries_after_5_30_and_60_minutes(
    api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str, manual_clock: ManualClock
) -> None:
    """Of the simulator's clock, each counted from the attempt before; then a mail to the administrators."""
    api.new_rule(4, receiver.url, events=[STATUS])
    receiver.status = 500
    began = manual_clock()
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    for attempt, minutes in enumerate((5, 30, 60), 1):
        assert len(receiver.received) == attempt
        assert sandbox.waiting_until() == [manual_clock() + timedelta(minutes=minutes)]
        manual_clock.advance(timedelta(minutes=minutes) - timedelta(seconds=1))
        delivered(sandbox)
        assert len(receiver.received) == attempt
        manual_clock.advance(timedelta(seconds=1))
        delivered(sandbox)
    assert len(receiver.received) == 4
    assert len({body for _, body in receiver.received}) == 1
    assert sandbox.waiting_until() == []
    [mail] = sandbox.mails()
    assert (mail.about, mail.at - began) == ("failed", timedelta(minutes=95))


@pytest.mark.parametrize("status", [301, 400, 401, 404, 503])
def test_whatever_is_no_success_is_tried_again(
    api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str, manual_clock: ManualClock, status: int
) -> None:
    """Until it succeeds, and no mail is written then; a redirect is not followed."""
    api.new_rule(4, receiver.url, events=[STATUS])
    receiver.status = status
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    receiver.status = 202
    manual_clock.advance(timedelta(minutes=5))
    delivered(sandbox)
    assert len(receiver.received) == 2
    assert (sandbox.waiting_until(), sandbox.mails()) == ([], [])


def test_nobody_at_home(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """A receiver that is not there is tried again, too."""
    api.new_rule(4, "http://127.0.0.1:9/hooks", events=[STATUS])
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    assert len(sandbox.waiting_until()) == 1


def test_later_events_overtake_one_that_waits(
    api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str, manual_clock: ManualClock
) -> None:
    """An event arrives after those that followed it, by up to 95 minutes."""
    api.new_rule(4, receiver.url, events=[STATUS])
    receiver.status = 500
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    receiver.status = 200
    sandbox.agent_changes(ticket_id, status=4)
    delivered(sandbox)
    manual_clock.advance(timedelta(minutes=5))
    delivered(sandbox)
    assert receiver.events[1:] == ["{status:{from:3,to:4}}", "{status:{from:2,to:3}}"]


def test_duplicates_and_losses(api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """Deliveries can be doubled and lost; nothing in them tells."""
    api.new_rule(4, receiver.url, events=[STATUS])
    sandbox.webhooks.duplicate_deliveries = 1
    sandbox.agent_changes(ticket_id, status=3)
    sandbox.webhooks.duplicate_deliveries = 0
    sandbox.webhooks.drop_deliveries = 1
    sandbox.agent_changes(ticket_id, status=4)
    delivered(sandbox)
    assert receiver.events == ["{status:{from:2,to:3}}"] * 2
    assert receiver.received[0] == receiver.received[1]


def test_postponed_to_the_next_hour(
    api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str, manual_clock: ManualClock
) -> None:
    """A call over the limit waits for an hour, and again, until there is room."""
    api.new_rule(4, receiver.url, events=[STATUS])
    sandbox.behaviour.postpone_webhooks = True
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    manual_clock.advance(timedelta(hours=1))
    delivered(sandbox)
    assert receiver.received == []
    sandbox.behaviour.postpone_webhooks = False
    manual_clock.advance(timedelta(hours=1))
    delivered(sandbox)
    assert receiver.events == ["{status:{from:2,to:3}}"]


def test_dropped_after_24_hours(
    api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str, manual_clock: ManualClock
) -> None:
    """A call that waited for longer is deleted with a mail, even if there is room again."""
    api.new_rule(4, receiver.url, events=[STATUS])
    sandbox.behaviour.postpone_webhooks = True
    sandbox.agent_changes(ticket_id, status=3)
    for _ in range(24):
        manual_clock.advance(timedelta(hours=1))
        delivered(sandbox)
    assert (len(sandbox.waiting_until()), sandbox.mails()) == (1, [])
    sandbox.behaviour.postpone_webhooks = False
    manual_clock.advance(timedelta(hours=1))
    delivered(sandbox)
    assert receiver.received == []
    assert [mail.about for mail in sandbox.mails()] == ["deleted"]
    assert sandbox.waiting_until() == []


def test_a_late_retry_is_not_dropped(
    api: Api, sandbox: FreshdeskSandbox, receiver: Receiver, ticket_id: str, manual_clock: ManualClock
) -> None:
    """Only what is put off is deleted, not what waits for its next attempt."""
    api.new_rule(4, receiver.url, events=[STATUS])
    receiver.status = 500
    sandbox.agent_changes(ticket_id, status=3)
    delivered(sandbox)
    receiver.status = 200
    manual_clock.advance(timedelta(days=2))
    delivered(sandbox)
    assert len(receiver.received) == 2
    assert sandbox.mails() == []


def test_webhooks_take_from_the_accounts_budget(
    connect: Callable[[FreshdeskSandbox], Api], manual_clock: ManualClock, receiver: Receiver
) -> None:
    """Each takes one credit of the minute, and waits an hour when there is none."""
    with FreshdeskSandbox(clock=manual_clock, limits=Limits(3, 3, 3, 3, 3)) as sandbox:
        connect(sandbox).new_rule(1, receiver.url)
        for _ in range(3):
            sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")
        delivered(sandbox)
        assert [item["ticket_id"] for item in receiver.payloads] == ["1", "2"]
        assert sandbox.waiting_until() == [manual_clock() + timedelta(hours=1)]
        manual_clock.advance(timedelta(hours=1))
        delivered(sandbox)
        assert [item["ticket_id"] for item in receiver.payloads] == ["1", "2", "3"]
