"""The Zendesk platform as the host loads it, and the only module of the adapter that sends anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from oneclick_sla_plugin.domain.changes import Changes, note_keys
from oneclick_sla_plugin.domain.model import Field, Ticket, Written
from oneclick_sla_plugin.errors import PermanentPlatformError, PlatformError
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
from oneclick_sla_zendesk import (
    checks,
    feeds,
    fields,
    limits,
    login,
    people,
    provision,
    quotas,
    redaction,
    tickets,
    updates,
    webhook,
)
from oneclick_sla_zendesk.settings import ZendeskSettings, load_settings

T = TypeVar("T")

FIELDS_ARE_FRESH_FOR = timedelta(minutes=10)
"""How long the account's ticket fields are remembered; an admin's change is seen after it."""

_log = structlog.get_logger(__name__)


@hookimpl
def register_platforms(register: Callable[[Platform], None]) -> None:
    register(ZendeskPlatform())


class ZendeskPlatform:
    """Zendesk Support, for the host's registry.

    ``strict``: an update of which Zendesk leaves keys out is an error, for tests;
    in production it is a line in the log.
    """

    name = limits.PLATFORM
    capabilities = Capabilities()

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> Connection:
        """Check the settings and make the connection. Raises ``ConfigError`` with all problems."""
        checked = load_settings(settings)
        http = services.open_http(checked.base_url)
        return ZendeskConnection(account, checked, http, services.clock, strict=self._strict)

    def quotas(self, request: Request, response: Response) -> Sequence[Quota]:
        """The limits that an answer tells of: the account's, and those of single endpoints."""
        return quotas.quotas(request, response)

    def sandbox(self, *, port: int, clock: Clock) -> Sandbox:
        """Start a simulated Zendesk account on this machine."""
        # Loaded on demand: a running worker has no use for the simulator's web server.
        from oneclick_sla_zendesk.simulator import ZendeskSandbox

        return ZendeskSandbox(port=port, clock=clock)


class Session:
    """Requests with a login of one scope. Safe to use from several threads; one of them fetches the token."""

    def __init__(self, http: HttpClient, clock: Clock, account_login: login.Login, scope: str) -> None:
        self._http = http
        self._clock = clock
        self._login = account_login
        self._scope = scope
        self._lock = threading.Lock()
        self._token: login.Token | None = None

    def send(self, request: Request) -> Response:
        """Send with the login; a token that Zendesk refuses is renewed once."""
        if isinstance(self._login, login.ApiToken):
            return self._http.send(self._login.authorise(request))
        token = self._current(self._login, refused=None)
        response = self._http.send(token.authorise(request))
        if response.status == 401:
            response = self._http.send(self._current(self._login, refused=token).authorise(request))
        return response

    def _current(self, credentials: login.Credentials, refused: login.Token | None) -> login.Token:
        with self._lock:
            token = self._token
            if token is None or token is refused or not token.is_fresh(self._clock()):
                request = login.token_request(credentials, self._scope)
                self._token = token = login.token_from(request, self._http.send(request), self._clock(), self._scope)
            return token


