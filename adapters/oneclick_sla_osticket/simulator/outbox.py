"""What the plugin tells the outside, kept as rows and delivered one after the other (PROTOCOL.md, section 2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from oneclick_sla_osticket.simulator.desk import Desk, Happening, text_of
from oneclick_sla_plugin.ports import Request
from oneclick_sla_plugin.testing.deliveries import Delivery, Outcome, WebhookSender

_MOST_ATTEMPTS = 12
_LONGEST_WAIT = 120
"""The longest wait after a failure, in multiples of the first: an hour after 30 seconds."""
_SETTLED = timedelta(seconds=2)
_NEWS_FOR = timedelta(days=1)
"""How long it is told that an event was given up."""


@dataclass(slots=True)
class Row:
    id: int
    webhook_id: str
    body: bytes
    at: datetime
    attempts: int = 0
    delivered_at: datetime | None = None
    failed_at: datetime | None = None
    last_error: str | None = None

    @property
    def given_up(self) -> bool:
        return self.delivered_at is None and self.attempts >= _MOST_ATTEMPTS


class Outbox:
    """The rows, and their way out. Whoever calls holds the desk's lock."""

    def __init__(self, desk: Desk, sender: WebhookSender, key: bytes, retry_wait: timedelta) -> None:
        self.url = ""
        self.delivery = True
        self.rows: list[Row] = []
        self._desk = desk
        self._sender = sender
        self._key = key
        self._retry_wait = retry_wait

    @property
    def on(self) -> bool:
        return self.delivery and bool(self.url)

    def tell(self, happening: Happening) -> None:
        data = {
            "ticket_id": happening.ticket_id,
            "actor": happening.actor,
            "changes": list(happening.changes),
            "entry_ids": list(happening.entry_ids),
        }
        now = self._desk.now()
        row = Row(len(self.rows) + 1, _new_id(), _body(happening.type, now, data), now)
        self.rows.append(row)
        if self.on:
            self._sender.submit("osticket", [self._delivery(row)])

    def ping(self) -> str | None:
        """Send a ping at once; returns the word for what went wrong."""
        if not self.url:
            return "url"
        parts = urlsplit(self.url)
        request = self._request(parts.path or "/", _new_id(), _body("ping", self._desk.now(), {}))
        return _error(self._sender.try_once(f"{parts.scheme}://{parts.netloc}", request))

    def after(self, after: int, limit: int) -> dict[str, Any]:
        newest = self._desk.now() - _SETTLED
        rows = [row for row in self.rows if row.id > after and row.at <= newest]
        page = rows[:limit]
        return {
            "events": [{"id": row.id, "webhook_id": row.webhook_id, **json.loads(row.body)} for row in page],
            "next_after": page[-1].id if page else after,
            "more": len(rows) > limit,
            "gap": False,
        }

    def summary(self) -> dict[str, Any]:
        waiting = [row for row in self.rows if row.delivered_at is None and not row.given_up] if self.on else []
        failed = [row for row in self.rows if row.failed_at is not None]
        lost_at = [row.failed_at for row in failed if row.failed_at and row.given_up]
        errors = [row.last_error for row in failed if row.last_error]
        return {
            "size": len(self.rows),
            "waiting": len(waiting),
            "given_up": sum(at > self._desk.now() - _NEWS_FOR for at in lost_at),
            "oldest_waiting_at": text_of(min((row.at for row in waiting), default=None)),
            "next_attempt_at": None,
            "last_delivered_at": text_of(
                max((row.delivered_at for row in self.rows if row.delivered_at), default=None)
            ),
            "last_failed_at": text_of(max((row.failed_at for row in failed if row.failed_at), default=None)),
            "last_error": errors[-1] if errors else None,
            "last_id": len(self.rows),
        }

    def _delivery(self, row: Row) -> Delivery:
        parts = urlsplit(self.url)

        def report(outcomes: Sequence[Outcome]) -> None:
            with self._desk.lock:
                row.attempts = len(outcomes)
                row.last_error = _error(outcomes[-1])
                if row.last_error is None:
                    row.delivered_at = self._desk.now()
                else:
                    row.failed_at = self._desk.now()

        def retry(outcomes: Sequence[Outcome]) -> timedelta | None:
            if _error(outcomes[-1]) is None or len(outcomes) >= _MOST_ATTEMPTS:
                return None
            factor: int = min(_LONGEST_WAIT, 2 ** (len(outcomes) - 1))
            return self._retry_wait * factor

        return Delivery(
            base_url=f"{parts.scheme}://{parts.netloc}",
            make_request=lambda: self._request(parts.path or "/", row.webhook_id, row.body),
            retry=retry,
            report=report,
        )

    def _request(self, path: str, webhook_id: str, body: bytes) -> Request:
        seconds = str(int(self._desk.now().timestamp()))
        signed = hmac.new(self._key, f"{webhook_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }
        return Request("POST", path, "deliver event", headers=headers, body=body)


def _new_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


def _body(type_: str, at: datetime, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": type_, "timestamp": text_of(at), "data": data}, separators=(",", ":")).encode()


def _error(outcome: Outcome) -> str | None:
    if outcome.status is None:
        return "timeout" if outcome.timed_out else "connect"
    return None if 200 <= outcome.status < 300 else f"http_{outcome.status}"
