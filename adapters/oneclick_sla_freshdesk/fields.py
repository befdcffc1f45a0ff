"""Our ticket fields on an account, and its statuses, by the names and numbers they have there.

Freshdesk makes up the name of a custom field from its label, on some accounts with a
number behind it (``cf_sla_state_297457``), and tickets may hold the value with or without
that ending. A field is ours by the marker in its label for customers, who never see it,
else by its exact label. A dropdown holds the text that agents read, and only one of its
choices. https://developers.freshdesk.com/api/#ticket-fields
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from oneclick_sla_freshdesk import limits
from oneclick_sla_freshdesk.exchanges import objects
from oneclick_sla_freshdesk.settings import StatusName
from oneclick_sla_plugin.domain.field_labels import FIELD_CHOICES, FIELD_LABELS
from oneclick_sla_plugin.domain.model import Field, Status
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request

ADMIN_FIELDS_PATH = f"{limits.API}/admin/ticket_fields"
PUBLIC_FIELDS_PATH = f"{limits.API}/ticket_fields"

DROPDOWN = "custom_dropdown"
TEXT = "custom_text"
PARAGRAPH = "custom_paragraph"
DATE = "custom_date"

LONGEST_TEXT = 255
"""Characters that a field of one line holds."""

Name = Field | Literal["record"]
"""One of the neutral fields, or the one that holds what this program wrote last."""

RECORD: Literal["record"] = "record"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A ticket field as we make it."""

    name: Name
    type: str

    @property
    def label(self) -> str:
        return "SLA record (do not edit)" if self.name == RECORD else FIELD_LABELS[Field(self.name)]

    @property
    def options(self) -> Mapping[str, str]:
        """For a dropdown, each bare value with what agents read."""
        return FIELD_CHOICES[Field(self.name)] if self.type == DROPDOWN else {}

    @property
    def marker(self) -> str:
        """The label for customers by which the field is found again under any label for agents."""
        return f"oneclick-sla {self.name}"

    def definition(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "label": self.label,
            "label_for_customers": self.marker,
            "type": self.type,
            "displayed_to_customers": False,
            "customers_can_edit": False,
            "required_for_agents": False,
        }
        if self.options:
            made["choices"] = [
                {"value": label, "position": place} for place, label in enumerate(self.options.values(), 1)
            ]
        return made


FIELD_SPECS = (
    FieldSpec(Field.SLA_PRIORITY, DROPDOWN),
    FieldSpec(Field.SLA_STATE, DROPDOWN),
    FieldSpec(Field.NEXT_DUE_AT, TEXT),
    FieldSpec(Field.FIRST_REPLY_DUE_AT, TEXT),
    FieldSpec(Field.RESOLUTION_DUE_AT, TEXT),
    FieldSpec(Field.COMPLAINT_STAGE, DROPDOWN),
    FieldSpec(Field.COMPLAINT_NUMBER, TEXT),
    FieldSpec(Field.COMPLAINT_RESPONSE_DUE_AT, TEXT),
    FieldSpec(Field.PROMISED_AT, DATE),
    FieldSpec(Field.EXTENSION_REASON, TEXT),
    FieldSpec(RECORD, PARAGRAPH),
)

