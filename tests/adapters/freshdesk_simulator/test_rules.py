"""Automation rules: what is taken, how they are read, and which ones run when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Response
from oneclick_sla_plugin.testing.clock import ManualClock

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)
NOWHERE = "http://127.0.0.1:9/hooks"
ANY_STATUS = {"field_name": "status", "from": "--", "to": "--"}
ANY_PRIORITY = {"field_name": "priority", "from": "--", "to": "--"}


def condition(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"resource_type": "ticket", "field_name": name, "operator": operator, "value": value}


def conditions(*parts: dict[str, Any], match_type: str = "all", number: int = 1) -> list[dict[str, Any]]:
    return [{"name": f"condition_set_{number}", "match_type": match_type, "properties": list(parts)}]


def tagging(tag: str) -> list[dict[str, Any]]:
    return [{"field_name": "add_tag", "value": [tag]}]


# --- writing and reading ---


def test_a_rule_is_made_inactive_and_then_activated(api: Api, webhook: Callable[..., dict[str, Any]]) -> None:
    """What is sent is read back, with an id, a position and counters; a PUT changes what it names."""
    given = {
        "name": "SLA plugin: ticket updated",
        "active": False,
        "performer": {"type": 1},
        "events": [ANY_STATUS],
        "actions": [webhook("https://plugin.example/hooks/freshdesk")],
    }
    made = api.post("/automations/4/rules", given)
    assert {key: made[key] for key in given} == given
    assert (made["position"], made["outdated"], made["affected_tickets_count"]) == (1, False, 0)
    path = f"/automations/4/rules/{made['id']}"
    assert api.get(path) == made
    assert api.call("PUT", path, {"active": True}).json() == {**made, "active": True}
    assert [rule["id"] for rule in api.get("/automations/4/rules")] == [made["id"]]
    assert api.fetch(f"/automations/1/rules/{made['id']}").status == 404
    assert api.call("DELETE", path).status == 204
    assert api.get("/automations/4/rules") == []


def test_a_rule_that_is_read_cannot_be_posted_back(api: Api, problems: Callable[[Response], dict[str, str]]) -> None:
    """Conditions lose their ``resource_type`` on the way out, and need it on the way in."""
    parts = conditions(condition("priority", "in", [1, 2, 3, 4]))
    read = api.new_rule(1, NOWHERE, conditions=parts)
    assert "resource_type" not in read["conditions"][0]["properties"][0]
    again = {"name": "Again", "conditions": read["conditions"], "actions": read["actions"]}
    refused = api.call("POST", "/automations/1/rules", again)
    assert (refused.status, problems(refused)) == (400, {"conditions[resource_type]": "missing_field"})
    assert api.call("POST", "/automations/1/rules", {**again, "conditions": parts}).status == 201


def test_a_rule_without_conditions_reads_with_an_empty_set(api: Api) -> None:
    """One set, named and empty."""
    read = api.new_rule(1, NOWHERE)
    assert read["conditions"] == [{"name": "condition_set_1", "match_type": "all", "properties": []}]


@pytest.mark.parametrize("missing", ["request_type", "content_type", "content_layout", "url", "content"])
def test_a_webhook_that_lacks_a_key(api: Api, webhook: Callable[..., dict[str, Any]], missing: str) -> None:
    """500 with a page: the vendor's answer to a bad body of a rule."""
    action = {key: value for key, value in webhook(NOWHERE).items() if key != missing}
    answer = api.call("POST", "/automations/1/rules", {"name": "R", "actions": [action]})
    assert answer.status == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert api.get("/automations/1/rules") == []


def test_an_address_is_needed(
    api: Api, webhook: Callable[..., dict[str, Any]], problems: Callable[[Response], dict[str, str]]
) -> None:
    """400 for a webhook to nowhere."""
    refused = api.call("POST", "/automations/1/rules", {"name": "R", "actions": [webhook("plugin.example/hooks")]})
    assert (refused.status, problems(refused)) == (400, {"actions[url]": "invalid_value"})


