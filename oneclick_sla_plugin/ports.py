"""What the host needs from the outside: helpdesks, HTTP, the ledger, a clock.

Protocols and plain values only. Adapters implement :class:`Platform` and
:class:`Connection` over an :class:`HttpClient` that they are handed; ``storage``
implements :class:`Ledger`; ``transport`` implements :class:`HttpClient`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, runtime_checkable

from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.complaint import Case, Entry
from oneclick_sla_plugin.domain.model import Channel, Field, Ticket, TicketKey, Written
from oneclick_sla_plugin.sandboxes import AgentView as AgentView  # noqa: PLC0414 - a port like the others, only longer
from oneclick_sla_plugin.sandboxes import Sandbox as Sandbox  # noqa: PLC0414 - likewise

Clock = Callable[[], datetime]
"""Returns the present as an aware UTC instant. Handed in, so that tests and the demo own the time."""


# --- HTTP -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as a value. ``path`` begins with ``/`` and is joined to the client's base address.

    ``operation`` names the call in our words, for errors and metrics ("read ticket").
    """

    method: str
    path: str
    operation: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response as a value; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def json(self) -> Any:
        """The body as JSON. Raises ``ValueError`` when it is not, or is nested too deeply to be an answer."""
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


class HttpClient(Protocol):
    """Sends requests to one base address and to no other host."""

    def send(self, request: Request) -> Response:
        """Any status is a response. Raises ``TemporaryPlatformError`` when none came."""
        ...


