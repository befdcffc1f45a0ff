"""Views and triggers: which rules are taken, and what they do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_zendesk.simulator import ZendeskSandbox
from oneclick_sla_zendesk.simulator.conditions import Moment
from oneclick_sla_zendesk.simulator.records import Audit, Change, Ticket, User

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AGENT = User(9002, "Alex", "alex@example.com", "agent", NOW, NOW)
CREATED = {"field": "update_type", "operator": "is", "value": "Create"}
CHANGED = {"field": "update_type", "operator": "is", "value": "Change"}


def moment(*changes: Change, creates: bool = False, **facts: Any) -> Moment:
    ticket = Ticket(1, NOW, NOW, "email", 7, 7, "Invoice", **{"tags": frozenset({"vip", "late"}), **facts})
    audit = Audit(2, 1, AGENT.id, "web", NOW, creates, changes, None, 3)
    return Moment(ticket, audit, AGENT)


PRIORITY = Change("priority", "low", "high")
CUSTOM = Change("360001", None, "sla_at_risk")


@pytest.mark.parametrize(
    ("field", "operator", "value", "met"),
    [
        ("status", "is", "new", True),
        ("status", "is_not", "new", False),
        ("status", "less_than", "solved", True),
        ("status", "greater_than", "open", False),
        ("status", "less_than", "new", False),
        ("priority", "is", "", False),
        ("priority", "value", "high", True),
        ("priority", "value", "low", False),
        ("priority", "value_previous", "low", True),
        ("priority", "not_value_previous", "low", False),
        ("priority", "changed", "", True),
        ("status", "changed", "", False),
        ("status", "not_changed", "", True),
        ("assignee_id", "is", "", True),
        ("current_tags", "includes", "none late", True),
        ("current_tags", "includes", "none", False),
        ("current_tags", "not_includes", "none", True),
        ("current_tags", "not_includes", "vip none", False),
        ("via_id", "is", "4", True),
        ("via_id", "is_not", "4", False),
        ("update_type", "is", "Change", True),
        ("update_type", "is", "Create", False),
        ("role", "is", "agent", True),
        ("role", "is_not", "9001", True),
        ("role", "is_not", "9002", False),
        ("custom_fields_360001", "changed", "", True),
        ("custom_fields_360001", "value", "sla_at_risk", True),
        ("custom_fields_360002", "changed", "", False),
        ("custom_fields_360001", "is", "sla_at_risk", True),
    ],
)
def test_a_condition(field: str, operator: str, value: str, met: bool) -> None:
    """An update by an agent that set the priority and a custom field, on a new e-mail ticket with two tags."""
    at = moment(PRIORITY, CUSTOM, priority="high", values={360001: "sla_at_risk"})
    assert at.meets(field, operator, value) is met


@pytest.mark.parametrize(
    "conditions",
    [
        {"all": []},
        {"all": [{"field": "mood", "operator": "is", "value": "x"}]},
        {"all": [{"field": "status", "operator": "includes", "value": "x"}]},
        {"all": [{"field": "custom_fields_1", "operator": "changed", "value": None}]},
        {"all": ["status"]},
    ],
    ids=["none", "unknown field", "wrong operator", "a field that does not exist", "no object"],
)
def test_conditions_that_mean_nothing_are_refused(api: Api, conditions: dict[str, Any]) -> None:
    """For views and triggers alike."""
    view = {"view": {"title": "Mine", **conditions}}
    assert api.call("POST", "/api/v2/views", view).status == 422
    actions = [{"field": "notification_user", "value": ["assignee_id", "Subject", "Text"]}]
    trigger = {"trigger": {"title": "Mine", "conditions": conditions, "actions": actions}}
    assert api.call("POST", "/api/v2/triggers", trigger).status == 422


def test_a_view_needs_no_update_and_knows_none(api: Api) -> None:
    """Who made an update, and of what kind it was, can be asked in triggers only."""
    assert api.call("POST", "/api/v2/views", {"view": {"title": "Mine", "all": [CREATED]}}).status == 422


def test_a_view_lists_its_tickets(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Made, shown, changed, used and deleted."""
    tagged = [{"field": "current_tags", "operator": "includes", "value": "vip"}]
    made = api.call("POST", "/api/v2/views", {"view": {"title": "VIP", "description": "d", "all": tagged}})
    assert made.status == 201
    path = f"/api/v2/views/{made.json()['view']['id']}"
    assert api.get(path)["view"]["conditions"] == {"all": tagged, "any": []}
    sandbox.open_ticket(channel=Channel.EMAIL, subject="Other", text="Text")
    assert [str(ticket["id"]) for ticket in api.get(f"{path}/tickets")["tickets"]] == [ticket_id]
    changed = api.call("PUT", path, {"view": {"active": False}}).json()["view"]
    assert (changed["active"], changed["title"], changed["conditions"]["all"]) == (False, "VIP", tagged)
    assert api.call("DELETE", path).status == 204
    assert api.call("GET", path).status == 404
    assert api.get("/api/v2/views")["views"] == []


