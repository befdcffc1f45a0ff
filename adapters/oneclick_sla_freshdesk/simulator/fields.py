"""Ticket fields of the simulated account: names that it makes up, choices, statuses, and which values are taken.

Dependent fields (``nested_field``) are not simulated.
https://developers.freshdesk.com/api/#ticket-fields
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from oneclick_sla_freshdesk.simulator.errors import (
    FieldProblem,
    duplicate,
    invalid,
    missing_field,
    unknown_field,
    validation_failed,
    wrong_type,
)
from oneclick_sla_freshdesk.simulator.records import CLOSED, OPEN, PENDING, PRIORITIES, RESOLVED, SOURCES, instant

CUSTOM_TYPES = frozenset({"text", "paragraph", "dropdown", "checkbox", "number", "decimal", "date"})
_WRITABLE = frozenset(
    {
        "label",
        "label_for_customers",
        "position",
        "choices",
        "displayed_to_customers",
        "customers_can_edit",
        "required_for_agents",
        "required_for_customers",
        "required_for_closure",
    }
)
_LONGEST_TEXT = 255
_FIRST_CUSTOM_STATUS = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a dropdown, of the ticket types, or a status.

    ``number`` is what a ticket holds for a status, and its ``id`` (else the ``value`` is held);
    ``stop_sla_timer`` says of a status that due dates rest while it lasts.
    """

    id: int
    value: str
    position: int
    number: int | None = None
    label_for_customers: str = ""
    stop_sla_timer: bool = False


@dataclass(frozen=True, slots=True)
class TicketField:
    """``type`` is ``custom_<kind>`` or, of the account's own fields, ``default_<name>``."""

    id: int
    name: str
    label: str
    type: str
    position: int
    created_at: datetime
    updated_at: datetime
    label_for_customers: str = ""
    displayed_to_customers: bool = False
    customers_can_edit: bool = False
    required_for_agents: bool = False
    required_for_customers: bool = False
    required_for_closure: bool = False
    choices: tuple[Choice, ...] = field(default=())

    @property
    def default(self) -> bool:
        return self.type.startswith("default_")


_DEFAULTS: Iterable[tuple[str, str]] = (
    ("requester", "Search a requester"),
    ("subject", "Subject"),
    ("ticket_type", "Type"),
    ("source", "Source"),
    ("status", "Status"),
    ("priority", "Priority"),
    ("group", "Group"),
    ("agent", "Agent"),
    ("product", "Product"),
    ("company", "Company"),
    ("description", "Description"),
)
_STATUSES = (
    (OPEN, "Open", "Being Processed", False),
    (PENDING, "Pending", "Awaiting your Reply", True),
    (RESOLVED, "Resolved", "This ticket has been Resolved", True),
    (CLOSED, "Closed", "This ticket has been Closed", True),
    (6, "Waiting on Customer", "Awaiting your Reply", True),
    (7, "Waiting on Third Party", "Being Processed", False),
)
_TYPES = ("Question", "Incident", "Problem", "Feature Request", "Complaint")


