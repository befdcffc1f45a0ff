"""Small complaints for tests: a registered one by default, each fact changed by its name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from oneclick_sla_plugin.domain.complaint import Case, CaseEvent, ComplaintType, Happened, Stage
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT


def an_event(
    what: Happened = Happened.REGISTERED, after: timedelta = timedelta(0), *, level: int = 1, **facts: str
) -> CaseEvent:
    """Something that happened ``after`` the complaint was received, shown by a message that is named after it."""
    at = RECEIVED_AT + after
    return CaseEvent(what=what, at=at, actor="agent", message=f"{what.value}-{level}", level=level, facts=facts)


def a_case(events: Iterable[CaseEvent] | None = None, **facts: Any) -> Case:
    """A reclamo by e-mail that was registered and no more, ``facts`` aside."""
    values: dict[str, Any] = {
        "stage": Stage.REGISTERED,
        "type": ComplaintType.RECLAMO,
        "channel": Channel.EMAIL,
        "received_at": RECEIVED_AT,
        "message": "1",
        "level": 1,
        "events": (an_event(),) if events is None else tuple(events),
        "rules": (("es.repetition.third_time", 1.5),),
    }
    values.update(facts)
    return Case(**values)
