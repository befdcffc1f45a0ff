"""The circuit breaker of webhooks, the attempts of a delivery, and "Test webhook"."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from flask import Response

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.invocations import CircuitBreaker, signature

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("good", "bad", "opens"),
    [
        pytest.param(0, 99, False, id="under a hundred"),
        pytest.param(0, 100, True, id="a hundred failures"),
        pytest.param(31, 69, False, id="under seventy percent"),
        pytest.param(30, 70, True, id="seventy percent"),
        pytest.param(5000, 1000, False, id="a thousand failures"),
        pytest.param(5000, 1001, True, id="over a thousand failures"),
    ],
)
def test_when_it_opens(good: int, bad: int, opens: bool) -> None:
    """From 70 % errors or over a thousand in five minutes on, never under a hundred requests."""
    breaker = CircuitBreaker()
    for succeeded in (*([True] * good), *([False] * bad)):
        breaker.record(NOW, succeeded=succeeded)
    assert breaker.is_open(NOW + timedelta(seconds=4.9)) is opens
    assert not breaker.is_open(NOW + timedelta(seconds=5))


def test_old_answers_are_forgotten() -> None:
    """Five minutes count."""
    breaker = CircuitBreaker()
    for _ in range(99):
        breaker.record(NOW, succeeded=False)
    breaker.record(NOW + timedelta(minutes=5), succeeded=False)
    assert not breaker.is_open(NOW + timedelta(minutes=5))


def test_what_comes_while_it_is_open_is_lost(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, manual_clock: ManualClock
) -> None:
    """It shows as "circuit broken" in the listing; five seconds later webhooks are sent again."""
    hook = api.new_webhook(receiver.url, "created")
    receiver.answer = lambda: Response(status=500)
    for _ in range(100):
        sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text")
    assert sandbox.wait_delivered(PATIENCE)
    receiver.answer = lambda: Response(status=200)
    lost = sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text")
    assert sandbox.wait_delivered(PATIENCE)
    manual_clock.advance(timedelta(seconds=5))
    later = sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text")
    assert sandbox.wait_delivered(PATIENCE)
    told = [event["detail"]["id"] for event in receiver.events]
    assert (len(told), told[-1]) == (101, later)
    assert lost not in told
    listed = api.get(f"/api/v2/webhooks/{hook}/invocations")["invocations"]
    assert [entry["status"] for entry in listed[:3]] == ["success", "circuit broken", "failed"]


def test_each_attempt_is_listed_with_what_was_sent(api: Api, sandbox: ZendeskSandbox, receiver: Receiver) -> None:
    """A delivery that was tried again has an attempt for each try, with headers and payload; its id is the webhook's."""
    hook = api.new_webhook(receiver.url, "created")
    answers = iter([409, 200])
    receiver.answer = lambda: Response(status=next(answers))
    sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text")
    assert sandbox.wait_delivered(PATIENCE)
    [invocation] = api.get(f"/api/v2/webhooks/{hook}/invocations")["invocations"]
    attempts = api.get(f"/api/v2/webhooks/{hook}/invocations/{invocation['id']}/attempts")["attempts"]
    assert [(each["id"], each["status"], each["status_code"]) for each in attempts] == [
        (hook, "failed", 409),
        (hook, "success", 200),
    ]
    assert json.loads(attempts[0]["request"]["payload"])["type"] == "zen:event-type:ticket.created"
    names = {header["key"] for header in attempts[0]["request"]["headers"]}
    assert "X-Zendesk-Webhook-Signature" in names
    assert api.call("GET", f"/api/v2/webhooks/{hook}/invocations/none/attempts").status == 404


@pytest.mark.parametrize("status", [200, 401])
def test_test_webhook_tells_what_came_back(api: Api, sandbox: ZendeskSandbox, receiver: Receiver, status: int) -> None:
    """A signed request at once; it is no invocation."""
    hook = api.new_webhook(receiver.url, "created")
    receiver.answer = lambda: Response(status=status)
    answer = api.call("POST", "/api/v2/webhooks/test", {"request": {}}, {"webhook_id": hook})
    assert answer.json()["response"]["status"] == status
    [(headers, body)] = receiver.received
    stamp = headers["x-zendesk-webhook-signature-timestamp"]
    secret = sandbox.secrets()["webhook_secrets"]
    assert headers["x-zendesk-webhook-signature"] == signature(secret, stamp, body)
    assert api.get(f"/api/v2/webhooks/{hook}/invocations")["invocations"] == []
