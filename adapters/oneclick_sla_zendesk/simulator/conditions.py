"""Conditions of triggers and views: which are known, and whether a ticket meets them.

https://developer.zendesk.com/documentation/ticketing/reference-guides/conditions-reference/ .
Only what is listed in :data:`OPERATORS` exists here; anything else is refused, so that a
rule which means nothing is seen when it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from oneclick_sla_zendesk.simulator.errors import record_invalid
from oneclick_sla_zendesk.simulator.records import Audit, Ticket, User

_EQUALITY = frozenset({"is", "is_not"})
_MOVES = frozenset({"value", "value_previous", "not_value", "not_value_previous", "changed", "not_changed"})
_ORDER = frozenset({"less_than", "greater_than"})

OPERATORS: Mapping[str, frozenset[str]] = {
    "status": _EQUALITY | _ORDER | _MOVES,
    "priority": _EQUALITY | _ORDER | _MOVES,
    "group_id": _EQUALITY | _MOVES,
    "assignee_id": _EQUALITY | _MOVES,
    "current_tags": frozenset({"includes", "not_includes"}),
    "via_id": _EQUALITY,
}
TRIGGER_OPERATORS: Mapping[str, frozenset[str]] = {**OPERATORS, "update_type": _EQUALITY, "role": _EQUALITY}

_CUSTOM_FIELD = re.compile(r"custom_fields_(\d+)", re.ASCII)
_RANKS: Mapping[str, tuple[str, ...]] = {
    "status": ("new", "open", "pending", "hold", "solved", "closed"),
    "priority": ("low", "normal", "high", "urgent"),
}
_VIA_IDS: Mapping[tuple[str, str | None], int] = {
    ("web", None): 0,
    ("email", None): 4,
    ("api", None): 5,
    ("chat", None): 29,
    ("twitter", None): 30,
    ("voice", "voicemail"): 33,
    ("voice", "inbound"): 34,
}
_OTHER_VIA = -1


@dataclass(frozen=True, slots=True)
class Conditions:
    """``all`` must hold, and one of ``any`` where there are some; each is (field, operator, value)."""

    all: tuple[tuple[str, str, str], ...]
    any: tuple[tuple[str, str, str], ...]

    def hold(self, moment: Moment) -> bool:
        return all(moment.meets(*each) for each in self.all) and (
            not self.any or any(moment.meets(*each) for each in self.any)
        )

    def as_json(self) -> dict[str, list[dict[str, str]]]:
        return {
            name: [{"field": field, "operator": operator, "value": value} for field, operator, value in listed]
            for name, listed in (("all", self.all), ("any", self.any))
        }


def read_conditions(
    given: Mapping[str, Any], known: Mapping[str, frozenset[str]], field_ids: Iterable[int]
) -> Conditions:
    """``RefusalError`` (422) for a field or an operator that does not exist, or without any condition."""
    ids = frozenset(field_ids)
    read = Conditions(*(tuple(_one(entry, known, ids) for entry in given.get(name) or ()) for name in ("all", "any")))
    if not read.all and not read.any:
        raise record_invalid("base", "Conditions: at least one is needed")
    return read


def _one(entry: Any, known: Mapping[str, frozenset[str]], field_ids: frozenset[int]) -> tuple[str, str, str]:
    if not isinstance(entry, dict):
        raise record_invalid("base", "Conditions: are invalid")
    field, operator, value = str(entry.get("field")), str(entry.get("operator")), entry.get("value")
    custom = _CUSTOM_FIELD.fullmatch(field)
    operators = known.get(field)
    if custom is not None and int(custom.group(1)) in field_ids:
        operators = _EQUALITY | _MOVES
    if operators is None or operator not in operators:
        raise record_invalid("base", f"Conditions: {field} with {operator} is invalid")
    return field, operator, "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Moment:
    """A ticket, for triggers just after one update of it (``audit`` by ``actor``)."""

    ticket: Ticket
    audit: Audit | None = None
    actor: User | None = None

    def meets(self, field: str, operator: str, value: str) -> bool:
        if field == "current_tags":
            return self.ticket.tags.isdisjoint(value.split()) is (operator == "not_includes")
        if operator in _MOVES:
            return self._moved(field, operator, value)
        current = self._value(field, value)
        if operator in _ORDER:
            ranks = _RANKS[field]
            if current not in ranks or value not in ranks:
                return False
            distance = ranks.index(current) - ranks.index(value)
            return distance < 0 if operator == "less_than" else distance > 0
        return (current == value) is (operator == "is")

    def _moved(self, field: str, operator: str, value: str) -> bool:
        name = custom.group(1) if (custom := _CUSTOM_FIELD.fullmatch(field)) else field
        changes = self.audit.changes if self.audit is not None else ()
        change = next((each for each in changes if each.name == name), None)
        match operator.removeprefix("not_"):
            case "value":
                found = change is not None and _text(change.current) == value
            case "value_previous":
                found = change is not None and _text(change.previous) == value
            case _:
                found = change is not None
        return found is not operator.startswith("not_")

    def _value(self, field: str, wanted: str) -> str:
        if custom := _CUSTOM_FIELD.fullmatch(field):
            return _text(self.ticket.values.get(int(custom.group(1))))
        match field:
            case "update_type":
                return "Create" if self.audit is not None and self.audit.creates else "Change"
            case "via_id":
                return str(_VIA_IDS.get((self.ticket.channel, self.ticket.rel), _OTHER_VIA))
            case "role":
                return self._role(wanted)
        return _text(getattr(self.ticket, field))

    def _role(self, wanted: str) -> str:
        """The acting user as the condition names them: by id, or as an agent or end user."""
        if self.actor is None:
            return ""
        if wanted.isdigit():
            return str(self.actor.id)
        return "agent" if self.actor.is_staff else "end_user"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
