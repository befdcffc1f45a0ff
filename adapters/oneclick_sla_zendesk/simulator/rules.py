"""Business rules of the simulated account: views, and triggers with their categories.

A trigger runs after each update that meets its conditions; here it can call a webhook
with a template, or tell somebody by e-mail (kept in :attr:`BusinessRules.notifications`).
https://developer.zendesk.com/api-reference/ticketing/business-rules/triggers/ ,
https://developer.zendesk.com/api-reference/ticketing/business-rules/views/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from oneclick_sla_plugin.ports import Clock
from oneclick_sla_zendesk.simulator.account import Account, Happening
from oneclick_sla_zendesk.simulator.conditions import (
    OPERATORS,
    TRIGGER_OPERATORS,
    Conditions,
    Moment,
    read_conditions,
)
from oneclick_sla_zendesk.simulator.errors import record_invalid, record_not_found
from oneclick_sla_zendesk.simulator.records import Ticket
from oneclick_sla_zendesk.simulator.shapes import instant

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_RECIPIENTS = {"notification_user": 3, "notification_group": 3, "notification_webhook": 2}
"""Actions a trigger can take here, with how many texts each has."""


@dataclass(frozen=True, slots=True)
class View:
    id: int
    title: str
    description: str | None
    active: bool
    conditions: Conditions
    output: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "active": self.active,
            "conditions": self.conditions.as_json(),
            "execution": {"columns": [{"id": name} for name in self.output.get("columns") or ()]},
            "created_at": instant(self.created_at),
            "updated_at": instant(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class Trigger:
    id: int
    title: str
    description: str | None
    category_id: str
    active: bool
    conditions: Conditions
    actions: tuple[tuple[str, tuple[str, ...]], ...]
    created_at: datetime
    updated_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "category_id": self.category_id,
            "active": self.active,
            "conditions": self.conditions.as_json(),
            "actions": [{"field": field, "value": list(value)} for field, value in self.actions],
            "created_at": instant(self.created_at),
            "updated_at": instant(self.updated_at),
        }


@dataclass(frozen=True, slots=True)
class Notification:
    """An e-mail that a trigger sent. ``to``: an agent's id, a group's, or the word of the action (``assignee_id``)."""

    trigger: str
    ticket_id: str
    to: str
    subject: str
    text: str


class BusinessRules:
    """Views, trigger categories and triggers, under the account's lock."""

    def __init__(self, account: Account, clock: Clock, call_webhook: Callable[[str, str], None]) -> None:
        """``call_webhook`` gets a webhook's id and the rendered template."""
        self._account = account
        self._clock = clock
        self._call_webhook = call_webhook
        self._views: dict[int, View] = {}
        self._categories: dict[str, str] = {}
        self._triggers: dict[int, Trigger] = {}
        self.notifications: list[Notification] = []

    # --- views ---

    def views(self) -> list[View]:
        return list(self._views.values())

    def view(self, view_id: int) -> View:
        """``RefusalError`` (404) when there is none."""
        if view_id not in self._views:
            raise record_not_found()
        return self._views[view_id]

    def keep_view(self, view_id: int | None, given: Mapping[str, Any]) -> View:
        """Make a view, or change the one with this id. ``RefusalError`` (422) for conditions that mean nothing."""
        now = self._clock()
        before = self.view(view_id) if view_id is not None else None
        if before is None:
            if not given.get("title"):
                raise record_invalid("title", "Title: cannot be blank")
            before = View(self._account.new_id(), "", None, True, Conditions((), ()), {}, now, now)
        conditions = before.conditions
        if view_id is None or "all" in given or "any" in given:
            conditions = read_conditions(given, OPERATORS, self._field_ids())
        changed = {name: given[name] for name in ("title", "description", "active", "output") if name in given}
        view = replace(before, **changed, conditions=conditions, updated_at=now)
        self._views[view.id] = view
        return view

    def delete_view(self, view_id: int) -> None:
        del self._views[self.view(view_id).id]

    def tickets_of(self, view_id: int) -> list[Ticket]:
        """The tickets that the view lists."""
        view = self.view(view_id)
        return [ticket for ticket in self._account.tickets() if view.conditions.hold(Moment(ticket))]

    # --- triggers ---

    def categories(self) -> list[dict[str, Any]]:
        return [{"id": key, "name": name} for key, name in self._categories.items()]

    def create_category(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not given.get("name"):
            raise record_invalid("name", "Name: cannot be blank")
        key = str(self._account.new_id())
        self._categories[key] = str(given["name"])
        return {"id": key, "name": self._categories[key]}

    def delete_category(self, key: str) -> None:
        """``RefusalError``: 404, or 422 while a trigger is in it."""
        if key not in self._categories:
            raise record_not_found()
        if any(trigger.category_id == key for trigger in self._triggers.values()):
            raise record_invalid("base", "The category has triggers")
        del self._categories[key]

    def triggers(self) -> list[Trigger]:
        return list(self._triggers.values())

    def trigger(self, trigger_id: int) -> Trigger:
        """``RefusalError`` (404) when there is none."""
        if trigger_id not in self._triggers:
            raise record_not_found()
        return self._triggers[trigger_id]

    def keep_trigger(self, trigger_id: int | None, given: Mapping[str, Any]) -> Trigger:
        """Make a trigger, or change the one with this id. ``RefusalError`` (422) for what means nothing."""
        now = self._clock()
        before = self.trigger(trigger_id) if trigger_id is not None else None
        if before is None:
            for name in ("title", "conditions", "actions"):
                if not given.get(name):
                    raise record_invalid(name, f"{name.capitalize()}: cannot be blank")
            before = Trigger(self._account.new_id(), "", None, "", True, Conditions((), ()), (), now, now)
        category_id = str(given.get("category_id", before.category_id))
        if category_id and category_id not in self._categories:
            raise record_invalid("category_id", "Category: does not exist")
        conditions, actions = before.conditions, before.actions
        if "conditions" in given:
            conditions = read_conditions(given["conditions"], TRIGGER_OPERATORS, self._field_ids())
        if "actions" in given:
            actions = tuple(_action(entry) for entry in given["actions"])
        changed = {name: given[name] for name in ("title", "description", "active") if name in given}
        trigger = replace(
            before, **changed, category_id=category_id, conditions=conditions, actions=actions, updated_at=now
        )
        self._triggers[trigger.id] = trigger
        return trigger

    def delete_trigger(self, trigger_id: int) -> None:
        del self._triggers[self.trigger(trigger_id).id]

    def run(self, happening: Happening) -> None:
        """Run the triggers after one update. Called under the account's lock."""
        if happening.audit is None:
            return
        moment = Moment(happening.ticket, happening.audit, happening.actor)
        for trigger in self._triggers.values():
            if trigger.active and trigger.conditions.hold(moment):
                self._act(trigger, happening)

    def _act(self, trigger: Trigger, happening: Happening) -> None:
        values = self._account.placeholders(happening.ticket, happening.actor)
        for action, parts in trigger.actions:
            target, *texts = parts
            rendered = [_rendered(text, values) for text in texts]
            if action == "notification_webhook":
                self._call_webhook(target, rendered[0])
            else:
                subject, text = rendered
                ticket_id = str(happening.ticket.id)
                self.notifications.append(Notification(trigger.title, ticket_id, target, subject, text))

    def _field_ids(self) -> list[int]:
        return [field.id for field in self._account.fields()]


def _action(entry: Any) -> tuple[str, tuple[str, ...]]:
    field = entry.get("field") if isinstance(entry, dict) else None
    value = entry.get("value") if isinstance(entry, dict) else None
    if (
        not isinstance(field, str)
        or field not in _RECIPIENTS
        or not isinstance(value, list)
        or len(value) != _RECIPIENTS[field]
    ):
        raise record_invalid("actions", "Actions: are invalid")
    return field, tuple(str(part) for part in value)


def _rendered(template: str, values: Mapping[str, str]) -> str:
    """Placeholders filled in as they are: a quotation mark in a subject breaks a JSON template."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], ""), template)