class TicketFields:
    """All fields of the account. ``suffix`` ends each name that is made up; empty leaves names as the label gives them."""

    def __init__(self, *, new_id: Callable[[], int], now: Callable[[], datetime], suffix: str) -> None:
        self._new_id, self._now, self._suffix = new_id, now, suffix
        self._fields: dict[int, TicketField] = {}
        for name, label in _DEFAULTS:
            choices: tuple[Choice, ...] = ()
            if name == "status":
                choices = tuple(
                    Choice(number, value, place, number, customers, stops)
                    for place, (number, value, customers, stops) in enumerate(_STATUSES, 1)
                )
            elif name == "ticket_type":
                choices = tuple(Choice(new_id(), value, place) for place, value in enumerate(_TYPES, 1))
            self._keep(self._blank(name, label, f"default_{name}", choices))

    def all(self) -> list[TicketField]:
        return list(self._fields.values())

    def custom(self) -> dict[str, TicketField]:
        """Custom fields by name."""
        return {item.name: item for item in self._fields.values() if not item.default}

    def get(self, field_id: int) -> TicketField | None:
        return self._fields.get(field_id)

    def default(self, name: str) -> TicketField:
        return next(item for item in self._fields.values() if item.default and item.name == name)

    def statuses(self) -> dict[int, Choice]:
        """Statuses by number."""
        return {choice.number: choice for choice in self.default("status").choices if choice.number is not None}

    def types(self) -> list[str]:
        return [choice.value for choice in self.default("ticket_type").choices]

    def create(self, given: Mapping[str, Any]) -> TicketField:
        """A field with a name made from its label. ``RefusalError``: 400, or 409 for a label that is taken."""
        problems = [unknown_field(name) for name in sorted(given.keys() - _WRITABLE - {"type"})]
        problems += [missing_field(name) for name in ("label", "label_for_customers", "type") if not given.get(name)]
        kind = str(given.get("type", "")).removeprefix("custom_")
        if given.get("type") and (kind not in CUSTOM_TYPES or not str(given["type"]).startswith("custom_")):
            listed = ",".join(f"custom_{name}" for name in sorted(CUSTOM_TYPES))
            problems.append(FieldProblem("type", f"It should be one of these values: '{listed}'"))
        if kind == "dropdown" and not given.get("choices"):
            problems.append(missing_field("choices"))
        if problems:
            raise validation_failed(problems)
        name = re.sub(r"[^a-z0-9]+", "_", str(given["label"]).lower()).strip("_")
        name = f"cf_{name}" + (f"_{self._suffix}" if self._suffix else "")
        if any(item.name == name or item.label == given["label"] for item in self._fields.values()):
            raise duplicate("label")
        blank = self._blank(name, str(given["label"]), str(given["type"]), ())
        return self._keep(self._changed(blank, given))

    def update(self, before: TicketField, given: Mapping[str, Any]) -> TicketField:
        """Change what is named; of choices, those with an ``id`` are changed, the others are added.

        ``RefusalError``: 400 (the type stays as it is), 409 for a choice that is there already.
        """
        if problems := [unknown_field(name) for name in sorted(given.keys() - _WRITABLE)]:
            raise validation_failed(problems)
        return self._keep(self._changed(before, given))

    def delete(self, gone: TicketField) -> None:
        del self._fields[gone.id]

    def add_status(self, value: str, *, stop_sla_timer: bool) -> int:
        """A custom status; returns its number."""
        self.update(self.default("status"), {"choices": [{"value": value, "stop_sla_timer": stop_sla_timer}]})
        return max(self.statuses())

    def rename_status(self, number: int, value: str) -> None:
        before = self.default("status")
        choices = tuple(replace(item, value=value) if item.number == number else item for item in before.choices)
        self._keep(replace(before, choices=choices, updated_at=self._now()))

    def _blank(self, name: str, label: str, kind: str, choices: tuple[Choice, ...]) -> TicketField:
        now = self._now()
        return TicketField(
            self._new_id(),
            name,
            label,
            kind,
            len(self._fields) + 1,
            now,
            now,
            label_for_customers=label,
            choices=choices,
        )

    def _changed(self, before: TicketField, given: Mapping[str, Any]) -> TicketField:
        plain = {name: given[name] for name in _WRITABLE - {"choices"} if name in given}
        choices = list(before.choices)
        for wanted in given.get("choices") or ():
            if not isinstance(wanted, dict) or not isinstance(wanted.get("value"), str):
                raise invalid("choices", "It should contain elements with a value", "datatype_mismatch")
            place = next((n for n, choice in enumerate(choices) if choice.id == wanted.get("id")), None)
            if place is None and any(choice.value == wanted["value"] for choice in choices):
                raise duplicate("choices")
            if place is None:
                choices.append(self._new_choice(before, choices, wanted))
            elif wanted.get("deleted"):
                del choices[place]
            else:
                choices[place] = replace(
                    choices[place],
                    value=wanted["value"],
                    position=wanted.get("position", choices[place].position),
                    stop_sla_timer=wanted.get("stop_sla_timer", choices[place].stop_sla_timer),
                )
        choices.sort(key=lambda choice: choice.position)
        return replace(before, **plain, choices=tuple(choices), updated_at=self._now())

    def _new_choice(self, owner: TicketField, standing: list[Choice], wanted: Mapping[str, Any]) -> Choice:
        number = None
        if owner.type == "default_status":
            number = max(_FIRST_CUSTOM_STATUS - 1, *(choice.number or 0 for choice in standing)) + 1
        return Choice(
            number or self._new_id(),
            wanted["value"],
            wanted.get("position", len(standing) + 1),
            number,
            wanted.get("label_for_customers", wanted["value"]),
            bool(wanted.get("stop_sla_timer", False)),
        )

    def _keep(self, item: TicketField) -> TicketField:
        self._fields[item.id] = item
        return item


