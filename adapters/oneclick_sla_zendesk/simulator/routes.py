"""The HTTP API of the simulated account.

Every path may end in ``.json``. A request needs a login: a bearer token from
``POST /oauth/tokens``, or an API token; a refusal is JSON in the vendor's words.
https://developer.zendesk.com/api-reference/ticketing/introduction/
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from oneclick_sla_plugin.ports import Clock
from oneclick_sla_zendesk.simulator import shapes
from oneclick_sla_zendesk.simulator.account import CREATE_KEYS, UPDATE_KEYS, Account
from oneclick_sla_zendesk.simulator.bodies import Answer, body, part
from oneclick_sla_zendesk.simulator.configuration import Configuration
from oneclick_sla_zendesk.simulator.errors import RefusalError, conflict, invalid_parameter, unauthenticated
from oneclick_sla_zendesk.simulator.fields import tags_of
from oneclick_sla_zendesk.simulator.limits import Budgets, Call, Limits
from oneclick_sla_zendesk.simulator.oauth import Tokens
from oneclick_sla_zendesk.simulator.paging import Json, export, ids_of, in_order, page
from oneclick_sla_zendesk.simulator.records import Ticket, User
from oneclick_sla_zendesk.simulator.rules import BusinessRules
from oneclick_sla_zendesk.simulator.user_routes import UserRoutes
from oneclick_sla_zendesk.simulator.webhooks import Webhooks

_FINE_SCOPES = ("tickets", "users", "webhooks")


class Api:
    """The routes over an account, and the faults of its ticket updates."""

    def __init__(
        self,
        app: Flask,
        *,
        account: Account,
        tokens: Tokens,
        webhooks: Webhooks,
        rules: BusinessRules,
        base_url: str,
        clock: Clock,
    ) -> None:
        self.limits: Limits | None = None
        self.clock_skew = timedelta(0)
        self._account = account
        self._tokens = tokens
        self._base_url = base_url
        self._clock = clock
        self._budgets = Budgets()
        self._configuration = Configuration(
            account=account, webhooks=webhooks, rules=rules, base_url=base_url, shown=self._shown
        )
        self._users = UserRoutes(account=account, base_url=base_url, clock=clock, shown=self._shown)
        self._lock = threading.Lock()
        self._conflicts: Counter[str] = Counter()
        self._delay = timedelta(0)
        self._delay_before_effect = False
        self._closing = threading.Event()
        app.url_map.strict_slashes = False
        # Wrapping this attribute is Flask's documented way to add a middleware.
        app.wsgi_app = _without_suffix(app.wsgi_app)  # type: ignore[method-assign]
        app.before_request(self._admit)
        app.after_request(self._tell)
        app.register_error_handler(RefusalError, _refused)
        app.register_error_handler(HTTPException, _http_error)
        for method, rule, view in self._routes():
            app.add_url_rule(rule, endpoint=f"{method} {rule}", view_func=view, methods=[method])

    def _routes(self) -> Iterable[tuple[str, str, Callable[..., Answer]]]:
        return (
            ("POST", "/oauth/tokens", self._issue_token),
            ("GET", "/api/v2/tickets", self._list_tickets),
            ("POST", "/api/v2/tickets", self._create_ticket),
            ("GET", "/api/v2/tickets/<int:ticket_id>", self._show_ticket),
            ("GET", "/api/v2/tickets/show_many", self._show_tickets),
            ("PUT", "/api/v2/tickets/<int:ticket_id>", self._update_ticket),
            ("DELETE", "/api/v2/tickets/<int:ticket_id>", self._delete_ticket),
            ("GET", "/api/v2/tickets/<int:ticket_id>/tags", self._list_tags),
            ("PUT", "/api/v2/tickets/<int:ticket_id>/tags", self._add_tags),
            ("POST", "/api/v2/tickets/<int:ticket_id>/tags", self._set_tags),
            ("DELETE", "/api/v2/tickets/<int:ticket_id>/tags", self._remove_tags),
            ("GET", "/api/v2/tickets/<int:ticket_id>/comments", self._list_comments),
            ("GET", "/api/v2/tickets/<int:ticket_id>/audits", self._list_audits),
            ("PUT", "/api/v2/comment_redactions/<int:comment_id>", self._redact_comment),
            ("GET", "/api/v2/incremental/tickets/cursor", self._export_tickets),
            *self._users.routes(),
            *self._configuration.routes(),
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

    def _issue_token(self) -> Answer:
        return self._tokens.issue(body() or request.form.to_dict()), 201

    def _admit(self) -> Response | None:
        """Who asks, and whether they still may."""
        if not request.path.startswith("/api/"):
            return None
        resource = request.path.split("/")[3] if request.path.count("/") > 2 else ""
        fine = resource if resource in _FINE_SCOPES and not request.path.endswith("/audits") else ""
        user_id = self._tokens.admit(request.headers.get("Authorization", ""), request.method, fine)
        g.user = self._account.user(user_id)
        if g.user.suspended or not g.user.active:
            raise unauthenticated()
        if self.limits is None:
            return None
        with self._lock:
            refusal, g.limit_headers = self._budgets.spend(self.limits, _call(user_id), self._clock())
        return Response(refusal.body, 429, mimetype=refusal.media_type) if refusal is not None else None

    def _tell(self, response: Response) -> Response:
        """Every answer carries the account's time, and how its limits stand."""
        response.headers["Date"] = format_datetime(self._clock() + self.clock_skew, usegmt=True)
        response.headers.update(g.get("limit_headers", {}))
        return response

    # --- tickets ---

    def _list_tickets(self) -> Answer:
        return page("tickets", [self._shown(item) for item in self._listed()], self._base_url), 200

    def _listed(self) -> list[Ticket]:
        order = request.args.get("sort", "id")
        if order not in ("id", "-id"):
            raise invalid_parameter("sort")
        return sorted(self._account.tickets(), key=lambda ticket: ticket.id, reverse=order.startswith("-"))

    def _export_tickets(self) -> Answer:
        without_deleted = request.args.get("exclude_deleted") == "true"
        tickets = self._account.tickets() if without_deleted else self._account.all_tickets()
        return export("tickets", tickets, self._shown, self._base_url, self._clock()), 200

    def _show_ticket(self, ticket_id: int) -> Answer:
        ticket = self._account.ticket(ticket_id)
        shown: Json = {"ticket": self._shown(ticket)}
        wanted = request.args.get("include", "").split(",")
        people = self._account.users(dict.fromkeys((ticket.requester_id, ticket.submitter_id)))
        if "users" in wanted:
            shown["users"] = self._users.as_json(people)
        if "organizations" in wanted:
            homes = [user.organization_id for user in people if user.organization_id is not None]
            found = self._account.organizations(dict.fromkeys(homes))
            shown["organizations"] = [shapes.organization_json(organization) for organization in found]
        return shown, 200

    def _show_tickets(self) -> Answer:
        wanted = set(ids_of("ids"))
        found = [self._shown(ticket) for ticket in self._account.tickets() if ticket.id in wanted]
        return page("tickets", found, self._base_url), 200

    def _create_ticket(self) -> Answer:
        """Make a ticket. With ``via`` it comes in as if the requester had written it in that channel.

        ``{"ticket": {"subject": "…", "comment": {"body": "…"}, "requester": {"name": "…", "email": "…"},
        "via": {"channel": "email"}}}``; ``via`` is an extension of the simulator, the real API ignores it.
        """
        given = part("ticket")
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

    def _update_ticket(self, ticket_id: int) -> Answer:
        self._account.ticket(ticket_id)
        given = part("ticket")
        self._wait(before_effect=True)
        if self._is_conflict("DatabaseConflict"):
            raise conflict("DatabaseConflict")
        if "safe_update" in given and self._is_conflict("UpdateConflict"):
            raise conflict("UpdateConflict")
        _, audit = self._account.update_ticket(ticket_id, given, actor=g.user, channel="api")
        shown = {"ticket": self._ticket(ticket_id), "audit": shapes.audit_json(audit) if audit else None}
        self._wait(before_effect=False)
        return shown, 200, _warning(given, UPDATE_KEYS)

    def _delete_ticket(self, ticket_id: int) -> Answer:
        self._account.delete_ticket(ticket_id, actor=g.user)
        return "", 204

    # --- tags: https://developer.zendesk.com/api-reference/ticketing/ticket-management/tags/ ---

    def _list_tags(self, ticket_id: int) -> Answer:
        return {"tags": sorted(self._account.ticket(ticket_id).tags)}, 200

    def _add_tags(self, ticket_id: int) -> Answer:
        return self._change_tags(ticket_id, lambda standing, given: standing | given), 200

    def _set_tags(self, ticket_id: int) -> Answer:
        return self._change_tags(ticket_id, lambda _, given: given), 201

    def _remove_tags(self, ticket_id: int) -> Answer:
        return self._change_tags(ticket_id, lambda standing, given: standing - given), 200

    def _change_tags(self, ticket_id: int, change: Callable[[frozenset[str], frozenset[str]], frozenset[str]]) -> Json:
        """An update of its own, safe on the same terms as one of the whole ticket."""
        given = body()
        with self._account.lock:
            tags = change(self._account.ticket(ticket_id).tags, tags_of(given.get("tags")))
            update: Json = {name: given[name] for name in ("safe_update", "updated_stamp") if name in given}
            update["tags"] = sorted(tags)
            after, _ = self._account.update_ticket(ticket_id, update, actor=g.user, channel="api")
        return {"tags": sorted(after.tags)}

    # --- comments and audits ---

    def _list_comments(self, ticket_id: int) -> Answer:
        comments = [shapes.comment_json(item) for item in self._account.ticket(ticket_id).comments]
        shown = page("comments", in_order(comments), self._base_url)
        if "users" in request.args.get("include", "").split(","):
            authors = dict.fromkeys(comment["author_id"] for comment in shown["comments"])
            shown["users"] = self._users.as_json(self._account.users(authors))
        return shown, 200

    def _redact_comment(self, comment_id: int) -> Answer:
        """https://developer.zendesk.com/api-reference/ticketing/tickets/comment_redactions/"""
        given = body()
        ticket_id, html = given.get("ticket_id"), given.get("html_body")
        if not isinstance(ticket_id, int):
            raise invalid_parameter("ticket_id")
        if not isinstance(html, str):
            raise invalid_parameter("html_body")
        comment = self._account.redact_comment(ticket_id, comment_id, html, actor=g.user)
        return {"comment": shapes.comment_json(comment)}, 200

    def _list_audits(self, ticket_id: int) -> Answer:
        audits = [shapes.audit_json(item) for item in self._account.ticket(ticket_id).audits]
        return page("audits", in_order(audits), self._base_url), 200

    def _ticket(self, ticket_id: int) -> Json:
        with self._account.lock:
            return self._shown(self._account.ticket(ticket_id))

    def _shown(self, ticket: Ticket) -> Json:
        return shapes.ticket_json(ticket, self._account.fields(), self._base_url)


def _warning(given: Mapping[str, Any], permitted: frozenset[str]) -> dict[str, str]:
    removed = sorted(given.keys() - permitted)
    return {"X-Zendesk-API-Warn": f"Removed restricted keys {json.dumps(removed)} from parameters"} if removed else {}


def _call(user_id: int) -> Call:
    """The request as the limits count it."""
    match (request.method, request.url_rule.rule if request.url_rule is not None else ""):
        case ("PUT", "/api/v2/tickets/<int:ticket_id>"):
            return Call(user_id, "tickets-update", (request.view_args or {})["ticket_id"])
        case ("GET", "/api/v2/tickets"):
            return Call(user_id, "tickets-index")
        case ("GET", "/api/v2/incremental/tickets/cursor"):
            return Call(user_id, "incremental-exports")
    return Call(user_id)


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
