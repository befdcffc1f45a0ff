"""Lists of tickets: what changed, and what is not solved."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.errors import PermanentPlatformError, TemporaryPlatformError
from oneclick_sla_plugin.ports import Request, Response, TicketPage
from oneclick_sla_zendesk.plugin import ZendeskConnection
from oneclick_sla_zendesk.simulator import ZendeskSandbox

CHANGES = "/api/v2/incremental/tickets/cursor.json"
TICKETS = "/api/v2/tickets.json"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Fake(Protocol):
    requests: list[Request]
    answers: dict[tuple[str, str], Response | Callable[[Request], Response]]


class Clock(Protocol):
    def __call__(self) -> datetime: ...
    def advance(self, amount: timedelta) -> datetime: ...


def answer(body: object, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def exported(*tickets: dict[str, Any], end: bool = True, cursor: str | None = "next") -> Response:
    return answer({"tickets": list(tickets), "after_cursor": cursor, "end_of_stream": end})


def queries(zendesk: Fake, path: str) -> list[dict[str, str]]:
    return [dict(request.query) for request in zendesk.requests if request.path == path]


class TestChanged:
    @pytest.mark.parametrize(
        ("since", "start"),
        [
            (NOW - timedelta(hours=1), NOW - timedelta(hours=1)),
            (NOW - timedelta(seconds=65), NOW - timedelta(seconds=65)),
            (NOW - timedelta(seconds=64), NOW - timedelta(seconds=65)),
            (NOW, NOW - timedelta(seconds=65)),
        ],
    )
    def test_it_begins_more_than_a_minute_ago(
        self, connection: ZendeskConnection, zendesk: Fake, since: datetime, start: datetime
    ) -> None:
        """Zendesk refuses a younger start; beginning earlier names a few tickets too many."""
        zendesk.answers["GET", CHANGES] = exported()
        connection.changed(since, None)
        assert queries(zendesk, CHANGES) == [{"start_time": str(int(start.timestamp())), "exclude_deleted": "true"}]

    def test_a_page_names_each_ticket_once_and_no_deleted_one(
        self, connection: ZendeskConnection, zendesk: Fake
    ) -> None:
        """The export repeats tickets, and may name deleted ones even where they were excluded."""
        zendesk.answers["GET", CHANGES] = exported(
            {"id": 2, "status": "open"}, {"id": 3, "status": "deleted"}, {"id": 2, "status": "solved"}, end=False
        )
        assert connection.changed(NOW, None) == TicketPage(("2",), "next", more=True)

    def test_the_cursor_goes_on(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """With a cursor the start is not asked for again; a page without one leaves it where it was."""
        zendesk.answers["GET", CHANGES] = exported(cursor=None)
        assert connection.changed(NOW, "here") == TicketPage((), "here", more=False)
        assert queries(zendesk, CHANGES) == [{"cursor": "here", "exclude_deleted": "true"}]

    @pytest.mark.parametrize("status", [400, 404, 410, 422])
    def test_a_cursor_that_is_refused_leads_back_to_the_start(
        self, connection: ZendeskConnection, zendesk: Fake, status: int
    ) -> None:
        """An old or broken cursor costs a few tickets twice, not the changes since."""
        zendesk.answers["GET", CHANGES] = lambda request: (
            answer({"error": "InvalidCursor"}, status) if "cursor" in dict(request.query) else exported({"id": 9})
        )
        assert connection.changed(NOW - timedelta(hours=1), "old").ticket_ids == ("9",)
        assert "start_time" in queries(zendesk, CHANGES)[1]

    def test_a_busy_export_is_no_refusal_of_the_cursor(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """Ten calls a minute are allowed; the same call comes later."""
        zendesk.answers["GET", CHANGES] = Response(429, {"retry-after": "20"})
        with pytest.raises(TemporaryPlatformError) as raised:
            connection.changed(NOW, "here")
        assert raised.value.retry_after == timedelta(seconds=20)
        assert len(queries(zendesk, CHANGES)) == 1

    def test_another_shape_is_an_error(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """A page that cannot be read is never taken for an empty one."""
        zendesk.answers["GET", CHANGES] = answer({"count": 0})
        with pytest.raises(PermanentPlatformError, match="unexpected_body"):
            connection.changed(NOW, None)


class TestUnsolved:
    def test_settled_tickets_are_left_out(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """All but solved and closed ones, in the order of their ids."""
        statuses = ["new", "open", "pending", "hold", "solved", "closed", "deleted"]
        tickets = [{"id": number, "status": status} for number, status in enumerate(statuses)]
        zendesk.answers["GET", TICKETS] = answer(
            {"tickets": tickets, "meta": {"has_more": True, "after_cursor": "next"}}
        )
        assert connection.unsolved(None) == TicketPage(("0", "1", "2", "3"), "next", more=True)
        assert connection.unsolved("here").cursor == "next"
        assert queries(zendesk, TICKETS) == [
            {"page[size]": "100", "sort": "id"},
            {"page[size]": "100", "sort": "id", "page[after]": "here"},
        ]

    def test_without_pages_it_is_an_error(self, connection: ZendeskConnection, zendesk: Fake) -> None:
        """The older kind of page ends after 10,000 tickets without a word, so it is not taken."""
        zendesk.answers["GET", TICKETS] = answer({"tickets": [], "next_page": None})
        with pytest.raises(PermanentPlatformError, match="unexpected_body"):
            connection.unsolved(None)


class TestAgainstTheAccount:
    def test_every_change_is_found_once_the_last_minute_is_over(
        self, account_there: ZendeskSandbox, connect: Callable[..., ZendeskConnection], clock: Clock
    ) -> None:
        """Nothing is skipped: what is withheld now is found later from the same cursor."""
        start = clock()
        clock.advance(timedelta(minutes=5))
        first, second = (
            account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.") for _ in range(2)
        )
        connection = connect()
        page = connection.changed(start, None)
        assert (page.ticket_ids, page.more) == ((), False)
        clock.advance(timedelta(seconds=61))
        page = connection.changed(start, page.cursor)
        assert page.ticket_ids == (first, second)
        account_there.agent_changes(first, priority="high")
        account_there.agent_deletes(second)
        clock.advance(timedelta(minutes=2))
        page = connection.changed(start, page.cursor)
        assert page.ticket_ids == (first,)
        account_there.system_touches(first)
        clock.advance(timedelta(minutes=2))
        assert connection.changed(start, page.cursor).ticket_ids == (first,)
        assert connection.changed(start, "no cursor of Zendesk").ticket_ids == (first,)

    def test_all_open_tickets_are_listed_and_the_list_can_be_resumed(
        self, account_there: ZendeskSandbox, connect: Callable[..., ZendeskConnection]
    ) -> None:
        """Page by page, each ticket that is not settled once, from a cursor that was kept by another connection."""
        ids = [
            account_there.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="It is wrong.") for _ in range(205)
        ]
        for ticket_id in ids[::3]:
            account_there.agent_changes(ticket_id, status="solved")
        found: list[str] = []
        cursor, more = None, True
        while more:
            page = connect().unsolved(cursor)
            found += page.ticket_ids
            cursor, more = page.cursor, page.more
        assert found == [ticket_id for place, ticket_id in enumerate(ids) if place % 3]

    def test_only_an_administrator_may_list_changes(
        self, account_there: ZendeskSandbox, connect: Callable[..., ZendeskConnection]
    ) -> None:
        """The refusal is told as a lack of rights."""
        account_there.change_user(9001, role="agent")
        with pytest.raises(PermanentPlatformError, match="scope"):
            connect().changed(NOW, None)
