"""The HTTP API of the simulated account.

Every path may end in ``.json``. A request needs a bearer token from
``POST /oauth/tokens``; a refusal is JSON in the vendor's words.
https://developer.zendesk.com/api-reference/ticketing/introduction/
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from oneclick_sla_zendesk.simulator import shapes
from oneclick_sla_zendesk.simulator.account import CREATE_KEYS, UPDATE_KEYS, Account
from oneclick_sla_zendesk.simulator.errors import RefusalError, conflict, invalid_parameter
from oneclick_sla_zendesk.simulator.oauth import Tokens
from oneclick_sla_zendesk.simulator.records import User
from oneclick_sla_zendesk.simulator.webhooks import Webhooks, invocation_json, webhook_json

_LARGEST_PAGE = 100
_Json = dict[str, Any]
_Answer = tuple[_Json, int] | tuple[_Json, int, dict[str, str]] | tuple[str, int]
_FINE_SCOPES = ("tickets", "users", "webhooks")


class Api:
    """The routes over an account, and the faults of its ticket updates."""

    def __init__(self, app: Flask, *, account: Account, tokens: Tokens, webhooks: Webhooks, base_url: str) -> None:
        self._account = account
        self._tokens = tokens
        self._webhooks = webhooks
        self._base_url = base_url
        self._lock = threading.Lock()
        self._conflicts: Counter[str] = Counter()
        self._delay = timedelta(0)
        self._delay_before_effect = False
        self._closing = threading.Event()
        app.url_map.strict_slashes = False
        # Wrapping this attribute is Flask's documented way to add a middleware.
        app.wsgi_app = _without_suffix(app.wsgi_app)  # type: ignore[method-assign]
        app.before_request(self._admit)
        app.register_error_handler(RefusalError, _refused)
        app.register_error_handler(HTTPException, _http_error)
        for method, rule, view in self._routes():
            app.add_url_rule(rule, endpoint=f"{method} {rule}", view_func=view, methods=[method])

    def _routes(self) -> Iterable[tuple[str, str, Callable[..., _Answer]]]:
        return (
            ("POST", "/oauth/tokens", self._issue_token),
            ("GET", "/api/v2/tickets", self._list_tickets),
            ("POST", "/api/v2/tickets", self._create_ticket),
            ("GET", "/api/v2/tickets/<int:ticket_id>", self._show_ticket),
            ("PUT", "/api/v2/tickets/<int:ticket_id>", self._update_ticket),
            ("GET", "/api/v2/tickets/<int:ticket_id>/comments", self._list_comments),
            ("GET", "/api/v2/tickets/<int:ticket_id>/audits", self._list_audits),
            ("GET", "/api/v2/users/me", self._show_me),
            ("GET", "/api/v2/users/show_many", self._show_users),
            ("GET", "/api/v2/users/<int:user_id>", self._show_user),
            ("GET", "/api/v2/ticket_fields", self._list_fields),
            ("POST", "/api/v2/ticket_fields", self._create_field),
            ("GET", "/api/v2/ticket_fields/<int:field_id>", self._show_field),
            ("PUT", "/api/v2/ticket_fields/<int:field_id>", self._update_field),
            ("GET", "/api/v2/webhooks", self._list_webhooks),
            ("POST", "/api/v2/webhooks", self._create_webhook),
            ("GET", "/api/v2/webhooks/<webhook_id>", self._show_webhook),
            ("PATCH", "/api/v2/webhooks/<webhook_id>", self._update_webhook),
            ("DELETE", "/api/v2/webhooks/<webhook_id>", self._delete_webhook),
            ("GET", "/api/v2/webhooks/<webhook_id>/signing_secret", self._show_secret),
            ("POST", "/api/v2/webhooks/<webhook_id>/signing_secret", self._renew_secret),
            ("GET", "/api/v2/webhooks/<webhook_id>/invocations", self._list_invocations),
        )

    # --- faults ---

    def conflict_next(self, times: int, error: str) -> None:
        with self._lock:
            self._conflicts[error] += times

    def delay_writes(self, duration: timedelta, *, before_effect: bool) -> None:
        with self._lock:
            self._delay, self._delay_before_effect = duration, before_effect

    def close(self) -> None:
        """Let the delayed answers go."""
        self._closing.set()

    def _is_conflict(self, error: str) -> bool:
        with self._lock:
            injected = self._conflicts[error] > 0
            self._conflicts[error] -= injected
            return injected

    def _wait(self, *, before_effect: bool) -> None:
        with self._lock:
            delay = self._delay if self._delay_before_effect is before_effect else timedelta(0)
        if delay:
            self._closing.wait(delay.total_seconds())

    # --- tokens ---

    def _issue_token(self) -> _Answer:
        return self._tokens.issue(_body() or request.form.to_dict()), 201

    def _admit(self) -> None:
        if request.path.startswith("/api/"):
            resource = request.path.split("/")[3] if request.path.count("/") > 2 else ""
            fine = resource if resource in _FINE_SCOPES and not request.path.endswith("/audits") else ""
            user_id = self._tokens.admit(request.headers.get("Authorization", ""), request.method, fine)
            g.user = self._account.user(user_id)

    # --- tickets ---

    def _list_tickets(self) -> _Answer:
        return self._page("tickets", [self._ticket(item.id) for item in self._account.tickets()]), 200

    def _show_ticket(self, ticket_id: int) -> _Answer:
        return {"ticket": self._ticket(ticket_id)}, 200

    def _create_ticket(self) -> _Answer:
        """Make a ticket. With ``via`` it comes in as if the requester had written it in that channel.

        ``{"ticket": {"subject": "…", "comment": {"body": "…"}, "requester": {"name": "…", "email": "…"},
        "via": {"channel": "email"}}}``; ``via`` is an extension of the simulator, the real API ignores it.
        """
        given = _part("ticket")
        actor: User = g.user
        wanted = given.get("requester")
        requester = actor
        if isinstance(wanted, Mapping) and wanted.get("email"):
            requester = self._account.requester(str(wanted.get("name") or ""), str(wanted["email"]))
        elif isinstance(given.get("requester_id"), int):
            requester = self._account.user(given["requester_id"])
        via = given.get("via")
        channel = str(via["channel"]) if isinstance(via, Mapping) and via.get("channel") else ""
        ticket = self._account.create_ticket(
            given, actor=requester if channel else actor, requester=requester, channel=channel or "api"
        )
        shown = {"ticket": self._ticket(ticket.id), "audit": shapes.audit_json(ticket.audits[0])}
        return shown, 201, _warning(given, CREATE_KEYS)

    def _update_ticket(self, ticket_id: int) -> _Answer:
        self._account.ticket(ticket_id)
        given = _part("ticket")
        self._wait(before_effect=True)
        if self._is_conflict("DatabaseConflict"):
            raise conflict("DatabaseConflict")
        if "safe_update" in given and self._is_conflict("UpdateConflict"):
            raise conflict("UpdateConflict")
        _, audit = self._account.update_ticket(ticket_id, given, actor=g.user, channel="api")
        shown = {"ticket": self._ticket(ticket_id), "audit": shapes.audit_json(audit) if audit else None}
        self._wait(before_effect=False)
        return shown, 200, _warning(given, UPDATE_KEYS)

    def _list_comments(self, ticket_id: int) -> _Answer:
        comments = [shapes.comment_json(item) for item in self._account.ticket(ticket_id).comments]
        shown = self._page("comments", _sorted(comments))
        if "users" in request.args.get("include", "").split(","):
            authors = dict.fromkeys(comment["author_id"] for comment in shown["comments"])
            shown["users"] = [shapes.user_json(user) for user in self._account.users(authors)]
        return shown, 200

    def _list_audits(self, ticket_id: int) -> _Answer:
        audits = [shapes.audit_json(item) for item in self._account.ticket(ticket_id).audits]
        return self._page("audits", _sorted(audits)), 200

    def _ticket(self, ticket_id: int) -> _Json:
        with self._account.lock:
            return shapes.ticket_json(self._account.ticket(ticket_id), self._account.fields(), self._base_url)

    # --- users ---

    def _show_me(self) -> _Answer:
        return {"user": shapes.user_json(g.user)}, 200

    def _show_user(self, user_id: int) -> _Answer:
        return {"user": shapes.user_json(self._account.user(user_id))}, 200

    def _show_users(self) -> _Answer:
        ids = [int(text) for text in request.args.get("ids", "").split(",") if text.strip().isdigit()]
        return self._page("users", [shapes.user_json(user) for user in self._account.users(ids)]), 200

    # --- ticket fields ---

    def _list_fields(self) -> _Answer:
        return self._page("ticket_fields", [self._field(item.id) for item in self._account.fields()]), 200

    def _create_field(self) -> _Answer:
        return {"ticket_field": self._field(self._account.create_field(_part("ticket_field")).id)}, 201

    def _show_field(self, field_id: int) -> _Answer:
        return {"ticket_field": self._field(field_id)}, 200

    def _update_field(self, field_id: int) -> _Answer:
        return {"ticket_field": self._field(self._account.update_field(field_id, _part("ticket_field")).id)}, 200

    def _field(self, field_id: int) -> _Json:
        return shapes.field_json(self._account.field(field_id), self._base_url)

    # --- webhooks ---

    def _list_webhooks(self) -> _Answer:
        wanted = request.args.get("filter[name_contains]", "").lower()
        with self._account.lock:
            found = [webhook_json(item) for item in self._webhooks.all() if wanted in item.name.lower()]
        return self._page("webhooks", found), 200

    def _create_webhook(self) -> _Answer:
        with self._account.lock:
            return {"webhook": webhook_json(self._webhooks.create(_part("webhook")))}, 201

    def _show_webhook(self, webhook_id: str) -> _Answer:
        with self._account.lock:
            return {"webhook": webhook_json(self._webhooks.get(webhook_id))}, 200

    def _update_webhook(self, webhook_id: str) -> _Answer:
        with self._account.lock:
            self._webhooks.update(webhook_id, _part("webhook"))
        return "", 204

    def _delete_webhook(self, webhook_id: str) -> _Answer:
        with self._account.lock:
            self._webhooks.delete(webhook_id)
        return "", 204

    def _show_secret(self, webhook_id: str) -> _Answer:
        with self._account.lock:
            secret = self._webhooks.get(webhook_id).signing_secret
        return {"signing_secret": {"secret": secret, "algorithm": "SHA256"}}, 200

    def _renew_secret(self, webhook_id: str) -> _Answer:
        with self._account.lock:
            secret = self._webhooks.renew_secret(webhook_id).signing_secret
        return {"signing_secret": {"secret": secret, "algorithm": "SHA256"}}, 201

    def _list_invocations(self, webhook_id: str) -> _Answer:
        with self._account.lock:
            found = [invocation_json(item) for item in self._webhooks.invocations(webhook_id)]
        return self._page("invocations", found), 200

    # --- pages ---

    def _page(self, name: str, items: Sequence[_Json]) -> _Json:
        """Cursor pages when ``page[size]`` asks for them, else the first hundred in the older form."""
        if "page[size]" not in request.args:
            return {
                name: list(items[:_LARGEST_PAGE]),
                "next_page": None,
                "previous_page": None,
                "count": len(items),
            }
        size = request.args.get("page[size]", type=int)
        if size is None or not 1 <= size <= _LARGEST_PAGE:
            raise invalid_parameter("page[size]")
        start = 0
        if after := request.args.get("page[after]"):
            places = [number for number, item in enumerate(items) if str(item["id"]) == _uncursor(after)]
            if not places:
                raise invalid_parameter("page[after]")
            start = places[0] + 1
        chosen = items[start : start + size]
        cursor = _cursor(str(chosen[-1]["id"])) if chosen else None
        more = start + size < len(items)
        query = urlencode({**request.args.to_dict(), "page[after]": cursor or ""})
        next_url = f"{self._base_url}{request.path}.json?{query}" if more else None
        return shapes.page_json(name, chosen, more=more, cursor=cursor, next_url=next_url)


def _body() -> _Json:
    given = request.get_json(silent=True) if request.is_json else {}
    if given is None:
        raise RefusalError(400, {"error": "InvalidRequest", "description": "The body is not JSON"})
    return given if isinstance(given, dict) else {}


def _part(name: str) -> _Json:
    """The object under its wrapper; without the wrapper nothing is asked for, and that is no error."""
    given = _body().get(name)
    return given if isinstance(given, dict) else {}


def _warning(given: Mapping[str, Any], permitted: frozenset[str]) -> dict[str, str]:
    removed = sorted(given.keys() - permitted)
    return {"X-Zendesk-API-Warn": f"Removed restricted keys {json.dumps(removed)} from parameters"} if removed else {}


def _sorted(items: list[_Json]) -> list[_Json]:
    """The oldest first, unless ``sort=-created_at``."""
    order = request.args.get("sort", "created_at")
    if order not in ("created_at", "-created_at"):
        raise invalid_parameter("sort")
    return items[::-1] if order.startswith("-") else items


def _cursor(item_id: str) -> str:
    return base64.urlsafe_b64encode(f"after:{item_id}".encode()).decode()


def _uncursor(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor).decode().removeprefix("after:")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_parameter("page[after]") from None


def _refused(error: RefusalError) -> Response:
    return Response(json.dumps(dict(error.body)), error.status, mimetype="application/json")


def _http_error(error: HTTPException) -> Response:
    name = "InvalidEndpoint" if error.code == 404 else error.name.replace(" ", "")
    return Response(
        json.dumps({"error": name, "description": error.name}), error.code or 500, mimetype="application/json"
    )


def _without_suffix(wsgi_app: Callable[..., Any]) -> Callable[..., Any]:
    def stripped(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].removesuffix(".json")
        return wsgi_app(environ, start_response)

    return stripped
