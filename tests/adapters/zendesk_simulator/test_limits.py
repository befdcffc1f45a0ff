"""Rate limits: what is counted, how it is told, and the refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import Limits, ZendeskSandbox
from oneclick_sla_zendesk.simulator.limits import Budgets, Call

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
UPDATE = Call(9001, "tickets-update", 42)


def allowed(budgets: Budgets, limits: Limits, call: Call, now: datetime) -> bool:
    return budgets.spend(limits, call, now)[0] is None


def test_without_limits_nothing_is_told(api: Api) -> None:
    """A sandbox is unlimited unless its owner says otherwise."""
    headers = api.call("GET", "/api/v2/users/me").headers
    assert not [name for name in headers if "limit" in name]


@pytest.mark.parametrize("spelling", ["ratelimit", "rate-limit"])
def test_every_answer_tells_of_the_account_in_both_ways(
    api: Api, sandbox: ZendeskSandbox, manual_clock: ManualClock, spelling: str
) -> None:
    """The old pair of headers, and one of the two newer spellings with the reset."""
    sandbox.limits = Limits(account_per_minute=5, spelling=spelling)  # type: ignore[arg-type]
    api.call("GET", "/api/v2/users/me")
    manual_clock.advance(timedelta(seconds=20))
    headers = api.call("GET", "/api/v2/users/me").headers
    assert {name: headers[name] for name in headers if "limit" in name} == {
        "x-rate-limit": "5",
        "x-rate-limit-remaining": "3",
        f"{spelling}-limit": "5",
        f"{spelling}-remaining": "3",
        f"{spelling}-reset": "40",
    }


@pytest.mark.parametrize(
    ("method", "path", "name", "total"),
    [
        ("PUT", "/api/v2/tickets/{ticket}", "tickets-update", 100),
        ("GET", "/api/v2/tickets", "tickets-index", 100),
        ("GET", "/api/v2/incremental/tickets/cursor?start_time=1", "incremental-exports", 10),
    ],
)
def test_an_endpoint_tells_of_its_own_limit(
    api: Api, sandbox: ZendeskSandbox, ticket_id: str, method: str, path: str, name: str, total: int
) -> None:
    """Beside the account's."""
    sandbox.limits = Limits()
    path, _, query = path.format(ticket=ticket_id).partition("?")
    body = {"ticket": {"priority": "high"}} if method == "PUT" else None
    headers = api.call(method, path, body, dict([query.split("=")]) if query else None).headers
    assert headers[f"zendesk-ratelimit-{name}"] == f"total={total}; remaining={total - 1}; resets=60"


@pytest.mark.parametrize(("json_body", "media_type"), [(True, "application/json"), (False, "text/plain")])
def test_the_call_too_many_is_refused_without_effect(
    api: Api, sandbox: ZendeskSandbox, ticket_id: str, json_body: bool, media_type: str
) -> None:
    """429 with the seconds to wait, in JSON or not; a minute later calls are taken again."""
    sandbox.limits = Limits(updates_per_minute=1, json=json_body)
    assert api.put(ticket_id, priority="high").status == 200
    refused = api.put(ticket_id, priority="low")
    assert (refused.status, refused.headers["retry-after"]) == (429, "60")
    assert refused.headers["content-type"].startswith(media_type)
    assert (b"APIRateLimitExceeded" in refused.body) is json_body
    assert api.ticket(ticket_id)["priority"] == "high"


def test_thirty_updates_of_one_ticket_in_ten_minutes() -> None:
    """By one user; another ticket and another user have budgets of their own."""
    budgets, limits = Budgets(), Limits(account_per_minute=1000, updates_per_minute=1000)
    assert all(allowed(budgets, limits, UPDATE, NOW + timedelta(seconds=10 * number)) for number in range(30))
    at = NOW + timedelta(minutes=9)
    refusal, headers = budgets.spend(limits, UPDATE, at)
    assert refusal is not None
    assert (refusal.retry_after, headers["Retry-After"]) == (60, "60")
    assert allowed(budgets, limits, Call(9001, "tickets-update", 43), at)
    assert allowed(budgets, limits, Call(9002, "tickets-update", 42), at)
    assert allowed(budgets, limits, UPDATE, NOW + timedelta(minutes=10))


def test_windows_slide() -> None:
    """What was called a minute ago is forgotten, call by call."""
    budgets, limits = Budgets(), Limits(account_per_minute=2)
    call = Call(9001)
    assert allowed(budgets, limits, call, NOW)
    assert allowed(budgets, limits, call, NOW + timedelta(seconds=30))
    assert not allowed(budgets, limits, call, NOW + timedelta(seconds=59))
    assert allowed(budgets, limits, call, NOW + timedelta(seconds=60))
    assert not allowed(budgets, limits, call, NOW + timedelta(seconds=89))
