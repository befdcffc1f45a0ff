"""The plugin's API (PROTOCOL.md, sections 3, 4 and 6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, request

from oneclick_sla_osticket.simulator.desk import FIELDS, OBJECTS, PRIORITIES, STATUSES, TOPICS, Desk, Refusal, text_of
from oneclick_sla_osticket.simulator.orders import apply, parse_instant, parse_object
from oneclick_sla_osticket.simulator.outbox import Outbox

MOUNTS = ("/api/tickets", "/api", "/api/http.php")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_LARGEST_BODY = 262_144
_WINDOW_SECONDS = 300
_MOST_SIGNATURES = 4
_LARGEST_PAGE = 500
_VERSIONS = {"plugin": "0.1.0", "osticket": "1.18.1", "php": "8.2.36"}
_TIME_ZONE = {"default": "UTC", "database": "UTC", "database_offset": 0, "assumed_offset": 0}
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_CURSOR = re.compile(r"(\d{1,12}):(\d{1,12})", re.ASCII)

Handler = Callable[..., Mapping[str, Any]]


class Api:
    """Routes of the plugin on a Flask application."""

    def __init__(self, app: Flask, desk: Desk, outbox: Outbox, key: bytes) -> None:
        self.clock_skew = timedelta(0)
        self._desk = desk
        self._outbox = outbox
        self._key = key
        routes: Mapping[str, Mapping[str, Handler]] = {
            "/sla/health": {"GET": self._health},
            "/sla/meta": {"GET": self._meta},
            "/sla/events": {"GET": self._events},
            "/sla/tickets": {"GET": self._tickets},
            "/sla/tickets/<name>": {"GET": self._ticket},
            "/sla/tickets/<int:ticket_id>/changes": {"POST": self._change},
            "/sla/people/<int:person_id>": {"GET": self._person},
            "/sla/installation": {"GET": self._installation, "POST": self._install},
            "/sla/ping": {"POST": self._ping},
            "/sla/<path:rest>": {},
        }
        for mount in MOUNTS:
            for path, handlers in routes.items():
                view = self._view(handlers)
                app.add_url_rule(mount + path, f"{mount}{path}", view, methods=METHODS, provide_automatic_options=False)

    def _view(self, handlers: Mapping[str, Handler]) -> Callable[..., Response]:
        def view(**captures: Any) -> Response:
            try:
                return _answer(200, self._answered(handlers, captures))
            except Refusal as refusal:
                return _answer(refusal.status, {"error": refusal.word, **refusal.facts})

        return view

    def _answered(self, handlers: Mapping[str, Handler], captures: Mapping[str, Any]) -> Mapping[str, Any]:
        self._verify()
        if not handlers:
            raise Refusal(404, "no_route")
        handler = handlers.get(request.method)
        if handler is None:
            raise Refusal(405, "method")
        if handler == self._ping:  # it waits for an answer, whose sender may come to read tickets meanwhile
            return handler()
        with self._desk.lock:
            return handler(**captures)

    def _verify(self) -> None:
        if (request.content_length or 0) > _LARGEST_BODY:
            raise Refusal(413, "size")
        timestamp = request.headers.get("Oneclick-Sla-Timestamp", "")
        signatures = request.headers.get("Oneclick-Sla-Signature", "")
        if not timestamp or not signatures:
            raise Refusal(401, "unsigned")
        sent = str(request.environ["RAW_URI"])
        target = sent[sent.index("/sla/") :]
        content = f"{request.method}\n{target}\n{timestamp}\n".encode() + request.get_data()
        mac = base64.b64encode(hmac.new(self._key, content, hashlib.sha256).digest()).decode()
        given = signatures.split(" ")[:_MOST_SIGNATURES]
        if not _SECONDS.fullmatch(timestamp) or f"v1,{mac}" not in given:
            raise Refusal(401, "signature")
        now = self._seconds()
        if abs(now - int(timestamp)) > _WINDOW_SECONDS:
            raise Refusal(401, "stale", time=now)

    def _seconds(self) -> int:
        return int((self._desk.now() + self.clock_skew).timestamp())

    # --- reading ---

    def _health(self) -> Mapping[str, Any]:
        _only()
        outbox, missing = self._outbox, [name for name in OBJECTS if name not in self._desk.standing]
        summary = outbox.summary()
        local = outbox.url.startswith(("http://127.0.0.1", "http://localhost"))
        failing = outbox.on and (summary["last_failed_at"] or "") > (summary["last_delivered_at"] or "")
        words = {
            "no_webhook_url": not outbox.url,
            "plain_http": outbox.url.startswith("http:") and not local,
            "objects_missing": bool(missing),
            "delivery_failing": failing,
            "events_given_up": summary["given_up"] > 0,
        }
        now = self._seconds()
        return {
            **_VERSIONS,
            "delivery": {"on": outbox.on, "url": outbox.url, "after_response": True},
            "outbox": summary,
            "cron": {"last_run_at": text_of(self._desk.now()), "last_automatic_run_at": None},
            "clock": {"now": now, "database": now, "window_seconds": _WINDOW_SECONDS},
            "time_zone": _TIME_ZONE,
            "secrets": 1,
            "note_alerts": True,
            "missing": missing,
            "problems": [word for word, true in words.items() if true],
        }

    def _meta(self) -> Mapping[str, Any]:
        _only()
        own = [("subject", "Issue Summary", "text"), ("message", "Issue Details", "thread")]
        fields = [
            *(
                (name, label, kind, (), False)
                for name, label, kind in [*own, ("priority", "Priority Level", "priority")]
            ),
            *((name, *rest, True) for name, rest in FIELDS.items() if self._desk.has_field(name)),
        ]
        keys = ("id", "name", "label", "type", "choices", "ours")
        return {
            **_VERSIONS,
            "time_zone": _TIME_ZONE,
            "poster": "One Click SLA",
            "priorities": PRIORITIES,
            "statuses": STATUSES,
            "departments": [{"id": 1, "name": "Support"}],
            "topics": [{"id": n, "name": name} for n, name in enumerate(TOPICS, 1)],
            "recipients": ["support@example.com"],
            "fields": [dict(zip(keys, (20 + n, *field), strict=True)) for n, field in enumerate(fields)],
            "limits": {},
        }

    def _events(self) -> Mapping[str, Any]:
        _only("after", "limit")
        return self._outbox.after(_number("after", 0, 10**18, 0), _number("limit", 1, _LARGEST_PAGE, 100))

    def _tickets(self) -> Mapping[str, Any]:
        _only("changed_since", "unsolved", "cursor", "limit")
        limit, cursor = _number("limit", 1, _LARGEST_PAGE, 100), request.args.get("cursor")
        if request.args.get("unsolved") == "1" and "changed_since" not in request.args:
            return self._unsolved(cursor, limit)
        since = parse_instant(request.args.get("changed_since"))
        if since is None or "unsolved" in request.args:
            raise Refusal(422, "validation", fields={"changed_since": "instant"})
        return self._changed(since, cursor, limit)

    def _unsolved(self, cursor: str | None, limit: int) -> Mapping[str, Any]:
        if cursor is not None and not _NUMBER.fullmatch(cursor):
            raise Refusal(422, "validation", fields={"cursor": "cursor"})
        after = int(cursor or 0)
        found = [each for each in self._desk.tickets.values() if each.state == "open" and each.id > after]
        page = sorted(found, key=lambda each: each.id)[:limit]
        rows = [(each.id, each.updated_at) for each in page]
        return self._page(rows, str(page[-1].id) if page else cursor or "0", len(found) > limit)

    def _changed(self, since: datetime, cursor: str | None, limit: int) -> Mapping[str, Any]:
        start = (int(since.timestamp()), 0)
        if cursor is not None:
            place = _CURSOR.fullmatch(cursor)
            if place is None:
                raise Refusal(422, "validation", fields={"cursor": "cursor"})
            start = (int(place.group(1)), int(place.group(2)))
        found = sorted((int(each.changed_at.timestamp()), each.id) for each in self._desk.tickets.values())
        found = [each for each in found if each > start]
        page = found[:limit]
        at, id_ = page[-1] if page else start
        rows = [(id_, self._desk.tickets[id_].changed_at) for _, id_ in page]
        return self._page(rows, f"{at}:{id_}", len(found) > limit)

    def _page(self, rows: list[tuple[int, datetime]], cursor: str, more: bool) -> Mapping[str, Any]:
        listed = [(self._desk.tickets[id_], at) for id_, at in rows]
        tickets = [
            {"id": each.id, "number": each.number, "changed_at": text_of(at), "state": each.state}
            for each, at in listed
        ]
        return {"tickets": tickets, "cursor": cursor, "more": more}

    def _ticket(self, name: str) -> Mapping[str, Any]:
        _only("by")
        by = request.args.get("by", "id")
        for ticket in self._desk.tickets.values():
            if by in ("id", "number") and name == (str(ticket.id) if by == "id" else ticket.number):
                return self._desk.shown(ticket)
        raise Refusal(404, "no_ticket")

    def _person(self, person_id: int) -> Mapping[str, Any]:
        _only()
        if all(ticket.user_id != person_id for ticket in self._desk.tickets.values()):
            raise Refusal(404, "no_person")
        name, email = f"Customer {person_id}", f"customer{person_id}@example.com"
        return {"id": person_id, "name": name, "email": email, "phone": None, "fields": {}}

    # --- writing ---

    def _change(self, ticket_id: int) -> Mapping[str, Any]:
        _only()
        return apply(self._desk, ticket_id, request.get_data())

    def _installation(self) -> Mapping[str, Any]:
        _only()
        return {
            "webhook_url": self._outbox.url,
            "delivery": self._outbox.delivery,
            "objects": [
                {"name": name, "what": what, "wanted": True, "stands": name in self._desk.standing}
                for name, what in OBJECTS.items()
            ],
        }

    def _install(self) -> Mapping[str, Any]:
        _only()
        given = parse_object(request.get_data())
        wrong = {name: "unknown" for name in given if name not in ("webhook_url", "delivery", "objects")}
        url, delivery = given.get("webhook_url", self._outbox.url), given.get("delivery", self._outbox.delivery)
        objects = given.get("objects", True)
        if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
            wrong["webhook_url"] = "url"
        wrong |= {
            name: "boolean"
            for name, value in (("delivery", delivery), ("objects", objects))
            if not isinstance(value, bool)
        }
        if wrong:
            raise Refusal(422, "validation", fields=wrong)
        self._outbox.url, self._outbox.delivery = url, delivery
        standing = self._desk.standing
        if objects:
            standing.update(OBJECTS)
        else:
            standing.difference_update({name for name in OBJECTS if name == "badges" or name.startswith("queue:")})
        return self._installation()

    def _ping(self) -> Mapping[str, Any]:
        _only()
        error = self._outbox.ping()
        return {"delivered": error is None, "error": error}


def _only(*names: str) -> None:
    unknown = {name: "unknown" for name in request.args if name not in names}
    if unknown:
        raise Refusal(422, "validation", fields=unknown)


def _number(name: str, least: int, most: int, otherwise: int) -> int:
    text = request.args.get(name)
    if text is None:
        return otherwise
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise Refusal(422, "validation", fields={name: "number"})
    return int(text)


def _answer(status: int, body: Mapping[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store", **({"Retry-After": "5"} if status == 503 else {})}
    text = json.dumps(body, ensure_ascii=False) + "\n"
    answer = Response(text, status, headers=headers)
    answer.headers["Content-Type"] = "application/json"
    return answer
