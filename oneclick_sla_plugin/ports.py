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
from typing import Any, Literal, Protocol

from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Channel, Ticket, TicketKey, Written

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
        """The body as JSON. Raises ``ValueError`` when it is not."""
        return json.loads(self.body)


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
class InstallStep:
    """One object that an installation needs on the platform.

    ``apply`` makes it so; it is not called for ``keep``.
    """

    what: str
    action: Literal["create", "update", "keep"]
    apply: Callable[[], None]


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


class AgentView(Protocol):
    """A ticket of a sandbox as an agent would see it."""

    id: str
    subject: str
    channel: str
    status: str
    priority: str | None
    tags: Sequence[str]
    fields: Mapping[str, str]
    notes: Sequence[str]
    writes: int


class Sandbox(Protocol):
    """A simulated helpdesk over HTTP on this machine, for the demo and for trying things out."""

    base_url: str
    agent_token: str
    """A bearer token of a person, for requests by hand."""

    def settings(self) -> Mapping[str, Any]:
        """The account's settings for this platform, as they stand in a configuration file."""
        ...

    def secrets(self) -> Mapping[str, str]:
        """The secrets that go with :meth:`settings`, by setting name."""
        ...

    def open_ticket(
        self,
        *,
        channel: Channel,
        subject: str,
        text: str,
        recipient: str | None = None,
        tags: Iterable[str] = (),
    ) -> str:
        """A customer writes (or calls); returns the ticket's id. Webhooks follow."""
        ...

    def agent_replies(self, ticket_id: str, text: str, *, public: bool = True) -> None: ...

    def view(self, ticket_id: str) -> AgentView: ...

    def wait_delivered(self, timeout: timedelta) -> bool:
        """Wait until no webhook is on its way; false when the time is over."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Services:
    """What a platform may use of the host: HTTP to one base address, and the time."""

    open_http: Callable[[str], HttpClient]
    clock: Clock


class Platform(Protocol):
    """One helpdesk product, registered by a plugin through ``register_platforms``."""

    name: str

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> Connection:
        """Check the settings and make the connection; touches no network.

        Secrets come as ``pydantic.SecretStr``. Raises ``ConfigError`` with all
        problems, their paths relative to the settings.
        """
        ...

    def sandbox(self, *, port: int, clock: Clock) -> Sandbox:
        """Start a simulated account on 127.0.0.1 (``port`` 0: any free one)."""
        ...


# --- The ledger -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to look at one ticket for the time of a lease.

    ``marked`` is the counter as it stood at the claim: what is finished is
    everything up to it, and nothing that was marked later.
    """

    key: TicketKey
    marked: int
    attempts: int
    token: str


class Ledger(Protocol):
    """One row a ticket: what has to be looked at, when, and by whom. All methods raise ``StoreError``."""

    def mark(self, keys: Iterable[TicketKey], now: datetime) -> None:
        """Durably note that these tickets have to be looked at; returns after the commit."""
        ...

    def claim_due(self, limit: int, now: datetime) -> Sequence[Claim]:
        """Lease up to ``limit`` tickets that are due, the longest waiting first."""
        ...

    def renew(self, claims: Iterable[Claim], now: datetime) -> None:
        """Extend the leases of work that is still under way."""
        ...

    def finish(
        self, claim: Claim, now: datetime, next_look_at: datetime | None, facts: Mapping[str, Any] | None = None
    ) -> bool:
        """Settle a claim; false when its lease was lost. ``facts`` hold no text of a customer."""
        ...

    def fail(self, claim: Claim, now: datetime, not_before: datetime, reason: str) -> bool:
        """Give a claim back, to be tried again no earlier than ``not_before``."""
        ...

    def bury(self, claim: Claim, now: datetime, reason: str) -> bool:
        """Put a ticket on the dead list, where it stays until a person acts."""
        ...

    def next_due_at(self, now: datetime) -> datetime | None:
        """The earliest instant at which :meth:`claim_due` will have something."""
        ...

    def check(self) -> None:
        """Raises ``StoreError`` when the ledger cannot be written."""
        ...
