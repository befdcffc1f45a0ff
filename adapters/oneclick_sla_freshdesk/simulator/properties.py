"""What a request may set on a ticket, and what is wrong with it: all problems at once.

https://developers.freshdesk.com/api/#update_ticket
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from oneclick_sla_freshdesk.simulator.behaviour import Behaviour
from oneclick_sla_freshdesk.simulator.errors import (
    FieldProblem,
    missing_field,
    unknown_field,
    validation_failed,
    wrong_type,
)
from oneclick_sla_freshdesk.simulator.fields import TicketField, TicketFields, value_problem
from oneclick_sla_freshdesk.simulator.records import PRIORITIES, SOURCES, Ticket

LONGEST_TAG = 32
_UPDATE_KEYS = frozenset(
    {"subject", "description", "type", "status", "priority", "source", "tags", "custom_fields", "due_by", "fr_due_by"}
    | {"responder_id", "group_id", "product_id", "company_id", "requester_id", "email"}
)
_REQUESTER_KEYS = ("requester_id", "email", "phone")
_CREATE_KEYS = _UPDATE_KEYS | {"phone", "name", "cc_emails"}
_TEXTS = ("subject", "description", "email", "phone", "name")
_IDS = ("responder_id", "group_id", "product_id", "company_id", "requester_id")


@dataclass(frozen=True, slots=True)
class Known:
    """The ids that a ticket may name, by property."""

    agents: frozenset[int]
    groups: frozenset[int]
    products: frozenset[int]
    people: frozenset[int]


class TicketRequests:
    """Checks the bodies of ticket requests.

    ``names`` turns the names that fields have in tickets into those of the fields.
    """

    def __init__(self, fields: TicketFields, names: Callable[[str], str], behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._fields = fields
        self._name = names

    def create(self, given: Mapping[str, Any], known: Known) -> dict[str, Any]:
        """The values to set. ``RefusalError`` (400) with all problems."""
        problems = [unknown_field(name) for name in sorted(given.keys() - _CREATE_KEYS)]
        problems += [missing_field(name) for name in ("subject", "description") if not given.get(name)]
        if not any(given.get(name) for name in _REQUESTER_KEYS):
            problems.append(missing_field("requester_id"))
        return self._checked(given, known, problems, {})

    def update(self, given: Mapping[str, Any], known: Known, before: Ticket) -> dict[str, Any]:
        """The values to set. ``RefusalError`` (400) with all problems."""
        problems = [unknown_field(name) for name in sorted(given.keys() - _UPDATE_KEYS)]
        # Of mail that the team itself sent first, the text stands.
        problems += [
            unknown_field(name) for name in ("subject", "description") if name in given and before.source == 10
        ]
        return self._checked(given, known, problems, before.custom_fields)

    def _checked(
        self, given: Mapping[str, Any], known: Known, problems: list[FieldProblem], standing: Mapping[str, Any]
    ) -> dict[str, Any]:
        problems += self._plain_problems(given, known)
        values = dict(given)
        for name in ("due_by", "fr_due_by"):
            if values.get(name) is not None:
                instant = _instant(values[name])
                if instant is None:
                    problems.append(
                        FieldProblem(name, "It should be in the combined date time ISO8601 format", "invalid_date")
                    )
                values[name] = instant
        if "custom_fields" in given:
            values["custom_fields"], wrong = self._custom(given["custom_fields"])
            problems += wrong
        if self._behaviour.enforce_required_fields:
            after = {**standing, **(values.get("custom_fields") or {})}
            problems += [
                missing_field(f"custom_fields.{name}")
                for name, item in self._fields.custom().items()
                if item.required_for_agents and after.get(name) in (None, "")
            ]
        if problems:
            raise validation_failed(problems)
        if "tags" in values:
            values["tags"] = tuple(dict.fromkeys(values["tags"]))
        return values

    def _plain_problems(self, given: Mapping[str, Any], known: Known) -> Iterable[FieldProblem]:
        for name in _TEXTS:
            if given.get(name) is not None and not isinstance(given[name], str):
                yield wrong_type(name, "String", given[name])
        choices: Mapping[str, Iterable[Any]] = {
            "status": self._fields.statuses(),
            "priority": PRIORITIES,
            "source": SOURCES,
            "type": [*self._fields.types(), None],
        }
        for name, allowed in choices.items():
            if name in given and (isinstance(given[name], bool) or given[name] not in list(allowed)):
                yield _not_one_of(name, given[name], allowed)
        ids = {"responder_id": known.agents, "group_id": known.groups, "product_id": known.products}
        for name in _IDS:
            value = given.get(name)
            if value is not None and not isinstance(value, int):
                yield wrong_type(name, "Positive Integer", value)
            elif value is not None and value not in ids.get(name, known.people if name == "requester_id" else {value}):
                yield FieldProblem(name, "There is no record matching the given id")
        for name in ("cc_emails", "tags"):
            value = given.get(name)
            if name in given and (not isinstance(value, list) or not all(isinstance(item, str) for item in value)):
                yield wrong_type(name, "Array of Strings", value)
            elif name == "tags":
                yield from _tag_problems(value or [])

    def _custom(self, given: Any) -> tuple[dict[str, Any], list[FieldProblem]]:
        if not isinstance(given, dict):
            return {}, [wrong_type("custom_fields", "key/value pair", given)]
        fields: Mapping[str, TicketField] = self._fields.custom()
        values = {self._name(key): value for key, value in given.items()}
        problems = [unknown_field(f"custom_fields.{name}") for name in sorted(values.keys() - fields.keys())]
        found = (value_problem(fields[name], value) for name, value in values.items() if name in fields)
        return values, [*problems, *(problem for problem in found if problem is not None)]


def due_date_problems(given: Mapping[str, Any], *, timer_stopped: bool, now: datetime) -> list[FieldProblem]:
    """Whether the due dates in a request can be set by hand.

    Documented: only while the status runs the SLA timer, and the due date later
    than that of the first response. Not documented, and read here in the stricter
    way: both have to be sent, and neither lies in the past.
    """
    sent = [name for name in ("due_by", "fr_due_by") if name in given]
    if not sent:
        return []
    if timer_stopped:
        return [
            FieldProblem(name, "It cannot be set while the SLA timer is stopped", "incompatible_field") for name in sent
        ]
    missing = [missing_field(name) for name in ("due_by", "fr_due_by") if given.get(name) is None]
    if missing:
        return missing
    past = [FieldProblem(name, "It should not be in the past") for name in sent if given[name] < now]
    if not past and given["due_by"] <= given["fr_due_by"]:
        return [FieldProblem("due_by", "It should be later than fr_due_by")]
    return past


def _tag_problems(tags: Iterable[str]) -> Iterable[FieldProblem]:
    if any(len(tag) > LONGEST_TAG for tag in tags):
        yield FieldProblem("tags", f"It should contain elements with maximum of {LONGEST_TAG} characters")
    if any("," in tag for tag in tags):
        yield FieldProblem("tags", "It should contain elements without a comma")


def _not_one_of(name: str, value: Any, allowed: Iterable[Any]) -> FieldProblem:
    listed = ",".join(str(item) for item in allowed if item is not None)
    code = "invalid_value" if isinstance(value, type(next(iter(allowed)))) else "datatype_mismatch"
    return FieldProblem(name, f"It should be one of these values: '{listed}'", code)


def _instant(value: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if instant is None or instant.tzinfo is None else instant.astimezone(UTC).replace(microsecond=0)
