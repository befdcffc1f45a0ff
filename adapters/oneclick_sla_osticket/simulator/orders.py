"""What the plugin accepts as changes, and what they do (PROTOCOL.md, section 5)."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from oneclick_sla_osticket.simulator.desk import FIELDS, PRIORITIES, Desk, Refusal, Ticket, text_of

_KEYS = frozenset(
    ("key", "version", "priority", "due_at", "fields", "add_tags", "remove_tags", "note", "reply", "record")
)
_POST_KEYS = {"note": {"text", "keys", "title", "alert"}, "reply": {"text", "keys"}}
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_NOTE_KEY = re.compile(r"[a-z0-9._-]{1,64}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EMOJI = re.compile("[\U00010000-\U0010ffff]")
_LONGEST_FIELD, _LONGEST_TEXT, _LONGEST_RECORD, _LONGEST_TITLE, _MOST = 1000, 60_000, 16_000, 200, 100


def parse_instant(value: object) -> datetime | None:
    """An RFC 3339 instant in whole seconds, ``None`` for anything else."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC).replace(microsecond=0)
    except ValueError:
        return None


def parse_object(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "json") from None
    if isinstance(given, dict) or given == []:
        return dict(given)
    raise Refusal(400, "json")


def apply(desk: Desk, ticket_id: int, body: bytes) -> dict[str, Any]:
    """Answer a request for changes. Raises ``Refusal``; nothing is then written."""
    given = parse_object(body)
    _check_shape(given)
    ticket = desk.ticket(ticket_id)
    digest = hashlib.sha256(body).hexdigest()
    known = desk.requests.get(given["key"])
    if known is not None:
        if known[:2] != (ticket_id, digest):
            raise Refusal(422, "key_reused")
        return {**known[2], "version": ticket.version, "repeated": True}
    wanted = _check_meaning(desk, ticket, given)
    version = given.get("version")
    if version is not None and version != ticket.version:
        raise Refusal(409, "ticket_changed", version=ticket.version)
    answer = _write(desk, ticket, given, wanted)
    desk.requests[given["key"]] = (ticket_id, digest, answer)
    return {**answer, "version": ticket.version, "repeated": False}


