"""The stages of a complaint: which event leads from where to where, and what an agent may set.

One table says what may happen; ``procedure`` plays what was seen through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from oneclick_sla_plugin.domain.complaint import Happened, Stage
from oneclick_sla_plugin.domain.model import Field, Ticket

OPEN = frozenset({Stage.REGISTERED, Stage.ACKNOWLEDGED, Stage.INVESTIGATING})
"""An answer is owed."""

ANSWERED = frozenset({Stage.RESPONDED, Stage.FOLLOW_UP, Stage.CLOSED})

TRANSITIONS: Mapping[Happened, Mapping[Stage | None, Stage]] = MappingProxyType(
    {
        Happened.SUSPECTED: {None: Stage.SUSPECTED},
        Happened.REGISTERED: {None: Stage.REGISTERED, Stage.SUSPECTED: Stage.REGISTERED},
        Happened.ACKNOWLEDGED: {Stage.REGISTERED: Stage.ACKNOWLEDGED},
        Happened.INVESTIGATED: {Stage.ACKNOWLEDGED: Stage.INVESTIGATING},
        Happened.EXTENDED: {stage: stage for stage in OPEN},
        Happened.ESCALATED: {stage: stage for stage in Stage},
        Happened.RESPONDED: dict.fromkeys(OPEN, Stage.RESPONDED),
        Happened.FOLLOWED_UP: {Stage.RESPONDED: Stage.FOLLOW_UP},
        Happened.CLOSED: {Stage.RESPONDED: Stage.CLOSED, Stage.FOLLOW_UP: Stage.CLOSED},
        Happened.REOPENED: dict.fromkeys(ANSWERED, Stage.INVESTIGATING),
        Happened.REJECTED: dict.fromkeys(Stage, Stage.REJECTED),
        Happened.WITHDRAWN: dict.fromkeys(Stage, Stage.WITHDRAWN),
        Happened.DUPLICATED: dict.fromkeys(Stage, Stage.DUPLICATE),
    }
)
"""What may happen at which stage, and the stage it leads to. What is missing is not allowed."""

ENDINGS = frozenset({Happened.REJECTED, Happened.WITHDRAWN, Happened.DUPLICATED})
ENDED_BY_A_PERSON = frozenset({Stage.REJECTED, Stage.WITHDRAWN, Stage.DUPLICATE})
"""A person ends a case so, at any stage, and writes why."""

BY_STAGE_FIELD: Mapping[Stage, Happened] = {
    Stage.ACKNOWLEDGED: Happened.ACKNOWLEDGED,
    Stage.INVESTIGATING: Happened.INVESTIGATED,
    Stage.RESPONDED: Happened.RESPONDED,
    Stage.FOLLOW_UP: Happened.FOLLOWED_UP,
    Stage.CLOSED: Happened.CLOSED,
    Stage.REJECTED: Happened.REJECTED,
    Stage.WITHDRAWN: Happened.WITHDRAWN,
    Stage.DUPLICATE: Happened.DUPLICATED,
}
"""What an agent says by setting the stage field."""


def stage_key(stage: Stage, level: int) -> str:
    """The marker key of the note that tells a stage; registration is told once, every other stage at each level."""
    name = f"complaint-{stage.replace('_', '-')}"
    return name if stage in (Stage.SUSPECTED, Stage.REGISTERED) else f"{name}.{level}"


def commanded_stage(ticket: Ticket) -> Stage | None:
    """The stage that an agent set: what the field shows where it is not what this program wrote last.

    Withdrawn is what an agent set in any case: the program never comes to it by itself.
    """
    shown = ticket.fields.get(Field.COMPLAINT_STAGE)
    written = ticket.written.fields.get(Field.COMPLAINT_STAGE) if ticket.written is not None else None
    if shown is None or (shown == written and shown != Stage.WITHDRAWN):
        return None
    if written is None and (
        shown == Stage.SUSPECTED or (shown == Stage.REGISTERED and Field.COMPLAINT_NUMBER in ticket.fields)
    ):
        return None  # the program set it, and the record of that was lost
    return Stage(shown) if shown in {stage.value for stage in Stage} else None
