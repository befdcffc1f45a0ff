"""Credits: what calls cost, what the headers say, and how a call is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_freshdesk.simulator import ENTERPRISE, GROWTH, PRO, TRIAL, FreshdeskSandbox, Limits
from oneclick_sla_plugin.ports import Response
from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api

SMALL = Limits(total=10, create_ticket=2, update_ticket=2, list_tickets=3, list_contacts=2)
TICKET = {"subject": "S", "description": "D", "email": "ana@example.com"}


@pytest.fixture
def small(manual_clock: ManualClock) -> Iterator[FreshdeskSandbox]:
    with FreshdeskSandbox(clock=manual_clock, limits=SMALL) as sandbox:
        yield sandbox


@pytest.fixture
def small_api(connect: Callable[[FreshdeskSandbox], Api], small: FreshdeskSandbox) -> Api:
    return connect(small)


def told(response: Response) -> tuple[str, str, str]:
    names = ("total", "remaining", "used-currentrequest")
    total, remaining, used = (response.headers[f"x-ratelimit-{name}"] for name in names)
    return total, remaining, used


def test_the_plans() -> None:
    """Credits a minute, as the vendor lists them."""
    assert [plan.total for plan in (TRIAL, GROWTH, PRO, ENTERPRISE)] == [50, 200, 400, 700]
    assert [plan.update_ticket for plan in (GROWTH, PRO, ENTERPRISE)] == [80, 160, 280]
    assert [plan.list_tickets for plan in (GROWTH, PRO, ENTERPRISE)] == [20, 100, 200]


def test_headers_are_decimals(api: Api) -> None:
    """Total, what remains, and what this call took."""
    assert told(api.fetch("/agents/me")) == ("700.0", "699.0", "1.0")
    assert told(api.fetch("/agents/me")) == ("700.0", "698.0", "1.0")


@pytest.mark.parametrize(
    ("path", "include", "credits_used"),
    [
        ("/tickets/1", "", "1.0"),
        ("/tickets/1", "stats", "3.0"),
        ("/tickets/1", "conversations", "2.0"),
        ("/tickets/1", "conversations,stats,requester,company", "8.0"),
        ("/tickets", "stats,requester", "5.0"),
        ("/tickets/1/conversations", "", "1.0"),
    ],
)
def test_includes_cost(api: Api, ticket_id: str, path: str, include: str, credits_used: str) -> None:
    """Two credits each, but one for the conversations of a single ticket."""
    response = api.fetch(path, **({"include": include} if include else {}))
    assert (response.status, told(response)[2]) == (200, credits_used)


def test_too_many_calls(small_api: Api, manual_clock: ManualClock) -> None:
    """429 names the seconds until the minute is over; then everything is there again."""
    manual_clock.advance(timedelta(seconds=20))
    for _ in range(10):
        assert small_api.fetch("/agents/me").status == 200
    refused = small_api.fetch("/agents/me")
    assert (refused.status, refused.headers["retry-after"]) == (429, "40")
    assert refused.json() == {"message": "You have exceeded the limit of requests per minute"}
    assert told(refused) == ("10.0", "0.0", "1.0")
    manual_clock.advance(timedelta(seconds=40))
    assert told(small_api.fetch("/agents/me")) == ("10.0", "9.0", "1.0")


def test_a_call_that_costs_too_much_is_refused(small_api: Api, small: FreshdeskSandbox) -> None:
    """What is left does not suffice for an include, but for the plain call; the refusal takes a credit, too."""
    ticket = small_api.post("/tickets", TICKET)["id"]
    small.spend_credits(7)
    refused = small_api.fetch(f"/tickets/{ticket}", include="stats")
    assert (refused.status, told(refused)[1]) == (429, "1.0")
    answer = small_api.fetch(f"/tickets/{ticket}")
    assert (answer.status, told(answer)[1]) == (200, "0.0")


def test_one_budget_for_all(small_api: Api, small: FreshdeskSandbox) -> None:
    """Other keys, wrong keys, wrong calls and other apps take from it."""
    small_api.call("GET", "/agents/me", key=small.agent_token)
    small_api.call("GET", "/agents/me", key="wrong")
    small_api.fetch("/nowhere")
    small.spend_credits(5)
    assert told(small_api.fetch("/agents/me")) == ("10.0", "1.0", "1.0")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/tickets", 2), ("PUT", "/tickets/1", 2), ("GET", "/tickets", 3), ("GET", "/contacts", 2)],
)
def test_limits_of_single_operations(
    small_api: Api, small: FreshdeskSandbox, method: str, path: str, allowed: int
) -> None:
    """They run out while the account has credits left; other operations go on."""
    for number in range(allowed):
        response = small_api.call(method, path)
        assert response.status != 429
        assert told(response)[:2] == (f"{allowed}.0", f"{allowed - 1 - number}.0")
    refused = small_api.call(method, path)
    assert refused.status == 429
    assert told(refused)[0] == f"{allowed}.0"
    assert small_api.fetch("/agents/me").status == 200


def test_headers_may_tell_the_accounts_limit_only(small_api: Api, small: FreshdeskSandbox) -> None:
    """Which limit an operation with one of its own tells is not documented; a refusal tells the one that is used up."""
    small.behaviour.endpoint_headers = False
    assert told(small_api.fetch("/contacts"))[0] == "10.0"
    small_api.fetch("/contacts")
    refused = small_api.fetch("/contacts")
    assert (refused.status, told(refused)[0]) == (429, "2.0")


def test_refusals_without_a_hint(small_api: Api, small: FreshdeskSandbox) -> None:
    """``Retry-After`` may be missing, and the body may be a page."""
    small.behaviour.retry_after = False
    small.behaviour.html_refusals = True
    small.spend_credits(10)
    refused = small_api.fetch("/agents/me")
    assert refused.status == 429
    assert "retry-after" not in refused.headers
    assert refused.headers["content-type"].startswith("text/html")
    assert b"<html>" in refused.body


def test_plans_can_change(api: Api, sandbox: FreshdeskSandbox) -> None:
    """The limits of an account are those that its plan has now."""
    sandbox.limits = GROWTH
    assert told(api.fetch("/agents/me"))[0] == "200.0"