def _check_shape(given: Mapping[str, Any]) -> None:
    wrong = {name: "unknown" for name in given if name not in _KEYS}

    def check(name: str, good: bool, word: str) -> None:
        if not good:
            wrong.setdefault(name, word)

    priority, fields, due_at = given.get("priority"), given.get("fields") or {}, given.get("due_at")
    check("key", isinstance(given.get("key"), str) and bool(_KEY.fullmatch(given["key"])), "key")
    check("version", given.get("version") is None or isinstance(given["version"], str), "text")
    check("priority", priority is None or (isinstance(priority, int | str) and priority is not True), "priority")
    check("due_at", due_at is None or parse_instant(due_at) is not None, "instant")
    check("fields", isinstance(fields, dict), "object")
    for name in ("add_tags", "remove_tags"):
        check(name, _is_list(given.get(name, []), _TAG), "tags")
    for name, known in _POST_KEYS.items():
        post = given.get(name)
        if post is None:
            continue
        if not isinstance(post, dict):
            check(name, False, "object")
            continue
        for unknown in post.keys() - known:
            check(f"{name}.{unknown}", False, "unknown")
        text, title = post.get("text"), post.get("title", "")
        check(f"{name}.text", isinstance(text, str) and bool(text.strip()), "text")
        check(f"{name}.text", not isinstance(text, str) or _html_size(text) <= _LONGEST_TEXT, "length")
        check(f"{name}.keys", _is_list(post.get("keys", []), _NOTE_KEY), "keys")
        check(f"{name}.title", isinstance(title, str) and len(title) <= _LONGEST_TITLE, "text")
        check(f"{name}.alert", isinstance(post.get("alert", False), bool), "boolean")
    record = given.get("record")
    if record is not None:
        check("record", isinstance(record, dict), "object")
        size = len(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
        check("record", size <= _LONGEST_RECORD, "length")
    if wrong:
        raise Refusal(422, "validation", fields=wrong)


def _check_meaning(desk: Desk, ticket: Ticket, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values to be set: ``priority``, ``fields``, ``tags``."""
    wrong: dict[str, str] = {}
    wanted: dict[str, Any] = {"fields": {}}
    if given.get("priority") is not None:
        wanted["priority"] = _priority_id(given["priority"])
        if wanted["priority"] is None:
            wrong["priority"] = "priority"
    for name, value in (given.get("fields") or {}).items():
        word, stored = _field(desk, name, value)
        if word is not None:
            wrong[f"fields.{name}"] = word
        wanted["fields"][name] = stored
    added, removed = given.get("add_tags", []), given.get("remove_tags", [])
    if added or removed:
        wanted["tags"] = list(dict.fromkeys([*(tag for tag in ticket.tags if tag not in removed), *added]))
        if not desk.has_field("sla_tags"):
            wrong["add_tags" if added else "remove_tags"] = "no_field"
        elif len(", ".join(wanted["tags"])) > _LONGEST_FIELD:
            wrong["add_tags"] = "length"
    if given.get("due_at") is not None and ticket.state == "closed":
        wrong["due_at"] = "closed"
    if wrong:
        raise Refusal(422, "validation", fields=wrong)
    return wanted


def _priority_id(wanted: int | str) -> int | None:
    if isinstance(wanted, int):
        return wanted if any(each["id"] == wanted for each in PRIORITIES) else None
    for column in ("name", "label"):
        for each in PRIORITIES:
            if str(each[column]).lower() == wanted.lower():
                return int(str(each["id"]))
    return None


def _field(desk: Desk, name: str, value: object) -> tuple[str | None, str | None]:
    """What is wrong with a value, and what is stored for it."""
    if name == "priority":
        return "own_key", None
    if not desk.has_field(name):
        return "no_field", None
    if name == "sla_tags":
        return "own_key", None
    if value is None:
        return None, None
    _, kind, choices = FIELDS[name]
    if kind == "choices":
        return (None, str(value)) if isinstance(value, str) and value in choices else ("choice", None)
    if kind == "datetime":
        at = parse_instant(value)
        return ("instant", None) if at is None else (None, text_of(at))
    if not isinstance(value, str) or not value.strip():
        return "text", None
    return ("length", None) if len(value) > _LONGEST_FIELD else (None, value)


def _write(desk: Desk, ticket: Ticket, given: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    changed: list[str] = []
    if wanted.get("priority") not in (None, ticket.priority_id):
        ticket.priority_id = wanted["priority"]
        changed.append("priority")
    for name, value in wanted["fields"].items():
        if ticket.fields.get(name) != value:
            changed.append(f"fields.{name}")
            if value is None:
                ticket.fields.pop(name)
            else:
                ticket.fields[name] = value
    if wanted.get("tags", ticket.tags) != ticket.tags:
        ticket.tags = wanted["tags"]
        changed.append("tags")
    due_at = parse_instant(given.get("due_at"))
    if "due_at" in given and due_at != ticket.due_at:
        ticket.due_at = due_at
        desk.touch(ticket)
        changed.append("due_at")
    ids: dict[str, int | None] = {"note_id": None, "reply_id": None}
    for name in ("note", "reply"):
        post = given.get(name)
        if post is not None:
            changed.append(name)
            text = _EMOJI.sub("", post["text"])
            title = post.get("title") or None
            ids[f"{name}_id"] = desk.post(ticket, name, text, keys=post.get("keys", []), title=title).id
    if given.get("record") is not None:
        ticket.record = given["record"]
    ticket.writes += bool(changed)
    return {"ticket_id": ticket.id, "version": "", "changed": changed, **ids}


def _is_list(values: object, pattern: re.Pattern[str]) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= _MOST
        and all(isinstance(value, str) and pattern.fullmatch(value) for value in values)
    )


def _html_size(text: str) -> int:
    return len(html.escape(text).replace("\n", "<br />\n").encode())
