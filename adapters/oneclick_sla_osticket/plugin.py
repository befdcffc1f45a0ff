"""The osTicket platform as the host loads it, and the only module of the adapter that sends anything."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import structlog

from oneclick_sla_osticket import catalogue, checks, feeds, limits, people, provision, tickets, updates, webhook
from oneclick_sla_osticket.settings import OsTicketSettings, load_settings
from oneclick_sla_osticket.signing import request_headers
from oneclick_sla_plugin.domain.changes import Changes, note_keys
from oneclick_sla_plugin.domain.model import Ticket, Written
from oneclick_sla_plugin.errors import PlatformError, TemporaryPlatformError, Unauthorised
from oneclick_sla_plugin.exchanges import Remembered
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

PLUGIN_FOLDER = "oneclick_sla"
"""The plugin's folder under ``include/plugins/`` of osTicket, which remembers the plugin by it."""

WORDS_ARE_FRESH_FOR = timedelta(minutes=10)
"""How long priorities, statuses and fields are remembered; an administrator's change is seen after it."""

_UNDONE_REMEMBERED = 1000
_INTERNAL = "internal"

_log = structlog.get_logger(__name__)


@hookimpl
def register_platforms(register: Callable[[Platform], None]) -> None:
    register(OsTicketPlatform())


class OsTicketPlatform:
    """osTicket with this program's plugin in it, for the host's registry."""

    name = limits.PLATFORM
    capabilities = Capabilities()

    def connect(self, account: str, settings: Mapping[str, Any], services: Services) -> Connection:
        """Check the settings and make the connection. Raises ``ConfigError`` with all problems."""
        checked = load_settings(settings)
        return OsTicketConnection(account, checked, services.open_http(checked.base_url), services.clock)

    def quotas(self, request: Request, response: Response) -> Sequence[Quota]:  # noqa: ARG002 - as the port has it
        """None: osTicket has no limits of its own."""
        return ()

    def sandbox(self, *, port: int, clock: Clock) -> Sandbox:
        """Start a simulated osTicket on this machine."""
        # Loaded on demand: a running worker has no use for the simulator's web server.
        from oneclick_sla_osticket.simulator import OsTicketSandbox

        return OsTicketSandbox(port=port, clock=clock)

    def plugin_files(self) -> Mapping[str, bytes]:
        """The plugin for ``include/plugins/`` of osTicket."""
        source = files(__package__).joinpath("osticket-plugin")
        return {f"{PLUGIN_FOLDER}/{name}": content for name, content in _contents(source)}


