"""Lists of tickets: what changed since an instant, and what is not solved.

https://developers.freshdesk.com/api/#list_all_tickets with ``updated_since``, without
which the list ends at thirty days. Pages of such a list shift when a ticket on them
changes, so it is not walked by page: each call begins at the ``updated_at`` of the last
ticket before, and only as many tickets of one second as fill a page are walked by page.
Tickets may be named twice, none is left out. The search is no substitute: its index lags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from oneclick_sla_freshdesk import limits
from oneclick_sla_freshdesk.exchanges import PAGE_SIZE, has_next, objects
from oneclick_sla_plugin.domain.model import Status
from oneclick_sla_plugin.exchanges import Exchange
from oneclick_sla_plugin.ports import Request, TicketPage

CHANGED = "list changed tickets"
UNSOLVED = "list unsolved tickets"

OVERLAP = timedelta(minutes=5)
"""How much further back a walk begins than it was asked to: a change may show late."""

_BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
"""Before there was a Freshdesk."""

_CURSOR = re.compile(r"(\S+) ([1-9][0-9]{0,2})", re.ASCII)


def changed(since: datetime, cursor: str | None) -> Exchange[TicketPage]:
    """Tickets that changed since an instant, deleted ones and spam left out."""
    return (yield from _page(CHANGED, _stamp(since - OVERLAP), cursor, lambda _: True))


def unsolved(cursor: str | None, status_of: Callable[[object], Status]) -> Exchange[TicketPage]:
    """A page of all tickets, the longest unchanged first, without solved and closed ones; it may be empty."""

    def wanted(raw: Mapping[str, Any]) -> bool:
        return status_of(raw.get("status")) not in (Status.SOLVED, Status.CLOSED)

    return (yield from _page(UNSOLVED, _stamp(_BEGINNING), cursor, wanted))


def _page(
    operation: str, start: str, cursor: str | None, wanted: Callable[[Mapping[str, Any]], bool]
) -> Exchange[TicketPage]:
    # A cursor that is none of ours begins anew: tickets are then named twice, none is left out.
    match = _CURSOR.fullmatch(cursor or "")
    since, number = (match.group(1), int(match.group(2))) if match else (start, 1)
    request = Request(
        "GET",
        f"{limits.API}/tickets",
        operation,
        query=(
            ("updated_since", since),
            ("order_by", "updated_at"),
            ("order_type", "asc"),
            ("per_page", str(PAGE_SIZE)),
            ("page", str(number)),
        ),
    )
    response = yield request
    found = objects(request, response)
    more = has_next(response)
    if found:
        last = found[-1].get("updated_at")
        if not isinstance(last, str) or not _CURSOR.fullmatch(f"{last} 1"):
            raise limits.unexpected_body(operation, response)
        # When a whole page is of the second it began at, only the next page leads on.
        since, number = (since, number + 1) if last == since and more else (last, 1)
    return TicketPage(
        ticket_ids=tuple(dict.fromkeys(str(raw["id"]) for raw in found if wanted(raw))),
        cursor=f"{since} {number}",
        more=more,
    )


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
