"""`oneclick-sla check`: what can be wrong with a helpdesk, and what to do about it.

The plugin examines itself (``GET /sla/health``); here its words become findings, and
what it says is compared with what this program needs. A problem is a result, never an
exception.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from oneclick_sla_osticket.catalogue import Catalogue
from oneclick_sla_osticket.provision import Delivery
from oneclick_sla_osticket.settings import OsTicketSettings
from oneclick_sla_plugin.errors import PlatformError
from oneclick_sla_plugin.ports import Check, Request

HEALTH = Request("GET", "/sla/health", "read the plugin's health")
PING = Request("POST", "/sla/ping", "ask for a test event")

_INSTALL = "run oneclick-sla install"
_SERVE = "start oneclick-sla serve, and make server.public_url reach it from osTicket's server"
_COMPARE = "compare secrets with the secret on the plugin's page in osTicket"

_PROBLEMS: Mapping[str, tuple[str, str, str]] = {
    "no_webhook_url": ("webhook address", "the plugin has none", _INSTALL),
    "plain_http": ("webhook transport", "events travel without encryption", "use an https address: server.public_url"),
    "delivery_failing": ("deliveries", "the last event was not taken", _SERVE),
    "delivery_late": ("late events", "an event waits for more than an hour", _SERVE),
    "events_given_up": (
        "lost events",
        "some were given up after twelve attempts",
        "nothing is lost: the sweep looks at what changed; run oneclick-sla backfill to be sure at once",
    ),
    "no_cron": (
        "osTicket's cron",
        "has not run for half an hour",
        "call osTicket's api/cron.php every five minutes: without it events wait for the next page",
    ),
    "database_clock": ("database clock", "differs from the server's", "set both clocks by NTP"),
    "database_zone": (
        "database time zone",
        "osTicket guesses another one than the database has",
        "set default_time_zone of the database to +00:00; osTicket's own dates are wrong until then",
    ),
}
"""Name, finding and remedy of the plugin's words; ``objects_missing`` is told object by object."""

_OF_DELIVERY = frozenset({"no_webhook_url", "plain_http", "delivery_failing", "delivery_late", "events_given_up"})
"""Words that mean nothing where events are fetched."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What is expected of a helpdesk."""

    settings: OsTicketSettings
    webhook_url: str

    @property
    def delivery(self) -> Delivery:
        return self.settings.delivery

    def health(self, body: Mapping[str, Any], now: datetime) -> Iterator[Check]:
        """The findings of the plugin's own report."""
        yield Check("login", True, "the plugin believes our signature")
        versions = ", ".join(f"{name} {body.get(key)}" for name, key in _VERSIONS)
        yield Check("versions", True, versions)
        yield self._clock(body, now)
        yield from self._webhook(body)
        yield from self._alerts(body)
        words = body.get("problems")
        problems = {word for word in words if isinstance(word, str)} if isinstance(words, list) else set()
        if self.delivery == "fetch":
            problems -= _OF_DELIVERY
        for word, (name, found, remedy) in _PROBLEMS.items():
            if word in problems:
                yield Check(name, False, found, remedy)
        for word in sorted(problems - _PROBLEMS.keys() - {"objects_missing"}):
            yield Check(f"plugin: {word}", False, "reported by the plugin", "see the plugin's documentation")
        missing = body.get("missing")
        for name in missing if isinstance(missing, list) else ():
            yield Check(str(name), False, "missing", _INSTALL)

    def words(self, catalogue: Catalogue) -> Iterator[Check]:
        """Whether the priorities of the settings exist, and what can be written at all."""
        lacking = catalogue.missing_priorities
        remedy = "name the helpdesk's own priorities in the setting priorities"
        found = f"osTicket has none named {', '.join(lacking)}" if lacking else "all four exist"
        yield Check("priorities", not lacking, found, remedy if lacking else "")
        good = catalogue.has_tags
        remedy = "tick the ticket fields on the plugin's page in osTicket, then run oneclick-sla install"
        yield Check("field for tags", good, "in place" if good else "missing", "" if good else remedy)

    def ping(self, body: Mapping[str, Any]) -> Check:
        """Whether a test event reached this program."""
        if body.get("delivered") is True:
            return Check("round trip", True, "a signed event was taken")
        error = body.get("error")
        word = error if isinstance(error, str) else "unknown"
        remedy = f"{_COMPARE}, and the clocks" if word in ("http_401", "http_403") else _SERVE
        return Check("round trip", False, f"a signed event was not taken: {word}", remedy)

    def _clock(self, body: Mapping[str, Any], now: datetime) -> Check:
        clock = body.get("clock")
        seconds = clock.get("now") if isinstance(clock, dict) else None
        if not isinstance(seconds, int):
            return Check("clock", True, "osTicket did not tell its time")
        return self.clock_check(seconds, now)

    def clock_check(self, server_seconds: int, now: datetime) -> Check:
        """How far this machine's clock is from the server's."""
        skew = now - datetime.fromtimestamp(server_seconds, UTC)
        good = abs(skew) <= self.settings.clock_skew_limit
        words = f"{int(abs(skew).total_seconds())} s {'ahead of' if skew.total_seconds() > 0 else 'behind'} osTicket"
        return Check("clock", good, words, "" if good else "set both clocks by NTP: signatures are timed")

    def _webhook(self, body: Mapping[str, Any]) -> Iterator[Check]:
        delivery = body.get("delivery")
        delivery = delivery if isinstance(delivery, dict) else {}
        if self.delivery == "fetch":
            yield Check("events", True, "fetched by this program")
            return
        on = delivery.get("on") is True
        yield Check("delivery", on, "on" if on else "off", "" if on else _INSTALL)
        if delivery.get("url"):
            right = delivery.get("url") == self.webhook_url
            words = "leads to this program" if right else "leads to another address"
            remedy = f"{_INSTALL}, or mend server.public_url: it should be {self.webhook_url}"
            yield Check("webhook address", right, words, "" if right else remedy)
        if on and delivery.get("after_response") is False:
            words = "this server sends events by cron only: up to some minutes late"
            yield Check("delivery after pages", True, words)

    def _alerts(self, body: Mapping[str, Any]) -> Iterator[Check]:
        if self.settings.alerts and body.get("note_alerts") is False:
            remedy = "switch it on in osTicket (Settings, Tickets, Alerts and Notices, New Internal Activity)"
            yield Check("alerts", False, "osTicket's alert for new notes is off", f"{remedy}, or set alerts = false")


_VERSIONS = (("plugin", "plugin"), ("osTicket", "osticket"), ("PHP", "php"))


def failed_login(error: PlatformError) -> Check:
    """The finding when the plugin's health cannot be read; the clock has a finding of its own."""
    match error.reason:
        case "credentials":
            return Check("login", False, "the plugin refuses our signature", _COMPARE)
        case "no_secret":
            return Check("login", False, "the plugin has no secret", "enter one on the plugin's page in osTicket")
        case "no_plugin" | "no_route":
            remedy = "is the plugin enabled, with an instance, and are base_url and api_path right?"
            return Check("login", False, f"the plugin does not answer there (status {error.status})", remedy)
        case _:
            remedy = "is base_url right, and does this machine reach it?"
            return Check("login", False, f"osTicket does not answer ({error.reason})", remedy)


def failed(name: str, error: PlatformError) -> Check:
    """The finding when a part of the checks was not answered."""
    return Check(name, False, f"{error.operation} failed ({error.reason})", "try again; see PHP's error log")
