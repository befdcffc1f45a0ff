"""A simulated helpdesk as its owner holds it: people that act, faults to inject, what agents see.

For the demo, for the conformance suite (``testing.contract``) and for trying things
out. Everything is said in neutral words; what a helpdesk calls it is the sandbox's
business. ``testing.sandbox`` has what sandboxes over HTTP have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from oneclick_sla_plugin.domain.model import Channel, Field, Priority


@dataclass(frozen=True, slots=True)
class AgentView:
    """A ticket of a sandbox as an agent would see it, in the helpdesk's own words.

    ``fields`` are the custom fields that are not empty, by label. ``notes`` are the
    private notes of this program as plain text, ``writes`` counts its updates that
    took effect.
    """

    id: str
    subject: str = field(repr=False)
    channel: str
    status: str
    priority: str | None
    tags: Sequence[str]
    fields: Mapping[str, str]
    notes: Sequence[str] = field(repr=False)
    writes: int


class Deliveries(Protocol):
    """The webhooks of a sandbox that are on their way, and what goes wrong with them."""

    duplicate_deliveries: int
    """How many times more every delivery is sent from now on."""
    drop_deliveries: int
    """How many of the next deliveries are lost; counts itself down."""
    shuffle: bool
    """Whether what waits is sent in a random order."""

    def pause(self) -> None:
        """Begin no further delivery until :meth:`resume`; what happens meanwhile waits."""
        ...

    def resume(self) -> None: ...


class Sandbox(Protocol):
    """A simulated helpdesk over HTTP on this machine."""

    base_url: str
    agent_token: str
    """A bearer token of a person, for requests by hand."""

    def settings(self) -> Mapping[str, Any]:
        """The account's settings for this platform, as they stand in a configuration file."""
        ...

    def secrets(self) -> Mapping[str, str]:
        """The secrets that go with :meth:`settings`, by setting name."""
        ...

    @property
    def makes_webhook_secret(self) -> bool:
        """Whether it is the installation that makes a secret for webhooks, the setting ``webhook_secrets``."""
        ...

    # --- people ---

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

    def customer_replies(self, ticket_id: str, text: str) -> None:
        """The requester writes again; what waited for the customer is open again."""
        ...

    def agent_replies(self, ticket_id: str, text: str, *, public: bool = True) -> None: ...

    def agent_edits(
        self,
        ticket_id: str,
        *,
        priority: Priority | None = None,
        fields: Mapping[Field, str] | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
    ) -> None:
        """An agent changes the ticket's properties; what is left out stays.

        ``fields`` are bare values as the program writes them: a stage as ``"responded"``,
        a promised date as ``"2026-12-01"``.
        """
        ...

    def agent_solves(self, ticket_id: str) -> None: ...

    def agent_deletes(self, ticket_id: str) -> None:
        """An agent deletes the ticket: for the program it is gone."""
        ...

    # --- what agents see ---

    def view(self, ticket_id: str) -> AgentView: ...

    # --- webhooks, faults and counters ---

    @property
    def webhooks(self) -> Deliveries: ...

    def wait_delivered(self, timeout: timedelta) -> bool:
        """Wait until no webhook is on its way; false when the time is over."""
        ...

    @property
    def requests(self) -> Counter[str]:
        """How many requests have arrived so far, by ``METHOD /route/{variable}``; a copy."""
        ...

    def answer_next(
        self,
        times: int,
        status: int,
        *,
        operation: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Answer the next requests (of ``operation``, named as in :attr:`requests`) so, without effect: 429, 503 …"""
        ...

    def before_next_write(self, deed: Callable[[], object]) -> None:
        """Do this when the next update of a ticket has arrived and before it takes effect: a race; deeds queue up."""
        ...

    def close(self) -> None: ...
