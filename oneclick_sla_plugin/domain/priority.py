"""The priority of a ticket, with its reasons. An agent's own choice is final."""

from __future__ import annotations

from dataclasses import dataclass

from oneclick_sla_plugin.domain.changes import priority_is_an_agents
from oneclick_sla_plugin.domain.model import Priority, Ticket
from oneclick_sla_plugin.domain.policy import Facts, Policy


@dataclass(frozen=True, slots=True)
class PriorityVerdict:
    """``because``: clauses and facts in English, the deciding one first. ``by_agent``: an agent chose it, so it stays."""

    value: Priority
    because: tuple[str, ...]
    by_agent: bool = False


def prioritise(ticket: Ticket, policy: Policy, facts: Facts) -> PriorityVerdict:
    """The first priority rule that holds; normal where none does; an agent's own change before all."""
    if priority_is_an_agents(ticket) and ticket.priority is not None:
        return PriorityVerdict(ticket.priority, ("set by an agent",), by_agent=True)
    for rule in policy.priority_rules:
        if rule.when.holds(facts):
            return PriorityVerdict(rule.value, (f"{rule.clause} kind {facts.kind}",))
    return PriorityVerdict(Priority.NORMAL, ("no rule: normal",))
