"""From what should be to what has to be written: the difference, and nothing else.

``decide()`` says what should stand on a ticket (:class:`Desired`); :func:`diff`
alone says what to write (:class:`Changes`). An empty difference is no write, and
that is what ends every loop between our writes and the platform's webhooks.

Agents win. ``Ticket.written`` holds what the program asserted last. Where the
ticket shows something else, a person changed it after us: a priority is then
never touched again, and a tag or field is not set back to the value the person
changed. A *new* fact (another state, another due instant) is written again.

Notes carry a marker with their keys, so a note that stands on the ticket is
recognised whoever wrote it there, after a crash too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from oneclick_sla_plugin.domain.model import (
    KEPT_TAGS,
    TAG_PREFIX,
    Author,
    Field,
    Fields,
    Message,
    Priority,
    Ticket,
    Written,
)

_MARKER = re.compile(r"\[oneclick-sla:((?: [a-z0-9._-]+)+)\]")


@dataclass(frozen=True, slots=True)
class Note:
    """One fact told once: ``key`` identifies it on the ticket, ``text`` is plain text in the account's language.

    ``owner``: who answers for the channel and has to hear of it, in the way the platform has.
    """

    key: str
    text: str
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """What should stand on the ticket. ``tags``: ours, all with the prefix; ``reply``: a public message to send."""

    priority: Priority | None = None
    tags: frozenset[str] = frozenset()
    fields: Fields = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    reply: Note | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be written. A field with the value ``None`` is to be emptied."""

    priority: Priority | None = None
    add_tags: frozenset[str] = frozenset()
    remove_tags: frozenset[str] = frozenset()
    fields: Mapping[Field, str | None] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    reply: Note | None = None

    def __bool__(self) -> bool:
        return bool(
            self.priority or self.add_tags or self.remove_tags or self.fields or self.notes or self.reply is not None
        )


def priority_is_an_agents(ticket: Ticket) -> bool:
    """Whether a person changed the priority after the program had asserted one."""
    written = ticket.written
    return written is not None and written.priority is not None and ticket.priority != written.priority


def diff(ticket: Ticket, desired: Desired) -> Changes:
    """The least that must be written for ``ticket`` to show ``desired``; empty when it already does."""
    written = ticket.written or Written()
    standing = {tag for tag in ticket.tags if tag.startswith(TAG_PREFIX)} - KEPT_TAGS
    removed_by_a_person = written.tags - ticket.tags
    stale = standing - desired.tags
    if ticket.written is not None:
        stale &= written.tags
    told = note_keys(ticket)
    return Changes(
        priority=(
            desired.priority
            if desired.priority is not None
            and desired.priority != ticket.priority
            and not priority_is_an_agents(ticket)
            else None
        ),
        add_tags=frozenset(desired.tags - ticket.tags - removed_by_a_person),
        remove_tags=frozenset(stale),
        fields=dict(_field_changes(ticket.fields, desired.fields, written.fields)),
        notes=tuple(note for note in desired.notes if note.key not in told),
        reply=desired.reply if desired.reply is not None and desired.reply.key not in told else None,
    )


def _field_changes(standing: Fields, desired: Fields, written: Fields) -> Iterable[tuple[Field, str | None]]:
    for name, value in desired.items():
        changed_by_a_person = written.get(name) == value
        if standing.get(name) != value and not changed_by_a_person:
            yield name, value
    for name in written.keys() - desired.keys():
        # Only what still shows our own value is emptied; a person's value stays.
        if name in standing and standing[name] == written[name]:
            yield name, None


def written_after(ticket: Ticket, desired: Desired) -> Written:
    """What to record as asserted once the difference is written.

    A priority that a person changed keeps the record of our own value, so that
    the person's stays recognisable as theirs.
    """
    if ticket.written is not None and priority_is_an_agents(ticket):
        priority = ticket.written.priority
    else:
        priority = desired.priority
    return Written(priority=priority, tags=desired.tags, fields=dict(desired.fields))


def note_keys(ticket: Ticket) -> frozenset[str]:
    """The keys of all notes and replies of ours that stand on the ticket."""
    return frozenset(key for message in ticket.messages for key in marked_keys(message))


def marked_keys(message: Message) -> frozenset[str]:
    """The keys in the markers of one message; empty unless the message is ours."""
    if message.author is not Author.US:
        return frozenset()
    return frozenset(key for match in _MARKER.finditer(message.text) for key in match.group(1).split())


def compose(notes: Iterable[Note]) -> str:
    """One plain text for several notes, with the marker that carries their keys as its last line."""
    notes = tuple(notes)
    marker = f"[oneclick-sla: {' '.join(note.key for note in notes)}]"
    return "\n\n".join([*(note.text for note in notes), marker])
