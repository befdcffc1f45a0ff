"""Lists of the API: filters, order, pages, and the search language.

https://developers.freshdesk.com/api/#list_all_tickets and
https://developers.freshdesk.com/api/#filter_tickets
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from oneclick_sla_freshdesk.simulator.errors import FieldProblem, invalid, unknown_field, validation_failed
from oneclick_sla_freshdesk.simulator.records import OPEN, Ticket

PAGES_AT_MOST = 300
_LIST_KEYS = frozenset(
    {"filter", "requester_id", "email", "company_id", "updated_since", "include"}
    | {"order_by", "order_type", "page", "per_page"}
)
_LIST_INCLUDES = frozenset({"stats", "requester", "description", "company"})
_ORDERS = frozenset({"created_at", "due_by", "updated_at", "status"})
_WITHOUT_SINCE = timedelta(days=30)
_SEARCH_PAGES, SEARCH_PER_PAGE, _LONGEST_QUERY = 10, 30, 512

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Page:
    """Which piece of a list is asked for, counted from 1."""

    number: int
    size: int

    def of(self, items: Sequence[_Item]) -> list[_Item]:
        return list(items[(self.number - 1) * self.size : self.number * self.size])

    def link(self, url: str, query: Mapping[str, str], total: int) -> dict[str, str]:
        """The header that names the next page; empty on the last one."""
        if self.number * self.size >= total:
            return {}
        following = urlencode({**query, "page": self.number + 1, "per_page": self.size})
        return {"Link": f'<{url}?{following}>; rel="next"'}


def page_of(query: Mapping[str, str], *, at_most: int = PAGES_AT_MOST) -> Page:
    """``page`` and ``per_page`` (30, at most 100). ``RefusalError`` (400) for anything else."""
    number, size = query.get("page", "1"), query.get("per_page", "30")
    if not (number.isdecimal() and 1 <= int(number) <= at_most):
        raise invalid("page", f"It should be a Positive Integer less than or equal to {at_most}")
    if not (size.isdecimal() and 1 <= int(size) <= 100):
        raise invalid("per_page", "It should be a Positive Integer less than or equal to 100")
    return Page(int(number), int(size))


def includes(query: Mapping[str, str], allowed: Collection[str]) -> tuple[str, ...]:
    """What ``include`` names. ``RefusalError`` (400) for what cannot be included."""
    named = tuple(name for name in query.get("include", "").split(",") if name)
    if {*named} - {*allowed}:
        raise invalid("include", f"It should be one of these values: '{','.join(sorted(allowed))}'")
    return named


def list_includes(query: Mapping[str, str]) -> tuple[str, ...]:
    return includes(query, _LIST_INCLUDES)


def listed(tickets: Iterable[Ticket], query: Mapping[str, str], *, now: datetime, agent_id: int) -> list[Ticket]:
    """The tickets that a list has: none of the trash and the spam folder unless asked for, thirty days unless told.

    ``RefusalError`` (400) with all that is wrong with the query.
    """
    problems = [unknown_field(name) for name in sorted(query.keys() - _LIST_KEYS)]
    order, direction = query.get("order_by", "created_at"), query.get("order_type", "desc")
    if order not in _ORDERS:
        problems.append(FieldProblem("order_by", f"It should be one of these values: '{','.join(sorted(_ORDERS))}'"))
    if direction not in ("asc", "desc"):
        problems.append(FieldProblem("order_type", "It should be one of these values: 'asc,desc'"))
    since = _instant(query["updated_since"]) if "updated_since" in query else None
    if "updated_since" in query and since is None:
        problems.append(
            FieldProblem("updated_since", "It should be in the combined date time ISO8601 format", "invalid_date")
        )
    if problems:
        raise validation_failed(problems)
    wanted = _view(query.get("filter"), agent_id)
    found = [ticket for ticket in tickets if not ticket.archived and wanted(ticket)]
    if since is not None:
        found = [ticket for ticket in found if ticket.updated_at >= since]
    else:
        found = [ticket for ticket in found if ticket.created_at > now - _WITHOUT_SINCE]
    for name in ("requester_id", "company_id"):
        if name in query:
            found = [ticket for ticket in found if str(getattr(ticket, name)) == query[name]]
    last = datetime.max.replace(tzinfo=UTC)
    found.sort(
        key=lambda ticket: (last if (value := getattr(ticket, order)) is None else value, ticket.id),
        reverse=direction == "desc",
    )
    return found


def _view(name: str | None, agent_id: int) -> Callable[[Ticket], bool]:
    match name:
        case None:
            return lambda ticket: not ticket.deleted and not ticket.spam
        case "new_and_my_open":
            return lambda ticket: (
                not (ticket.deleted or ticket.spam)
                and ticket.status == OPEN
                and ticket.responder_id in (None, agent_id)
            )
        case "deleted":
            return lambda ticket: ticket.deleted
        case "spam":
            return lambda ticket: ticket.spam and not ticket.deleted
        case "watching":
            return lambda _: False
    raise invalid("filter", "It should be one of these values: 'new_and_my_open,watching,spam,deleted'")


# --- search ---

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<join>AND|OR)\b|(?P<name>\w+):(?P<sign>[<>]?)(?P<value>'[^']*'|[\w.-]+))", re.IGNORECASE
)
_NUMBERS: Mapping[str, str] = {
    "priority": "priority",
    "status": "status",
    "agent_id": "responder_id",
    "group_id": "group_id",
}
_DAYS = frozenset({"created_at", "updated_at", "due_by"})

_Test = Callable[[Ticket], bool]


def searched(tickets: Iterable[Ticket], query: Mapping[str, str], custom: Collection[str]) -> tuple[list[Ticket], Page]:
    """What a search finds, the newest first, and the page that is asked for (ten at most).

    ``RefusalError`` (400): a query without its quotes, too long, or of unknown words.
    """
    page = page_of({"page": query.get("page", "1"), "per_page": str(SEARCH_PER_PAGE)}, at_most=_SEARCH_PAGES)
    if "per_page" in query:
        raise validation_failed([unknown_field("per_page")])
    quoted = query.get("query", "")
    if len(quoted) < 2 or quoted[0] != '"' or quoted[-1] != '"' or len(quoted) - 2 > _LONGEST_QUERY:
        raise invalid("query", f"It should be in double quotes, with at most {_LONGEST_QUERY} characters")
    test = _Search(quoted[1:-1], custom).read()
    found = [ticket for ticket in tickets if not ticket.deleted and not ticket.spam and test(ticket)]
    return sorted(found, key=lambda ticket: (ticket.created_at, ticket.id), reverse=True), page


class _Search:
    """Reads ``(priority:4 OR priority:3) AND status:2`` into a test of tickets."""

    def __init__(self, text: str, custom: Collection[str]) -> None:
        self._custom = custom
        self._tokens: list[dict[str, str]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise invalid("query", "It has words that are not understood")
            self._tokens.append({key: value for key, value in match.groupdict().items() if value is not None})
            place = match.end()

    def read(self) -> _Test:
        test = self._either()
        if self._tokens:
            raise invalid("query", "It has words that are not understood")
        return test

    def _either(self) -> _Test:
        tests = [self._both()]
        while self._take("join", "OR"):
            tests.append(self._both())
        return lambda ticket: any(test(ticket) for test in tests)

    def _both(self) -> _Test:
        tests = [self._single()]
        while self._take("join", "AND"):
            tests.append(self._single())
        return lambda ticket: all(test(ticket) for test in tests)

    def _single(self) -> _Test:
        if self._take("mark", "("):
            inner = self._either()
            if not self._take("mark", ")"):
                raise invalid("query", "It has a parenthesis that is not closed")
            return inner
        if not self._tokens or "name" not in self._tokens[0]:
            raise invalid("query", "It has words that are not understood")
        token = self._tokens.pop(0)
        return self._term(token["name"].lower(), token["sign"], token["value"].strip("'"))

    def _take(self, kind: str, word: str) -> bool:
        if self._tokens and self._tokens[0].get(kind, "").upper() == word:
            self._tokens.pop(0)
            return True
        return False

    def _term(self, name: str, sign: str, value: str) -> _Test:
        if name in _DAYS:
            try:
                day = date.fromisoformat(value)
            except ValueError:
                raise invalid(name, "It should be in the 'yyyy-mm-dd' format", "invalid_date") from None
            return lambda ticket: _on_day(getattr(ticket, name), sign, day)
        if name in _NUMBERS and (value.isdecimal() or value == "null"):
            wanted = None if value == "null" else int(value)
            return lambda ticket: bool(getattr(ticket, _NUMBERS[name]) == wanted)
        if name == "tag":
            return lambda ticket: value.lower() in (tag.lower() for tag in ticket.tags)
        if name == "type":
            return lambda ticket: (ticket.type or "null").lower() == value.lower()
        if name in self._custom:
            return lambda ticket: str(ticket.custom_fields.get(name)).lower() == value.lower()
        raise validation_failed([unknown_field(name)])


def _on_day(instant: datetime | None, sign: str, day: date) -> bool:
    if instant is None:
        return False
    # As on the real one both signs include the day itself.
    if sign == ">":
        return instant.date() >= day
    return instant.date() <= day if sign == "<" else instant.date() == day


def _instant(value: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def query_keys(query: Mapping[str, Any], allowed: Collection[str]) -> None:
    """``RefusalError`` (400) for parameters that a list does not know."""
    if problems := [unknown_field(name) for name in sorted(query.keys() - {*allowed})]:
        raise validation_failed(problems)
