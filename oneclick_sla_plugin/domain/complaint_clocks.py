"""The clocks of a complaint, measured by its procedure.

They count from the customer's message that carries the complaint, not from its
registration. Solving the ticket without an answer does not stop them. A case that
was rejected, withdrawn or is a duplicate drops those that still run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from oneclick_sla_plugin.domain.clocks import Clock, ClockState
from oneclick_sla_plugin.domain.complaint import Stage
from oneclick_sla_plugin.domain.escalation import steps_of
from oneclick_sla_plugin.domain.model import Metric, Ticket
from oneclick_sla_plugin.domain.policy import Facts, Policy
from oneclick_sla_plugin.domain.procedure import Procedure

_OVER = frozenset({Stage.REJECTED, Stage.WITHDRAWN, Stage.DUPLICATE})


def complaint_clocks(
    ticket: Ticket, procedure: Procedure, policy: Policy, facts: Facts, now: datetime
) -> Iterator[Clock]:
    """The clocks that the policy promises, as they stand at ``now``; none for a mere suspicion."""
    case = procedure.case
    if not case.registered:
        return
    acknowledged, round_ = procedure.acknowledged, procedure.round
    responded = round_.responded
    promises: list[tuple[Metric, datetime, datetime | None, datetime | None]] = [
        (Metric.COMPLAINT_ACK, case.received_at, None, acknowledged.at if acknowledged else None),
        (
            Metric.COMPLAINT_RESPONSE,
            round_.begins,
            round_.response_due_at,
            responded.at if responded else None,
        ),
        (
            Metric.COMPLAINT_LEGAL,
            case.received_at,
            None,
            procedure.first_response.at if procedure.first_response else None,
        ),
    ]
    if responded is not None:
        promises.append((Metric.COMPLAINT_FOLLOW_UP, responded.at, None, procedure.followed_up_at))
    for metric, started_at, extended_to, met_at in promises:
        target = policy.target(metric, facts, started_at)
        if target is None:
            continue
        due_at = extended_to or target.due(started_at)
        yield Clock(
            metric=metric,
            promise=target,
            started_at=started_at,
            due_at=due_at,
            state=_state(ticket, case.stage, due_at, met_at, now),
            met_at=met_at if ticket.messages_visible else None,
            automatic=metric is Metric.COMPLAINT_ACK and acknowledged is not None and acknowledged.actor == "us",
            steps=steps_of(target, policy.escalations, started_at, due_at, due_at),
        )


def _state(ticket: Ticket, stage: Stage, due_at: datetime, met_at: datetime | None, now: datetime) -> ClockState:
    if not ticket.messages_visible:
        return ClockState.NOT_MEASURED
    if met_at is not None:
        return ClockState.MET if met_at <= due_at else ClockState.BREACHED
    if stage in _OVER or stage is Stage.CLOSED or ticket.merged_into is not None:
        return ClockState.DROPPED
    return ClockState.BREACHED if now > due_at else ClockState.RUNNING
