"""Webhooks of the simulated account: their registry, and what is sent through them.

Event webhooks hear of what they subscribe to, trigger webhooks are called by triggers;
``invocations`` has the rules of delivery.
https://developer.zendesk.com/api-reference/webhooks/webhooks-api/webhooks/
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from oneclick_sla_plugin.ports import Clock, Request
from oneclick_sla_plugin.testing.deliveries import Delivery, Outcome, WebhookSender
from oneclick_sla_zendesk.simulator.account import Account, Happening
from oneclick_sla_zendesk.simulator.errors import invalid_parameter, record_not_found
from oneclick_sla_zendesk.simulator.events import ACCOUNT_ID, PREFIX, Event, events_of
from oneclick_sla_zendesk.simulator.invocations import Attempt, CircuitBreaker, Invocation, is_retried, signature
from oneclick_sla_zendesk.simulator.shapes import instant

CONDITIONAL = "conditional_ticket_events"
"""The one subscription of a webhook that triggers call."""

_AUTHENTICATION_DATA: Mapping[str, frozenset[str]] = {
    "api_key": frozenset({"name", "value"}),
    "basic_auth": frozenset({"username", "password"}),
    "bearer_token": frozenset({"token"}),
}
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Webhook:
    id: str
    name: str
    endpoint: str
    http_method: str
    request_format: str
    status: str
    subscriptions: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    signing_secret: str = field(repr=False)
    authentication: Mapping[str, Any] | None = field(default=None, repr=False)


class Webhooks:
    """All webhooks of the account, under the account's lock."""

    def __init__(self, *, clock: Clock, sender: WebhookSender, retry_wait: timedelta) -> None:
        self._clock = clock
        self._sender = sender
        self._retry_wait = retry_wait
        self._webhooks: dict[str, Webhook] = {}
        self._invocations: dict[str, Invocation] = {}
        self._breakers: dict[str, CircuitBreaker] = {}

    def all(self) -> list[Webhook]:
        return list(self._webhooks.values())

    def get(self, webhook_id: str) -> Webhook:
        """``RefusalError`` (404) when there is none."""
        if webhook_id not in self._webhooks:
            raise record_not_found()
        return self._webhooks[webhook_id]

    def create(self, given: Mapping[str, Any]) -> Webhook:
        """A webhook with a new secret. ``RefusalError`` (400) when something is missing or the kinds are mixed."""
        _check_complete(given)
        now = self._clock()
        blank = Webhook(_new_ulid(), "", "", "", "", "", (), now, now, signing_secret=_new_secret())
        return self._keep(self._changed(blank, given))

    def update(self, webhook_id: str, given: Mapping[str, Any]) -> Webhook:
        """``RefusalError``: 404, or 400 as for creating one, or when its kind would change."""
        before = self.get(webhook_id)
        after = self._changed(before, given)
        if (CONDITIONAL in before.subscriptions) != (CONDITIONAL in after.subscriptions):
            raise invalid_parameter("subscriptions")
        return self._keep(after)

    def replace(self, webhook_id: str, given: Mapping[str, Any]) -> Webhook:
        """As :meth:`update`, and 400 when something is missing."""
        _check_complete(given)
        return self.update(webhook_id, given)

    def delete(self, webhook_id: str) -> None:
        del self._webhooks[self.get(webhook_id).id]

    def renew_secret(self, webhook_id: str) -> Webhook:
        return self._keep(replace(self.get(webhook_id), signing_secret=_new_secret()))

    def invocations(self, webhook_id: str) -> list[Invocation]:
        """The newest first."""
        self.get(webhook_id)
        return [item for item in reversed(self._invocations.values()) if item.webhook_id == webhook_id]

    def invocation(self, webhook_id: str, invocation_id: str) -> Invocation:
        """``RefusalError`` (404) when there is none."""
        found = self._invocations.get(invocation_id)
        if found is None or found.webhook_id != self.get(webhook_id).id:
            raise record_not_found()
        return found

    def publish(self, account: Account, happening: Happening) -> None:
        """Queue what the webhooks subscribe to. Called under the account's lock."""
        fields = {item.id: item for item in account.fields()}
        author = happening.audit.comment.author_id if happening.audit and happening.audit.comment else 0
        users = {user.id: user for user in account.users([author])}
        events = events_of(happening, users, fields, self._clock())
        for webhook in self._webhooks.values():
            wanted = [event for event in events if event.type in webhook.subscriptions]
            if webhook.status == "active" and wanted:
                self._sender.submit(webhook.id, [self._delivery(account, webhook, event) for event in wanted])

    def call(self, account: Account, webhook_id: str, body: str) -> None:
        """A trigger calls a webhook with its rendered template. Called under the account's lock."""
        webhook = self._webhooks.get(webhook_id)
        if webhook is not None and webhook.status == "active" and CONDITIONAL in webhook.subscriptions:
            event = Event(str(uuid.uuid4()), CONDITIONAL, body.encode())
            self._sender.submit(webhook.id, [self._delivery(account, webhook, event)])

    def test(self, webhook: Webhook) -> int:
        """Send a signed body that names no ticket, at once; the receiver's status, 504 when none came.

        Not to be called under the account's lock: the receiver may ask the API.
        """
        parts = urlsplit(webhook.endpoint)
        request = self._request(webhook, _new_ulid(), b'{"type": "zen:event-type:test", "detail": {}}\n')
        return self._sender.try_once(f"{parts.scheme}://{parts.netloc}", request).status or 504

    def _delivery(self, account: Account, webhook: Webhook, event: Event) -> Delivery:
        invocation_id = _new_ulid()
        parts = urlsplit(webhook.endpoint)
        sent: list[tuple[datetime, Request]] = []
        breaker = self._breakers.setdefault(webhook.id, CircuitBreaker())

        def keep(attempts: tuple[Attempt, ...]) -> None:
            self._invocations[invocation_id] = Invocation(
                invocation_id, webhook.id, event.id, event.type, self._clock(), attempts
            )

        def make_request() -> Request | None:
            now = self._clock()
            with account.lock:
                current = self._webhooks.get(webhook.id)
                if current is None or current.status != "active":
                    return None
                if breaker.is_open(now):
                    keep(())
                    return None
            request = self._request(current, invocation_id, event.body)
            sent.append((now, request))
            return request

        def retry(outcomes: Sequence[Outcome]) -> timedelta | None:
            return self._retry_wait if is_retried(outcomes) else None

        def report(outcomes: Sequence[Outcome]) -> None:
            # A duplicate of this delivery has sent requests of its own.
            attempts = tuple(
                Attempt(at, outcome, request.headers, request.body or b"")
                for (at, request), outcome in zip(sent[-len(outcomes) :], outcomes, strict=True)
            )
            with account.lock:
                breaker.record(self._clock(), succeeded=attempts[-1].succeeded)
                keep(attempts)

        return Delivery(f"{parts.scheme}://{parts.netloc}", make_request, retry, report)

    def _request(self, webhook: Webhook, invocation_id: str, body: bytes) -> Request:
        """The request as it is sent now: each attempt is signed anew."""
        timestamp = instant(self._clock())
        parts = urlsplit(webhook.endpoint)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Zendesk Webhook",
            "X-Zendesk-Account-Id": str(ACCOUNT_ID),
            "X-Zendesk-Webhook-Id": webhook.id,
            "X-Zendesk-Webhook-Invocation-Id": invocation_id,
            "X-Zendesk-Webhook-Signature": signature(webhook.signing_secret, timestamp, body),
            "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
            **_authentication_headers(webhook.authentication),
        }
        return Request(
            method=webhook.http_method,
            path=parts.path or "/",
            operation="deliver webhook",
            query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers=headers,
            body=body,
        )

    def _changed(self, webhook: Webhook, given: Mapping[str, Any]) -> Webhook:
        names = ("name", "endpoint", "http_method", "request_format", "status", "authentication")
        subscriptions = tuple(str(item) for item in given.get("subscriptions", webhook.subscriptions) or ())
        if CONDITIONAL in subscriptions:
            valid = subscriptions == (CONDITIONAL,)
        else:
            valid = bool(subscriptions) and all(item.startswith(PREFIX) for item in subscriptions)
        after = replace(
            webhook,
            **{name: given[name] for name in names if name in given},
            subscriptions=subscriptions,
            updated_at=self._clock(),
        )
        if not valid:
            raise invalid_parameter("subscriptions")
        if CONDITIONAL not in subscriptions and (after.http_method, after.request_format) != ("POST", "json"):
            raise invalid_parameter("http_method")
        if not urlsplit(after.endpoint).netloc or after.status not in ("active", "inactive"):
            raise invalid_parameter("endpoint or status")
        if after.authentication:
            needed = _AUTHENTICATION_DATA.get(after.authentication.get("type", ""))
            if needed is None or not needed <= (after.authentication.get("data") or {}).keys():
                raise invalid_parameter("authentication")
        return after

    def _keep(self, webhook: Webhook) -> Webhook:
        self._webhooks[webhook.id] = webhook
        return webhook


