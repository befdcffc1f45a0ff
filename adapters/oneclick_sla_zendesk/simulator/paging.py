"""Lists in pages, as the API gives them.

https://developer.zendesk.com/api-reference/introduction/pagination/ and, for exports,
https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from flask import g, request

from oneclick_sla_zendesk.simulator import shapes
from oneclick_sla_zendesk.simulator.errors import RefusalError, forbidden, invalid_parameter

_LARGEST_PAGE = 100
_LAST_NUMBERED = 10_000
"""https://developer.zendesk.com/api-reference/introduction/pagination/#offset-pagination-limits"""
_LARGEST_EXPORT = 1000
WITHHELD = timedelta(minutes=1)
"""The newest changes are not exported yet, and an export may not begin in them."""

Json = dict[str, Any]


def page(name: str, items: Sequence[Json], base_url: str) -> Json:
    """Cursor pages when ``page[size]`` asks for them, else numbered pages of the older form."""
    if "page[size]" not in request.args:
        return _numbered_page(name, items, base_url)
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
    next_url = _link(base_url, **{"page[after]": cursor or ""}) if more else None
    return shapes.page_json(name, chosen, more=more, cursor=cursor, next_url=next_url)


def _numbered_page(name: str, items: Sequence[Json], base_url: str) -> Json:
    """By ``page`` and ``per_page``, no further than the ten-thousandth item."""
    number, size = request.args.get("page", 1, type=int), request.args.get("per_page", _LARGEST_PAGE, type=int)
    size = min(size, _LARGEST_PAGE)
    if number < 1 or size < 1 or number * size > _LAST_NUMBERED:
        raise invalid_parameter("page")
    end = number * size
    return {
        name: list(items[end - size : end]),
        "next_page": _link(base_url, page=str(number + 1)) if end < len(items) else None,
        "previous_page": _link(base_url, page=str(number - 1)) if number > 1 else None,
        "count": len(items),
    }


def _link(base_url: str, **changes: str) -> str:
    return f"{base_url}{request.path}.json?{urlencode({**request.args.to_dict(), **changes})}"


def ids_of(name: str) -> list[int]:
    """The ids that a query lists with commas between, at most a hundred."""
    ids = [int(text) for text in request.args.get(name, "").split(",") if text.strip().isdigit()]
    if len(ids) > _LARGEST_PAGE:
        raise RefusalError(400, {"error": "TooManyValues", "description": f"{name} has more than {_LARGEST_PAGE}"})
    return ids


def in_order(items: list[Json]) -> list[Json]:
    """The oldest first, unless ``sort=-created_at``."""
    order = request.args.get("sort", "created_at")
    if order not in ("created_at", "-created_at"):
        raise invalid_parameter("sort")
    return items[::-1] if order.startswith("-") else items


class Exported(Protocol):
    """A record as exports order it: by the instant at which something was last done to it."""

    @property
    def id(self) -> int: ...
    @property
    def generated_at(self) -> datetime: ...


_Record = TypeVar("_Record", bound=Exported)


def export(
    name: str, records: Iterable[_Record], shown: Callable[[_Record], Json], base_url: str, now: datetime
) -> Json:
    """A page of an incremental export by cursor, for administrators only.

    In the order in which things were done to the records, the last minute withheld;
    a page repeats the last record of the page before, as the real one may.
    """
    if g.user.role != "admin":
        raise forbidden("Only administrators can export")
    size = request.args.get("per_page", _LARGEST_EXPORT, type=int)
    if not 1 <= size <= _LARGEST_EXPORT:
        raise invalid_parameter("per_page")
    since, last_id = _export_start(request.args, now)
    due = sorted(
        (record for record in records if record.generated_at <= now - WITHHELD),
        key=lambda record: (record.generated_at, record.id),
    )
    repeated = [record for record in due if (record.generated_at, record.id) == (since, last_id)]
    following = [record for record in due if (record.generated_at, record.id) > (since, last_id)]
    chosen = following[:size]
    last = chosen[-1] if chosen else None
    cursor = _cursor(f"{last.generated_at.isoformat()}|{last.id}" if last else f"{since.isoformat()}|{last_id}")
    return {
        name: [shown(record) for record in (*repeated, *chosen)],
        "after_cursor": cursor,
        "after_url": _link(base_url, cursor=cursor),
        "before_cursor": None,
        "before_url": None,
        "end_of_stream": len(following) <= size,
    }


def _export_start(given: Mapping[str, str], now: datetime) -> tuple[datetime, int]:
    if cursor := given.get("cursor"):
        stamp, _, last_id = _uncursor(cursor).partition("|")
        try:
            return datetime.fromisoformat(stamp), int(last_id)
        except ValueError:
            raise invalid_parameter("cursor") from None
    try:
        start = datetime.fromtimestamp(int(given["start_time"]), UTC)
    except (KeyError, ValueError, OverflowError):
        raise invalid_parameter("start_time") from None
    if start > now - WITHHELD:
        raise invalid_parameter("start_time: too recent")
    return start, 0


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(f"after:{text}".encode()).decode()


def _uncursor(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor).decode().removeprefix("after:")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_parameter("page[after]") from None
