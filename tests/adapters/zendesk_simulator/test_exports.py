"""The incremental export of tickets, and the account's schedules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api

EXPORT = "/api/v2/incremental/tickets/cursor"


@pytest.fixture
def since(manual_clock: ManualClock) -> str:
    """Just before the first ticket."""
    start = int(manual_clock().timestamp())
    manual_clock.advance(timedelta(minutes=5))
    return str(start)


def export(api: Api, **query: str) -> Any:
    response = api.call("GET", EXPORT, query=query)
    assert response.status == 200
    return response.json()


def ids(page: Any) -> list[int]:
    return [ticket["id"] for ticket in page["tickets"]]


def open_tickets(sandbox: ZendeskSandbox, count: int) -> list[int]:
    return [int(sandbox.open_ticket(channel=Channel.EMAIL, subject="Invoice", text="Text")) for _ in range(count)]


def test_the_last_minute_is_withheld(api: Api, sandbox: ZendeskSandbox, manual_clock: ManualClock, since: str) -> None:
    """The same cursor finds it later."""
    tickets = open_tickets(sandbox, 2)
    manual_clock.advance(timedelta(seconds=59))
    page = export(api, start_time=since)
    assert (ids(page), page["end_of_stream"]) == ([], True)
    manual_clock.advance(timedelta(seconds=1))
    assert ids(export(api, cursor=page["after_cursor"])) == tickets


@pytest.mark.parametrize(("age", "status"), [(61, 200), (60, 200), (59, 400)])
def test_a_start_is_more_than_a_minute_ago(
    api: Api, manual_clock: ManualClock, since: str, age: int, status: int
) -> None:
    """A younger one is refused."""
    start = int(manual_clock().timestamp()) - age
    assert api.call("GET", EXPORT, query={"start_time": str(start)}).status == status


@pytest.mark.parametrize("query", [{}, {"start_time": "soon"}, {"cursor": "?"}, {"cursor": "YWZ0ZXI6eA=="}])
def test_a_start_that_is_none_is_refused(api: Api, query: dict[str, str]) -> None:
    """400, as for a cursor that was never given out."""
    assert api.call("GET", EXPORT, query=query).status == 400


def test_pages_repeat_a_ticket_and_skip_none(
    api: Api, sandbox: ZendeskSandbox, manual_clock: ManualClock, since: str
) -> None:
    """Each page begins with the last ticket of the one before; the stream has an end."""
    tickets = open_tickets(sandbox, 5)
    manual_clock.advance(timedelta(minutes=2))
    page = export(api, start_time=since, per_page="2")
    found = [ids(page)]
    while not page["end_of_stream"]:
        page = export(api, cursor=page["after_cursor"], per_page="2")
        found.append(ids(page))
    assert found == [tickets[:2], tickets[1:4], tickets[3:]]


def test_what_the_system_does_is_exported_though_updated_at_looks_old(
    api: Api, sandbox: ZendeskSandbox, manual_clock: ManualClock, since: str
) -> None:
    """The export follows another instant than the ticket shows."""
    [ticket] = open_tickets(sandbox, 1)
    manual_clock.advance(timedelta(minutes=2))
    cursor = export(api, start_time=since)["after_cursor"]
    shown = api.ticket(str(ticket))["updated_at"]
    sandbox.system_touches(str(ticket))
    manual_clock.advance(timedelta(minutes=2))
    page = export(api, cursor=cursor)
    assert (ids(page), page["tickets"][0]["updated_at"]) == ([ticket], shown)


def test_deleted_tickets_are_exported_unless_excluded(
    api: Api, sandbox: ZendeskSandbox, manual_clock: ManualClock, since: str
) -> None:
    """With the status ``deleted``, which the API shows nowhere else."""
    kept, deleted = open_tickets(sandbox, 2)
    sandbox.agent_deletes(str(deleted))
    manual_clock.advance(timedelta(minutes=2))
    assert [ticket["status"] for ticket in export(api, start_time=since)["tickets"]] == ["new", "deleted"]
    assert ids(export(api, start_time=since, exclude_deleted="true")) == [kept]


def test_only_administrators_export(api: Api, sandbox: ZendeskSandbox, since: str) -> None:
    """An agent is refused."""
    sandbox.change_user(9001, role="agent")
    assert api.call("GET", EXPORT, query={"start_time": since}).status == 403


def test_schedules_are_minutes_of_a_week_in_a_zone_with_a_display_name(api: Api) -> None:
    """Since Sunday 00:00 of local time, never across a day; both dates belong to a holiday."""
    [schedule] = api.get("/api/v2/business_hours/schedules")["schedules"]
    assert (schedule["time_zone"], schedule["intervals"][0]) == ("Madrid", {"start_time": 1980, "end_time": 2520})
    assert all(entry["start_time"] // 1440 == entry["end_time"] // 1440 for entry in schedule["intervals"])
    holidays = api.get(f"/api/v2/business_hours/schedules/{schedule['id']}/holidays")["holidays"]
    assert holidays[1]["start_date"] < holidays[1]["end_date"]
    assert api.call("GET", "/api/v2/business_hours/schedules/9/holidays").status == 404
