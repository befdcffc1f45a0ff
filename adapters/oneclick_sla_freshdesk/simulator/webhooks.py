"""Deliveries of the webhooks that rules send, and what becomes of those that fail.

A failed call is tried again after 5, 30 and 60 minutes of the simulator's clock
and then given up with a mail to the administrators. Calls run inside of the
account's budget: without a credit a call is put off to the next hour, and one
that waits for more than 24 hours is deleted with a mail. There is no signature,
and no id of a delivery.
https://support.freshdesk.com/support/solutions/articles/225431
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oneclick_sla_freshdesk.simulator.behaviour import Behaviour
from oneclick_sla_freshdesk.simulator.payloads import Payload
from oneclick_sla_plugin.ports import Clock, Request
from oneclick_sla_plugin.testing.deliveries import Delivery, Outcome, WebhookSender

RETRIES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(minutes=60))
POSTPONED_BY = timedelta(hours=1)
POSTPONED_AT_MOST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to the account's administrators; ``about`` is ``failed`` (given up) or ``deleted`` (waited too long)."""

    at: datetime
    about: str
    url: str


@dataclass(frozen=True, slots=True)
class _Call:
    url: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    attempts: int = 0
    postponed_at: datetime | None = None


class Webhooks:
    """The calls that are on their way and those that wait for their time. Safe to use from several threads."""

    def __init__(
        self, *, clock: Clock, sender: WebhookSender, take_credit: Callable[[], bool], behaviour: Behaviour
    ) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._sender = sender
        self._take_credit = take_credit
        self._lock = threading.RLock()
        self._waiting: list[tuple[datetime, _Call]] = []
        self._mails: list[Mail] = []

    def call(self, action: Mapping[str, Any], payload: Payload) -> None:
        """Make the call that an action of a rule describes, now."""
        headers = {
            "Content-Type": payload.content_type,
            "User-Agent": "Freshdesk",
            **_login(action.get("auth_header")),
            **{str(name): str(value) for name, value in (action.get("custom_headers") or {}).items()},
        }
        method = str(action["request_type"]).upper()
        self._start(_Call(str(action["url"]), method, headers, payload.body))

    def deliver_due(self) -> None:
        """Begin the calls whose time has come; when this returns nobody else is about to begin one of them."""
        with self._lock:
            now = self._clock()
            due = [call for at, call in self._waiting if at <= now]
            self._waiting = [(at, call) for at, call in self._waiting if at > now]
            for call in due:
                self._start(call)

    def waiting_until(self) -> list[datetime]:
        """The instants of the calls that wait, the earliest first."""
        with self._lock:
            return sorted(at for at, _ in self._waiting)

    def mails(self) -> list[Mail]:
        with self._lock:
            return list(self._mails)

    def _start(self, call: _Call) -> None:
        now = self._clock()
        if call.postponed_at is not None and now - call.postponed_at > POSTPONED_AT_MOST:
            self._mail("deleted", call)
        elif self._behaviour.postpone_webhooks or not self._take_credit():
            self._wait(replace(call, postponed_at=call.postponed_at or now), now + POSTPONED_BY)
        else:
            parts = urlsplit(call.url)
            request = Request(
                method=call.method,
                path=parts.path or "/",
                operation="deliver webhook",
                query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
                headers=call.headers,
                body=None if call.method == "GET" else call.body,
            )
            self._sender.submit(
                parts.netloc,
                [
                    Delivery(
                        f"{parts.scheme}://{parts.netloc}",
                        make_request=lambda: request,
                        retry=lambda _: None,
                        report=lambda outcomes: self._attempted(call, outcomes),
                    )
                ],
            )

    def _attempted(self, call: _Call, outcomes: Sequence[Outcome]) -> None:
        status = outcomes[-1].status
        if status is not None and 200 <= status < 300:
            return
        if call.attempts == len(RETRIES):
            self._mail("failed", call)
        else:
            self._wait(
                replace(call, attempts=call.attempts + 1, postponed_at=None), self._clock() + RETRIES[call.attempts]
            )

    def _wait(self, call: _Call, until: datetime) -> None:
        with self._lock:
            self._waiting.append((until, call))

    def _mail(self, about: str, call: _Call) -> None:
        with self._lock:
            self._mails.append(Mail(self._clock(), about, call.url))


def _login(login: Any) -> dict[str, str]:
    """Basic authentication, of a user with a password or of an API key."""
    if not isinstance(login, dict):
        return {}
    user, password = login.get("username", login.get("api_key", "")), login.get("password", "X")
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}
