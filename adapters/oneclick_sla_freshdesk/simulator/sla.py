"""SLA policies of the simulated account, and the due dates that it sets by itself.

Targets are counted in calendar time whatever ``business_hours`` says: the
account's business hours are only shown. ``nr_due_by`` stays null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from oneclick_sla_freshdesk.simulator.errors import (
    FieldProblem,
    missing_field,
    not_found,
    validation_failed,
    wrong_type,
)
from oneclick_sla_freshdesk.simulator.records import PRIORITIES, Ticket

_KEYS = frozenset({"name", "description", "active", "position", "applicable_to", "sla_target", "escalation"})
_REQUIRED = ("name", "applicable_to", "sla_target")
_APPLICABLE: Mapping[str, str] = {
    "company_ids": "company_id",
    "group_ids": "group_id",
    "product_ids": "product_id",
    "sources": "source",
    "ticket_types": "type",
}
"""What a policy may apply to, and the ticket's attribute that decides."""
_DEFAULT_HOURS: Mapping[int, tuple[int, int]] = {4: (1, 4), 3: (4, 12), 2: (8, 24), 1: (24, 72)}


class SlaPolicies:
    """The policies by position; the last one is the account's default and applies to every ticket."""

    def __init__(self, default_id: int) -> None:
        targets = {
            f"priority_{priority}": {
                "respond_within": first * 3600,
                "next_respond_within": first * 3600,
                "resolve_within": resolve * 3600,
                "business_hours": False,
                "escalation_enabled": True,
            }
            for priority, (first, resolve) in _DEFAULT_HOURS.items()
        }
        self._policies: dict[int, dict[str, Any]] = {}
        self._default = self._kept(
            default_id,
            {
                "name": "Default SLA Policy",
                "description": "",
                "active": True,
                "is_default": True,
                "applicable_to": {},
                "sla_target": targets,
                "escalation": {},
            },
        )

    def all(self) -> list[dict[str, Any]]:
        """In the order in which they are tried."""
        own = [policy for policy in self._policies.values() if not policy["is_default"]]
        return [*sorted(own, key=lambda policy: int(policy["position"])), self._default]

    def create(self, policy_id: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """``RefusalError`` (400) when something is missing, unknown, or not there for all four priorities."""
        missing = [missing_field(name) for name in _REQUIRED if name not in given]
        if missing:
            raise validation_failed(missing)
        self._check(given)
        blank = {"description": "", "active": True, "is_default": False, "escalation": {}}
        return self._kept(policy_id, {**blank, "position": len(self._policies), **given})

    def update(self, policy_id: int, given: Mapping[str, Any]) -> dict[str, Any]:
        """``RefusalError``: 404, or 400 as for creating one."""
        if policy_id not in self._policies:
            raise not_found()
        self._check(given)
        self._policies[policy_id].update(given)
        return self._policies[policy_id]

    def timed(self, ticket: Ticket) -> Ticket:
        """The ticket with the due dates of the first policy that applies; as it is when they were set by hand."""
        if ticket.due_by_hand:
            return ticket
        policy = next(item for item in self.all() if item["active"] and _applies(item["applicable_to"], ticket))
        target = policy["sla_target"][f"priority_{ticket.priority}"]
        return replace(
            ticket,
            fr_due_by=ticket.created_at + timedelta(seconds=target["respond_within"]),
            due_by=ticket.created_at + timedelta(seconds=target["resolve_within"]),
        )

    def _kept(self, policy_id: int, policy: Mapping[str, Any]) -> dict[str, Any]:
        # The real one quotes this id.
        return self._policies.setdefault(policy_id, {"id": str(policy_id), "position": 0, **policy})

    @staticmethod
    def _check(given: Mapping[str, Any]) -> None:
        problems = [
            FieldProblem(name, "Unexpected/invalid field in request", "invalid_field") for name in given.keys() - _KEYS
        ]
        applicable, targets = given.get("applicable_to", {}), given.get("sla_target")
        if not isinstance(applicable, dict):
            problems.append(wrong_type("applicable_to", "key/value pair", applicable))
        elif applicable.keys() - _APPLICABLE.keys():
            problems.append(FieldProblem("applicable_to", "Unexpected/invalid field in request", "invalid_field"))
        wanted = {f"priority_{number}" for number in PRIORITIES}
        if "sla_target" in given and (not isinstance(targets, dict) or targets.keys() != wanted):
            problems.append(FieldProblem("sla_target", "It should have all four priorities", "missing_field"))
        if problems:
            raise validation_failed(problems)


def _applies(applicable: Mapping[str, Any], ticket: Ticket) -> bool:
    return all(getattr(ticket, _APPLICABLE[name]) in values for name, values in applicable.items())
