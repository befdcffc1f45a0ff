"""Conditions of automation rules: which ones are taken, and which tickets they fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from oneclick_sla_freshdesk.simulator import text
from oneclick_sla_freshdesk.simulator.errors import FieldProblem, missing_field, unknown_field, wrong_type
from oneclick_sla_freshdesk.simulator.records import Ticket

_ATTRIBUTES: Mapping[str, str] = {
    "status": "status",
    "priority": "priority",
    "source": "source",
    "ticket_type": "type",
    "group_id": "group_id",
    "responder_id": "responder_id",
    "product_id": "product_id",
    "subject": "subject",
}
_TEXT_FIELDS = frozenset({"description", "subject_or_description", "tag_names"})
_HOURS: Mapping[str, str] = {
    "hours_since_created": "created_at",
    "hours_since_pending": "pending_since",
    "hours_since_resolved": "resolved_at",
    "hours_since_closed": "closed_at",
    "hours_since_requester_responded": "requester_responded_at",
    "hours_since_agent_responded": "agent_responded_at",
}
"""Only rules of the time know these."""
_LIST_OPERATORS = frozenset({"in", "not_in", "contains", "does_not_contain"})
_OPERATORS = _LIST_OPERATORS | {"is", "is_not", "greater_than", "less_than"}


def condition_problems(sets: Any, *, timed: bool, custom: Iterable[str]) -> list[FieldProblem]:
    """What is wrong with the condition sets of a rule that somebody writes."""
    if not isinstance(sets, list) or not all(isinstance(item, dict) for item in sets):
        return [wrong_type("conditions", "Array", sets)]
    known = {*_ATTRIBUTES, *_TEXT_FIELDS, *custom, *(_HOURS if timed else ())}
    problems = []
    for number, item in enumerate(sets, 1):
        if item.get("match_type") not in ("all", "any"):
            problems.append(FieldProblem("conditions[match_type]", "It should be one of these values: 'all,any'"))
        if item.get("name") != f"condition_set_{number}":
            problems.append(FieldProblem("conditions[name]", f"It should be 'condition_set_{number}'"))
        for part in item.get("properties") or ():
            problems += _property_problems(part, known)
    return problems


def _property_problems(part: Mapping[str, Any], known: set[str]) -> Iterable[FieldProblem]:
    # What a rule is read with does not suffice for writing it: this key is missing there.
    if "resource_type" not in part:
        yield missing_field("conditions[resource_type]")
    elif part["resource_type"] != "ticket":
        yield FieldProblem("conditions[resource_type]", "It should be one of these values: 'ticket'")
    if str(part.get("field_name")) not in known:
        yield unknown_field(f"conditions[{part.get('field_name')}]")
    operator = part.get("operator")
    if operator not in _OPERATORS:
        yield FieldProblem(
            "conditions[operator]", f"It should be one of these values: '{','.join(sorted(_OPERATORS))}'"
        )
    elif operator in _LIST_OPERATORS and not isinstance(part.get("value"), list):
        yield wrong_type("conditions[value]", "Array", part.get("value"))
    elif part.get("field_name") in _HOURS and not isinstance(part.get("value"), int):
        yield wrong_type("conditions[value]", "Integer", part.get("value"))


def fits(sets: Iterable[Mapping[str, Any]], operator: str, ticket: Ticket, now: datetime) -> bool:
    """Whether a ticket fits condition sets that ``operator`` (``AND`` or ``OR``) joins; no conditions fit all."""
    results = []
    for item in sets:
        parts = [_holds(part, ticket, now) for part in item.get("properties") or ()]
        results.append(all(parts) if item["match_type"] == "all" or not parts else any(parts))
    return not results or (any(results) if operator == "OR" else all(results))


def _holds(part: Mapping[str, Any], ticket: Ticket, now: datetime) -> bool:
    name, operator, wanted = part["field_name"], part["operator"], part.get("value")
    if name in _HOURS:
        since = ticket.created_at if name == "hours_since_created" else getattr(ticket.stats, _HOURS[name])
        return since is not None and _compared((now - since) // timedelta(hours=1), operator, wanted)
    if operator in ("contains", "does_not_contain"):
        present = any(str(item).lower() in _text(name, ticket) for item in wanted or ())
        return present is (operator == "contains")
    return _compared(_value(name, ticket), operator, wanted)


def _value(name: str, ticket: Ticket) -> Any:
    if name in _ATTRIBUTES:
        return getattr(ticket, _ATTRIBUTES[name])
    return _text(name, ticket) if name in _TEXT_FIELDS else ticket.custom_fields.get(name)


def _text(name: str, ticket: Ticket) -> str:
    description = text.plain_of(ticket.description)
    match name:
        case "description":
            return description.lower()
        case "subject_or_description":
            return f"{ticket.subject}\n{description}".lower()
        case "tag_names":
            return ",".join(ticket.tags).lower()
    return str(_value(name, ticket) or "").lower()


def _compared(value: Any, operator: str, wanted: Any) -> bool:
    match operator:
        case "in":
            return value in wanted
        case "not_in":
            return value not in wanted
        case "is":
            return bool(value == wanted)
        case "is_not":
            return bool(value != wanted)
        case "greater_than":
            return value is not None and bool(value > wanted)
    return value is not None and bool(value < wanted)