# --- Helpdesks --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doorbell:
    """What a verified webhook amounts to: tickets to look at, or the reason why there are none.

    ``event`` is the platform's event name if it is one we know, else ``"unknown"``
    (a counter's label must not be chosen by a sender). ``dropped`` is empty when
    there is something to look at, else a stable word such as ``own_change``.
    """

    ticket_ids: tuple[str, ...]
    event: str
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class TicketPage:
    """A piece of a long list of tickets. ``cursor`` is where the next call goes on; ``more``: call again at once."""

    ticket_ids: tuple[str, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class Quota:
    """What an answer told of a limit of the platform.

    ``operations``: the operations of ours that it counts; empty for all of the
    account. ``limit`` and ``remaining`` are numbers of calls, ``resets_in`` the time
    until ``remaining`` is ``limit`` again.
    """

    name: str
    limit: float
    remaining: float
    resets_in: timedelta
    operations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `oneclick-sla check` looked at. ``remedy`` says what to do when it is not ``good``."""

    name: str
    good: bool
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class InstallStep:
    """One object that an installation needs on the platform, or takes away from it.

    ``apply`` makes it so; it is not called for ``keep``, and does nothing for ``by_hand``,
    which is for what the account forbids programs to make. ``by_hand``: what a person
    has to enter then, field by field; never a secret.
    """

    what: str
    action: Literal["create", "update", "delete", "keep", "by_hand"]
    apply: Callable[[], object]
    by_hand: tuple[str, ...] = ()


class Installation(Protocol):
    """What `oneclick-sla install` would do on an account, in order."""

    steps: Sequence[InstallStep]

    def secrets(self) -> Mapping[str, str]:
        """After the steps were applied: secrets that the platform made, by setting name."""
        ...


class Connection(Protocol):
    """One account on one platform. Safe to use from several threads."""

    retry_status: int
    """Status that makes this platform send a webhook again."""
    closed_is_final: bool
    """Whether a closed ticket refuses every write."""

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        """Verify a webhook, then find its tickets; touches no network.

        ``headers`` are in lower case. Raises ``WebhookRejected`` when it cannot be believed.
        """
        ...

    def read(self, ticket_id: str) -> Ticket:
        """The ticket as it stands. Raises ``TicketGone`` and the other platform errors."""
        ...

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        """Write ``changes`` in one step, recording ``written`` with them.

        Raises ``TicketChanged`` when the ticket is no longer at ``ticket.version``.
        """
        ...

    def installation(self, webhook_url: str) -> Installation:
        """Compare the account with what the program needs."""
        ...

    def removal(self) -> Sequence[InstallStep]:
        """What taking an installation back would do: what it made and nothing else."""
        ...

    def check(self, webhook_url: str) -> Sequence[Check]:
        """Look at login, rights, fields, webhook, clock and quota; a problem is a result, not an exception."""
        ...

    def changed(self, since: datetime, cursor: str | None) -> TicketPage:
        """Tickets that changed since an instant, oldest first; ``cursor`` of the page before goes on from there."""
        ...

    def unsolved(self, cursor: str | None) -> TicketPage:
        """All tickets that are not solved or closed, in a stable order."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """Who a requester is, as far as the helpdesk knows. Read when it is needed, kept nowhere, never logged."""

    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    document: str | None = field(default=None, repr=False)


@runtime_checkable
class Directory(Protocol):
    """What a connection may offer besides: who people are, for what is printed about them."""

    def person(self, requester_id: str) -> Person:
        """The requester with this id. Raises the platform errors."""
        ...


@runtime_checkable
class Redactor(Protocol):
    """What a connection may offer besides: making what a customer wrote unreadable on the platform, for good."""

    def redact(self, ticket: Ticket, message_id: str, spans: Sequence[tuple[int, int]]) -> bool:
        """Redact characters of a customer's message; each span is ``[start, end)`` of ``Message.text`` as read.

        Returns whether anything was redacted: nothing is when the message reads
        otherwise by now. A value whose place on the platform is not certain stays.
        Raises the platform errors.
        """
        ...


@runtime_checkable
class Packaged(Protocol):
    """What a platform may offer besides: a plugin of ours that an administrator puts into the helpdesk itself."""

    def plugin_files(self) -> Mapping[str, bytes]:
        """The plugin's files by their paths, all of which begin with the name of its one folder and a ``/``."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a helpdesk can do, where helpdesks differ.

    The host never asks; the conformance suite expects what is stated here and no more,
    and whoever compares helpdesks can show it. ``channels``: those that are told apart;
    ``fields``: those of ours that a ticket has a place for. ``locking``: a write that
    rests on an older state is refused up to the last moment; without it, what an agent
    does while an update is on its way may be overwritten.
    """

    channels: frozenset[Channel] = frozenset(Channel)
    fields: frozenset[Field] = frozenset(Field)
    locking: bool = True


@dataclass(frozen=True, slots=True)
class Services:
    """What a platform may use of the host: HTTP to one base address, and the time."""

    open_http: Callable[[str], HttpClient]
    clock: Clock


class Platform(Protocol):
    """One helpdesk product, registered by a plugin through ``register_platforms``."""

    name: str
    capabilities: Capabilities

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> Connection:
        """Check the settings and make the connection; touches no network.

        Secrets come as ``pydantic.SecretStr``. Raises ``ConfigError`` with all
        problems, their paths relative to the settings.
        """
        ...

    def quotas(self, request: Request, response: Response) -> Sequence[Quota]:
        """What the headers of an answer say of limits; empty when they say nothing."""
        ...

    def sandbox(self, *, port: int, clock: Clock) -> Sandbox:
        """Start a simulated account on 127.0.0.1 (``port`` 0: any free one)."""
        ...


# --- The complaint register -------------------------------------------------------------------


class Register(Protocol):
    """The complaint register: append-only, numbers without gaps. All methods raise ``StoreError``."""

    def entry(self, key: TicketKey) -> Entry | None:
        """What is registered for a ticket."""
        ...

    def record(self, key: TicketKey, case: Case, policy: str, now: datetime) -> Entry:
        """Bring the register up to what the ticket shows.

        Registers the complaint if it is new, which gives it the next number of the
        account's series and year (of ``received_at``), and appends the events that are
        not there yet. Doing it twice, or in two processes at once, is as doing it once.
        """
        ...

    def gone(self, key: TicketKey, now: datetime) -> None:
        """Note at the complaint of a ticket, if it has one, that the platform does not have the ticket any more."""
        ...


# --- The ledger -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReplyIntent:
    """A public reply that was about to be sent at an instant.

    ``sent``: the platform took it. Otherwise it is not known whether it did, and found out on the ticket, by the key.
    """

    key: str
    at: datetime
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to look at one ticket for the time of a lease.

    ``marked`` is the counter as it stood at the claim: what is finished is
    everything up to it, and nothing that was marked later. ``writes``: when the
    ticket was written lately; ``replies``: what was sent to its customer, or
    may have been.
    """

    key: TicketKey
    marked: int
    attempts: int
    token: str
    writes: tuple[datetime, ...] = ()
    replies: tuple[ReplyIntent, ...] = ()


class Ledger(Protocol):
    """One row a ticket: what has to be looked at, when, and by whom. All methods raise ``StoreError``."""

    def mark(self, keys: Iterable[TicketKey], now: datetime, *, backlog: bool = False) -> None:
        """Durably note that these tickets have to be looked at; returns after the commit.

        ``backlog``: they are no news, and not counted as arrivals.
        """
        ...

    def claim_due(self, limit: int, now: datetime) -> Sequence[Claim]:
        """Lease up to ``limit`` tickets that are due, the longest waiting first; none of an account that sleeps."""
        ...

    def renew(self, claims: Iterable[Claim], now: datetime) -> None:
        """Extend the leases of work that is still under way."""
        ...

    def finish(
        self,
        claim: Claim,
        now: datetime,
        next_look_at: datetime | None,
        facts: Mapping[str, Any] | None = None,
        *,
        writes: Sequence[datetime] = (),
        replies: Sequence[ReplyIntent] | None = None,
    ) -> bool:
        """Settle a claim; false when its lease was lost. ``facts`` hold no text of a customer.

        ``writes`` and ``replies`` are what the next claim of the ticket will tell; ``None`` leaves those that stand.
        """
        ...

    def fail(
        self, claim: Claim, now: datetime, not_before: datetime, reason: str, *, writes: Sequence[datetime] = ()
    ) -> bool:
        """Give a claim back, to be tried again no earlier than ``not_before``."""
        ...

    def release(
        self, claim: Claim, now: datetime, not_before: datetime, reason: str, *, writes: Sequence[datetime] = ()
    ) -> bool:
        """Give a claim back like :meth:`fail`, without counting the attempt: it was not the ticket's fault."""
        ...

    def bury(self, claim: Claim, now: datetime, reason: str) -> bool:
        """Put a ticket on the dead list, where it stays until a person acts."""
        ...

    def intend(self, claim: Claim, replies: Sequence[ReplyIntent]) -> bool:
        """Durably note what was sent to the customer and what is about to be; false when the lease was lost."""
        ...

    def arrivals(self, account: str, since: datetime, until: datetime) -> int:
        """How many tickets of an account were marked for the first time in [``since``, ``until``)."""
        ...

    def next_due_at(self, now: datetime) -> datetime | None:
        """The earliest instant at which :meth:`claim_due` will have something."""
        ...

    def check(self) -> None:
        """Raises ``StoreError`` when the ledger cannot be written."""
        ...


# --- Accounts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sleep:
    """Until when nothing is asked of an account, and why (words of ours)."""

    until: datetime
    because: str


@dataclass(frozen=True, slots=True)
class SweepState:
    """Where the sweep of an account stands.

    One that is under way has ``began_at``, and a ``cursor`` after its first page;
    it looks for changes after ``since``. ``ended_at``: when the last one ended.
    ``holder`` sweeps until ``held_until``.
    """

    since: datetime | None = None
    began_at: datetime | None = None
    cursor: str | None = None
    ended_at: datetime | None = None
    holder: str | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountState:
    """What all processes know of an account.

    Since the last look that went well: ``failures``, how often the account was put
    to sleep for failing; ``suspects``, the tickets whose looks failed.
    ``backfill``: the cursor at which a backfill that was interrupted goes on.
    """

    sleep: Sleep | None = None
    failures: int = 0
    suspects: tuple[str, ...] = ()
    sweep: SweepState = SweepState()
    backfill: str | None = None

    def asleep(self, now: datetime) -> Sleep | None:
        """The sleep that lasts beyond ``now``."""
        return self.sleep if self.sleep is not None and self.sleep.until > now else None


class AccountStates(Protocol):
    """The states of accounts, shared by all processes and hosts. All methods raise ``StoreError``."""

    def get(self, account: str) -> AccountState: ...

    def change(self, account: str, change: Callable[[AccountState], AccountState]) -> AccountState:
        """Change a state in one step that nobody else comes into; returns the new one."""
        ...
