"""`check` finds what is wrong with an account, and says what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Response
from pydantic import SecretStr

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Check, Request
from oneclick_sla_plugin.testing.server import LoopbackServer
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.simulator import Limits, ZendeskSandbox

Connect = Callable[..., ZendeskConnection]
PATIENCE = timedelta(seconds=30)


class Receiver:
    """Takes webhooks with a status that tests choose."""

    def __init__(self) -> None:
        self.status = 202
        self.server = LoopbackServer("receiver")
        self.server.app.add_url_rule("/webhooks/acme", view_func=lambda: Response(status=self.status), methods=["POST"])
        self.server.start()
        self.url = f"{self.server.base_url}/webhooks/acme"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.close()


@pytest.fixture
def url(connect: Connect, receiver: Receiver) -> str:
    """The account as an installation leaves it; returns the address of its webhook."""
    apply(connect(), receiver.url)
    return receiver.url


def apply(connection: ZendeskConnection, url: str) -> None:
    for step in connection.installation(url).steps:
        if step.action != "keep":
            step.apply()


def problems(found: Any) -> dict[str, Check]:
    return {check.name: check for check in found if not check.good}


def call(sandbox: ZendeskSandbox, method: str, path: str, body: bytes | None = None) -> Any:
    with HttpTransport(sandbox.base_url) as http:
        headers = {"authorization": f"Bearer {sandbox.agent_token}", "content-type": "application/json"}
        response = http.send(Request(method, path, "configure by hand", headers=headers, body=body))
    assert response.status < 300
    return response.json() if response.body else None


def field_id(sandbox: ZendeskSandbox, title: str) -> int:
    fields = call(sandbox, "GET", "/api/v2/ticket_fields")["ticket_fields"]
    return next(field["id"] for field in fields if field["title"] == title)


def webhook_path(sandbox: ZendeskSandbox) -> str:
    return f"/api/v2/webhooks/{call(sandbox, 'GET', '/api/v2/webhooks')['webhooks'][0]['id']}"


def test_nothing_is_wrong_after_an_installation(connect: Connect, url: str) -> None:
    """Every check is good, none needs a remedy, and each thing of the installation is looked at."""
    found = connect(owners={"default": "assignee"}).check(url)
    assert set(problems(found)) == {
        'trigger category "oneclick-sla: acme"',
        'trigger "oneclick-sla: acme: tell the owner"',
    }
    found = connect().check(url)
    assert problems(found) == {}
    assert {check.remedy for check in found} == {""}
    assert len(found) == len({check.name for check in found}) >= 24


def plant_wrong_type(sandbox: ZendeskSandbox) -> None:
    call(sandbox, "DELETE", f"/api/v2/ticket_fields/{field_id(sandbox, 'SLA next due')}")
    call(sandbox, "POST", "/api/v2/ticket_fields", b'{"ticket_field": {"type": "integer", "title": "SLA next due"}}')


def plant_missing_option(sandbox: ZendeskSandbox) -> None:
    path = f"/api/v2/ticket_fields/{field_id(sandbox, 'SLA state')}"
    call(sandbox, "PUT", path, b'{"ticket_field": {"custom_field_options": [{"name": "x", "value": "sla_at_risk"}]}}')


def plant_inactive_field(sandbox: ZendeskSandbox) -> None:
    call(
        sandbox,
        "PUT",
        f"/api/v2/ticket_fields/{field_id(sandbox, 'SLA state')}",
        b'{"ticket_field": {"active": false}}',
    )


def plant_inactive_view(sandbox: ZendeskSandbox) -> None:
    view = call(sandbox, "GET", "/api/v2/views")["views"][0]
    call(sandbox, "PUT", f"/api/v2/views/{view['id']}", b'{"view": {"active": false}}')


def plant_nearly_used_up_quota(sandbox: ZendeskSandbox) -> None:
    sandbox.limits = Limits(account_per_minute=200)
    for _ in range(181):
        call(sandbox, "GET", "/api/v2/users/me")


def plant_webhook(body: bytes) -> Callable[[ZendeskSandbox], None]:
    return lambda sandbox: call(sandbox, "PATCH", webhook_path(sandbox), body)


FAULTS: dict[str, tuple[Callable[[ZendeskSandbox], Any], set[str], str]] = {
    "a scope is not allowed": (lambda s: s.allow_scopes("read"), {"scopes"}, "read tickets:write"),
    "own user is no agent": (
        lambda s: s.change_user(9001, role="end-user"),
        {"own user", "right to list changes"},
        "agent seat",
    ),
    "own user is no administrator": (
        lambda s: s.change_user(9001, role="agent"),
        {"right to list changes"},
        "administrator",
    ),
    "own user is suspended": (lambda s: s.change_user(9001, suspended=True), {"login"}, "suspended"),
    "a field is missing": (
        lambda s: call(s, "DELETE", f"/api/v2/ticket_fields/{field_id(s, 'SLA complaint number')}"),
        {'ticket field "SLA complaint number"'},
        "oneclick-sla install",
    ),
    "a field is inactive": (plant_inactive_field, {'ticket field "SLA state"'}, "oneclick-sla install"),
    "a field has another type": (plant_wrong_type, {'ticket field "SLA next due"'}, "rename or delete"),
    "a dropdown lacks options": (plant_missing_option, {'ticket field "SLA state"'}, "oneclick-sla install"),
    "a view is inactive": (plant_inactive_view, {'view "SLA at risk"'}, "oneclick-sla install"),
    "the webhook is missing": (
        lambda s: call(s, "DELETE", webhook_path(s)),
        {"webhook"},
        "oneclick-sla install",
    ),
    "the webhook is inactive": (plant_webhook(b'{"webhook": {"status": "inactive"}}'), {"webhook"}, "install"),
    "the webhook leads elsewhere": (
        plant_webhook(b'{"webhook": {"endpoint": "http://127.0.0.1:9/old"}}'),
        {"webhook address", "round trip"},
        "public_url",
    ),
    "an event is not subscribed to": (
        plant_webhook(b'{"webhook": {"subscriptions": ["zen:event-type:ticket.created"]}}'),
        {"webhook events"},
        "oneclick-sla install",
    ),
    "the signing secret was renewed": (
        lambda s: call(s, "POST", f"{webhook_path(s)}/signing_secret"),
        {"signing secret"},
        "oneclick-sla install",
    ),
    "the clocks differ": (lambda s: setattr(s, "clock_skew", timedelta(minutes=2)), {"clock"}, "NTP"),
    "the quota is nearly used up": (plant_nearly_used_up_quota, {"quota"}, "share of the quota"),
}


@pytest.mark.parametrize(("plant", "names", "remedy"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found_and_its_remedy_named(
    account_there: ZendeskSandbox,
    connect: Connect,
    url: str,
    plant: Callable[[ZendeskSandbox], Any],
    names: set[str],
    remedy: str,
) -> None:
    """Exactly what was broken is told, each with what to do."""
    connection = connect()
    plant(account_there)
    found = problems(connection.check(url))
    assert set(found) == names
    assert all(check.remedy and check.found for check in found.values())
    assert any(remedy in check.remedy for check in found.values())


def test_a_trigger_that_was_switched_off_is_found(
    account_there: ZendeskSandbox, connect: Connect, receiver: Receiver
) -> None:
    """Where triggers call the webhook, one that is silent loses every ticket."""
    connection = connect(webhook="triggers")
    apply(connection, receiver.url)
    assert problems(connect(webhook="triggers").check(receiver.url)) == {}
    [created, _] = call(account_there, "GET", "/api/v2/triggers")["triggers"]
    call(account_there, "PUT", f"/api/v2/triggers/{created['id']}", b'{"trigger": {"active": false}}')
    [found] = problems(connect(webhook="triggers").check(receiver.url)).values()
    assert (found.name, found.remedy) == (
        'trigger "oneclick-sla: acme: ticket created"',
        "run oneclick-sla install",
    )


def test_a_mapped_domain_is_told_by_its_links(account_there: ZendeskSandbox, connect: Connect, url: str) -> None:
    """Zendesk answers under it, but its lists go on at the account's own address, where no login is sent."""
    page = b"""{"ticket_fields": [{"id": 1}], "meta": {"has_more": true},
        "links": {"next": "https://acme.zendesk.com/api/v2/ticket_fields?page[after]=x"}}"""
    account_there.answer_next(2, 200, operation="GET /api/v2/ticket_fields", body=page)
    found = problems(connect().check(url))
    assert "zendesk.com" in found["ticket fields"].remedy