def value_problem(item: TicketField, value: Any) -> FieldProblem | None:
    """What is wrong with a value for a custom field; ``None`` (JSON null) empties every field."""
    kind = item.type.removeprefix("custom_")
    name = f"custom_fields.{item.name}"
    if value is None:
        return None
    if kind in ("text", "paragraph", "dropdown", "date") and not isinstance(value, str):
        return wrong_type(name, "String", value)
    if kind == "checkbox" and not isinstance(value, bool):
        return wrong_type(name, "Boolean", value)
    if kind == "number" and (not isinstance(value, int) or isinstance(value, bool)):
        return wrong_type(name, "Integer", value)
    if kind == "decimal" and (not isinstance(value, int | float) or isinstance(value, bool)):
        return wrong_type(name, "Number", value)
    if kind == "text" and len(value) > _LONGEST_TEXT:
        return FieldProblem(name, f"Has {len(value)} characters, it can have maximum of {_LONGEST_TEXT} characters")
    if kind == "dropdown" and value not in (values := [choice.value for choice in item.choices]):
        return FieldProblem(name, f"It should be one of these values: '{','.join(values)}'")
    if kind == "date" and not _is_date(value):
        return FieldProblem(name, "It should be in the 'yyyy-mm-dd' format", "invalid_date")
    return None


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def admin_json(item: TicketField, groups: Mapping[str, int], agents: Mapping[str, int]) -> dict[str, Any]:
    """As ``/admin/ticket_fields`` shows a field; the account's own fields have choices of other shapes."""
    shown = {
        "id": item.id,
        "name": item.name,
        "label": item.label,
        "label_for_customers": item.label_for_customers,
        "position": item.position,
        "type": item.type,
        "default": item.default,
        "archived": False,
        "required_for_closure": item.required_for_closure,
        "required_for_agents": item.required_for_agents,
        "required_for_customers": item.required_for_customers,
        "customers_can_edit": item.customers_can_edit,
        "displayed_to_customers": item.displayed_to_customers,
        "created_at": instant(item.created_at),
        "updated_at": instant(item.updated_at),
    }
    match item.type:
        case "default_status":
            shown["choices"] = [
                {
                    "id": choice.id,
                    "value": choice.value,
                    "label_for_customers": choice.label_for_customers,
                    "position": choice.position,
                    "stop_sla_timer": choice.stop_sla_timer,
                    "default": choice.number is not None and choice.number < _FIRST_CUSTOM_STATUS,
                    "deleted": False,
                }
                for choice in item.choices
            ]
        case "default_priority":
            shown["choices"] = [{"label": label, "value": number} for number, label in PRIORITIES.items()]
        case "default_source":
            shown["choices"] = [
                {"id": number, "label": label, "value": number, "default": True, "deleted": False, "position": number}
                for number, label in SOURCES.items()
            ]
        case "default_group" | "default_agent":
            names = groups if item.type == "default_group" else agents
            shown["choices"] = [{"label": label, "value": number} for label, number in names.items()]
        case "default_ticket_type" | "custom_dropdown":
            shown["choices"] = [
                {"id": choice.id, "value": choice.value, "label": choice.value, "position": choice.position}
                for choice in item.choices
            ]
    return shown


def public_json(item: TicketField, groups: Mapping[str, int], agents: Mapping[str, int]) -> dict[str, Any]:
    """As ``/ticket_fields`` shows a field: choices as lists of values, or objects by name or number."""
    shown = admin_json(item, groups, agents)
    shown |= {"description": item.label, "customers_can_filter": False, "portal_cc": False, "portal_cc_to": "company"}
    match item.type:
        case "default_status":
            shown["choices"] = {str(c.number): [c.value, c.label_for_customers] for c in item.choices}
        case "default_priority":
            shown["choices"] = {label: number for number, label in PRIORITIES.items()}
        case "default_source":
            shown["choices"] = {label: number for number, label in SOURCES.items()}
        case "default_group":
            shown["choices"] = dict(groups)
        case "default_agent":
            shown["choices"] = dict(agents)
        case "default_ticket_type" | "custom_dropdown":
            shown["choices"] = [choice.value for choice in item.choices]
    return shown