def test_content_is_an_object(api: Api, webhook: Callable[..., dict[str, Any]]) -> None:
    """Text that holds JSON is a bad body, too."""
    action = webhook(NOWHERE, content='{"ticket_id": "{{ticket.id}}"}')
    assert api.call("POST", "/automations/1/rules", {"name": "R", "actions": [action]}).status == 500


@pytest.mark.parametrize(
    ("rule_type", "change", "codes"),
    [
        (1, {"name": ""}, {"name": "invalid_value"}),
        (1, {"nonsense": 1}, {"nonsense": "invalid_field"}),
        (1, {"active": "true"}, {"active": "datatype_mismatch"}),
        (1, {"position": "first"}, {"position": "datatype_mismatch"}),
        (1, {"actions": []}, {"actions": "datatype_mismatch"}),
        (1, {"actions": [{"field_name": "nonsense"}]}, {"actions[nonsense]": "invalid_field"}),
        (1, {"actions": [{"field_name": "status", "value": 99}]}, {"actions[status]": "invalid_value"}),
        (1, {"actions": [{"field_name": "priority", "value": "High"}]}, {"actions[priority]": "invalid_value"}),
        (
            1,
            {"conditions": conditions(condition("subject", "contains", "card"))},
            {"conditions[value]": "datatype_mismatch"},
        ),
        (
            1,
            {"conditions": conditions(condition("hours_since_created", "greater_than", 1))},
            {"conditions[hours_since_created]": "invalid_field"},
        ),
        (
            3,
            {"conditions": conditions(condition("created_at", "greater_than", 1))},
            {"conditions[created_at]": "invalid_field"},
        ),
        (
            1,
            {"conditions": conditions(condition("priority", "resembles", 1))},
            {"conditions[operator]": "invalid_value"},
        ),
        (1, {"conditions": conditions(match_type="some")}, {"conditions[match_type]": "invalid_value"}),
        (1, {"conditions": conditions(number=2)}, {"conditions[name]": "invalid_value"}),
        (4, {"performer": {"type": 9}}, {"performer[type]": "invalid_value"}),
        (4, {"events": []}, {"events": "datatype_mismatch"}),
        (4, {"events": [{"field_name": "nonsense"}]}, {"events[nonsense]": "invalid_field"}),
    ],
)
def test_rules_that_are_refused(
    api: Api,
    webhook: Callable[..., dict[str, Any]],
    problems: Callable[[Response], dict[str, str]],
    rule_type: int,
    change: dict[str, Any],
    codes: dict[str, str],
) -> None:
    """400 names what is wrong."""
    given: dict[str, Any] = {"name": "R", "actions": [webhook(NOWHERE)]}
    if rule_type == 4:
        given |= {"performer": {"type": 1}, "events": [ANY_STATUS]}
    refused = api.call("POST", f"/automations/{rule_type}/rules", {**given, **change})
    assert (refused.status, problems(refused)) == (400, codes)


@pytest.mark.parametrize(
    ("rule_type", "missing"), [(1, {"name", "actions"}), (4, {"name", "actions", "performer", "events"})]
)
def test_what_a_rule_needs(
    api: Api, problems: Callable[[Response], dict[str, str]], rule_type: int, missing: set[str]
) -> None:
    """400 names all that is missing."""
    refused = api.call("POST", f"/automations/{rule_type}/rules", {})
    assert (refused.status, problems(refused)) == (400, dict.fromkeys(missing, "missing_field"))


def test_names_are_taken_once(api: Api, problems: Callable[[Response], dict[str, str]]) -> None:
    """409 for a second rule of the same name and type."""
    rule = api.new_rule(1, NOWHERE)
    again = api.call("POST", "/automations/1/rules", {"name": rule["name"], "actions": rule["actions"]})
    assert (again.status, problems(again)) == (409, {"name": "duplicate_value"})
    assert api.call("POST", "/automations/3/rules", {"name": rule["name"], "actions": rule["actions"]}).status == 201