def test_a_category_goes_after_its_triggers(api: Api) -> None:
    """As long as a trigger is in it, it cannot be deleted."""
    category = api.call("POST", "/api/v2/trigger_categories", {"trigger_category": {"name": "Mine"}})
    key = category.json()["trigger_category"]["id"]
    assert isinstance(key, str)
    number = new_trigger(api, CREATED, ["assignee_id", "Subject", "Text"], "notification_user", category_id=key)
    assert api.call("DELETE", f"/api/v2/trigger_categories/{key}").status == 422
    assert api.call("DELETE", f"/api/v2/triggers/{number}").status == 204
    assert api.call("DELETE", f"/api/v2/trigger_categories/{key}").status == 204
    assert api.call("DELETE", f"/api/v2/trigger_categories/{key}").status == 404


def new_trigger(api: Api, condition: object, value: list[str], field: str = "notification_webhook", **more: Any) -> int:
    actions = [{"field": field, "value": value}]
    given = {"title": "Mine", "conditions": {"all": [condition], "any": []}, "actions": actions, **more}
    response = api.call("POST", "/api/v2/triggers", {"trigger": given})
    assert response.status == 201, response.body
    number: int = response.json()["trigger"]["id"]
    return number


def trigger_webhook(api: Api, url: str) -> str:
    webhook = {
        "name": "Mine",
        "endpoint": url,
        "http_method": "POST",
        "request_format": "json",
        "status": "active",
        "subscriptions": ["conditional_ticket_events"],
    }
    name: str = api.call("POST", "/api/v2/webhooks", {"webhook": webhook}).json()["webhook"]["id"]
    return name


class TestTriggers:
    def test_a_trigger_calls_its_webhook_with_the_template_filled_in(
        self, api: Api, sandbox: ZendeskSandbox, receiver: Receiver
    ) -> None:
        """At the update its conditions name; unknown placeholders leave nothing."""
        hook = trigger_webhook(api, receiver.url)
        template = '{"ticket_id":"{{ticket.id}}","tags":"{{ ticket.tags }}","assignee":"{{ticket.assignee.id}}{{x.y}}"}'
        new_trigger(api, CREATED, [hook, template])
        ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text", tags=["b", "a"])
        sandbox.agent_changes(ticket_id, priority="high")
        assert sandbox.wait_delivered(PATIENCE)
        [(headers, body)] = receiver.received
        assert json.loads(body) == {"ticket_id": ticket_id, "tags": "a b", "assignee": ""}
        assert headers["x-zendesk-webhook-id"] == hook

    def test_nothing_is_escaped_in_a_template(self, api: Api, sandbox: ZendeskSandbox, receiver: Receiver) -> None:
        """A quotation mark in a subject and an id that is missing break the JSON, as on the real one."""
        hook = trigger_webhook(api, receiver.url)
        new_trigger(api, CREATED, [hook, '{"title":"{{ticket.title}}","assignee":{{ticket.assignee.id}}}'])
        sandbox.open_ticket(channel=Channel.EMAIL, subject='A "quoted" one', text="Text")
        assert sandbox.wait_delivered(PATIENCE)
        assert receiver.received[0][1] == b'{"title":"A "quoted" one","assignee":}'

    def test_an_inactive_trigger_and_an_event_webhook_do_nothing(
        self, api: Api, sandbox: ZendeskSandbox, receiver: Receiver
    ) -> None:
        """A trigger can call webhooks of its own kind only."""
        trigger = new_trigger(api, CREATED, [trigger_webhook(api, receiver.url), "{}"])
        api.call("PUT", f"/api/v2/triggers/{trigger}", {"trigger": {"active": False}})
        new_trigger(api, CREATED, [api.new_webhook(receiver.url, "soft_deleted"), "{}"])
        sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text")
        assert sandbox.wait_delivered(PATIENCE)
        assert receiver.received == []

    def test_writes_of_the_api_fire_triggers_too(self, api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
        """Unless a condition on the acting user keeps them out."""
        new_trigger(api, CHANGED, ["360", "All", "Text"], "notification_group")
        new_trigger(
            api,
            {"field": "role", "operator": "is_not", "value": "9001"},
            ["9002", "People", "Text"],
            "notification_user",
        )
        api.put(ticket_id, priority="high")
        assert [each.subject for each in sandbox.notifications] == ["All"]
        sandbox.agent_changes(ticket_id, priority="low")
        assert [(each.subject, each.to) for each in sandbox.notifications[1:]] == [("All", "360"), ("People", "9002")]

    @pytest.mark.parametrize(
        "action",
        [
            {"field": "notification_webhook", "value": ["id"]},
            {"field": "notification_user", "value": "assignee_id"},
            {"field": "mood", "value": ["a", "b"]},
        ],
    )
    def test_actions_that_mean_nothing_are_refused(self, api: Api, action: dict[str, Any]) -> None:
        """A trigger that cannot act is seen when it is made."""
        given = {"title": "Mine", "conditions": {"all": [CREATED]}, "actions": [action]}
        assert api.call("POST", "/api/v2/triggers", {"trigger": given}).status == 422
