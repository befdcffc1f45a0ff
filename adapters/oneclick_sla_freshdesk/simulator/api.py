"""What all routes of the API have in common: logins, credits, forms of answers.

A request is counted first, whoever sends it; then its key is looked at. Bodies
are JSON; attachments, and so multipart bodies, are not simulated.
https://developers.freshdesk.com/api/#getting-started
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import http_date

from oneclick_sla_freshdesk.simulator import errors
from oneclick_sla_freshdesk.simulator.account import Account
from oneclick_sla_freshdesk.simulator.errors import RefusalError
from oneclick_sla_freshdesk.simulator.limits import Budget, cost, rate_headers, retry_after
from oneclick_sla_freshdesk.simulator.queries import page_of
from oneclick_sla_freshdesk.simulator.records import Person

ROOT = "/api/v2"
Answer = tuple[Any, int] | tuple[Any, int, dict[str, str]]
"""What a view gives: a value for JSON (``None`` for an empty body), a status, headers."""
Route = tuple[str, str, Callable[..., Answer]]

_ADMINISTRATION = ("admin", "automations", "sla_policies", "settings")


class Api:
    """Admits requests to the routes that are added, and words the answers."""

    def __init__(self, app: Flask, *, account: Account, budget: Budget, keys: Mapping[str, int], base_url: str) -> None:
        """``keys``: API keys, and the ids of their agents."""
        self._app, self._account, self._budget, self._keys = app, account, budget, keys
        self._base_url = base_url
        app.before_request(self._admit)
        app.after_request(self._signed_off)
        app.register_error_handler(RefusalError, _refused)
        app.register_error_handler(HTTPException, _http_error)

    def add(self, routes: Iterable[Route]) -> None:
        """``(method, rule below the API's root, view)``."""
        for method, rule, view in routes:
            path = f"{ROOT}{rule}"
            self._app.add_url_rule(path, f"{method} {path}", _worded(view), methods=[method])

    def page(self, items: Sequence[Any]) -> Answer:
        """One page of a list, with a ``Link`` to the next one."""
        page = page_of(request.args)
        link = page.link(f"{self._base_url}{request.path}", request.args, len(items))
        return page.of(items), 200, link

    def _admit(self) -> None:
        if not request.path.startswith("/api/"):
            return
        rule = request.url_rule.rule if request.url_rule is not None else ""
        named = [name for name in request.args.get("include", "").split(",") if name]
        taken = cost(named, single=rule == f"{ROOT}/tickets/<int:ticket_id>")
        g.admission = self._budget.take(f"{request.method} {rule}", taken)
        if not g.admission.granted:
            behaviour = self._account.behaviour
            wait = retry_after(g.admission) if behaviour.retry_after else None
            raise errors.throttled(wait, html=behaviour.html_refusals)
        login = request.authorization
        key = (login.username or "") if login is not None and login.type == "basic" else ""
        if key not in self._keys:
            raise errors.invalid_credentials()
        g.agent = self._account.person(self._keys[key])
        if request.accept_mimetypes and not request.accept_mimetypes.accept_json:
            raise RefusalError(406)
        if request.content_length and not request.is_json:
            raise errors.coded(415, "invalid_content_type", "The content type is not supported.")
        area = request.path.removeprefix(f"{ROOT}/").split("/")[0]
        if area in _ADMINISTRATION and not g.agent.admin:
            raise errors.access_denied()

    def _signed_off(self, response: Response) -> Response:
        response.headers["Date"] = http_date(self._account.now() + self._account.behaviour.clock_skew)
        if request.path.startswith("/api/"):
            response.headers.setdefault("X-Request-Id", str(uuid.uuid4()))
            response.headers["X-Freshdesk-API-Version"] = "latest=v2; requested=v2"
            if "admission" in g:
                response.headers.extend(rate_headers(g.admission))
        return response


def agent() -> Person:
    """Whose key the request has."""
    person: Person = g.agent
    return person


def body() -> dict[str, Any]:
    """The request's JSON object. ``RefusalError`` (400) when it is something else."""
    given = request.get_json(silent=True) if request.content_length else {}
    if not isinstance(given, dict):
        raise errors.coded(400, "invalid_json", "Request body has invalid json format")
    return given


def _worded(view: Callable[..., Answer]) -> Callable[..., Response]:
    def worded(**variables: Any) -> Response:
        value, status, *headers = view(**variables)
        text = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
        return Response(text, status, headers=headers[0] if headers else {}, content_type=errors.JSON)

    return worded


def _refused(error: RefusalError) -> Response:
    return Response(error.body, error.status, headers=error.headers, content_type=error.content_type)


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        return _refused(errors.method_not_allowed(request.method, error.valid_methods or ()))
    return Response(b"", error.code or 500)
