"""What this program remembers on the ticket itself: what it asserted last, and which replies are its own.

Freshdesk keeps no metadata with an update. The record stands in a custom field that the
installation makes ("SLA record"), so that one PUT carries the change and its record. Where
the account lacks the field, it is the last line of a private note of ours. It is no text
of a customer: tags and fields of ours, and fingerprints of replies that we composed.
Base64 of JSON, since the server rewrites markup, quotes and blanks.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from oneclick_sla_plugin.domain.model import Field, Priority, Written

_LINE = re.compile(r"\[oneclick-sla-record: ([A-Za-z0-9_=-]+)\]", re.ASCII)
_FINGERPRINT = re.compile(r"([0-9]{1,7}):([0-9a-f]{32})", re.ASCII)
_PRIORITIES = frozenset(Priority)


@dataclass(frozen=True, slots=True)
class Record:
    """``written``: what stands by our will; ``replies``: fingerprints of the replies we sent, by their keys."""

    written: Written
    replies: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> str:
        values = {
            "v": 1,
            "priority": self.written.priority,
            "tags": sorted(self.written.tags),
            "fields": {name.value: value for name, value in sorted(self.written.fields.items())},
            "replies": dict(sorted(self.replies.items())),
        }
        return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode("ascii")

    def line(self) -> str:
        """The record as a line of a note."""
        return f"[oneclick-sla-record: {self.encoded()}]"


def decode(text: str | None) -> Record | None:
    """The record in a field; ``None`` for nothing, and for what a person or a later version put there."""
    try:
        values = json.loads(base64.b64decode((text or "").strip(), altchars=b"-_", validate=True))
        priority, fields, replies = values["priority"], values["fields"], values["replies"]
        return Record(
            Written(
                priority=Priority(priority) if priority in _PRIORITIES else None,
                tags=frozenset(str(tag) for tag in values["tags"]),
                fields={name: str(fields[name.value]) for name in Field if name.value in fields},
            ),
            {str(key): str(value) for key, value in replies.items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None


def in_note(text: str) -> Record | None:
    """The record at the end of one of our notes."""
    lines = _LINE.findall(text)
    return decode(lines[-1]) if lines else None


def merged(of_field: Record | None, of_notes: Iterable[Record]) -> Record | None:
    """The record that holds: the field's, else the newest note's; the replies are those of all."""
    notes = list(of_notes)
    newest = of_field or (notes[-1] if notes else None)
    if newest is None:
        return None
    replies: dict[str, str] = {}
    for record in (*notes, newest):
        replies |= record.replies
    return Record(newest.written, replies)


# --- Replies ------------------------------------------------------------------------------------


def fingerprint(text: str) -> str:
    """How a reply is known again: the number of its characters without blanks, and their hash.

    Blanks are left out because the server rewrites them; what it adds below (a
    signature, a quotation) is left out because only so many characters are compared.
    """
    bare = _bare(text)
    return f"{len(bare)}:{_hash(bare)}"


def is_reply(text: str, wanted: str) -> bool:
    """Whether a public message of ours begins with the text that has this fingerprint."""
    match = _FINGERPRINT.fullmatch(wanted)
    if match is None:
        return False
    length, bare = int(match.group(1)), _bare(text)
    return 0 < length <= len(bare) and _hash(bare[:length]) == match.group(2)


def _bare(text: str) -> str:
    return "".join(text.split()).replace("\u2060", "")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
