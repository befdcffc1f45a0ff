"""Taking an installation back: what it made and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from oneclick_sla_plugin.ports import InstallStep, Request
from oneclick_sla_plugin.transport import HttpTransport
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.simulator import ZendeskSandbox

Connect = Callable[..., ZendeskConnection]
URL = "http://127.0.0.1:9/webhooks/acme"
TRIGGERS = {"webhook": "triggers", "owners": {"default": "assignee", "email": 360001, "chat": "group"}}
COLLECTIONS = ("ticket_fields", "views", "trigger_categories", "triggers", "webhooks")


def call(sandbox: ZendeskSandbox, method: str, path: str, body: object = None) -> Any:
    with HttpTransport(sandbox.base_url) as http:
        headers = {"authorization": f"Bearer {sandbox.agent_token}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        response = http.send(Request(method, f"/api/v2/{path}", "configure", headers=headers, body=content))
    assert response.status < 300, response.body
    return response.json() if response.body else None


def everything(sandbox: ZendeskSandbox) -> dict[str, Any]:
    """The account's configuration, without the instants of changes."""
    found = {name: call(sandbox, "GET", name)[name] for name in COLLECTIONS}
    for entries in found.values():
        for entry in entries:
            entry.pop("updated_at", None)
    return found


def apply(steps: Any) -> list[tuple[str, str]]:
    done = []
    for step in steps:
        assert isinstance(step, InstallStep)
        if step.action != "keep":
            step.apply()
        done.append((step.action, step.what))
    return done


@pytest.fixture
def furnished(account_there: ZendeskSandbox) -> ZendeskSandbox:
    """An account with things of its own, some under names like ours."""
    options = [{"name": "Alta", "value": "sla_priority_high"}, {"name": "Mañana", "value": "tomorrow"}]
    for field in (
        {"type": "tagger", "title": "SLA priority", "custom_field_options": options, "agent_description": "Ours."},
        {"type": "text", "title": "SLA next due", "active": False},
        {"type": "text", "title": "Order number"},
    ):
        call(account_there, "POST", "ticket_fields", {"ticket_field": field})
    condition = {"field": "status", "operator": "is", "value": "open"}
    call(account_there, "POST", "views", {"view": {"title": "SLA at risk", "all": [condition]}})
    category = call(account_there, "POST", "trigger_categories", {"trigger_category": {"name": "Notifications"}})
    trigger = {
        "title": "oneclick-sla: acme: ticket created",
        "category_id": category["trigger_category"]["id"],
        "conditions": {"all": [condition]},
        "actions": [{"field": "notification_user", "value": ["assignee_id", "Hello", "There is a ticket."]}],
    }
    call(account_there, "POST", "triggers", {"trigger": trigger})
    webhook = {
        "name": "oneclick-sla: acme-test",
        "endpoint": "http://127.0.0.1:9/other",
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["zen:event-type:ticket.created"],
    }
    call(account_there, "POST", "webhooks", {"webhook": webhook})
    return account_there


@pytest.mark.parametrize("settings", [{}, TRIGGERS], ids=["events", "triggers and owners"])
def test_installing_twice_and_removing_leaves_the_account_as_it_was(
    furnished: ZendeskSandbox, connect: Connect, settings: dict[str, Any]
) -> None:
    """Fields that the account had before keep their place and lose only what was added to them."""
    before = everything(furnished)
    connection = connect(**settings)
    done = apply(connection.installation(URL).steps)
    assert ("update", 'ticket field "SLA priority"') in done
    installed = everything(furnished)
    assert {action for action, _ in apply(connection.installation(URL).steps)} == {"keep"}
    assert everything(furnished) == installed != before
    apply(connect(**settings).removal())
    assert everything(furnished) == before
    assert apply(connect(**settings).removal()) == []


def test_planning_a_removal_changes_nothing(account_there: ZendeskSandbox, connect: Connect) -> None:
    """A removal may be looked at before it is applied."""
    apply(connect(**TRIGGERS).installation(URL).steps)
    installed = everything(account_there)
    steps = connect().removal()
    assert everything(account_there) == installed
    assert {step.action for step in steps} == {"delete"}