class ZendeskConnection:
    """One Zendesk account. Safe to use from several threads."""

    retry_status = 409
    closed_is_final = True

    def __init__(
        self, account: str, settings: ZendeskSettings, http: HttpClient, clock: Clock, *, strict: bool = False
    ) -> None:
        self._account = account
        self._settings = settings
        self._http = http
        self._clock = clock
        self._strict = strict
        self._session = Session(http, clock, settings.login, login.RUN_SCOPE)
        # Redaction has no narrow scope of its own. Its token is fetched by accounts that redact only.
        self._redacting = Session(http, clock, settings.login, login.INSTALL_SCOPE)
        self._signatures = webhook.SignatureRule(
            settings.webhook_secrets, settings.signature_tolerance, settings.allow_test_secret
        )
        self._own_id = Remembered(lambda: run(tickets.read_own_id(), self._session.send), clock)
        self._fields = Remembered(self._read_fields, clock, FIELDS_ARE_FRESH_FOR)
        self._lock = threading.Lock()
        self._reported: set[Field] = set()

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        """Verify a webhook and find its ticket. Raises ``WebhookRejected``.

        Changes of our own are dropped once the first read has told who we are.
        """
        return webhook.receive(headers, body, now, self._signatures, self._own_id.known())

    def read(self, ticket_id: str) -> Ticket:
        """The ticket as it stands, in three requests for most tickets."""
        account = tickets.Account(
            name=self._account,
            base_url=self._settings.base_url,
            own_id=self._own_id(),
            fields=self._fields(),
            known_requester=self._settings.known_requester,
            tiers=self._settings.tiers,
        )
        return run(tickets.read_ticket(ticket_id, account), self._session.send)

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        """Write ``changes`` in one update, and a reply to the customer in a second one.

        Raises ``TicketChanged`` when the ticket moved since it was read; a reply is
        only sent after everything else was accepted, and never when ``ticket`` shows
        that it was sent. When an answer is lost, nothing is sent again from here: the
        caller reads the ticket anew, whose audits say what took effect, and an update
        that takes effect later still is refused, for its stamp is old by then.
        """
        self._own_id()
        catalogue = self._fields()
        update = updates.ticket_update(ticket, changes, written, catalogue)
        self._report_missing(update.missing)
        reply = changes.reply
        if reply is not None and reply.key in note_keys(ticket):
            reply = None
        pending = [update] if update else []
        if reply is not None:
            pending.append(updates.reply_update(reply, written, catalogue))
        stamp = ticket.version
        for part in pending:
            stamp = self._put(part.request(ticket.id, stamp))

    def changed(self, since: datetime, cursor: str | None) -> TicketPage:
        """Tickets that changed since an instant, oldest first, from the incremental export.

        Zendesk holds the last minute back and allows ten calls a minute.
        """
        return run(feeds.changed(since, cursor, self._clock()), self._session.send)

    def unsolved(self, cursor: str | None) -> TicketPage:
        """A page of all tickets by their id, without solved and closed ones; it may be empty before the end."""
        return run(feeds.unsolved(cursor), self._session.send)

    def person(self, requester_id: str) -> Person:
        """Who a requester is, for a printed sheet."""
        return run(people.read_person(requester_id, self._settings.document_field), self._session.send)

    def redact(self, ticket: Ticket, message_id: str, spans: Sequence[tuple[int, int]]) -> bool:
        """Redact characters of a comment, which cannot be undone; a value whose place is not certain stays."""
        outcome = run(
            redaction.redact(ticket, message_id, spans, self._settings.base_url),
            self._redacting.send,
        )
        if outcome.left:
            _log.warning("zendesk.not_redacted", account=self._account, message=message_id, values=outcome.left)
        return outcome.redacted > 0

    def installation(self, webhook_url: str) -> Installation:
        """Compare the account with what is needed, under a login that may configure it."""
        return provision.installation(
            account=self._account, webhook_url=webhook_url, settings=self._settings, run=self._configuring()
        )

    def removal(self) -> Sequence[InstallStep]:
        """What an installation made and is still there, to be deleted."""
        return provision.removal_steps(self._account, self._settings.base_url, self._configuring())

    def check(self, webhook_url: str) -> Sequence[Check]:
        """Look at login, user, clock, quota, fields, webhook, views and triggers, and try a signed round trip."""
        examination = checks.Examination(self._account, self._settings, webhook_url, self._clock)
        found = run(examination.run(), self._session.send)
        if not all(check.good for check in found if check.name in checks.LOGIN_CHECKS):
            return found
        configuring = self._configuring()
        try:
            found += checks.business_rules(self.installation(webhook_url).steps)
            found += configuring(examination.round_trip())
        except PlatformError as error:
            found.append(checks.right_to_install(error))
        return found

    def _configuring(self) -> provision.Runner:
        """Runs exchanges under the wide scope; what they do to ticket fields is looked up again."""
        session = Session(self._http, self._clock, self._settings.login, login.INSTALL_SCOPE)

        def run_and_look_again(exchange: Exchange[T]) -> T:
            try:
                return run(exchange, session.send)
            finally:
                self._fields.forget()

        return run_and_look_again

    def _put(self, request: Request) -> str:
        """Send an update; returns the new stamp."""
        response = self._session.send(request)
        body = limits.json_object(request, response)
        if limits.WARNING_HEADER in response.headers:
            keys = limits.dropped_keys(response.headers)
            _log.warning("zendesk.keys_dropped", account=self._account, keys=keys)
            self._fields.forget()
            if self._strict:
                raise PermanentPlatformError(
                    platform=limits.PLATFORM, operation=request.operation, reason=f"keys dropped: {', '.join(keys)}"
                )
        ticket = body.get("ticket")
        stamp = ticket.get("updated_at") if isinstance(ticket, dict) else None
        if not isinstance(stamp, str):
            raise limits.unexpected_body(request.operation, response)
        return stamp

    def _read_fields(self) -> fields.FieldCatalogue:
        return fields.catalogue(run(fields.definitions(self._settings.base_url), self._session.send))

    def _report_missing(self, missing: frozenset[Field]) -> None:
        with self._lock:
            news = missing - self._reported
            self._reported |= news
        if news:
            _log.warning("zendesk.field_missing", account=self._account, fields=sorted(name.value for name in news))
