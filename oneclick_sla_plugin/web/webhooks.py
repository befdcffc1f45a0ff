"""``POST /webhooks/<account>``: verify, find the tickets, mark them durably, answer.

Nothing is read from the helpdesk here; the answer comes as soon as the marks are
committed. If they cannot be, the answer is the status that makes that platform
send the webhook again, so that nothing is lost.

This one address is answered in front of Flask, by a WSGI callable: it is all that
a burst of webhooks costs, and routing, request and response objects would be the
larger part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import structlog
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wsgi import get_input_stream

from oneclick_sla_plugin.bootstrap import Program
from oneclick_sla_plugin.errors import StoreError, WebhookRejected

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 1024 * 1024
"""A longer webhook is answered with 413: no helpdesk sends one."""

_PREFIX = "/webhooks/"
_UNKNOWN = "unknown"
"""The label of whatever a sender chose and we do not know."""


class WebhookDoor:
    """A WSGI callable that answers webhooks of all accounts of ``program`` and hands on everything else."""

    def __init__(self, program: Program, others: WSGIApplication) -> None:
        self._program = program
        self._others = others

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        account = path[len(_PREFIX) :] if path.startswith(_PREFIX) else ""
        if not account or "/" in account:
            return self._others(environ, start_response)
        if environ["REQUEST_METHOD"] != "POST":
            return _answer(start_response, 405, "error", "method not allowed", [("Allow", "POST")])
        try:
            code, status = self._receive(account, environ)
        except WebhookRejected as error:
            return _answer(start_response, error.status, "error", error.reason)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a refusal
            # An exception's message may quote the request; its class may not. 503 makes most senders try again.
            _log.error("web.failed", error=type(error).__name__)
            return _answer(start_response, 503, "error", "try again")
        return _answer(start_response, code, "status", status)

    def _receive(self, account: str, environ: Mapping[str, Any]) -> tuple[int, str]:
        program = self._program
        known = program.accounts.get(account)
        if known is None:
            raise self._counted(_UNKNOWN, WebhookRejected(404, "account"))
        try:
            body = _body(environ)
            bell = known.connection.receive(_headers(environ), body, program.clock())
        except WebhookRejected as error:
            raise self._counted(account, error) from None
        outcome = bell.dropped or "accepted"
        try:
            program.inbox.accept(account, bell.ticket_ids)
        except StoreError:
            program.metrics.count("webhook", account=account, event=bell.event, outcome="store_error")
            _log.error("webhook.store_error", account=account, tickets=len(bell.ticket_ids))
            return known.connection.retry_status, "try again"
        program.metrics.count("webhook", account=account, event=bell.event, outcome=outcome)
        _log.info(
            f"webhook.{'dropped' if bell.dropped else 'accepted'}",
            account=account,
            webhook_event=bell.event,
            outcome=outcome,
        )
        return (200, "dropped") if bell.dropped else (202, "accepted")

    def _counted(self, account: str, error: WebhookRejected) -> WebhookRejected:
        self._program.metrics.count("webhook", account=account, event=_UNKNOWN, outcome=error.reason)
        _log.warning("webhook.rejected", account=account, reason=error.reason, status=error.status)
        return error


def _body(environ: Mapping[str, Any]) -> bytes:
    try:
        # A stream without Content-Length is cut off at the limit, silently: one byte more shows that there was more.
        body = get_input_stream(dict(environ), max_content_length=MAX_BODY_BYTES + 1).read()
    except RequestEntityTooLarge:
        raise WebhookRejected(413, "size") from None
    except ClientDisconnected:
        raise WebhookRejected(400, "cut short") from None
    if len(body) > MAX_BODY_BYTES:
        raise WebhookRejected(413, "size")
    return body


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers in lower case, as WSGI has them: https://peps.python.org/pep-3333/#environ-variables"""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return headers


def _answer(
    start_response: StartResponse, code: int, name: str, value: str, more: Iterable[tuple[str, str]] = ()
) -> list[bytes]:
    """A small JSON object; ``value`` is always a word of ours."""
    body = f'{{"{name}":"{value}"}}\n'.encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more]
    start_response(f"{code} {HTTP_STATUS_CODES[code]}", headers)
    return [body]
