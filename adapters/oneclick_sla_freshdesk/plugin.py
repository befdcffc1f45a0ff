"""The Freshdesk platform as the host loads it, and the only module of the adapter that sends anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from pydantic import SecretStr

from oneclick_sla_freshdesk import (
    checks,
    feeds,
    fields,
    limits,
    people,
    provision,
    quotas,
    tickets,
    updates,
    webhook,
)
from oneclick_sla_freshdesk.exchanges import authorised
from oneclick_sla_freshdesk.settings import FreshdeskSettings, load_settings
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.model import Author, Channel, Field, Ticket, Written
from oneclick_sla_plugin.exchanges import Exchange, Remembered, run
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.ports import (
    Capabilities,
    Check,
    Clock,
    Connection,
    Doorbell,
    HttpClient,
    Installation,
    InstallStep,
    Person,
    Platform,
    Quota,
    Request,
    Response,
    Sandbox,
    Services,
    TicketPage,
)

T = TypeVar("T")

FIELDS_ARE_FRESH_FOR = timedelta(minutes=10)
"""How long the account's fields and statuses are remembered; an admin's change is seen after it."""

_log = structlog.get_logger(__name__)


@hookimpl
def register_platforms(register: Callable[[Platform], None]) -> None:
    register(FreshdeskPlatform())


class FreshdeskPlatform:
    """Freshdesk, for the host's registry."""

    name = limits.PLATFORM
    # A voice mail is a phone call there, and what comes through the API a message of the portal.
    capabilities = Capabilities(
        channels=frozenset(Channel) - {Channel.VOICEMAIL, Channel.API, Channel.OTHER}, locking=False
    )

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> Connection:
        """Check the settings and make the connection. Raises ``ConfigError`` with all problems."""
        checked = load_settings(settings)
        return FreshdeskConnection(account, checked, services.open_http(checked.base_url), services.clock)

    def quotas(self, request: Request, response: Response) -> Sequence[Quota]:
        """The limit that an answer tells of: the account's, or the one of its endpoint."""
        return quotas.quotas(request, response)

    def sandbox(self, *, port: int, clock: Clock) -> Sandbox:
        """Start a simulated Freshdesk account on this machine."""
        # Loaded on demand: a running worker has no use for the simulator's web server.
        from oneclick_sla_freshdesk.simulator import FreshdeskSandbox

        return FreshdeskSandbox(port=port, clock=clock)


class FreshdeskConnection:
    """One Freshdesk account. Safe to use from several threads."""

    retry_status = 503
    closed_is_final = False

    def __init__(self, account: str, settings: FreshdeskSettings, http: HttpClient, clock: Clock) -> None:
        self._account = account
        self._settings = settings
        self._http = http
        self._clock = clock
        self._own_id = Remembered(lambda: run(people.read_own_id(), self._send), clock)
        self._catalogue = Remembered(self._read_catalogue, clock, FIELDS_ARE_FRESH_FOR)
        self._roles: dict[int, Author] = {}
        self._lock = threading.Lock()
        self._reported: set[Field] = set()

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        """Verify a webhook and find its ticket. Raises ``WebhookRejected``.

        Who acted is not told, so changes of our own ring as well, and are found to differ in nothing.
        """
        return webhook.receive(headers, body, now, self._settings.webhook_secrets)

    def read(self, ticket_id: str) -> Ticket:
        """The ticket as it stands, in one request up to nine conversations."""
        account = tickets.Account(
            name=self._account,
            own_id=self._own_id(),
            catalogue=self._catalogue(),
            roles=self._roles,
            known_requester=self._settings.known_requester,
        )
        return run(tickets.read_ticket(ticket_id, account), self._send)

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        """Write ``changes`` in one update, then a private note, then a reply to the customer.

        Raises ``TicketChanged`` when the ticket moved since it was read, as far as can be
        told: Freshdesk has no locking, and what comes between our last look and our update
        is overwritten where it concerns the tags.
        """
        how = updates.Writing(
            own_id=self._own_id(),
            catalogue=self._catalogue(),
            now=self._clock(),
            due_dates=self._settings.write_due_dates,
            notify_emails=self._settings.notify_emails,
        )
        self._report_missing(run(updates.write_ticket(ticket, changes, written, how), self._send))

    def changed(self, since: datetime, cursor: str | None) -> TicketPage:
        """Tickets that changed since an instant, oldest first, with an overlap."""
        return run(feeds.changed(since, cursor), self._send)

    def unsolved(self, cursor: str | None) -> TicketPage:
        """A page of all tickets, without solved and closed ones; it may be empty before the end."""
        return run(feeds.unsolved(cursor, self._catalogue().status_of), self._send)

    def person(self, requester_id: str) -> Person:
        """Who a requester is, for a printed sheet."""
        return run(people.read_person(requester_id, self._settings.document_field), self._send)

    def installation(self, webhook_url: str) -> Installation:
        """Compare the account with what is needed, with the key of an administrator."""
        return provision.FreshdeskInstallation(
            account=self._account, webhook_url=webhook_url, settings=self._settings, run=self._configure
        )

    def removal(self) -> Sequence[InstallStep]:
        """What an installation made and is still there, to be deleted."""
        return provision.removal_steps(self._account, self._configure)

    def check(self, webhook_url: str) -> Sequence[Check]:
        """Look at login, agent, clock, quota, fields and rules."""
        examination = checks.Examination(self._account, self._settings, webhook_url, self._clock)
        found = run(examination.run(), self._send)
        if found[0].good:
            found += self._configure(examination.rules())
        return found

    def _send(self, request: Request) -> Response:
        return self._sent_with(self._settings.api_key, request)

    def _sent_with(self, key: SecretStr, request: Request) -> Response:
        return self._http.send(authorised(request, key))

    def _configure(self, exchange: Exchange[T]) -> T:
        """Run an exchange with the key of an administrator; what it does to fields is looked up again."""
        try:
            return run(exchange, lambda request: self._sent_with(self._settings.configuring_key, request))
        finally:
            self._catalogue.forget()

    def _read_catalogue(self) -> fields.Catalogue:
        return fields.catalogue(run(fields.definitions(), self._send), self._settings.statuses)

    def _report_missing(self, missing: frozenset[Field]) -> None:
        with self._lock:
            news = missing - self._reported
            self._reported |= news
        if news:
            _log.warning("freshdesk.field_missing", account=self._account, fields=sorted(name.value for name in news))
