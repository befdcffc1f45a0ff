"""Webhooks that are not taken at once: retries, listings, and injected faults."""

from __future__ import annotations

import base64
import hmac
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask import Response

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_plugin.testing.deliveries import Outcome
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.invocations import is_retried

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)


@pytest.mark.parametrize(
    ("outcomes", "again"),
    [
        pytest.param([Outcome(200)], False, id="success"),
        pytest.param([Outcome(409)] * 3, True, id="409, third time"),
        pytest.param([Outcome(409)] * 4, False, id="409, fourth time"),
        pytest.param([Outcome(429, retry_after=timedelta(seconds=59))], True, id="429 that waits 59 s"),
        pytest.param([Outcome(503, retry_after=timedelta(seconds=1))], True, id="503 that waits 1 s"),
        pytest.param([Outcome(503, retry_after=timedelta(seconds=60))], False, id="503 that waits 60 s"),
        pytest.param([Outcome(429)], False, id="429 without a wait"),
        pytest.param([Outcome(500)], False, id="500"),
        pytest.param([Outcome(500, retry_after=timedelta(seconds=1))], False, id="500 with a wait"),
        pytest.param([Outcome(401)], False, id="401"),
        pytest.param([Outcome(None, timed_out=True)] * 5, True, id="too slow, fifth time"),
        pytest.param([Outcome(None, timed_out=True)] * 6, False, id="too slow, sixth time"),
        pytest.param([Outcome(None)], False, id="nobody there"),
        pytest.param([Outcome(None, timed_out=True)] * 5 + [Outcome(409)], True, id="each kind has its own count"),
    ],
)
def test_the_rule_of_retries(outcomes: list[Outcome], again: bool) -> None:
    """409 is tried three times more, time-outs five times, 429 and 503 with a wait under a minute; nothing else."""
    assert is_retried(outcomes) is again


def test_a_conflict_is_delivered_again_until_it_is_taken(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str, manual_clock: ManualClock
) -> None:
    """The same body comes again, signed anew with the time of the attempt, and the listing shows the last status."""
    webhook_id = api.new_webhook(receiver.url, "priority_changed")
    answers = iter([409, 409, 200])

    def answer() -> Response:
        manual_clock.advance(timedelta(minutes=1))
        return Response(status=next(answers))

    receiver.answer = answer
    sandbox.agent_changes(ticket_id, priority="low")
    assert sandbox.wait_delivered(PATIENCE)
    assert len({body for _, body in receiver.received}) == 1
    stamps = [headers["x-zendesk-webhook-signature-timestamp"] for headers, _ in receiver.received]
    assert stamps == ["2026-11-23T09:15:45Z", "2026-11-23T09:16:45Z", "2026-11-23T09:17:45Z"]
    secret = sandbox.secrets()["webhook_secrets"]
    for headers, body in receiver.received:
        stamp = headers["x-zendesk-webhook-signature-timestamp"]
        digest = hmac.new(secret.encode(), stamp.encode() + body, "sha256").digest()
        assert headers["x-zendesk-webhook-signature"] == base64.b64encode(digest).decode()
    [invocation] = api.get(f"/api/v2/webhooks/{webhook_id}/invocations")["invocations"]
    assert (invocation["status"], invocation["status_code"]) == ("success", 200)
    assert invocation["event_id"] == receiver.events[0]["id"]
    assert invocation["id"] == receiver.received[0][0]["x-zendesk-webhook-invocation-id"]


@pytest.mark.parametrize(
    ("status", "attempts", "named"),
    [(409, 4, "failed"), (500, 1, "failed"), (401, 1, "terminated"), (302, 1, "failed")],
)
def test_what_is_given_up(
    api: Api,
    sandbox: ZendeskSandbox,
    receiver: Receiver,
    ticket_id: str,
    status: int,
    attempts: int,
    named: str,
) -> None:
    """A receiver that keeps refusing is asked so often, and the webhook stays active."""
    webhook_id = api.new_webhook(receiver.url, "priority_changed")
    receiver.answer = lambda: Response(status=status)
    sandbox.agent_changes(ticket_id, priority="low")
    assert sandbox.wait_delivered(PATIENCE)
    assert len(receiver.received) == attempts
    [invocation] = api.get(f"/api/v2/webhooks/{webhook_id}/invocations")["invocations"]
    assert (invocation["status"], invocation["status_code"]) == (named, status)
    assert api.get(f"/api/v2/webhooks/{webhook_id}")["webhook"]["status"] == "active"


def test_a_receiver_that_is_too_slow(
    manual_clock: ManualClock, receiver: Receiver, connect: Callable[[ZendeskSandbox], Api]
) -> None:
    """A time-out is tried five times more and shown as 504."""
    free = threading.Event()

    def answer() -> Response:
        free.wait(PATIENCE.total_seconds())
        return Response(status=200)

    receiver.answer = answer
    with ZendeskSandbox(
        clock=manual_clock, retry_wait=timedelta(milliseconds=1), webhook_timeout=timedelta(milliseconds=100)
    ) as sandbox:
        api = connect(sandbox)
        webhook_id = api.new_webhook(receiver.url, "created")
        sandbox.open_ticket(channel=Channel.EMAIL, subject="Hello", text="Good morning")
        assert sandbox.wait_delivered(PATIENCE)
        free.set()
        [invocation] = api.get(f"/api/v2/webhooks/{webhook_id}/invocations")["invocations"]
    assert len(receiver.received) == 6
    assert (invocation["status"], invocation["status_code"]) == ("failed", 504)


def test_a_deleted_webhook_is_not_called(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """What still waits for a webhook that is gone is never sent."""
    webhook_id = api.new_webhook(receiver.url, "priority_changed")
    sandbox.webhooks.pause()
    sandbox.agent_changes(ticket_id, priority="low")
    api.call("DELETE", f"/api/v2/webhooks/{webhook_id}")
    sandbox.webhooks.resume()
    assert sandbox.wait_delivered(PATIENCE)
    assert receiver.received == []


def test_duplicates_are_the_same_event(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str) -> None:
    """A doubled delivery has the same event id and bytes."""
    api.new_webhook(receiver.url, "priority_changed")
    sandbox.webhooks.duplicate_deliveries = 1
    sandbox.agent_changes(ticket_id, priority="low")
    assert sandbox.wait_delivered(PATIENCE)
    assert len(receiver.received) == 2
    assert len({body for _, body in receiver.received}) == 1


def test_events_can_come_in_another_order(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str
) -> None:
    """Shuffled, the events of many updates all come, but not in the order of their times."""
    api.new_webhook(receiver.url, "priority_changed")
    sandbox.webhooks.shuffle = True
    sandbox.webhooks.pause()
    wanted = ["low", "normal", "high", "urgent"] * 4
    for priority in wanted:
        sandbox.agent_changes(ticket_id, priority=priority)
    sandbox.webhooks.resume()
    assert sandbox.wait_delivered(PATIENCE)
    came = [event["event"]["current"].lower() for event in receiver.events]
    assert sorted(came) == sorted(wanted)
    assert came != wanted
