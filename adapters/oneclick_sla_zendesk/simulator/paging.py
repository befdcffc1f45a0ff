"""Lists in pages, as the API gives them.

https://developer.zendesk.com/api-reference/introduction/pagination/ and, for exports,
https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import request

from oneclick_sla_zendesk.simulator import shapes
from oneclick_sla_zendesk.simulator.errors import invalid_parameter
from oneclick_sla_zendesk.simulator.records import Ticket

_LARGEST_PAGE = 100
_LARGEST_EXPORT = 1000
WITHHELD = timedelta(minutes=1)
"""The newest changes are not exported yet, and an export may not begin in them."""

Json = dict[str, Any]


def page(name: str, items: Sequence[Json], base_url: str) -> Json:
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
    next_url = f"{base_url}{request.path}.json?{query}" if more else None
    return shapes.page_json(name, chosen, more=more, cursor=cursor, next_url=next_url)


def in_order(items: list[Json]) -> list[Json]:
    """The oldest first, unless ``sort=-created_at``."""
    order = request.args.get("sort", "created_at")
    if order not in ("created_at", "-created_at"):
        raise invalid_parameter("sort")
    return items[::-1] if order.startswith("-") else items


def export(tickets: Sequence[Ticket], shown: Callable[[Ticket], Json], base_url: str, now: datetime) -> Json:
    """A page of the incremental export of tickets by cursor.

    In the order in which things were done to the tickets, the last minute withheld;
    a page repeats the last ticket of the page before, as the real one may.
    """
    size = request.args.get("per_page", _LARGEST_EXPORT, type=int)
    if not 1 <= size <= _LARGEST_EXPORT:
        raise invalid_parameter("per_page")
    since, last_id = _export_start(request.args, now)
    if request.args.get("exclude_deleted") == "true":
        tickets = [ticket for ticket in tickets if ticket.status != "deleted"]
    due = sorted(
        (ticket for ticket in tickets if ticket.generated_at <= now - WITHHELD),
        key=lambda ticket: (ticket.generated_at, ticket.id),
    )
    repeated = [ticket for ticket in due if (ticket.generated_at, ticket.id) == (since, last_id)]
    following = [ticket for ticket in due if (ticket.generated_at, ticket.id) > (since, last_id)]
    chosen = following[:size]
    last = chosen[-1] if chosen else None
    cursor = _cursor(f"{last.generated_at.isoformat()}|{last.id}" if last else f"{since.isoformat()}|{last_id}")
    query = urlencode({**request.args.to_dict(), "cursor": cursor})
    return {
        "tickets": [shown(ticket) for ticket in (*repeated, *chosen)],
        "after_cursor": cursor,
        "after_url": f"{base_url}{request.path}.json?{query}",
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
