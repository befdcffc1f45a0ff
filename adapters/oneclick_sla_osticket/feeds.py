"""Lists of tickets: what changed since an instant, and what is not solved (PROTOCOL.md, section 4).

Where the helpdesk's server may not call out, what changed is told by its events
instead. They name what the list leaves out: tickets of which only a field was edited,
and those that are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from oneclick_sla_osticket.limits import TICKETS_PATH, unexpected_body
from oneclick_sla_osticket.tickets import instant
from oneclick_sla_osticket.webhook import ticket_of
from oneclick_sla_plugin.ports import Request, TicketPage

CHANGED = "list changed tickets"
UNSOLVED = "list unsolved tickets"
EVENTS = "fetch events"

PAGE_SIZE = ("limit", "200")
EVENT_PAGE_SIZE = ("limit", "500")

EVENTS_REACH = timedelta(days=13)
"""How far back events tell everything: the plugin keeps them for 14 days."""

_EVENT_CURSOR = "event:"


def changed_request(since: datetime, cursor: str | None) -> Request:
    at = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = [("changed_since", at), PAGE_SIZE]
    return Request("GET", TICKETS_PATH, CHANGED, query=(*query, ("cursor", cursor)) if cursor else tuple(query))


def unsolved_request(cursor: str | None) -> Request:
    query = [("unsolved", "1"), PAGE_SIZE]
    return Request("GET", TICKETS_PATH, UNSOLVED, query=(*query, ("cursor", cursor)) if cursor else tuple(query))


def ticket_page(operation: str, body: Mapping[str, Any]) -> TicketPage:
    """A page of either list. Raises ``PermanentPlatformError`` for one of another shape."""
    tickets, cursor = body.get("tickets"), body.get("cursor")
    if not isinstance(tickets, list) or not isinstance(cursor, str):
        raise unexpected_body(operation)
    if not all(isinstance(ticket, dict) and isinstance(ticket.get("id"), int) for ticket in tickets):
        raise unexpected_body(operation)
    return TicketPage(_once(str(ticket["id"]) for ticket in tickets), cursor, body.get("more") is True)


# --- Events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EventPage:
    """A piece of the events after an id. ``gap``: some that came before these were purged."""

    events: Sequence[Mapping[str, Any]]
    next_after: int
    more: bool
    gap: bool

    def tickets(self, since: datetime) -> TicketPage:
        """The tickets that something happened to at or after ``since``."""
        named = (ticket_of(event) for event in self.events if instant(event["timestamp"]) >= since)
        return TicketPage(_once(each for each in named if each), f"{_EVENT_CURSOR}{self.next_after}", self.more)


@dataclass(frozen=True, slots=True)
class Landmark:
    """An event's id, and an instant before which it and all events with lower ids happened.

    Kept in memory from one sweep to the next, so that it need not begin with the first event there is.
    """

    after: int = 0
    before: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def start(self, since: datetime) -> int:
        """The id after which everything since an instant is found."""
        return self.after if self.before <= since else 0

    def moved(self, start: int, page: EventPage, since: datetime) -> Landmark:
        """The landmark after a page that begins behind ``start`` was fetched for ``since``.

        It passes over an unbroken run of events that were too old: ids are given when
        requests end, so a younger event may stand between older ones.
        """
        if start != self.after:
            return self
        run = 0
        while run < len(page.events) and instant(page.events[run]["timestamp"]) < since:
            run += 1
        return Landmark(page.events[run - 1]["id"], since) if run else self


def events_request(after: int) -> Request:
    return Request("GET", "/sla/events", EVENTS, query=(("after", str(after)), EVENT_PAGE_SIZE))


def event_page(body: Mapping[str, Any]) -> EventPage:
    """From the answer to :func:`events_request`. Raises ``PermanentPlatformError`` for one of another shape."""
    events, following = body.get("events"), body.get("next_after")
    good = isinstance(events, list) and isinstance(following, int) and all(_is_event(event) for event in events)
    if not good or not isinstance(events, list) or not isinstance(following, int):
        raise unexpected_body(EVENTS)
    return EventPage(tuple(events), following, body.get("more") is True, body.get("gap") is True)


def event_cursor(cursor: str | None) -> int | None:
    """The id in a cursor of events, ``None`` for any other cursor."""
    text = cursor.removeprefix(_EVENT_CURSOR) if cursor and cursor.startswith(_EVENT_CURSOR) else ""
    return int(text) if text.isascii() and text.isdigit() else None


def _is_event(event: object) -> bool:
    if not isinstance(event, dict) or not isinstance(event.get("id"), int):
        return False
    try:
        instant(event["timestamp"])
    except (KeyError, TypeError, ValueError):
        return False
    return True


def _once(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
