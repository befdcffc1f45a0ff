"""What detectors and classifiers found in a ticket's messages, as the decision takes it.

Findings and verdicts come from outside and hold no word of a message. Here they
become facts of the whole ticket: its kind, its flags, and why it is taken for a
complaint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from oneclick_sla_plugin.domain.complaint import (
    COMMANDED_BY,
    STAGE_FIELD,
    ComplaintType,
    Entry,
    Happened,
    Stage,
    Suspicion,
)
from oneclick_sla_plugin.domain.message import Certainty, Reason, Verdict
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
from oneclick_sla_plugin.domain.sensitive import Finding
from oneclick_sla_plugin.domain.stages import commanded_stage

RULE_AGENT = "agent.sla_is_complaint"
RULE_CONTEXT = "context.kind"
RULE_REGISTERED = "register.entry"
RULE_MERGED = "register.merged"
RULE_STAGE = "agent.stage_field"
_SUSPECTED = frozenset(tag_of(Field.COMPLAINT_STAGE, stage) for stage in (Stage.SUSPECTED, Stage.REJECTED))
_CERTAIN = 3.0
"""The weight of a rule that alone makes a complaint certain."""

ESCALATION_RULES = frozenset({"complaint.body", "complaint.legal"})
"""The rules, in whichever language, that see a consumer body named, or a legal step, or the press."""

_OTHER_GROUPS = frozenset({*Kind, *Flag, *ComplaintType, "present"}) - {Kind.COMPLAINT}


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


def kind_of(ticket: Ticket, policy: Policy, facts: Facts, analysis: Analysis, suspicion: Suspicion | None) -> Kind:
    """A complaint that is certain, then the recipient's rule, then what the first message is."""
    if suspicion is not None and suspicion.certain and not suspicion.rejected:
        return Kind.COMPLAINT
    found = ticket.context.kind or next((verdict.kind for _, verdict in verdicts_on_customers(ticket, analysis)), None)
    if found is Kind.COMPLAINT:  # suggested, and not before an agent confirms it; or an agent says that it is none
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


def suspicion_of(ticket: Ticket, analysis: Analysis, entry: Entry | None = None) -> Suspicion | None:
    """Why the ticket is a complaint, or may be one; ``None`` when nothing says so.

    ``entry``: what the register has of it. What was registered once, or has a registered
    one merged into it, stays in the procedure: only an agent takes it out.
    """
    wanted = commanded_stage(ticket)
    registered = Field.COMPLAINT_NUMBER in ticket.fields or (entry is not None and entry.number is not None)
    message, verdict = carrier_of(ticket, analysis)
    rules = tuple((reason.rule, reason.weight) for reason in verdict.because if counts_for_a_complaint(reason))
    declared = TAG_IS_COMPLAINT in ticket.tags
    certain, by_agent = True, False
    if declared:
        by_agent, rules = True, ((RULE_AGENT, _CERTAIN), *rules)
    elif wanted is Stage.REGISTERED or _by_stage_field(entry, Happened.REGISTERED):
        by_agent, rules = True, ((RULE_STAGE, _CERTAIN), *rules)
    elif ticket.context.kind is Kind.COMPLAINT:
        rules = ((RULE_CONTEXT, _CERTAIN), *rules)
    elif verdict.complaint is Certainty.AUTO:
        pass
    elif registered:
        rules = ((RULE_REGISTERED, _CERTAIN), *rules)
    elif entry is not None and entry.merged:
        rules = ((RULE_MERGED, _CERTAIN), *rules)
    elif wanted not in (None, Stage.SUSPECTED, Stage.REJECTED):
        by_agent, rules = True, ((RULE_STAGE, _CERTAIN), *rules)
    else:
        certain = False
    rejected = not declared and (
        TAG_NOT_COMPLAINT in ticket.tags
        or (
            not certain and (wanted is Stage.REJECTED or (wanted is None and _by_stage_field(entry, Happened.REJECTED)))
        )
    )
    if rejected:
        # Neither a complaint nor a suspicion that stood on the ticket is forgotten: it is kept as rejected.
        if not registered and entry is None and wanted is None and not _was_suspected(ticket):
            return None
        certain = registered
    elif not certain and message is None:
        return None
    return Suspicion(
        certain=certain,
        by_agent=by_agent or rejected,
        type=verdict.complaint_type,
        message=None if by_agent else message,
        rules=rules or ((RULE_REGISTERED, _CERTAIN),),
        escalations=frozenset(
            message
            for message, verdict in verdicts_on_customers(ticket, analysis)
            if any(_name_of(reason.rule) in ESCALATION_RULES for reason in verdict.because)
        ),
        rejected=rejected,
    )


def _was_suspected(ticket: Ticket) -> bool:
    return Field.COMPLAINT_STAGE in ticket.fields or bool(_SUSPECTED & ticket.tags)


def _by_stage_field(entry: Entry | None, what: Happened) -> bool:
    """Whether an agent once commanded it by the stage field, and did not take that back; a tag would still stand."""
    return entry is not None and any(
        event.what is what and event.facts.get(COMMANDED_BY) == STAGE_FIELD for event in entry.commands
    )


def carrier_of(ticket: Ticket, analysis: Analysis) -> tuple[str | None, Verdict]:
    """The message that carries the complaint, the first of the surest, with its verdict; else ``None`` and an empty one.

    A kind that the context names stands in for the classifier.
    """
    best: tuple[str | None, Verdict] = (None, Verdict())
    if ticket.context.kind not in (None, Kind.COMPLAINT):
        return best
    for message, verdict in verdicts_on_customers(ticket, analysis):
        if _SURENESS[verdict.complaint] > _SURENESS[best[1].complaint]:
            best = message, verdict
    return best


_SURENESS = {Certainty.NO: 0, Certainty.SUGGESTED: 1, Certainty.AUTO: 2}


def counts_for_a_complaint(reason: Reason) -> bool:
    """Whether a rule was counted in the complaint's sum; those of other kinds, types and flags were not."""
    return _group_of(reason.rule) not in _OTHER_GROUPS


def _group_of(rule: str) -> str:
    """The group of a rule: ``language.group.name`` in lexicons, ``wording.group`` and ``wording.no_group`` of the judge.

    Empty for any other.
    """
    match rule.split("."):
        case ["wording", group]:
            return group.removeprefix("no_")
        case [_, group, _]:
            return group
        case _:
            return ""


def _name_of(rule: str) -> str:
    return rule.partition(".")[2]


def verdicts_on_customers(ticket: Ticket, analysis: Analysis) -> list[tuple[str, Verdict]]:
    """The verdicts on the customer's messages, the oldest first."""
    return [
        (message.id, analysis.verdicts[message.id])
        for message in sorted(ticket.messages, key=lambda message: message.at)
        if message.author is Author.CUSTOMER and message.id in analysis.verdicts
    ]
