"""The part of the simulated API about users.

https://developer.zendesk.com/api-reference/ticketing/users/users/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import g, request

from oneclick_sla_plugin.ports import Clock
from oneclick_sla_zendesk.simulator import shapes
from oneclick_sla_zendesk.simulator.account import Account
from oneclick_sla_zendesk.simulator.bodies import Answer, part
from oneclick_sla_zendesk.simulator.errors import record_invalid
from oneclick_sla_zendesk.simulator.paging import Json, export, ids_of, page
from oneclick_sla_zendesk.simulator.records import Ticket, User

Route = tuple[str, str, Callable[..., Answer]]


class UserRoutes:
    """Routes over the account's users; ``shown`` gives a ticket as the API does."""

    def __init__(self, *, account: Account, base_url: str, clock: Clock, shown: Callable[[Ticket], Json]) -> None:
        self._account = account
        self._base_url = base_url
        self._clock = clock
        self._shown = shown

    def routes(self) -> Iterable[Route]:
        return (
            ("GET", "/api/v2/users", self._list),
            ("POST", "/api/v2/users", self._create),
            ("POST", "/api/v2/users/create_or_update", self._create_or_update),
            ("GET", "/api/v2/users/me", self._show_me),
            ("GET", "/api/v2/users/show_many", self._show_many),
            ("GET", "/api/v2/users/search", self._search),
            ("GET", "/api/v2/users/<int:user_id>", self._show),
            ("GET", "/api/v2/users/<int:user_id>/tickets/requested", self._list_requested),
            ("GET", "/api/v2/incremental/users/cursor", self._export),
        )

    def as_json(self, users: Iterable[User]) -> list[Json]:
        return [shapes.user_json(user, self._base_url) for user in users]

    def _list(self) -> Answer:
        return page("users", self.as_json(self._account.all_users()), self._base_url), 200

    def _create(self) -> Answer:
        """``RefusalError`` (422) when somebody has the address already."""
        given = part("user")
        email = str(given.get("email") or "")
        if any(user.email == email for user in self._account.all_users()):
            raise record_invalid("email", "Email: is already being used by another user")
        return self._create_or_update()

    def _create_or_update(self) -> Answer:
        """An end user, known by the address. ``RefusalError`` (422) without a name or an address."""
        given = part("user")
        for name in ("name", "email"):
            if not given.get(name):
                raise record_invalid(name, f"{name.capitalize()}: cannot be blank")
        with self._account.lock:
            known = {user.id for user in self._account.all_users()}
            user = self._account.requester(str(given["name"]), str(given["email"]))
            user = self._account.change_user(user.id, name=str(given["name"]))
        return {"user": shapes.user_json(user, self._base_url)}, 200 if user.id in known else 201

    def _show_me(self) -> Answer:
        return {"user": shapes.user_json(g.user, self._base_url)}, 200

    def _show(self, user_id: int) -> Answer:
        return {"user": shapes.user_json(self._account.user(user_id), self._base_url)}, 200

    def _show_many(self) -> Answer:
        return page("users", self.as_json(self._account.users(ids_of("ids"))), self._base_url), 200

    def _search(self) -> Answer:
        """By a part of the name or address, or by the whole address after ``email:``."""
        query = request.args.get("query", "").casefold()
        email = query.removeprefix("email:")
        found = [
            user
            for user in self._account.all_users()
            if (user.email.casefold() == email if email != query else query in f"{user.name} {user.email}".casefold())
        ]
        return page("users", self.as_json(found), self._base_url), 200

    def _list_requested(self, user_id: int) -> Answer:
        user = self._account.user(user_id)
        found = [self._shown(ticket) for ticket in self._account.tickets() if ticket.requester_id == user.id]
        return page("tickets", found, self._base_url), 200

    def _export(self) -> Answer:
        users = self._account.all_users()
        return export("users", users, lambda user: self.as_json([user])[0], self._base_url, self._clock()), 200
