"""Automation rules of the simulated account: what is taken, how a rule is shown, and what it reacts to.

Type 1 runs when a ticket is created, type 3 by the hour, type 4 when a ticket is
updated. A rule that is read cannot be posted back: ``resource_type`` is missing
there. The action Trigger API, conditions on contacts and companies, and e-mails
are not simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from oneclick_sla_freshdesk.simulator.conditions import condition_problems
from oneclick_sla_freshdesk.simulator.errors import (
    FieldProblem,
    duplicate,
    internal_error,
    missing_field,
    not_found,
    unknown_field,
    validation_failed,
    wrong_type,
)
from oneclick_sla_freshdesk.simulator.fields import TicketFields
from oneclick_sla_freshdesk.simulator.records import PRIORITIES, Change, Happening, Performer, instant

CREATION, TIME, UPDATES = 1, 3, 4
TYPES = (CREATION, TIME, UPDATES)

_KEYS = frozenset(
    {"name", "description", "active", "position", "performer", "events", "conditions", "actions", "operator"}
)
_PERFORMERS: Mapping[int, frozenset[Performer]] = {
    1: frozenset({Performer.AGENT}),
    2: frozenset({Performer.CUSTOMER}),
    3: frozenset({Performer.AGENT, Performer.CUSTOMER}),
    4: frozenset({Performer.SYSTEM}),
}
_PROPERTY_EVENTS = frozenset(
    {"status", "priority", "ticket_type", "group_id", "responder_id", "product_id", "source", "due_by"}
)
_PLAIN_EVENTS = frozenset({"reply_sent", "note_type", "ticket_action"})
_WEBHOOK_KEYS = ("request_type", "content_type", "content_layout", "url", "content")
_PROPERTY_ACTIONS = frozenset({"status", "priority", "ticket_type", "group_id", "responder_id", "add_tag"})
_ANY = "--"


@dataclass(frozen=True, slots=True)
class Rule:
    """``body`` is what somebody wrote: performer, events, conditions, actions."""

    id: int
    type: int
    name: str
    active: bool
    position: int
    created_at: datetime
    updated_at: datetime
    outdated: bool = False
    affected_tickets: int = 0
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def reaction(self, happening: Happening) -> str | None:
        """``triggered_event`` of the first change that a rule of type 4 listens to; ``None`` when it does not.

        Not JSON: names and numbers without quotes.
        """
        performer = self.body.get("performer") or {}
        if happening.performer not in _PERFORMERS[performer.get("type", 3)]:
            return None
        if performer.get("members") and happening.actor_id not in performer["members"]:
            return None
        for name, shown in _signals(happening):
            for event in self.body.get("events") or ():
                if event["field_name"] == name and _is_meant(event, happening, name):
                    return shown
        return None


def _signals(happening: Happening) -> Iterable[tuple[str, str]]:
    for change in happening.changes:
        yield change.name, f"{{{change.name}:{{from:{_plain(change.previous)},to:{_plain(change.current)}}}}}"
    if happening.conversation is not None:
        if happening.conversation.source == 2:
            yield "note_type", f"{{note_type:{_note_type(happening)}}}"
        else:
            yield "reply_sent", "{reply_sent:sent}"
    if happening.deleted:
        yield "ticket_action", "{ticket_action:delete}"


def _is_meant(event: Mapping[str, Any], happening: Happening, name: str) -> bool:
    if name == "note_type":
        return event.get("value", _ANY) in (_ANY, _note_type(happening))
    if name == "ticket_action":
        return event.get("value", _ANY) in (_ANY, "delete")
    if name == "reply_sent":
        return True
    change: Change = next(item for item in happening.changes if item.name == name)
    return event.get("from", _ANY) in (_ANY, change.previous) and event.get("to", _ANY) in (_ANY, change.current)


def _note_type(happening: Happening) -> str:
    return "private" if happening.conversation is not None and happening.conversation.private else "public"


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


class Rules:
    """All rules of the account, by type."""

    def __init__(self, *, new_id: Callable[[], int], now: Callable[[], datetime], fields: TicketFields) -> None:
        self._new_id, self._now, self._fields = new_id, now, fields
        self._rules: dict[int, Rule] = {}

    def of(self, rule_type: int) -> list[Rule]:
        """Top to bottom. ``RefusalError`` (404) for a type that does not exist."""
        if rule_type not in TYPES:
            raise not_found()
        found = [rule for rule in self._rules.values() if rule.type == rule_type]
        return sorted(found, key=lambda rule: (rule.position, rule.id))

    def get(self, rule_type: int, rule_id: int) -> Rule:
        """``RefusalError`` (404) when there is none."""
        rule = self._rules.get(rule_id)
        if rule is None or rule.type != rule_type:
            raise not_found()
        return rule

    def create(self, rule_type: int, given: Mapping[str, Any]) -> Rule:
        """A rule, active unless it says otherwise, below the others unless it names a position.

        ``RefusalError``: 400 with what is wrong, 409 for a name that is taken, 500
        for a webhook that lacks a key.
        """
        standing = self.of(rule_type)
        needed = ["name", "actions", *(["performer", "events"] if rule_type == UPDATES else [])]
        if missing := [missing_field(name) for name in needed if name not in given]:
            raise validation_failed(missing)
        now = self._now()
        blank = Rule(self._new_id(), rule_type, "", True, len(standing) + 1, now, now)
        return self._keep(self._changed(blank, given))

    def update(self, before: Rule, given: Mapping[str, Any]) -> Rule:
        """``RefusalError`` as for creating one."""
        return self._keep(self._changed(before, given))

    def delete(self, rule: Rule) -> None:
        del self._rules[rule.id]

    def applied(self, rule: Rule) -> None:
        """Count a ticket that a rule acted on."""
        current = self._rules[rule.id]
        self._keep(replace(current, affected_tickets=current.affected_tickets + 1))

    def outdate(self, field_name: str) -> None:
        """A field was removed: rules that name it stop to run."""
        for rule in list(self._rules.values()):
            parts = [*(rule.body.get("events") or ()), *(rule.body.get("actions") or ())]
            parts += [part for item in rule.body.get("conditions") or () for part in item.get("properties") or ()]
            if any(part.get("field_name") == field_name for part in parts):
                self._keep(replace(rule, outdated=True))

    def _changed(self, before: Rule, given: Mapping[str, Any]) -> Rule:
        problems = [unknown_field(name) for name in sorted(given.keys() - _KEYS)]
        if "name" in given and not (isinstance(given["name"], str) and given["name"]):
            problems.append(FieldProblem("name", "It should not be blank"))
        if "active" in given and not isinstance(given["active"], bool):
            problems.append(wrong_type("active", "Boolean", given["active"]))
        if not isinstance(given.get("position", 1), int):
            problems.append(wrong_type("position", "Integer", given["position"]))
        custom = self._fields.custom()
        if "conditions" in given:
            problems += condition_problems(given["conditions"], timed=before.type == TIME, custom=custom)
        if before.type == UPDATES:
            problems += _event_problems(given, custom)
        problems += _action_problems(given, self._fields)
        if problems:
            raise validation_failed(problems)
        if any(
            rule.name == given.get("name") and rule.type == before.type and rule.id != before.id
            for rule in self._rules.values()
        ):
            raise duplicate("name")
        return replace(
            before,
            name=given.get("name", before.name),
            active=given.get("active", before.active),
            position=given.get("position", before.position),
            updated_at=self._now(),
            body={**before.body, **{name: given[name] for name in given.keys() - {"name", "active", "position"}}},
        )

    def _keep(self, rule: Rule) -> Rule:
        self._rules[rule.id] = rule
        return rule


def _event_problems(given: Mapping[str, Any], custom: Collection[str]) -> Iterable[FieldProblem]:
    if "performer" in given:
        performer = given["performer"]
        if not isinstance(performer, dict) or performer.get("type") not in _PERFORMERS:
            yield FieldProblem("performer[type]", "It should be one of these values: '1,2,3,4'")
    if "events" in given:
        known = {*_PROPERTY_EVENTS, *_PLAIN_EVENTS, *custom}
        if not isinstance(given["events"], list) or not given["events"]:
            yield wrong_type("events", "Array", given["events"])
            return
        for event in given["events"]:
            if not isinstance(event, dict) or event.get("field_name") not in known:
                name = event.get("field_name") if isinstance(event, dict) else event
                yield unknown_field(f"events[{name}]")


def _action_problems(given: Mapping[str, Any], fields: TicketFields) -> Iterable[FieldProblem]:
    if "actions" not in given:
        return
    if not isinstance(given["actions"], list) or not given["actions"]:
        yield wrong_type("actions", "Array", given["actions"])
        return
    for action in given["actions"]:
        name = action.get("field_name") if isinstance(action, dict) else None
        if name == "trigger_webhook":
            objects = (action.get("content"), action.get("custom_headers", {}))
            if any(key not in action for key in _WEBHOOK_KEYS) or not all(isinstance(item, dict) for item in objects):
                raise internal_error()
            parts = urlsplit(str(action["url"]))
            if parts.scheme not in ("http", "https") or not parts.hostname:
                yield FieldProblem("actions[url]", "It should be a valid URL")
        elif name not in {*_PROPERTY_ACTIONS, *fields.custom()}:
            yield unknown_field(f"actions[{name}]")
        elif action.get("value") not in {"status": [*fields.statuses()], "priority": [*PRIORITIES]}.get(
            name, [action.get("value")]
        ):
            yield FieldProblem(f"actions[{name}]", "It should be one of the field's choices")


def rule_json(rule: Rule, headers: str = "plain") -> dict[str, Any]:
    """As it is read: without ``resource_type``, and with one empty set where there are no conditions.

    ``headers``: as ``Behaviour.headers_of_rules``.
    """
    shown: dict[str, Any] = {
        "id": rule.id,
        "name": rule.name,
        "position": rule.position,
        "active": rule.active,
        "outdated": rule.outdated,
        "affected_tickets_count": rule.affected_tickets,
        "created_at": instant(rule.created_at),
        "updated_at": instant(rule.updated_at),
        **rule.body,
    }
    sets = rule.body.get("conditions") or [{"name": "condition_set_1", "match_type": "all", "properties": []}]
    shown["conditions"] = [
        {
            **item,
            "properties": [
                {key: value for key, value in part.items() if key != "resource_type"}
                for part in item.get("properties") or ()
            ],
        }
        for item in sets
    ]
    if headers != "plain":
        shown["actions"] = [_without_headers(action, headers) for action in shown["actions"]]
    return shown


def _without_headers(action: Mapping[str, Any], headers: str) -> Mapping[str, Any]:
    if headers == "masked" and "custom_headers" in action:
        return {**action, "custom_headers": dict.fromkeys(action["custom_headers"], "********")}
    return {key: value for key, value in action.items() if key != "custom_headers"}