_SPECS: Mapping[Name, FieldSpec] = {spec.name: spec for spec in FIELD_SPECS}
_TEXTS = frozenset({TEXT, PARAGRAPH})
_ENDING = re.compile(r"_[0-9]+\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class TicketField:
    """One of our fields as it stands on the account: ``key`` is the name that Freshdesk gave it."""

    spec: FieldSpec
    key: str
    type: str
    choices: frozenset[str] = frozenset()

    def accepts(self, value: str | None) -> bool:
        """Whether the field can hold this bare value."""
        if value is None:
            return True
        if self.type == DROPDOWN:
            return self.stored(value) in self.choices
        return self.type == PARAGRAPH or (self.type == TEXT and len(value) <= LONGEST_TEXT)

    def stored(self, value: str) -> str:
        """What Freshdesk holds for a bare value: of a dropdown, the choice that agents read."""
        return self.spec.options.get(value, value) if self.type == DROPDOWN else value

    def bare(self, stored: str) -> str:
        """The neutral value of what Freshdesk holds."""
        return next((value for value, label in self.spec.options.items() if label == stored), stored)

    def key_in(self, custom_fields: Mapping[str, Any]) -> str | None:
        """The key of this field in a ticket, which may lack the number at the end of the name."""
        return next((key for key in (self.key, _ENDING.sub("", self.key)) if key in custom_fields), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Our fields by name, and the statuses by number; never changed after it was made."""

    fields: Mapping[Name, TicketField] = field(default_factory=dict)
    statuses: Mapping[int, Status] = field(default_factory=dict)

    def status_of(self, number: object) -> Status:
        """The neutral status of a number; one that nobody knows is open, so that no clock stops for it."""
        return self.statuses.get(number, Status.OPEN) if isinstance(number, int) else Status.OPEN

    def writable(
        self, values: Mapping[Field, str | None], custom_fields: Mapping[str, Any]
    ) -> dict[Field, tuple[str, str | None]]:
        """Those of the values that this ticket has a place for: the key in the ticket, and what is stored there."""
        found = {}
        for name, value in values.items():
            target = self.fields.get(name)
            key = target.key_in(custom_fields) if target is not None and target.accepts(value) else None
            if target is not None and key is not None:
                found[name] = (key, None if value is None else target.stored(value))
        return found

    def read(self, custom_fields: Mapping[str, Any]) -> dict[Field, str]:
        """Our fields among a ticket's ``custom_fields``, as neutral values; empty ones are absent."""
        found = {}
        for name in Field:
            target = self.fields.get(name)
            value = self.raw(name, custom_fields)
            if target is not None and value:
                found[name] = target.bare(value)
        return found

    def raw(self, name: Name, custom_fields: Mapping[str, Any]) -> str | None:
        """What a ticket holds in one of our fields, as Freshdesk has it."""
        key = self.key_of(name, custom_fields)
        value = custom_fields[key] if key is not None else None
        return None if value in (None, "", False) else str(value)

    def key_of(self, name: Name, custom_fields: Mapping[str, Any]) -> str | None:
        target = self.fields.get(name)
        return target.key_in(custom_fields) if target is not None else None


# --- What stands on the account -----------------------------------------------------------------

Definition = Mapping[str, Any]


def admin_definitions() -> Exchange[list[Definition]]:
    """All ticket fields, as administrators see them. This list takes no parameters of pages."""
    request = Request("GET", ADMIN_FIELDS_PATH, "read ticket fields")
    response = yield request
    return [*objects(request, response)]


def definitions() -> Exchange[list[Definition]]:
    """All ticket fields, as far as the key may see them: of an ordinary agent, without what statuses do to timers."""
    admin = Request("GET", ADMIN_FIELDS_PATH, "read ticket fields")
    response = yield admin
    if response.status not in (403, 404):
        return [*objects(admin, response)]
    public = Request("GET", PUBLIC_FIELDS_PATH, "read ticket fields")
    response = yield public
    return [*objects(public, response)]


def catalogue(found: Iterable[Definition], named: Mapping[int, StatusName] | None = None) -> Catalogue:
    """Our fields and the statuses of an account; ``named`` are statuses that the settings decide."""
    found = list(found)
    fields = {
        spec.name: TicketField(
            spec, str(definition.get("name")), str(definition.get("type")), frozenset(choice_values(definition))
        )
        for spec in FIELD_SPECS
        if (definition := identify(spec, found)) is not None
    }
    decided = {number: Status(name) for number, name in (named or {}).items()}
    return Catalogue(fields, {**_STATUSES, **_custom_statuses(found), **decided})


def identify(spec: FieldSpec, found: Iterable[Definition]) -> Definition | None:
    """The definition of one of our fields: by its marker, else by its exact label."""
    found = list(found)
    for definition in found:
        if is_ours(spec, definition):
            return definition
    return next((definition for definition in found if definition.get("label") == spec.label), None)


def is_ours(spec: FieldSpec, definition: Definition) -> bool:
    """Whether the installation made this field: it then carries the marker."""
    return definition.get("label_for_customers") == spec.marker


def is_fit(spec: FieldSpec, type_: str) -> bool:
    """Whether a field of this type does; any text does for a text."""
    return type_ == spec.type or (type_ in _TEXTS and spec.type == TEXT)


def choice_values(definition: Definition) -> list[str]:
    """The choices of a dropdown: a list of texts, or of objects with a ``value``; other shapes have none."""
    choices = definition.get("choices")
    if not isinstance(choices, list):
        return []
    return [str(choice.get("value")) if isinstance(choice, dict) else str(choice) for choice in choices]


# --- Statuses -----------------------------------------------------------------------------------

_STATUSES: Mapping[int, Status] = {
    2: Status.OPEN,
    3: Status.PENDING,
    4: Status.SOLVED,
    5: Status.CLOSED,
    # Every account is born with this custom one; the timer of what follows is asked of the account.
    6: Status.PENDING,
}
_FIRST_CUSTOM = 6


def _custom_statuses(found: Iterable[Definition]) -> dict[int, Status]:
    """Custom statuses by what they do to Freshdesk's own timer: pending when they stop it, else open."""
    statuses = {}
    for definition in found:
        choices = definition.get("choices")
        if definition.get("type") != "default_status" or not isinstance(choices, list):
            continue
        for choice in choices:
            if isinstance(choice, dict) and isinstance(choice.get("id"), int) and "stop_sla_timer" in choice:
                statuses[choice["id"]] = Status.PENDING if choice["stop_sla_timer"] else Status.OPEN
    return {number: status for number, status in statuses.items() if number >= _FIRST_CUSTOM}
