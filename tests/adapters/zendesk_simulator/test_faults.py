"""Faults of the API by chance: each kind does what it says, and chance is reproducible."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_zendesk.simulator import Fault, Faults, ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)


def only(fault: Fault, rate: float = 1) -> Faults:
    return Faults(rate, kinds=(fault,), webhooks=False)


def test_a_server_error_has_no_effect(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """500, 502 or 503, in HTML."""
    sandbox.faults = only(Fault.SERVER_ERROR)
    response = api.put(ticket_id, priority="high")
    assert response.status in (500, 502, 503)
    assert response.body.startswith(b"<html>")
    assert sandbox.view(ticket_id).priority is None


@pytest.mark.parametrize(("fault", "priority"), [(Fault.RESET, None), (Fault.LOST_ANSWER, "high")])
def test_no_answer_says_nothing_of_the_effect(
    api: Api, sandbox: ZendeskSandbox, ticket_id: str, fault: Fault, priority: str | None
) -> None:
    """A connection that ends without an answer: before the effect, or after it."""
    sandbox.faults = only(fault)
    with pytest.raises(TemporaryPlatformError):
        api.put(ticket_id, priority="high")
    assert sandbox.view(ticket_id).priority == priority
    assert sandbox.struck == {str(fault): 1}


def test_a_truncated_answer_took_effect(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Half of the JSON, with a status of success."""
    sandbox.faults = only(Fault.TRUNCATED)
    response = api.put(ticket_id, priority="high")
    assert response.status == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert sandbox.view(ticket_id).priority == "high"


def test_a_delayed_answer_is_right(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Late, but whole."""
    sandbox.faults = only(Fault.DELAY)
    assert api.put(ticket_id, priority="high").json()["ticket"]["priority"] == "high"


def test_chance_is_reproducible_and_can_be_switched_off(api: Api, sandbox: ZendeskSandbox) -> None:
    """The same seed strikes the same requests; without faults none is struck, and pages never are."""

    def statuses(seed: int) -> list[int]:
        sandbox.faults = Faults(0.5, seed=seed, kinds=(Fault.SERVER_ERROR,), webhooks=False)
        return [api.call("GET", "/api/v2/users/me").status for _ in range(30)]

    first = statuses(1)
    assert statuses(1) == first != statuses(2)
    assert 5 <= sum(status >= 500 for status in first) <= 25
    sandbox.faults = Faults(1, kinds=(Fault.RESET,), webhooks=False)
    assert api.call("GET", "/").status == 200
    sandbox.faults = None
    assert [api.call("GET", "/api/v2/users/me").status for _ in range(10)] == [200] * 10


def test_webhooks_come_twice_and_overtake_each_other(api: Api, sandbox: ZendeskSandbox, receiver: Receiver) -> None:
    """With the same rate and seed as the API's faults; none is lost."""
    api.new_webhook(receiver.url, "created")
    sandbox.faults = Faults(0.5, seed=3)
    sandbox.webhooks.pause()
    ids = [sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text") for _ in range(20)]
    sandbox.webhooks.resume()
    assert sandbox.wait_delivered(PATIENCE)
    told = [event["detail"]["id"] for event in receiver.events]
    assert set(told) == set(ids)
    assert len(ids) < len(told) < 2 * len(ids)
    assert told != sorted(told, key=int)