def _check_complete(given: Mapping[str, Any]) -> None:
    for name in ("name", "endpoint", "http_method", "request_format", "status"):
        if not given.get(name):
            raise invalid_parameter(name)


def webhook_json(webhook: Webhook) -> dict[str, Any]:
    """As the API lists it: without the signing secret, and without the data of its authentication."""
    shown: dict[str, Any] = {
        "id": webhook.id,
        "name": webhook.name,
        "endpoint": webhook.endpoint,
        "http_method": webhook.http_method,
        "request_format": webhook.request_format,
        "status": webhook.status,
        "subscriptions": list(webhook.subscriptions),
        "created_at": instant(webhook.created_at),
        "updated_at": instant(webhook.updated_at),
    }
    if webhook.authentication:
        shown["authentication"] = {key: value for key, value in webhook.authentication.items() if key != "data"}
    return shown


def _authentication_headers(authentication: Mapping[str, Any] | None) -> dict[str, str]:
    data = (authentication or {}).get("data") or {}
    match (authentication or {}).get("type"):
        case "api_key":
            return {data["name"]: data["value"]}
        case "bearer_token":
            return {"Authorization": f"Bearer {data['token']}"}
        case "basic_auth":
            pair = f"{data['username']}:{data['password']}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _new_secret() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _new_ulid() -> str:
    return "01" + "".join(secrets.choice(_ULID) for _ in range(24))
