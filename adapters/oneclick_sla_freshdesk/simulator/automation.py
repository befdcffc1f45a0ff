"""Runs the rules of the simulated account when something happens to a ticket, and by the hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.conditions import fits
from oneclick_sla_freshdesk.simulator.records import Happening, Ticket
from oneclick_sla_freshdesk.simulator.rules import CREATION, TIME, UPDATES, Rule, Rules

_HOUR = timedelta(hours=1)
_TIMED_REACH = timedelta(days=30)
_PROPERTY = {"ticket_type": "type"}

Trigger = Callable[[Mapping[str, Any], Ticket, str], None]
"""Called with the action of a webhook, the ticket and the ``triggered_event``."""


class Automation:
    """Runs rules under the account's lock."""

    def __init__(self, account: Account, rules: Rules, trigger: Trigger) -> None:
        self._account, self._rules, self._trigger = account, rules, trigger
        self._scanned_at = account.now()
        self._under_way: list[int] = []

    def handle(self, happening: Happening) -> None:
        """Run the rules that a happening sets off."""
        if happening.created:
            self._run_created(happening.ticket)
        elif self._account.behaviour.api_writes_fire_rules or not happening.via_api:
            self._run_updated(happening)

    def scan(self, now: datetime) -> None:
        """Run the rules of the time once if an hour has passed since they last ran."""
        if now - self._scanned_at < _HOUR:
            return
        self._scanned_at = now
        for ticket in self._account.tickets():
            if now - ticket.updated_at > _TIMED_REACH or ticket.deleted or ticket.spam or ticket.archived:
                continue
            for rule in self._ready(TIME):
                if self._fits(rule, ticket):
                    self._act(rule, ticket, "{ticket_action:time_trigger}")

    def _run_created(self, ticket: Ticket) -> None:
        for rule in self._ready(CREATION):
            if self._fits(rule, ticket):
                self._act(rule, ticket, "{ticket_action:created}")
                if not self._account.behaviour.execute_all_matching:
                    return

    def _run_updated(self, happening: Happening) -> None:
        for rule in self._ready(UPDATES):
            event = rule.reaction(happening)
            # A rule that set off the others is not run again by them.
            if event is None or rule.id in self._under_way:
                continue
            if self._fits(rule, happening.ticket):
                self._act(rule, happening.ticket, event)

    def _ready(self, rule_type: int) -> list[Rule]:
        return [rule for rule in self._rules.of(rule_type) if rule.active and not rule.outdated]

    def _fits(self, rule: Rule, ticket: Ticket) -> bool:
        """Rules above may have changed the ticket, so it is looked at anew."""
        sets, operator = rule.body.get("conditions") or (), str(rule.body.get("operator", "AND"))
        return fits(sets, operator, self._account.latest(ticket), self._account.now())

    def _act(self, rule: Rule, ticket: Ticket, event: str) -> None:
        self._under_way.append(rule.id)
        ticket = self._account.latest(ticket)
        try:
            for action in rule.body["actions"]:
                if action["field_name"] == "trigger_webhook":
                    self._trigger(action, ticket, event)
                else:
                    ticket = self._set(ticket, action["field_name"], action.get("value"))
        finally:
            self._under_way.pop()
        self._rules.applied(rule)

    def _set(self, ticket: Ticket, name: str, value: Any) -> Ticket:
        if name == "add_tag":
            added = value if isinstance(value, list) else [value]
            return self._account.change_by_rule(ticket, tags=tuple(dict.fromkeys([*ticket.tags, *added])))
        if name in self._account.fields.custom():
            return self._account.change_by_rule(ticket, custom_fields={name: value})
        return self._account.change_by_rule(ticket, **{_PROPERTY.get(name, name): value})
