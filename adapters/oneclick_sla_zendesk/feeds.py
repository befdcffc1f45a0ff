"""Lists of tickets: what changed since an instant, and what is not solved.

Changes come from the incremental export with a cursor, the one list that skips
nothing (https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/):
it may begin no later than a minute ago, holds the last minute back, and may tell of a
ticket twice. The search is no substitute, for it lags and ends after 1000 results.
What is not solved is picked from the list of all tickets, whose cursor never expires
(https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#list-tickets);
it leaves out archived tickets, which are all closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request, Response, TicketPage
from oneclick_sla_zendesk import limits
from oneclick_sla_zendesk.exchanges import PAGE_SIZE

CHANGED = "list changed tickets"
UNSOLVED = "list unsolved tickets"

_NEWEST_START = timedelta(seconds=65)
"""A start less than a minute old is refused; five seconds more for clocks that differ."""

_SETTLED = frozenset({"solved", "closed"})
_GONE = frozenset({"deleted", "scrubbed"})
_CURSOR_REFUSED = frozenset({400, 404, 410, 422})


def changed(since: datetime, cursor: str | None, now: datetime) -> Exchange[TicketPage]:
    """Tickets that changed since an instant, deleted ones left out.

    A cursor that Zendesk does not take any more leads back to ``since``: some
    tickets are then named twice, none is left out.
    """
    start = min(since, now - _NEWEST_START)
    first = Request(
        "GET",
        "/api/v2/incremental/tickets/cursor.json",
        CHANGED,
        query=(("start_time", str(int(start.timestamp()))), ("exclude_deleted", "true")),
    )
    following = Request("GET", first.path, CHANGED, query=(("cursor", cursor or ""), ("exclude_deleted", "true")))
    request, response = yield from _first_that_is_taken(first, following if cursor else None)
    page = limits.json_object(request, response)
    after = page.get("after_cursor")
    return TicketPage(
        ticket_ids=_ids(page, CHANGED, left_out=_GONE),
        # The end of the stream has a cursor too; a page without one leaves us where we were.
        cursor=after if isinstance(after, str) and after else cursor or "",
        more=page.get("end_of_stream") is False,
    )


def unsolved(cursor: str | None) -> Exchange[TicketPage]:
    """A page of all tickets by their id, solved and closed ones left out, so it may be empty before the end.

    A cursor that Zendesk does not take any more leads back to the beginning.
    """
    first = Request("GET", "/api/v2/tickets.json", UNSOLVED, query=(PAGE_SIZE, ("sort", "id")))
    following = Request("GET", first.path, UNSOLVED, query=(*first.query, ("page[after]", cursor or "")))
    request, response = yield from _first_that_is_taken(first, following if cursor else None)
    page = limits.json_object(request, response)
    meta = page.get("meta")
    if not isinstance(meta, dict):
        raise limits.unexpected_body(UNSOLVED, response)
    after = meta.get("after_cursor")
    return TicketPage(
        ticket_ids=_ids(page, UNSOLVED, left_out=_SETTLED | _GONE),
        cursor=after if isinstance(after, str) and after else cursor or "",
        more=bool(meta.get("has_more")),
    )


def _first_that_is_taken(first: Request, following: Request | None) -> Exchange[tuple[Request, Response]]:
    if following is not None:
        response = yield following
        if response.status not in _CURSOR_REFUSED:
            return following, response
    response = yield first
    return first, response


def _ids(page: Mapping[str, Any], operation: str, left_out: Iterable[str]) -> tuple[str, ...]:
    """Ids of the page's tickets, each once."""
    tickets = page.get("tickets")
    if not isinstance(tickets, list) or not all(isinstance(ticket, dict) and "id" in ticket for ticket in tickets):
        raise limits.unexpected_body(operation)
    return tuple(dict.fromkeys(str(ticket["id"]) for ticket in tickets if str(ticket.get("status")) not in left_out))
