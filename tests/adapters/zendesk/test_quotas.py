"""What headers tell of limits, in every spelling."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Channel, Priority, Written
from oneclick_sla_plugin.errors import TemporaryPlatformError
from oneclick_sla_plugin.ports import Quota, Request, Response
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.plugin import ZendeskConnection, ZendeskPlatform
from oneclick_sla_zendesk.simulator import Limits, ZendeskSandbox

READ = Request("GET", "/api/v2/tickets/42/audits.json", "read ticket")
WRITE = Request("PUT", "/api/v2/tickets/42.json", "write ticket")
MINUTE = timedelta(minutes=1)


def of_account(limit: int, remaining: int, resets_in: timedelta) -> Quota:
    return Quota("account", limit, remaining, resets_in)


@pytest.mark.parametrize(
    ("headers", "quotas"),
    [
        pytest.param({}, (), id="nothing"),
        pytest.param({"x-rate-limit": "700", "x-rate-limit-remaining": "699"}, (of_account(700, 699, MINUTE),), id="X"),
        pytest.param(
            {"ratelimit-limit": "700", "ratelimit-remaining": "12", "ratelimit-reset": "41"},
            (of_account(700, 12, timedelta(seconds=41)),),
            id="2024",
        ),
        pytest.param(
            {"rate-limit-limit": "400", "rate-limit-remaining": "0", "rate-limit-reset": "7"},
            (of_account(400, 0, timedelta(seconds=7)),),
            id="2023",
        ),
        pytest.param(
            {
                "x-rate-limit": "700",
                "x-rate-limit-remaining": "650",
                "ratelimit-limit": "700",
                "ratelimit-remaining": "640",
                "ratelimit-reset": "30",
            },
            (of_account(700, 640, timedelta(seconds=30)),),
            id="both, the narrower counts",
        ),
        pytest.param(
            {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "3", "ratelimit-reset": "1"},
            (of_account(100, 3, timedelta(seconds=1)),),
            id="with its window",
        ),
        pytest.param({"x-rate-limit": "many", "x-rate-limit-remaining": "1"}, (), id="no number"),
        pytest.param({"x-rate-limit": "700"}, (), id="half of it"),
        pytest.param(
            {"zendesk-ratelimit-ticket-audits": "total=500; remaining=499; resets=60"},
            (Quota("ticket-audits", 500, 499, MINUTE, frozenset({"read ticket"})),),
            id="endpoint 2024, counted for the call it came with",
        ),
        pytest.param(
            {"zendesk-rate-limit-tickets-update": "total=20; remaining=19; resets=59"},
            (Quota("tickets-update", 20, 19, timedelta(seconds=59), frozenset({"write ticket"})),),
            id="endpoint 2023",
        ),
        pytest.param(
            {"zendesk-ratelimit-tickets-index": "total=100;remaining=0;resets=99999"},
            (Quota("tickets-index", 100, 0, timedelta(hours=1), frozenset({"list unsolved tickets"})),),
            id="endpoint without blanks, and a reset nobody waits for",
        ),
        pytest.param(
            {"zendesk-ratelimit-incremental-exports": "total=10; remaining=9"},
            (Quota("incremental-exports", 10, 9, MINUTE, frozenset({"list changed tickets"})),),
            id="endpoint without a reset",
        ),
        pytest.param({"zendesk-ratelimit-x": "remaining=soon"}, (), id="endpoint that says nothing"),
    ],
)
def test_limits_are_read_in_every_spelling(headers: dict[str, str], quotas: tuple[Quota, ...]) -> None:
    """The account's limit counts everything, an endpoint's the operations of ours that call it."""
    assert ZendeskPlatform().quotas(READ, Response(200, headers)) == quotas


@pytest.mark.parametrize("spelling", ["ratelimit", "rate-limit"])
def test_the_account_tells_of_its_limits(
    account_there: ZendeskSandbox, connect: Callable[..., ZendeskConnection], spelling: str
) -> None:
    """A real answer to an update, read back: the account's quota and that of updates."""
    account_there.limits = Limits(account_per_minute=50, updates_per_minute=20, spelling=spelling)  # type: ignore[arg-type]
    ticket_id = account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.")
    with HttpTransport(account_there.base_url) as http:
        response = http.send(
            Request(
                "PUT",
                f"/api/v2/tickets/{ticket_id}.json",
                "write ticket",
                headers={"authorization": f"Bearer {account_there.agent_token}", "content-type": "application/json"},
                body=b'{"ticket": {"priority": "high"}}',
            )
        )
    found = {quota.name: quota for quota in ZendeskPlatform().quotas(WRITE, response)}
    assert found == {
        "account": Quota("account", 50, 49, MINUTE),
        "tickets-update": Quota("tickets-update", 20, 19, MINUTE, frozenset({"write ticket"})),
    }


@pytest.mark.parametrize("json_body", [True, False], ids=["JSON", "text"])
def test_a_limit_that_is_used_up_says_how_long_to_wait(
    account_there: ZendeskSandbox, connect: Callable[..., ZendeskConnection], json_body: bool
) -> None:
    """A 429 with or without a JSON body is a wait, never a fault."""
    connection = connect()
    connection.read(account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong."))
    account_there.limits = Limits(account_per_minute=1, json=json_body)
    with pytest.raises(TemporaryPlatformError) as raised:
        connection.read("1")
    assert (raised.value.status, raised.value.reason, raised.value.retry_after) == (429, "rate_limit", MINUTE)


@pytest.mark.parametrize(
    ("limits", "allowed", "wait"),
    [
        pytest.param(Limits(), 30, timedelta(minutes=10), id="30 on one ticket in ten minutes"),
        pytest.param(Limits(updates_per_ticket=999), 100, timedelta(minutes=1), id="100 a minute"),
        pytest.param(Limits(updates_per_minute=20, json=False), 20, timedelta(minutes=1), id="20, as on a trial"),
    ],
)
def test_updates_beyond_a_budget_wait_as_long_as_zendesk_says(
    account_there: ZendeskSandbox,
    connect: Callable[..., ZendeskConnection],
    limits: Limits,
    allowed: int,
    wait: timedelta,
) -> None:
    """The limit of one ticket has no header of its own: its refusal is the first that is heard of it."""
    connection = connect()
    opened = account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.")
    ticket = connection.read(opened)
    account_there.limits = limits
    for number in range(allowed):
        connection.write(ticket, Changes(priority=(Priority.LOW, Priority.HIGH)[number % 2]), Written())
    with pytest.raises(TemporaryPlatformError) as raised:
        connection.write(ticket, Changes(priority=Priority.URGENT), Written())
    assert (raised.value.status, raised.value.reason, raised.value.retry_after) == (429, "rate_limit", wait)
    assert account_there.view(ticket.id).writes == allowed
