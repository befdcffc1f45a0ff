"""What a ticket's audits tell: its history, what became of it, and what this program wrote.

An audit is one update: who made it, by which way, with an event for each thing that
changed, and with the metadata its writer gave it.
https://developer.zendesk.com/api-reference/ticketing/tickets/ticket_audits/ ,
https://developer.zendesk.com/documentation/ticketing/reference-guides/ticket-audit-events-reference/
All functions take the audits from the oldest to the newest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from oneclick_sla_plugin.domain.model import Field, Priority, Satisfaction, Status, StatusChange, Written
from oneclick_sla_zendesk import channels

METADATA_KEY = "oneclick_sla"
"""Under this key an update carries what we wrote; it comes back in the audit's ``metadata.custom``."""

STATUSES = {
    "new": Status.NEW,
    "open": Status.OPEN,
    "pending": Status.PENDING,
    "hold": Status.ON_HOLD,
    "solved": Status.SOLVED,
    "closed": Status.CLOSED,
}
"""With custom statuses ``status`` is the category, which is one of these."""

MERGED_TAG = "closed_by_merge"
"""Zendesk puts it on a ticket that it closes because it was merged into another one."""

_PRIORITIES = frozenset(Priority)
_COMMENT_EVENTS = frozenset({"Comment", "VoiceComment", "TpeVoiceComment"})
_TICKET_NUMBER = re.compile(r"#([1-9][0-9]{0,18})\b", re.ASCII)

Audits = Sequence[Mapping[str, Any]]


def instant(text: str) -> datetime:
    """An instant of the API in UTC. Raises ``ValueError`` for one without an offset."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant without an offset")
    return at.astimezone(UTC)


# --- The ticket's history -----------------------------------------------------------------------


def status_history(audits: Audits, created_at: datetime, status_now: Status) -> Iterator[StatusChange]:
    """Every status with its beginning. A status we do not know (``deleted``) is no entry."""
    changes: list[StatusChange] = []
    first: str | None = None
    for audit in audits:
        for event in audit["events"]:
            if event.get("field_name") != "status":
                continue
            if event["type"] == "Create":
                first = event["value"]
            elif event["type"] == "Change":
                first = first or event.get("previous_value")
                if event["value"] in STATUSES:
                    changes.append(StatusChange(instant(audit["created_at"]), STATUSES[event["value"]]))
    yield StatusChange(created_at, STATUSES.get(first or "", changes[0].status if changes else status_now))
    yield from changes


def merged_into(ticket: Mapping[str, Any], audits: Audits) -> str | None:
    """The id of the ticket that this one was merged into; ``None`` for any other ticket.

    The rule: only a settled ticket with the tag ``closed_by_merge`` was merged. Its
    target is named by the newest audit that came by a merge: as ``via.source.to.ticket_id``,
    else as the first ``#number`` in that audit's comment, which Zendesk writes itself
    ("… merged into request #42 …", in the account's language). The ticket that
    received another one has such an audit too, but neither the tag nor that status.
    """
    if MERGED_TAG not in (ticket.get("tags") or ()) or ticket["status"] not in ("solved", "closed"):
        return None
    own = str(ticket["id"])
    for audit in reversed(audits):
        if not _came_by_merge(audit):
            continue
        target = channels.source_of(audit.get("via") or {}).get("to")
        named = target.get("ticket_id") if isinstance(target, dict) else None
        if named is not None and str(named) != own:
            return str(named)
        for text in _comment_texts(audit):
            for number in _TICKET_NUMBER.findall(text):
                if number != own:
                    return str(number)
    return None


def _came_by_merge(audit: Mapping[str, Any]) -> bool:
    via = audit.get("via") or {}
    return channels.name_of(via) == "merge" or channels.source_of(via).get("rel") == "merge"


def _comment_texts(audit: Mapping[str, Any]) -> Iterator[str]:
    for event in audit["events"]:
        if event.get("type") in _COMMENT_EVENTS:
            yield event.get("plain_body") or event.get("body") or ""


def satisfaction(ticket: Mapping[str, Any], audits: Audits) -> Satisfaction | None:
    """The customer's rating, good or bad, at the instant it was given.

    The ticket names the score, the newest audit that changed ``satisfaction_score``
    the instant; a score that no audit tells of has none and is left out.
    """
    rating = ticket.get("satisfaction_rating")
    score = rating.get("score") if isinstance(rating, dict) else None
    if score not in ("good", "bad"):
        return None
    for audit in reversed(audits):
        for event in audit["events"]:
            # With a comment the event's value is "good_with_comment".
            if event.get("field_name") == "satisfaction_score" and str(event.get("value")).startswith(score):
                return Satisfaction(score, instant(audit["created_at"]))
    return None


# --- What we wrote ------------------------------------------------------------------------------


def _ours(audits: Audits, own_id: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The audits that we wrote, each with what we put into it. Another user's metadata is not believed."""
    for audit in audits:
        record = ((audit.get("metadata") or {}).get("custom") or {}).get(METADATA_KEY)
        if str(audit["author_id"]) == own_id and isinstance(record, dict):
            yield audit, record


def written(audits: Audits, own_id: str) -> Written | None:
    """What our newest update asserted; ``None`` when we never wrote on the ticket."""
    records = [record for _, record in _ours(audits, own_id)]
    if not records:
        return None
    last = records[-1]
    priority, fields = last.get("priority"), last.get("fields") or {}
    # Another version of this program may have written it: what it does not know is left out.
    return Written(
        priority=Priority(priority) if priority in _PRIORITIES else None,
        tags=frozenset(last.get("tags") or ()),
        fields={name: fields[name.value] for name in Field if name.value in fields},
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One reply of ours: the keys it stands for, and three ways to find its comment again."""

    keys: tuple[str, ...]
    audit_id: Any
    comment_ids: frozenset[Any]
    at: str

    def is_about(self, comment: Mapping[str, Any]) -> bool:
        """By the comment's ``audit_id``, by its own id (that of the audit's event), else by its second."""
        if comment.get("audit_id") is not None:
            return bool(comment["audit_id"] == self.audit_id)
        if self.comment_ids:
            return comment["id"] in self.comment_ids
        return bool(comment["created_at"] == self.at)


def told(audits: Iterable[Mapping[str, Any]], own_id: str) -> tuple[Told, ...]:
    """Our replies to the customer, which show no marker: their keys stand in the metadata of the update."""
    return tuple(
        Told(
            keys=tuple(record["replies"]),
            audit_id=audit["id"],
            comment_ids=frozenset(event["id"] for event in audit["events"] if event.get("type") in _COMMENT_EVENTS),
            at=audit["created_at"],
        )
        for audit, record in _ours(tuple(audits), own_id)
        if record.get("replies")
    )
