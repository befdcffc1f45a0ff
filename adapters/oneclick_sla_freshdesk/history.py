"""What can be told of a ticket's past: Freshdesk shows no history of the status.

A ticket tells its status now and, with ``include=stats``, some instants
(https://developers.freshdesk.com/api/#view_a_ticket). The rule:

* it was open from its creation;
* it was solved at ``resolved_at``, closed at ``closed_at``, open again at ``reopened_at``,
  as far as these instants stand and lie before its latest change of status;
* the status it has now began at ``status_updated_at``; without that, a pending one at
  ``pending_since``, a settled one at ``resolved_at`` or ``closed_at``, any other at
  ``updated_at``.

What is lost: earlier spans in pending or custom statuses. A clock that pauses by status
is then never longer than the ticket deserves, and its due instant moves back when the
wait is over. Notes already told stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from oneclick_sla_freshdesk.channels import NOTE
from oneclick_sla_plugin.domain.model import Status, StatusChange

_STAMPS = (("resolved_at", Status.SOLVED), ("closed_at", Status.CLOSED), ("reopened_at", Status.OPEN))
_BEGINNINGS = {
    Status.PENDING: ("status_updated_at", "pending_since"),
    Status.ON_HOLD: ("status_updated_at", "pending_since"),
    Status.SOLVED: ("status_updated_at", "resolved_at"),
    Status.CLOSED: ("status_updated_at", "closed_at", "resolved_at"),
}
_MERGED = re.compile(
    r"\b(?:merged|fusionad[oa]|combinad[oa]|zusammengef\w+|mesclad[oa])\b[^0-9#]{0,60}#?([1-9][0-9]{0,18})\b",
    re.IGNORECASE,
)

_RECEIVED = re.compile(r"\b(?:from|desde|aus|do|da)\b", re.IGNORECASE)
"""Words of the note on the ticket that received another one."""


def instant(text: str) -> datetime:
    """An instant of the API in UTC. Raises ``ValueError`` for one without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return at.astimezone(UTC)


def status_history(
    stats: Mapping[str, Any], created_at: datetime, updated_at: datetime, now: Status
) -> tuple[StatusChange, ...]:
    """What can be told, oldest first; the last entry is the status that the ticket has."""
    told = {
        name: instant(text)
        for name, text in stats.items()
        if isinstance(text, str) and name.endswith(("_at", "_since"))
    }
    past = [(at, status) for name, status in _STAMPS if (at := told.get(name)) is not None]
    names = _BEGINNINGS.get(now, ("status_updated_at",))
    began = next((told[name] for name in names if name in told), None)
    if began is None and now is Status.OPEN and not past:
        return (StatusChange(created_at, Status.OPEN),)
    began = max(began or updated_at, created_at)
    known = sorted((StatusChange(at, status) for at, status in past if created_at < at < began), key=lambda it: it.at)
    opening = [StatusChange(created_at, Status.OPEN)] if began > created_at else []
    return (*opening, *known, StatusChange(began, now))


def merged_into(status: Status, own_id: str, conversations: Sequence[Mapping[str, Any]]) -> str | None:
    """The id of the ticket that this one was merged into, as far as can be told; ``None`` for any other.

    No attribute says so. A merge closes the ticket and leaves a private note in the
    account's language ("This ticket is closed and merged into ticket 42"). Only a closed
    ticket whose newest private note says so, in English, Spanish, German or Portuguese,
    counts as merged; the ticket that received it has a note as well, but is not closed by it.
    """
    if status is not Status.CLOSED:
        return None
    notes = [each for each in conversations if each.get("private") and each.get("source") == NOTE]
    if not notes:
        return None
    found = _MERGED.search(str(notes[-1].get("body_text") or ""))
    if found is None or found.group(1) == own_id or _RECEIVED.search(found.group(0)):
        return None
    return found.group(1)