def test_what_refers_to_other_things_goes_first(account_there: ZendeskSandbox, connect: Connect) -> None:
    """Triggers before their category and webhook, views before fields: nothing is refused for being in use."""
    apply(connect(**TRIGGERS).installation(URL).steps)
    kinds = [what.partition(' "')[0] for _, what in apply(connect().removal())]
    assert list(dict.fromkeys(kinds)) == ["trigger", "trigger category", "view", "webhook", "ticket field"]


def test_what_somebody_else_deleted_is_no_error(account_there: ZendeskSandbox, connect: Connect) -> None:
    """An admin who clears up while the removal runs is welcome."""
    apply(connect(**TRIGGERS).installation(URL).steps)
    steps, again = connect().removal(), connect().removal()
    apply(steps)
    apply(again)
    assert connect().removal() == ()


def test_a_renamed_field_of_ours_is_removed(account_there: ZendeskSandbox, connect: Connect) -> None:
    """The marker tells it, not the title."""
    apply(connect().installation(URL).steps)
    fields = call(account_there, "GET", "ticket_fields")["ticket_fields"]
    number = next(field["id"] for field in fields if field["title"] == "SLA next due")
    call(account_there, "PUT", f"ticket_fields/{number}", {"ticket_field": {"title": "Vence"}})
    assert ("delete", 'ticket field "Vence"') in apply(connect().removal())


def test_a_category_with_triggers_of_others_stays(account_there: ZendeskSandbox, connect: Connect) -> None:
    """Somebody keeps a trigger in it: it is not ours alone any more."""
    apply(connect(**TRIGGERS).installation(URL).steps)
    [category] = call(account_there, "GET", "trigger_categories")["trigger_categories"]
    trigger = {
        "title": "Theirs",
        "category_id": category["id"],
        "conditions": {"all": [{"field": "update_type", "operator": "is", "value": "Create"}]},
        "actions": [{"field": "notification_user", "value": ["assignee_id", "Hello", "There is a ticket."]}],
    }
    call(account_there, "POST", "triggers", {"trigger": trigger})
    assert ("keep", 'trigger category "oneclick-sla: acme"') in apply(connect().removal())
    assert [each["title"] for each in call(account_there, "GET", "triggers")["triggers"]] == ["Theirs"]


def test_other_settings_replace_what_the_former_asked_for(account_there: ZendeskSandbox, connect: Connect) -> None:
    """From triggers to events: the new webhook is there before the old one goes, with its triggers."""
    apply(connect(**TRIGGERS).installation(URL).steps)
    done = apply(connect().installation(URL).steps)
    assert [each for each in done if each[0] != "keep"] == [
        ("create", 'webhook "oneclick-sla: acme"'),
        ("delete", 'trigger "oneclick-sla: acme: ticket created"'),
        ("delete", 'trigger "oneclick-sla: acme: ticket changed"'),
        ("delete", 'trigger "oneclick-sla: acme: tell the owner of email"'),
        ("delete", 'trigger "oneclick-sla: acme: tell the owner of chat"'),
        ("delete", 'trigger "oneclick-sla: acme: tell the owner"'),
        ("delete", 'trigger category "oneclick-sla: acme"'),
        ("delete", 'webhook "oneclick-sla: acme (triggers)"'),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"conditions": {"all": [{"field": "update_type", "operator": "is", "value": "Change"}]}},
        {"actions": [{"field": "notification_user", "value": ["assignee_id", "Hello", "There is a ticket."]}]},
    ],
    ids=["inactive", "other conditions", "other actions"],
)
def test_a_trigger_that_somebody_changed_is_put_right(
    account_there: ZendeskSandbox, connect: Connect, change: dict[str, Any]
) -> None:
    """A trigger of ours that does something else would fail silently."""
    apply(connect(**TRIGGERS).installation(URL).steps)
    number = call(account_there, "GET", "triggers")["triggers"][0]["id"]
    call(account_there, "PUT", f"triggers/{number}", {"trigger": change})
    done = apply(connect(**TRIGGERS).installation(URL).steps)
    assert [what for action, what in done if action == "update"] == ['trigger "oneclick-sla: acme: ticket created"']
