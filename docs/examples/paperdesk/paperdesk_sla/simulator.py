"""A simulated Paperdesk over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import abort, request

from oneclick_sla_plugin.domain.model import Channel, Field, Priority
from oneclick_sla_plugin.ports import AgentView, Clock, Request
from oneclick_sla_plugin.testing.deliveries import Delivery
from oneclick_sla_plugin.testing.sandbox import LoopbackSandbox


@dataclass
class _Ticket:
    shown: dict[str, Any]
    writes: int = 0
    deleted: bool = False


@dataclass
class _Desk:
    lock: threading.RLock = field(default_factory=threading.RLock)
    tickets: dict[int, _Ticket] = field(default_factory=dict)
    hook: dict[str, str] = field(default_factory=dict)


class PaperdeskSandbox(LoopbackSandbox):
    agent_token = ""
    write_operation = "PATCH /tickets/{ticket_id}"

    def __init__(self, *, port: int, clock: Clock) -> None:
        super().__init__("paperdesk", port=port, webhook_timeout=timedelta(seconds=5))
        self._clock, self._desk = clock, _Desk()
        app = self._server.app
        app.before_request(self._admit)
        app.add_url_rule("/tickets/<int:ticket_id>", "show", self._show, methods=["GET"])
        app.add_url_rule("/tickets/<int:ticket_id>", "patch", self._patch, methods=["PATCH"])
        app.add_url_rule("/tickets", "list", self._list, methods=["GET"])
        app.add_url_rule("/hook", "hook", self._hook, methods=["GET", "PUT", "DELETE"])
        self._server.start()

    def settings(self) -> Mapping[str, Any]:
        return {"base_url": self.base_url}

    def secrets(self) -> Mapping[str, str]:
        return {"token": "sandbox-token"}

    # --- people ---

    def open_ticket(
        self, *, channel: Channel, subject: str, text: str, recipient: str | None = None, tags: Iterable[str] = ()
    ) -> str:
        with self._desk.lock:
            number, now = len(self._desk.tickets) + 1, self._clock().isoformat()
            shown = {
                "id": number,
                "created_at": now,
                "via": "chat" if channel is Channel.CHAT else "email",
                "subject": subject,
                "solved_at": None,
                "urgency": None,
                "labels": sorted(tags),
                "customer": number,
                "posts": [],
                "app_data": None,
                "revision": 0,
            }
            self._desk.tickets[number] = _Ticket(shown)
            self._add(str(number), "customer", text)
        return str(number)

    def customer_replies(self, ticket_id: str, text: str) -> None:
        self._add(ticket_id, "customer", text)

    def agent_replies(self, ticket_id: str, text: str, *, public: bool = True) -> None:
        self._add(ticket_id, "agent", text, internal=not public)

    def agent_edits(
        self,
        ticket_id: str,
        *,
        priority: Priority | None = None,
        fields: Mapping[Field, str] | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
    ) -> None:
        with self._desk.lock:
            shown = self._desk.tickets[int(ticket_id)].shown
            shown["labels"] = sorted({*shown["labels"], *add_tags} - {*remove_tags})
            shown["urgency"] = priority.value if priority else shown["urgency"]
            self._changed(shown)

    def agent_solves(self, ticket_id: str) -> None:
        with self._desk.lock:
            shown = self._desk.tickets[int(ticket_id)].shown
            shown["solved_at"] = self._clock().isoformat()
            self._changed(shown)

    def agent_deletes(self, ticket_id: str) -> None:
        self._desk.tickets[int(ticket_id)].deleted = True

    def view(self, ticket_id: str) -> AgentView:
        ticket = self._desk.tickets[int(ticket_id)]
        shown = ticket.shown
        notes = [post["text"] for post in shown["posts"] if post["by"] == "app" and post["internal"]]
        words = (shown["subject"], shown["via"], "solved" if shown["solved_at"] else "open", shown["urgency"])
        return AgentView(ticket_id, *words, tuple(shown["labels"]), {}, notes, ticket.writes)

    def _add(self, ticket_id: str, by: str, text: str, *, internal: bool = False) -> None:
        with self._desk.lock:
            shown = self._desk.tickets[int(ticket_id)].shown
            at = self._clock().isoformat()
            post = {"id": len(shown["posts"]) + 1, "at": at, "by": by, "internal": internal, "text": text}
            shown["posts"].append(post)
            self._changed(shown)

    def _changed(self, shown: dict[str, Any]) -> None:
        shown["revision"] += 1
        shown["changed_at"] = self._clock().isoformat()
        hook = dict(self._desk.hook)
        if hook:
            parts = urlsplit(hook["url"])
            headers = {"content-type": "application/json", "x-paperdesk-secret": hook["secret"]}
            told = Request("POST", parts.path, "webhook", headers=headers, body=b'{"ticket": %d}' % shown["id"])
            address = f"{parts.scheme}://{parts.netloc}"
            self._sender.submit("hook", [Delivery(address, lambda: told, lambda _: None, lambda _: None)])

    # --- the API ---

    def _admit(self) -> None:
        if request.headers.get("Authorization") != "Bearer sandbox-token":
            abort(401)

    def _found(self, ticket_id: int) -> _Ticket:
        ticket = self._desk.tickets.get(ticket_id)
        if ticket is None or ticket.deleted:
            abort(404)
        return ticket

    def _show(self, ticket_id: int) -> dict[str, Any]:
        with self._desk.lock:
            return self._found(ticket_id).shown

    def _patch(self, ticket_id: int) -> dict[str, Any]:
        given = request.get_json()
        with self._desk.lock:
            ticket = self._found(ticket_id)
            if given["revision"] != str(ticket.shown["revision"]):
                abort(409)
            ticket.writes += 1
            ticket.shown |= {name: given[name] for name in ("urgency", "labels", "app_data")}
            for post in given["posts"]:
                self._add(str(ticket_id), "app", post["text"], internal=post["internal"])
            self._changed(ticket.shown)
            return {}

    def _list(self) -> dict[str, Any]:
        since, after = request.args.get("since"), int(request.args.get("after") or 0)
        with self._desk.lock:
            ids = [
                number
                for number, ticket in self._desk.tickets.items()
                if number > after
                and not ticket.deleted
                and (
                    since is None or datetime.fromisoformat(ticket.shown["changed_at"]) >= datetime.fromisoformat(since)
                )
                and not ("unsolved" in request.args and ticket.shown["solved_at"])
            ]
        page = ids[:2]
        return {"ids": page, "after": page[-1] if page else after, "more": len(ids) > len(page)}

    def _hook(self) -> dict[str, Any]:
        if request.method == "PUT":
            self._desk.hook = request.get_json()
        elif request.method == "DELETE":
            self._desk.hook = {}
        return {"url": self._desk.hook.get("url")}
