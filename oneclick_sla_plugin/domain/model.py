"""The neutral ticket: what every helpdesk shows, in one vocabulary.

Adapters build these values from what their platform answers; the rest of the
program never sees a platform's own words. All values are frozen and all
instants are aware. Text of customers lives in ``Message.text`` and ``subject``
only, is read in memory and is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

TAG_PREFIX = "sla_"
"""Every tag of ours begins with this; tags without it are never touched."""

TAG_IS_COMPLAINT = "sla_is_complaint"
TAG_NOT_COMPLAINT = "sla_not_complaint"
TAG_NOT_SENSITIVE = "sla_not_sensitive"
TAG_CALLED_BACK = "sla_called_back"
TAG_PEAK = "sla_peak"

COMMAND_TAGS = frozenset({TAG_IS_COMPLAINT, TAG_NOT_COMPLAINT, TAG_NOT_SENSITIVE, TAG_CALLED_BACK})
"""Set by agents, final for the program."""

KEPT_TAGS = COMMAND_TAGS | {TAG_PEAK}
"""Tags with our prefix that are never removed by the program."""


class Channel(StrEnum):
    EMAIL = "email"
    WEB_FORM = "web_form"
    CHAT = "chat"
    WHATSAPP = "whatsapp"
    SOCIAL = "social"
    PHONE = "phone"
    VOICEMAIL = "voicemail"
    API = "api"
    OTHER = "other"


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    SOLVED = "solved"
    CLOSED = "closed"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Author(StrEnum):
    """Who wrote a message.

    ``AGENT`` is a person of the team, ``US`` this program, ``SYSTEM`` everything
    automatic that is not us: autoresponders, assignment lines, bounces.
    """

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"
    US = "us"


class Kind(StrEnum):
    COMPLAINT = "complaint"
    QUESTION = "question"
    INCIDENT = "incident"
    INFO_REQUEST = "info_request"
    FEEDBACK = "feedback"
    PARTNERSHIP = "partnership"
    SPAM_OTHER = "spam_other"
    UNKNOWN = "unknown"


class Flag(StrEnum):
    """What a message is besides its kind. A legal step is no threat, nor is insulting oneself abuse."""

    ABUSIVE = "abusive"
    THREAT = "threat"
    URGENT = "urgent"


class Metric(StrEnum):
    FIRST_REPLY = "first_reply"
    NEXT_REPLY = "next_reply"
    UPDATE = "update"
    RESOLUTION = "resolution"
    COMPLAINT_ACK = "complaint_ack"
    COMPLAINT_RESPONSE = "complaint_response"
    COMPLAINT_LEGAL = "complaint_legal"
    COMPLAINT_FOLLOW_UP = "complaint_follow_up"


class SlaState(StrEnum):
    """How the ticket as a whole stands against its clocks."""

    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    BREACHED = "breached"


class Field(StrEnum):
    """The ticket fields the program writes, and the two that agents fill for it.

    Instants are written as RFC 3339 in UTC; ``SLA_PRIORITY``, ``SLA_STATE`` and
    ``COMPLAINT_STAGE`` hold the bare value ("high", "at_risk", "registered").
    """

    SLA_PRIORITY = "sla_priority"
    SLA_STATE = "sla_state"
    NEXT_DUE_AT = "next_due_at"
    FIRST_REPLY_DUE_AT = "first_reply_due_at"
    RESOLUTION_DUE_AT = "resolution_due_at"
    COMPLAINT_STAGE = "complaint_stage"
    COMPLAINT_NUMBER = "complaint_number"
    COMPLAINT_RESPONSE_DUE_AT = "complaint_response_due_at"
    PROMISED_AT = "promised_at"
    EXTENSION_REASON = "extension_reason"


Fields = Mapping[Field, str]
"""Field values by name; an empty field is absent."""

TAG_FIELDS: Mapping[Field, str] = MappingProxyType(
    {
        Field.SLA_PRIORITY: "sla_priority_",
        Field.SLA_STATE: "sla_",
        Field.COMPLAINT_STAGE: "sla_complaint_",
    }
)
"""Fields whose value also stands on the ticket as a tag, with the tag's prefix."""


def tag_of(name: Field, value: str) -> str:
    """The tag that says the same as this field with this value."""
    return TAG_FIELDS[name] + value


@dataclass(frozen=True, slots=True, order=True)
class TicketKey:
    """Which ticket, across all accounts. As text: ``account/id``; the account names the platform."""

    account: str
    id: str

    def __str__(self) -> str:
        return f"{self.account}/{self.id}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the thread. ``public``: the customer can see it. ``voice``: a phone call."""

    id: str
    at: datetime
    author: Author
    public: bool
    text: str = field(repr=False)
    voice: bool = False


@dataclass(frozen=True, slots=True)
class StatusChange:
    at: datetime
    status: Status


@dataclass(frozen=True, slots=True)
class Requester:
    """``known``: a customer by the account's rule, ``None`` where there is none. ``tier``: a service level."""

    id: str
    known: bool | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Satisfaction:
    score: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """What this program asserted last on the ticket, so that a person's change can be told from ours."""

    priority: Priority | None = None
    tags: frozenset[str] = frozenset()
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """Facts that the ticket does not carry, or that stand in for a classifier."""

    peak: bool | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A helpdesk's ticket as it stands now, with its whole thread and status history.

    ``created_by`` and ``messages_visible`` are what the platform says; use
    :attr:`opened_by` for the rule that falls back to the first message.
    ``number`` is what people call it, where that is not its ``id`` (osTicket).
    ``version`` is the platform's own mark of this state (Zendesk: ``updated_at``),
    handed back when writing so that the platform can refuse a stale write.
    """

    platform: str
    account: str
    id: str
    created_at: datetime
    updated_at: datetime
    channel: Channel
    subject: str = field(repr=False)
    status: Status
    tags: frozenset[str]
    requester: Requester
    messages: tuple[Message, ...]
    status_history: tuple[StatusChange, ...]
    fields: Fields = field(default_factory=dict)
    priority: Priority | None = None
    recipient: str | None = None
    created_by: Author | None = None
    messages_visible: bool = True
    brand: str | None = None
    group: str | None = None
    assignee: str | None = None
    form: str | None = None
    merged_into: str | None = None
    satisfaction: Satisfaction | None = None
    written: Written | None = None
    context: Context = Context()
    version: str | None = None
    number: str | None = None

    @property
    def shown_number(self) -> str:
        """The number by which customer and agents know the ticket."""
        return self.number or self.id

    @property
    def key(self) -> TicketKey:
        return TicketKey(self.account, self.id)

    @property
    def opened_by(self) -> Author:
        """Who opened the ticket: what the platform says, else the author of its first message."""
        if self.created_by is not None:
            return self.created_by
        if self.messages:
            return min(self.messages, key=lambda message: message.at).author
        return Author.CUSTOMER

    @property
    def settled(self) -> bool:
        """Solved or closed: nobody waits for an answer any more."""
        return self.status in (Status.SOLVED, Status.CLOSED)


def rfc3339(at: datetime) -> str:
    """An instant as ``2026-11-22T14:00:00Z``; a fraction of a second is kept where there is one."""
    return at.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