class OsTicketConnection:
    """One osTicket. Safe to use from several threads."""

    retry_status = 503
    closed_is_final = False

    def __init__(self, account: str, settings: OsTicketSettings, http: HttpClient, clock: Clock) -> None:
        self._account = account
        self._settings = settings
        self._http = http
        self._clock = clock
        self._keys = settings.keys
        self._signatures = webhook.SignatureRule(settings.keys, settings.signature_tolerance)
        self._lock = threading.Lock()
        self._words = Remembered(self._read_words, clock, WORDS_ARE_FRESH_FOR)
        self._reported: set[str] = set()
        self._landmark = feeds.Landmark()
        self._undone: OrderedDict[str, int] = OrderedDict()

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Doorbell:
        """Verify an event and find its ticket. Raises ``WebhookRejected``. What we write makes no events."""
        return webhook.receive(headers, body, now, self._signatures)

    def read(self, ticket_id: str) -> Ticket:
        """The ticket as it stands, in one request; ``#`` and its number find it too."""
        request = tickets.read_request(ticket_id)
        account = tickets.Account(
            name=self._account,
            catalogue=self._words(),
            channels=self._settings.channels,
            known_requester=self._settings.known_requester,
            tiers=self._settings.tiers,
        )
        return tickets.ticket(self._ask(request), account)

    def write(self, ticket: Ticket, changes: Changes, written: Written) -> None:
        """Write ``changes``, a reply to the customer among them, in one request.

        Raises ``TicketChanged`` when the ticket moved since it was read, and when the
        database undid the write. When an answer is lost the same request is sent once
        more: the plugin knows it by its key and writes, and mails, nothing twice.
        """
        if changes.reply is not None and changes.reply.key in note_keys(ticket):
            changes = replace(changes, reply=None)
        update = updates.ticket_update(
            ticket,
            changes,
            written,
            self._words(),
            due_date=self._settings.due_date,
            alerts=self._settings.alerts,
        )
        self._report_missing(update.missing)
        if not update:
            return
        request = update.request(ticket, self._undone.get(ticket.id, 0))
        try:
            self._put(request)
        except TemporaryPlatformError as error:
            if error.reason == "interrupted":
                self._remember_undone(ticket.id)
            raise
        except PlatformError as error:
            if error.status == 422:
                self._words.forget()
            raise

    def changed(self, since: datetime, cursor: str | None) -> TicketPage:
        """Tickets that changed since an instant, oldest first; by the events where these are fetched."""
        if self._settings.delivery == "fetch" and (cursor is None or feeds.event_cursor(cursor) is not None):
            page = self._happened(since, feeds.event_cursor(cursor))
            if page is not None:
                return page
            cursor = None
        return feeds.ticket_page(feeds.CHANGED, self._ask(feeds.changed_request(since, cursor)))

    def unsolved(self, cursor: str | None) -> TicketPage:
        """Tickets whose status has the state "open", by their id."""
        return feeds.ticket_page(feeds.UNSOLVED, self._ask(feeds.unsolved_request(cursor)))

    def person(self, requester_id: str) -> Person:
        """Who a requester is, for a printed sheet."""
        return people.person(self._ask(people.read_request(requester_id)), self._settings.document_field)

    def installation(self, webhook_url: str) -> Installation:
        """Compare the helpdesk with what its administrator asked for on the plugin's page."""
        return provision.OsTicketInstallation(self._configure, webhook_url, self._settings.delivery)

    def removal(self) -> Sequence[InstallStep]:
        """Queues, badges and the webhook's address, to be taken away; fields stay, they hold values of tickets."""
        return provision.removal_steps(self._configure)

    def check(self, webhook_url: str) -> Sequence[Check]:
        """Look at login, clock, delivery, fields and priorities, and try a signed round trip."""
        examination = checks.Examination(self._settings, webhook_url)
        response = None
        try:
            response = self._send(checks.HEALTH)
            body = limits.json_object(checks.HEALTH, response)
        except Unauthorised as error:
            seconds = limits.server_time(response) if response is not None else None
            if seconds is not None:
                return [examination.clock_check(seconds, self._clock())]
            return [checks.failed_login(error)]
        except PlatformError as error:
            return [checks.failed_login(error)]
        found = [*examination.health(body, self._clock())]
        try:
            self._words.forget()
            found += examination.words(self._words())
        except PlatformError as error:
            found.append(checks.failed("priorities", error))
        if self._settings.delivery == "webhook" and isinstance(body.get("delivery"), dict) and body["delivery"]["url"]:
            try:
                found.append(examination.ping(self._ask(checks.PING)))
            except PlatformError as error:
                found.append(checks.failed("round trip", error))
        return found

    def _send(self, request: Request) -> Response:
        """Sign a request and send it to where osTicket keeps its API."""
        signed = replace(
            request,
            path=self._settings.api_path + request.path,
            headers={**request.headers, **request_headers(self._keys, request, self._clock())},
        )
        return self._http.send(signed)

    def _ask(self, request: Request) -> Mapping[str, Any]:
        return limits.json_object(request, self._send(request))

    def _configure(self, request: Request) -> Mapping[str, Any]:
        """Ask, and look again at what may have changed by it."""
        try:
            return self._ask(request)
        finally:
            self._words.forget()

    def _put(self, request: Request) -> None:
        """Send a set of changes, once more with the same key when it is not known what became of it."""
        try:
            self._ask(request)
        except TemporaryPlatformError as error:
            unknown = error.status is None and error.reason in ("timeout", "unreachable", "answer too long")
            if not unknown and error.reason != _INTERNAL:
                raise
            self._ask(request)

    def _happened(self, since: datetime, after: int | None) -> TicketPage | None:
        """Tickets by their events, ``None`` when some of the events that count were purged."""
        if self._clock() - since > feeds.EVENTS_REACH:
            return None
        with self._lock:
            landmark = self._landmark
        start = landmark.start(since) if after is None else after
        page = feeds.event_page(self._ask(feeds.events_request(start)))
        if page.gap:
            return None
        with self._lock:
            if self._landmark is landmark:
                self._landmark = landmark.moved(start, page, since)
        return page.tickets(since)

    def _read_words(self) -> catalogue.Catalogue:
        settings = self._settings
        return catalogue.catalogue(self._ask(catalogue.READ), settings.priority_names, settings.statuses)

    def _remember_undone(self, ticket_id: str) -> None:
        with self._lock:
            self._undone[ticket_id] = self._undone.pop(ticket_id, 0) + 1
            while len(self._undone) > _UNDONE_REMEMBERED:
                self._undone.popitem(last=False)

    def _report_missing(self, missing: frozenset[str]) -> None:
        with self._lock:
            news = missing - self._reported
            self._reported |= news
        if news:
            _log.warning("osticket.missing", account=self._account, names=sorted(news))


def _contents(folder: Traversable, path: str = "") -> Iterator[tuple[str, bytes]]:
    for each in sorted(folder.iterdir(), key=lambda found: found.name):
        if each.is_dir():
            yield from _contents(each, f"{path}{each.name}/")
        else:
            yield f"{path}{each.name}", each.read_bytes()
