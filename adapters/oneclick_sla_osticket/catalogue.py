"""What one helpdesk calls things: its priorities, statuses and ticket fields (``GET /sla/meta``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from oneclick_sla_osticket.limits import unexpected_body
from oneclick_sla_plugin.domain.model import Field, Priority, Status
from oneclick_sla_plugin.ports import Request

READ = Request("GET", "/sla/meta", "read priorities, statuses and fields")

TAGS = "sla_tags"
"""The field that stands in for tags, which osTicket does not have."""

FIELD_NAMES: Mapping[Field, str] = {
    name: name.value if name.value.startswith("sla_") else f"sla_{name.value}" for name in Field
}
"""osTicket's names of the neutral fields."""

_STATES = {"open": Status.OPEN, "closed": Status.SOLVED, "archived": Status.CLOSED, "deleted": Status.CLOSED}
"""A closed ticket of osTicket is one that the customer's next message opens again: solved, in the neutral words."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The words of a helpdesk, under the names that the account's settings give to priorities and statuses."""

    priority_names: Mapping[Priority, str]
    priorities: tuple[tuple[str, str], ...]
    statuses: Mapping[int, tuple[str, str]]
    fields: frozenset[str]
    status_names: Mapping[str, Status] = field(default_factory=dict)

    def priority(self, shown: Mapping[str, Any] | None) -> Priority | None:
        """The neutral priority of one that a ticket shows, by system name, else by label; ``None`` for another."""
        if shown is None:
            return None
        for key in ("name", "label"):
            word = str(shown.get(key) or "").casefold()
            for priority, name in self.priority_names.items():
                if name.casefold() == word:
                    return priority
        return None

    def priority_name(self, priority: Priority) -> str | None:
        """The helpdesk's name of a priority, ``None`` when it has none of that name."""
        name = self.priority_names[priority]
        return name if any(name.casefold() == each.casefold() for pair in self.priorities for each in pair) else None

    def status(self, shown: Mapping[str, Any]) -> Status:
        """The neutral status of a ticket's ``status``; the settings may name it, else its state decides."""
        named = self.status_names.get(str(shown.get("name") or "").casefold())
        return named or _STATES.get(str(shown.get("state")), Status.OPEN)

    def status_of(self, status_id: object, otherwise: Status) -> Status:
        """The status with this id, ``otherwise`` when the helpdesk has none (any more)."""
        found = self.statuses.get(status_id) if isinstance(status_id, int) else None
        return self.status({"name": found[0], "state": found[1]}) if found else otherwise

    def writable(self, names: Iterable[Field]) -> frozenset[Field]:
        """Those of the fields that stand on the helpdesk's ticket form."""
        return frozenset(name for name in names if FIELD_NAMES[name] in self.fields)

    @property
    def has_tags(self) -> bool:
        return TAGS in self.fields

    @property
    def missing_priorities(self) -> tuple[str, ...]:
        """Names of priorities that are to be written and that the helpdesk does not have."""
        return tuple(self.priority_names[each] for each in Priority if self.priority_name(each) is None)


def catalogue(
    body: Mapping[str, Any], priority_names: Mapping[Priority, str], status_names: Mapping[str, Status]
) -> Catalogue:
    """From the answer to :data:`READ`. Raises ``PermanentPlatformError`` for one of another shape."""
    found = None
    try:
        found = Catalogue(
            priority_names=priority_names,
            priorities=tuple((str(each["name"]), str(each["label"])) for each in body["priorities"]),
            statuses={each["id"]: (str(each["name"]), str(each["state"])) for each in body["statuses"]},
            fields=frozenset(each["name"] for each in body["fields"] if each["name"]),
            status_names={name.casefold(): status for name, status in status_names.items()},
        )
    except (KeyError, TypeError):
        found = None
    if found is None:
        raise unexpected_body(READ.operation)
    return found