def test_a_limit_that_is_used_up_is_not_taken_for_a_wrong_address(
    account_there: ZendeskSandbox, connect: Connect, url: str
) -> None:
    """Whoever looks at an account that others keep busy should look at them."""
    account_there.answer_next(1, 429, operation="GET /api/v2/users/me", headers={"Retry-After": "30"})
    [found] = connect().check(url)
    assert (found.name, "used up" in found.found, "who else calls" in found.remedy) == ("login", True, True)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        pytest.param({"client_secret": SecretStr("wrong")}, {"login"}, id="wrong client secret"),
        pytest.param({"webhook_secrets": ["another"]}, {"signing secret"}, id="another signing secret"),
        pytest.param({"webhook": "triggers"}, {"webhook"}, id="the other kind of webhook"),
    ],
)
def test_a_setting_that_does_not_fit_the_account_is_found(
    connect: Connect, url: str, settings: dict[str, Any], names: set[str]
) -> None:
    """The account is as it should be, the configuration is not."""
    found = problems(connect(**settings).check(url))
    assert {name for name in found if not name.startswith("trigger")} == names


@pytest.mark.parametrize(("status", "word"), [(401, "webhook_secrets"), (500, "oneclick-sla serve")])
def test_webhooks_that_fail_are_found(
    account_there: ZendeskSandbox, connect: Connect, receiver: Receiver, url: str, status: int, word: str
) -> None:
    """A refusal points to the secrets, another failure to the program that should be listening."""
    receiver.status = status
    account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.")
    assert account_there.wait_delivered(PATIENCE)
    found = problems(connect().check(url))
    assert set(found) == {"deliveries", "round trip"}
    assert word in found["deliveries"].remedy
    assert "2 of 2 failed" in found["deliveries"].found


