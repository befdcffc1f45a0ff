"""What detectors and classifiers found in a ticket's messages, as the decision takes it.

Findings and verdicts come from outside and hold no word of a message. Here they
become facts of the whole ticket: its kind, its flags, and why it is taken for a
complaint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from oneclick_sla_plugin.domain.complaint import Stage
from oneclick_sla_plugin.domain.message import Certainty, Verdict
from oneclick_sla_plugin.domain.model import (
    TAG_IS_COMPLAINT,
    TAG_NOT_COMPLAINT,
    Author,
    Field,
    Flag,
    Kind,
    Ticket,
    tag_of,
)
from oneclick_sla_plugin.domain.policy import Facts, Policy, first_value
from oneclick_sla_plugin.domain.procedure import Suspicion
from oneclick_sla_plugin.domain.sensitive import Finding

RULE_AGENT = "agent.sla_is_complaint"
RULE_CONTEXT = "context.kind"
RULE_REGISTERED = "register.entry"
_SUSPECTED = frozenset(tag_of(Field.COMPLAINT_STAGE, stage) for stage in (Stage.SUSPECTED, Stage.REJECTED))
_CERTAIN = 3.0
"""The weight of a rule that alone makes a complaint certain."""

ESCALATION_RULE = "escalation"
"""A rule with this in its id names a consumer body or a legal step."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """``findings`` of all messages; ``verdicts`` by message id, of customers and of agents' public replies.

    ``scanned``: the messages that were looked at for sensitive data, those with no finding too.
    """

    findings: tuple[Finding, ...] = ()
    scanned: frozenset[str] = frozenset()
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


NO_ANALYSIS = Analysis()
"""Nothing was looked at: no detector or classifier is installed, or none was asked."""


def kind_of(ticket: Ticket, policy: Policy, facts: Facts, analysis: Analysis) -> Kind:
    """An agent's word, then a complaint that was recognised, then the recipient's rule, then what the first message is."""
    if TAG_IS_COMPLAINT in ticket.tags:
        return Kind.COMPLAINT
    denied = TAG_NOT_COMPLAINT in ticket.tags
    found = ticket.context.kind
    if found is None:
        own = verdicts_on_customers(ticket, analysis)
        if not denied and any(verdict.complaint is Certainty.AUTO for _, verdict in own):
            return Kind.COMPLAINT
        found = next((verdict.kind for _, verdict in own), None)
        if found is Kind.COMPLAINT:  # suggested: not before an agent confirms it
            found = None
    elif found is Kind.COMPLAINT:
        if not denied:
            return Kind.COMPLAINT
        found = None
    return first_value(policy.kind_rules, facts) or found or Kind.UNKNOWN


def flags_of(ticket: Ticket, analysis: Analysis) -> frozenset[Flag]:
    """The flags of all messages of the customer."""
    flags = set()
    for _, verdict in verdicts_on_customers(ticket, analysis):
        if verdict.abusive:
            flags.add(Flag.ABUSIVE)
        if verdict.threat:
            flags.add(Flag.THREAT)
        if verdict.urgent:
            flags.add(Flag.URGENT)
    return frozenset(flags)


def suspicion_of(ticket: Ticket, kind: Kind, analysis: Analysis) -> Suspicion | None:
    """Why the ticket is a complaint, or may be one; ``None`` when nothing says so.

    What was registered once stays in the procedure: only an agent takes it out.
    """
    registered = Field.COMPLAINT_NUMBER in ticket.fields
    if TAG_NOT_COMPLAINT in ticket.tags and TAG_IS_COMPLAINT not in ticket.tags:
        # Neither a complaint nor a suspicion that stood on the ticket is forgotten: it is kept as rejected.
        if not registered and Field.COMPLAINT_STAGE not in ticket.fields and not _SUSPECTED & ticket.tags:
            return None
        return Suspicion(certain=registered, by_agent=True, rules=((RULE_REGISTERED, _CERTAIN),), rejected=True)
    own = verdicts_on_customers(ticket, analysis)
    score = {Certainty.AUTO: 2, Certainty.SUGGESTED: 1, Certainty.NO: 0}
    # The first of the surest messages carries the complaint.
    message, verdict = max(own, key=lambda item: score[item[1].complaint], default=("", Verdict()))
    carried = verdict.complaint is not Certainty.NO
    rules: tuple[tuple[str, float], ...] = (
        tuple((reason.rule, reason.weight) for reason in verdict.because) if carried else ()
    )
    certain, by_agent = False, False
    if TAG_IS_COMPLAINT in ticket.tags:
        certain, by_agent, rules = True, True, ((RULE_AGENT, _CERTAIN), *rules)
    elif kind is Kind.COMPLAINT and ticket.context.kind is Kind.COMPLAINT:
        certain, rules = True, ((RULE_CONTEXT, _CERTAIN), *rules)
    elif verdict.complaint is Certainty.AUTO:
        certain = True
    elif registered:
        certain, rules = True, ((RULE_REGISTERED, _CERTAIN), *rules)
    elif not carried:
        return None
    return Suspicion(
        certain=certain,
        by_agent=by_agent,
        type=verdict.complaint_type,
        message=message if carried and not by_agent else None,
        rules=rules,
        escalated=any(ESCALATION_RULE in rule for rule, _ in rules),
    )


def verdicts_on_customers(ticket: Ticket, analysis: Analysis) -> list[tuple[str, Verdict]]:
    """The verdicts on the customer's messages, the oldest first."""
    return [
        (message.id, analysis.verdicts[message.id])
        for message in sorted(ticket.messages, key=lambda message: message.at)
        if message.author is Author.CUSTOMER and message.id in analysis.verdicts
    ]
