"""Webhooks of the simulated account: their registry, signatures, deliveries and retries.

https://developer.zendesk.com/documentation/webhooks/verifying/ (signature) and
https://developer.zendesk.com/documentation/webhooks/anatomy-of-a-webhook-request/ (headers).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
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
from oneclick_sla_zendesk.simulator.shapes import instant

CONDITIONAL = "conditional_ticket_events"
"""The one subscription of a webhook that triggers call; the simulator has no triggers, so it is never called."""

_RETRIES_409 = 3
_RETRIES_TIMEOUT = 5
_RETRIES_RETRY_AFTER = 3
"""The vendor gives no number for these; three, as for 409."""
_LONGEST_RETRY_AFTER = timedelta(seconds=60)
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


@dataclass(frozen=True, slots=True)
class Invocation:
    """One delivery as the account lists it; ``outcomes`` has an entry for each attempt."""

    id: str
    webhook_id: str
    event_id: str
    event_type: str
    completed_at: datetime
    outcomes: tuple[Outcome, ...]

    @property
    def status_code(self) -> int | None:
        """Of the last attempt; a receiver that is too slow is shown as 504."""
        last = self.outcomes[-1]
        return 504 if last.timed_out else last.status

    @property
    def status(self) -> str:
        code = self.status_code
        if code is not None and 200 <= code < 300:
            return "success"
        return "terminated" if code in (401, 403) else "failed"


class Webhooks:
    """All webhooks of the account, under the account's lock."""

    def __init__(self, *, clock: Clock, sender: WebhookSender, retry_wait: timedelta) -> None:
        self._clock = clock
        self._sender = sender
        self._retry_wait = retry_wait
        self._webhooks: dict[str, Webhook] = {}
        self._invocations: dict[str, Invocation] = {}

    def all(self) -> list[Webhook]:
        return list(self._webhooks.values())

    def get(self, webhook_id: str) -> Webhook:
        """``RefusalError`` (404) when there is none."""
        if webhook_id not in self._webhooks:
            raise record_not_found()
        return self._webhooks[webhook_id]

    def create(self, given: Mapping[str, Any]) -> Webhook:
        """A webhook with a new secret. ``RefusalError`` (400) when something is missing or the kinds are mixed."""
        for name in ("name", "endpoint", "http_method", "request_format", "status"):
            if not given.get(name):
                raise invalid_parameter(name)
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

    def delete(self, webhook_id: str) -> None:
        del self._webhooks[self.get(webhook_id).id]

    def renew_secret(self, webhook_id: str) -> Webhook:
        return self._keep(replace(self.get(webhook_id), signing_secret=_new_secret()))

    def invocations(self, webhook_id: str) -> list[Invocation]:
        """The newest first."""
        self.get(webhook_id)
        return [item for item in reversed(self._invocations.values()) if item.webhook_id == webhook_id]

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

    def _delivery(self, account: Account, webhook: Webhook, event: Event) -> Delivery:
        invocation_id = _new_ulid()
        parts = urlsplit(webhook.endpoint)

        def make_request() -> Request | None:
            with account.lock:
                current = self._webhooks.get(webhook.id)
            if current is None or current.status != "active":
                return None
            timestamp = instant(self._clock())
            headers = {
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": "Zendesk Webhook",
                "X-Zendesk-Account-Id": str(ACCOUNT_ID),
                "X-Zendesk-Webhook-Id": current.id,
                "X-Zendesk-Webhook-Invocation-Id": invocation_id,
                "X-Zendesk-Webhook-Signature": signature(current.signing_secret, timestamp, event.body),
                "X-Zendesk-Webhook-Signature-Timestamp": timestamp,
                **_authentication_headers(current.authentication),
            }
            return Request(
                method=current.http_method,
                path=parts.path or "/",
                operation="deliver webhook",
                query=tuple(parse_qsl(parts.query, keep_blank_values=True)),
                headers=headers,
                body=event.body,
            )

        def retry(outcomes: Sequence[Outcome]) -> timedelta | None:
            return self._retry_wait if is_retried(outcomes) else None

        def report(outcomes: Sequence[Outcome]) -> None:
            with account.lock:
                self._invocations[invocation_id] = Invocation(
                    invocation_id, webhook.id, event.id, event.type, self._clock(), tuple(outcomes)
                )

        return Delivery(f"{parts.scheme}://{parts.netloc}", make_request, retry, report)

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


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over the timestamp's text and then the raw body; the key is the secret's own text."""
    digest = hmac.new(secret.encode("ascii"), timestamp.encode("ascii") + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def is_retried(outcomes: Sequence[Outcome]) -> bool:
    """Whether another attempt follows: 409, 429 and 503 with a short ``Retry-After``, time-outs; nothing else.

    https://developer.zendesk.com/documentation/webhooks/creating-and-monitoring-webhooks/
    """
    last = outcomes[-1]
    if last.timed_out:
        return sum(outcome.timed_out for outcome in outcomes) <= _RETRIES_TIMEOUT
    same = sum(outcome.status == last.status for outcome in outcomes)
    if last.status == 409:
        return same <= _RETRIES_409
    if last.status in (429, 503) and last.retry_after is not None:
        return last.retry_after < _LONGEST_RETRY_AFTER and same <= _RETRIES_RETRY_AFTER
    return False


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


def invocation_json(invocation: Invocation) -> dict[str, Any]:
    return {
        "id": invocation.id,
        "event_id": invocation.event_id,
        "event_type": invocation.event_type,
        "status": invocation.status,
        "status_code": invocation.status_code,
        "latest_completed_at": instant(invocation.completed_at),
    }


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