def test_one_failure_long_ago_is_no_problem(
    account_there: ZendeskSandbox, connect: Connect, receiver: Receiver, url: str, clock: Any
) -> None:
    """A restart of the program loses a delivery now and then; the sweep finds the ticket."""
    receiver.status = 500
    ticket_id = account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.")
    assert account_there.wait_delivered(PATIENCE)
    receiver.status = 202
    for number in range(20):
        clock.advance(timedelta(seconds=1))
        account_there.agent_replies(ticket_id, f"Reply {number}.")
    assert account_there.wait_delivered(PATIENCE)
    assert problems(connect().check(url)) == {}


def test_an_account_that_does_not_answer_is_a_result(account_there: ZendeskSandbox, connect: Connect) -> None:
    """A problem is no exception, even when it is the whole account."""
    connection = connect()
    account_there.close()
    [check] = connection.check("http://127.0.0.1:9/webhooks/acme")
    assert (check.name, check.good) == ("login", False)
    assert "base_url" in check.remedy


def test_a_login_that_may_not_install_still_checks_the_rest(
    account_there: ZendeskSandbox, connect: Connect, url: str
) -> None:
    """Installing needs more rights than running; what only the former may see is told as such."""
    connection = connect()
    account_there.allow_scopes("read", "tickets:write")
    found = connection.check(url)
    assert set(problems(found)) == {"right to install"}
    assert len(found) > 15


@pytest.mark.parametrize(("today", "good"), [("2026-11-23", True), ("2027-03-15", False)])
def test_the_legacy_login_is_labelled_and_warned_of(
    account_there: ZendeskSandbox, connect: Connect, url: str, clock: Any, today: str, good: bool
) -> None:
    """An API token works until 30 April 2027; two months before, the check asks for an OAuth client."""
    email, token = account_there.new_api_token()
    connection = connect(client_id=None, client_secret=None, email=email, api_token=SecretStr(token))
    clock.now = clock.now.fromisoformat(f"{today}T09:00:00+00:00")
    login = next(check for check in connection.check(url) if check.name == "login")
    assert (login.good, "legacy, ends on 2027-04-30" in login.found, "OAuth" in login.remedy) == (good, True, not good)
