"""``POST /webhooks/<account>``: verify, find the tickets, mark them durably, answer.

Nothing is read from the helpdesk here; the answer comes as soon as the marks are
committed. If they cannot be, the answer is the status that makes that platform
send the webhook again, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from oneclick_sla_plugin.bootstrap import Program
from oneclick_sla_plugin.errors import StoreError, WebhookRejected

_log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 1024 * 1024
"""A longer webhook is answered with 413: no helpdesk sends one."""

_UNKNOWN = "unknown"
"""The label of whatever a sender chose and we do not know."""


def webhooks(program: Program) -> Blueprint:
    """The blueprint for the webhooks of all accounts of ``program``."""
    blueprint = Blueprint("webhooks", __name__)

    @blueprint.post("/webhooks/<account>")
    def receive(account: str) -> Response:
        known = program.accounts.get(account)
        if known is None:
            raise _counted(program, _UNKNOWN, WebhookRejected(404, "account"))
        headers = _headers(request.environ)
        try:
            body = request.get_data(cache=False)
        except RequestEntityTooLarge:
            raise _counted(program, account, WebhookRejected(413, "size")) from None
        if len(body) > MAX_BODY_BYTES:
            raise _counted(program, account, WebhookRejected(413, "size"))
        try:
            bell = known.connection.receive(headers, body, program.clock())
        except WebhookRejected as error:
            raise _counted(program, account, error) from None
        outcome = bell.dropped or "accepted"
        try:
            program.inbox.accept(account, bell.ticket_ids)
        except StoreError:
            program.metrics.count("webhook", account=account, event=bell.event, outcome="store_error")
            _log.error("webhook.store_error", account=account, tickets=len(bell.ticket_ids))
            return _answer("try again", known.connection.retry_status)
        program.metrics.count("webhook", account=account, event=bell.event, outcome=outcome)
        _log.info(
            f"webhook.{'dropped' if bell.dropped else 'accepted'}",
            account=account,
            webhook_event=bell.event,
            outcome=outcome,
        )
        return _answer("dropped", 200) if bell.dropped else _answer("accepted", 202)

    return blueprint


def _answer(status: str, code: int) -> Response:
    return Response(f'{{"status":"{status}"}}\n', code, content_type="application/json")


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers in lower case, as WSGI has them: https://peps.python.org/pep-3333/#environ-variables"""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return headers


def _counted(program: Program, account: str, error: WebhookRejected) -> WebhookRejected:
    program.metrics.count("webhook", account=account, event=_UNKNOWN, outcome=error.reason)
    _log.warning("webhook.rejected", account=account, reason=error.reason, status=error.status)
    return error