def test_a_rule_goes_outdated(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """When a field that it names is removed it is marked, and runs no more."""
    name = api.new_field("custom_text", "Stage")
    rule = api.new_rule(4, NOWHERE, events=[{"field_name": name}, ANY_STATUS], actions=tagging("ran"))
    field_id = next(item["id"] for item in api.get("/admin/ticket_fields") if item["name"] == name)
    assert api.call("DELETE", f"/admin/ticket_fields/{field_id}").status == 204
    assert api.get(f"/automations/4/rules/{rule['id']}")["outdated"] is True
    sandbox.agent_changes(ticket_id, status="Pending")
    assert sandbox.view(ticket_id).tags == ["vip"]


# --- type 1 ---


def test_only_the_first_rule_that_fits_runs_on_creation(api: Api, sandbox: FreshdeskSandbox) -> None:
    """By position; an active rule above starves those below unless the account executes all that match."""
    api.new_rule(1, NOWHERE, "never", conditions=conditions(condition("priority", "is", 4)), actions=tagging("never"))
    api.new_rule(1, NOWHERE, "off", active=False, actions=tagging("off"))
    api.new_rule(1, NOWHERE, "first", actions=tagging("first"))
    second = api.new_rule(1, NOWHERE, "second", actions=tagging("second"))
    one = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")
    assert sandbox.view(one).tags == ["first"]
    sandbox.behaviour.execute_all_matching = True
    other = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")
    assert sandbox.view(other).tags == ["first", "second"]
    sandbox.behaviour.execute_all_matching = False
    api.call("PUT", f"/automations/1/rules/{second['id']}", {"position": 0})
    assert api.get("/automations/1/rules")[0]["name"] == "second"
    last = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")
    assert sandbox.view(last).tags == ["second"]


@pytest.mark.parametrize(
    ("sets", "operator", "runs"),
    [
        (conditions(condition("priority", "in", [1, 2])), "AND", True),
        (conditions(condition("priority", "not_in", [1, 2])), "AND", False),
        (conditions(condition("source", "is", 1)), "AND", True),
        (conditions(condition("ticket_type", "is_not", "Complaint")), "AND", True),
        (conditions(condition("subject", "contains", ["INVOICE", "bill"])), "AND", True),
        (conditions(condition("description", "contains", ["invoice"])), "AND", False),
        (conditions(condition("subject_or_description", "does_not_contain", ["wrong"])), "AND", False),
        (conditions(condition("tag_names", "contains", ["vip"])), "AND", True),
        (conditions(condition("priority", "greater_than", 1)), "AND", False),
        (conditions(condition("priority", "less_than", 2)), "AND", True),
        (conditions(condition("priority", "is", 4), condition("status", "is", 2), match_type="any"), "AND", True),
        (conditions(condition("priority", "is", 4), condition("status", "is", 2)), "AND", False),
        (
            [*conditions(condition("priority", "is", 4)), *conditions(condition("status", "is", 2), number=2)],
            "OR",
            True,
        ),
        (
            [*conditions(condition("priority", "is", 4)), *conditions(condition("status", "is", 2), number=2)],
            "AND",
            False,
        ),
    ],
)
def test_conditions(api: Api, sandbox: FreshdeskSandbox, sets: list[dict[str, Any]], operator: str, runs: bool) -> None:
    """Sets of conditions are joined by the rule's operator, those of a set by its own."""
    api.new_rule(1, NOWHERE, conditions=sets, operator=operator, actions=tagging("ran"))
    ticket_id = sandbox.open_ticket(channel=Channel.EMAIL, subject="My invoice", text="It is wrong.", tags=["vip"])
    assert ("ran" in sandbox.view(ticket_id).tags) is runs


# --- type 4 ---


@pytest.mark.parametrize(
    ("performer", "by_agent", "by_customer"),
    [({"type": 1}, True, False), ({"type": 2}, False, True), ({"type": 3}, True, True), ({"type": 4}, False, False)],
)
def test_performers(
    api: Api,
    sandbox: FreshdeskSandbox,
    ticket_id: str,
    performer: dict[str, Any],
    by_agent: bool,
    by_customer: bool,
) -> None:
    """A rule listens to what agents, customers or both do."""
    api.new_rule(4, NOWHERE, performer=performer, events=[{"field_name": "reply_sent"}], actions=tagging("ran"))
    other = sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")
    sandbox.agent_replies(ticket_id, "Hello")
    sandbox.customer_replies(other, "Hello")
    assert ["ran" in sandbox.view(number).tags for number in (ticket_id, other)] == [by_agent, by_customer]


def test_single_agents(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """``members`` narrows a rule down to some agents."""
    api.new_rule(4, NOWHERE, performer={"type": 1, "members": [9002]}, events=[ANY_PRIORITY], actions=tagging("alex"))
    api.put(ticket_id, priority=2)
    assert sandbox.view(ticket_id).tags == ["vip"]
    sandbox.agent_changes(ticket_id, priority="High")
    assert sandbox.view(ticket_id).tags == ["alex", "vip"]


@pytest.mark.parametrize(
    ("event", "runs"),
    [
        (ANY_STATUS, True),
        ({"field_name": "status"}, True),
        ({"field_name": "status", "from": 2, "to": 3}, True),
        ({"field_name": "status", "from": 3, "to": "--"}, False),
        ({"field_name": "status", "from": "--", "to": 4}, False),
        (ANY_PRIORITY, False),
        ({"field_name": "note_type", "value": "public"}, False),
    ],
)
def test_events(api: Api, sandbox: FreshdeskSandbox, ticket_id: str, event: dict[str, Any], runs: bool) -> None:
    """A change from 2 to 3 is met by rules that name it, or leave it open."""
    api.new_rule(4, NOWHERE, events=[event], actions=tagging("ran"))
    sandbox.agent_changes(ticket_id, status=3)
    assert ("ran" in sandbox.view(ticket_id).tags) is runs


def test_kinds_of_notes(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Public and private notes are different events, and neither is a reply."""
    for value in ("public", "private"):
        api.new_rule(4, NOWHERE, value, events=[{"field_name": "note_type", "value": value}], actions=tagging(value))
    api.new_rule(4, NOWHERE, "reply", events=[{"field_name": "reply_sent"}], actions=tagging("reply"))
    sandbox.agent_replies(ticket_id, "A note", public=False)
    assert sandbox.view(ticket_id).tags == ["private", "vip"]
    sandbox.agent_notes_publicly(ticket_id, "A note")
    assert sandbox.view(ticket_id).tags == ["private", "public", "vip"]


def test_all_rules_that_fit_run_on_an_update(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """Unlike on creation; and each counts the tickets it acted on."""
    rules = [api.new_rule(4, NOWHERE, name, events=[ANY_STATUS], actions=tagging(name)) for name in ("a", "b")]
    sandbox.agent_changes(ticket_id, status=3)
    assert sandbox.view(ticket_id).tags == ["a", "b", "vip"]
    assert [api.get(f"/automations/4/rules/{rule['id']}")["affected_tickets_count"] for rule in rules] == [1, 1]


def test_an_action_sets_off_other_rules(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """They are the system's deeds then."""
    actions = [{"field_name": "priority", "value": 4}, {"field_name": "ticket_type", "value": "Complaint"}]
    api.new_rule(4, NOWHERE, "raise", events=[ANY_STATUS], actions=actions)
    api.new_rule(
        4,
        NOWHERE,
        "system",
        performer={"type": 4},
        events=[ANY_PRIORITY],
        actions=[{"field_name": "status", "value": 7}],
    )
    sandbox.agent_changes(ticket_id, status=3)
    ticket = api.ticket(ticket_id)
    assert (ticket["priority"], ticket["type"], ticket["status"]) == (4, "Complaint", 7)


def test_a_rule_does_not_set_itself_off(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """What a rule changes by itself is no event for it."""
    low, high = [{"field_name": "priority", "value": 2}], [{"field_name": "priority", "value": 3}]
    api.new_rule(4, NOWHERE, "first", events=[ANY_STATUS], actions=low)
    rule = api.new_rule(4, NOWHERE, "second", performer={"type": 4}, events=[ANY_PRIORITY], actions=high)
    sandbox.agent_changes(ticket_id, status=3)
    assert api.ticket(ticket_id)["priority"] == 3
    assert api.get(f"/automations/4/rules/{rule['id']}")["affected_tickets_count"] == 1


@pytest.mark.parametrize("fires", [True, False])
def test_writes_by_the_api(api: Api, sandbox: FreshdeskSandbox, ticket_id: str, fires: bool) -> None:
    """They count as deeds of the key's agent, or for nothing: not documented, so it can be switched."""
    sandbox.behaviour.api_writes_fire_rules = fires
    api.new_rule(4, NOWHERE, "priority", events=[ANY_PRIORITY], actions=tagging("priority"))
    api.new_rule(4, NOWHERE, "note", events=[{"field_name": "note_type"}], actions=tagging("note"))
    api.put(ticket_id, priority=2)
    api.post(f"/tickets/{ticket_id}/notes", {"body": "x"})
    assert sandbox.view(ticket_id).tags == (["note", "priority", "vip"] if fires else ["vip"])


def test_creation_is_no_update(api: Api, sandbox: FreshdeskSandbox) -> None:
    """Rules of type 4 do not run for a new ticket."""
    api.new_rule(4, NOWHERE, performer={"type": 3}, events=[ANY_STATUS, ANY_PRIORITY], actions=tagging("ran"))
    assert sandbox.view(sandbox.open_ticket(channel=Channel.EMAIL, subject="S", text="T")).tags == []


def test_a_rule_for_deleted_tickets(api: Api, sandbox: FreshdeskSandbox, ticket_id: str) -> None:
    """It runs when a ticket goes into the trash, and does nothing to one that is gone."""
    event = {"field_name": "ticket_action", "value": "delete"}
    rule = api.new_rule(4, NOWHERE, events=[event], actions=tagging("ran"))
    sandbox.agent_deletes(ticket_id)
    assert sandbox.view(ticket_id).tags == ["ran", "vip"]
    sandbox.agent_deletes(ticket_id, forever=True)
    assert sandbox.tickets() == []
    assert api.get(f"/automations/4/rules/{rule['id']}")["affected_tickets_count"] == 2


# --- type 3 ---


def test_rules_of_the_time_run_by_the_hour(
    api: Api, sandbox: FreshdeskSandbox, ticket_id: str, manual_clock: ManualClock
) -> None:
    """Once an hour of the simulator's clock, for tickets that fit then."""
    old = conditions(condition("hours_since_created", "greater_than", 1))
    api.new_rule(3, NOWHERE, conditions=old, actions=tagging("old"))
    manual_clock.advance(timedelta(hours=1))
    sandbox.deliver_due()
    assert sandbox.view(ticket_id).tags == ["vip"]
    manual_clock.advance(timedelta(minutes=59))
    sandbox.deliver_due()
    assert sandbox.view(ticket_id).tags == ["vip"]
    manual_clock.advance(timedelta(minutes=1))
    sandbox.deliver_due()
    assert sandbox.view(ticket_id).tags == ["old", "vip"]


def test_rules_of_the_time_send_webhooks(
    api: Api, sandbox: FreshdeskSandbox, ticket_id: str, manual_clock: ManualClock, receiver: Receiver
) -> None:
    """For what waits for a customer's answer, too; not for tickets that rest for more than thirty days."""
    waiting = conditions(condition("hours_since_pending", "greater_than", 0))
    api.new_rule(3, receiver.url, conditions=waiting)
    sandbox.agent_changes(ticket_id, status="Pending")
    manual_clock.advance(timedelta(hours=1))
    assert sandbox.wait_delivered(PATIENCE)
    assert [payload["ticket_id"] for payload in receiver.payloads] == [ticket_id]
    manual_clock.advance(timedelta(days=31))
    assert sandbox.wait_delivered(PATIENCE)
    assert len(receiver.payloads) == 1
