"""``oneclick-sla simulate``: tickets under two policies."""

from __future__ import annotations

import csv
import json
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.simulate import tickets_of_account, tickets_of_file
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.errors import ConfigError, TemporaryPlatformError, TicketGone
from oneclick_sla_plugin.ports import TicketPage
from oneclick_sla_plugin.testing.tickets import a_ticket

POLICY = """
id = "test"
version = "{within}"
title = "Test"
language = "de"
time_zone = "America/Lima"
channels = ["email"]
default_channel = "email"

[calendars.office]
hours = {{ mon-fri = ["09:00-18:00"] }}

[[targets]]
name = "reply"
metric = "first_reply"
title = "reply"
clause = "§1"
within = "{within}"
calendar = "office"
"""
RECEIVED = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)


@pytest.fixture
def policies(tmp_path: Path) -> tuple[str, ...]:
    """An old policy of four hours, and a new one of two."""
    paths = []
    for name, within in (("old", "4 open hours"), ("new", "2 open hours")):
        path = tmp_path / f"{name}.toml"
        path.write_text(POLICY.format(within=within), encoding="utf-8")
        paths.append(str(path))
    return ("--policy", paths[1], "--against", paths[0])


def line(id: str, replied_after: float | None = None, **facts: Any) -> str:  # noqa: A002 - the key's name
    at = [(RECEIVED + timedelta(hours=hours)).isoformat() for hours in (0, replied_after or 0)]
    messages = [{"id": "1", "at": at[0], "author": "customer", "public": True, "text": "MARKER"}]
    if replied_after is not None:
        messages.append({"id": "2", "at": at[1], "author": "agent", "public": True, "text": "MARKER"})
    ticket = {
        "platform": "zendesk",
        "account": "acme",
        "id": id,
        "created_at": at[0],
        "updated_at": at[1],
        "channel": "email",
        "subject": "MARKER",
        "status": "open",
        "tags": [],
        "fields": {},
        "requester": {"id": "7", "known": None},
        "messages": messages,
        "status_history": [],
        **facts,
    }
    return json.dumps(ticket)


def simulate(given: Sequence[str], *options: str, columns: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, ["simulate", *options], input="\n".join(given))


def document(given: Sequence[str], *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(simulate(given, *options, "--json").stdout_bytes)
    return found


LINES = [line("1", 1), line("2", 3), line("3", 5), line("4")]
"""Met by both, by the old one only, by neither, and not answered at its last update."""


def test_shares_and_changes_are_counted(policies: tuple[str, ...]) -> None:
    found = document(LINES, *policies)
    (share,) = found["shares"]
    assert (found["tickets"], found["changed"], found["refused"]) == (4, 4, 0)
    assert (share["channel"], share["metric"]) == ("email", "first_reply")
    assert share["old"]["met_share"] == pytest.approx(2 / 3)
    assert share["new"]["met_share"] == pytest.approx(1 / 3)
    assert (share["new"]["breached"], share["new"]["running"]) == (2, 1)


def test_a_ticket_that_changes_is_shown_by_its_id_with_both_due_instants_and_states(policies: tuple[str, ...]) -> None:
    assert document([line("2", 3)], *policies)["changed_tickets"] == [
        {
            "ticket": "acme/2",
            "priority": {"old": "normal", "new": "normal"},
            "clocks": [
                {
                    "metric": "first_reply",
                    "old": {"due_at": "2026-11-17T19:00:00Z", "state": "met"},
                    "new": {"due_at": "2026-11-17T17:00:00Z", "state": "breached"},
                }
            ],
        }
    ]


@pytest.mark.parametrize(("options", "state"), [((), "running"), (("--now", "2026-11-17T12:00:01-05:00"), "breached")])
def test_tickets_are_judged_at_their_last_update_or_at_now(
    policies: tuple[str, ...], options: tuple[str, ...], state: str
) -> None:
    (ticket,) = document([line("4")], *policies, *options)["changed_tickets"]
    assert ticket["clocks"][0]["new"]["state"] == state


@pytest.mark.parametrize(("most", "listed"), [("0", 0), ("2", 2), ("20", 4)])
def test_no_more_changes_are_listed_than_asked_for(policies: tuple[str, ...], most: str, listed: int) -> None:
    found = document(LINES, *policies, "--changed", most)
    assert (len(found["changed_tickets"]), found["changed"]) == (listed, 4)


def test_the_same_policy_changes_nothing(policies: tuple[str, ...]) -> None:
    found = document(LINES, "--policy", policies[1], "--against", policies[1])
    assert (found["tickets"], found["changed"]) == (4, 0)


def test_lines_that_are_no_tickets_are_counted_and_reported_and_the_rest_is_judged(policies: tuple[str, ...]) -> None:
    end = line("9", created_at="9999-12-31T23:59:59Z", messages=[])
    result = simulate([LINES[0], "{MARKER", "", '{"an unknown MARKER": 1}', end, LINES[1]], *policies)
    assert result.exit_code == 1
    assert [reported.split(":")[0] for reported in result.stderr.splitlines()] == ["line 2", "line 4", "line 5"]
    assert "2 tickets, 2 change under NEW, 3 lines that are no tickets" in result.stdout
    assert "MARKER" not in result.output


def test_only_the_first_lines_that_are_no_tickets_are_described(policies: tuple[str, ...]) -> None:
    result = simulate(["x"] * 25, *policies)
    assert len(result.stderr.splitlines()) == 21
    assert result.stderr.splitlines()[-1] == "and 5 more that are no tickets"


def test_a_line_that_could_fill_the_memory_is_refused(
    policies: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["oneclick_sla_plugin.cli.simulate"]  # the package has the command under this name
    monkeypatch.setattr(module, "MAX_LINE_BYTES", len(LINES[0]) + 10)
    result = simulate([LINES[0], line("5", subject="x" * 5000), LINES[0]], *policies)
    assert result.stderr.startswith("line 2: is longer")
    assert "2 tickets" in result.stdout


def test_nothing_at_all_is_no_error(policies: tuple[str, ...]) -> None:
    result = simulate([], *policies)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "0 tickets" in result.stdout


@pytest.mark.parametrize("columns", [80, 60])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = [
        line(str(10**30 + n), n, channel=channel, context={"kind": "complaint"})
        for n in range(6)
        for channel in ("email", "whatsapp", "voicemail", "chat")
    ]
    result = simulate(lines, "--policy", "one-click-actions", "--against", "en-linea-365", columns=columns)
    assert result.exit_code == 0
    assert max(map(cell_len, result.stdout.splitlines())) <= columns


def test_nothing_that_was_written_and_nothing_that_steers_the_terminal_is_shown(
    policies: tuple[str, ...], tmp_path: Path
) -> None:
    sheet = tmp_path / "clocks.csv"
    given = [line("\x1b[31m1", 3, tags=["MARKER"], recipient="MARKER@example.com")]
    for options in ((), ("--json",)):
        result = simulate(given, *policies, "--csv", str(sheet), *options)
        assert "MARKER" not in result.output
        assert "\x1b" not in result.output
    assert "MARKER" not in sheet.read_text(encoding="utf-8")


def test_the_sheet_has_every_clock_under_both_policies(policies: tuple[str, ...], tmp_path: Path) -> None:
    sheet = tmp_path / "clocks.csv"
    assert simulate([line("2", 3), line("3", 1)], *policies, "--csv", str(sheet)).exit_code == 0
    with sheet.open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "ticket": "acme/2",
        "metric": "first_reply",
        "changed": "yes",
        "old_channel": "email",
        "old_due_at": "2026-11-17T19:00:00Z",
        "old_state": "met",
        "new_channel": "email",
        "new_due_at": "2026-11-17T17:00:00Z",
        "new_state": "breached",
        "old_priority": "normal",
        "new_priority": "normal",
    }
    assert second["ticket"] == "acme/3"


def test_a_spreadsheet_takes_no_name_for_a_formula(policies: tuple[str, ...], tmp_path: Path) -> None:
    sheet = tmp_path / "clocks.csv"
    simulate([line("2", 3, account="=1+1")], *policies, "--csv", str(sheet))
    assert "\n'=1+1/2," in sheet.read_text(encoding="utf-8")


def test_tickets_may_come_from_a_file(policies: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_text("\ufeff" + "\r\n".join(LINES), encoding="utf-8")
    assert document([], *policies, str(path))["tickets"] == 4


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--since", "2026-11-17T00:00:00Z"), "belong to --account"),
        (("--now", "yesterday"), "no instant"),
        (("--changed", "-1"), "-1"),
    ],
)
def test_wrong_use_ends_with_status_2(policies: tuple[str, ...], options: tuple[str, ...], part: str) -> None:
    result = simulate([], *policies, *options)
    assert result.exit_code == 2
    assert part in " ".join(result.stderr.split())


def test_a_policy_that_does_not_exist_is_named(policies: tuple[str, ...]) -> None:
    result = simulate([], "--policy", "nope", "--against", policies[1])
    assert isinstance(result.exception, ConfigError)


def test_memory_does_not_grow_with_the_number_of_tickets(tmp_path: Path) -> None:
    """A thousand tickets are read in less memory than a tenth of their file takes."""
    path = tmp_path / "tickets.jsonl"
    path.write_text("\n".join(line(str(n % 20), 3) for n in range(1000)), encoding="utf-8")
    tracemalloc.start()
    try:
        with path.open("rb") as file:
            assert sum(1 for _ in tickets_of_file(file)) == 1000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 10


# --- an account's history ----------------------------------------------------------------------


class Desk:
    """A helpdesk whose lists and tickets a test lays out; what it raises comes once each."""

    def __init__(self, changed: Sequence[Sequence[str]], unsolved: Sequence[Sequence[str]]) -> None:
        self._lists = {"changed": changed, "unsolved": unsolved}
        self.raises: list[Exception] = []
        self.gone: set[str] = set()
        self.asked: list[datetime] = []

    def _page(self, name: str, cursor: str | None) -> TicketPage:
        n = int(cursor or 0)
        pages = self._lists[name]
        return TicketPage(tuple(pages[n]), str(n + 1), more=n + 1 < len(pages))

    def changed(self, since: datetime, cursor: str | None) -> TicketPage:
        self.asked.append(since)
        return self._page("changed", cursor)

    def unsolved(self, cursor: str | None) -> TicketPage:
        return self._page("unsolved", cursor)

    def read(self, ticket_id: str) -> Ticket:
        if self.raises:
            raise self.raises.pop()
        if ticket_id in self.gone:
            raise TicketGone(platform="p", operation="read ticket", status=404)
        return a_ticket(id=ticket_id)


def read(desk: Desk, waits: list[timedelta] | None = None) -> Iterator[str]:
    pauses = waits if waits is not None else []
    for item in tickets_of_account(desk, RECEIVED, pauses.append):  # type: ignore[arg-type]
        assert item.ticket is not None
        yield item.ticket.id


def test_an_account_s_tickets_are_those_changed_since_and_the_unsolved_ones_each_once() -> None:
    desk = Desk(changed=[["1", "2"], [], ["3", "1"]], unsolved=[["2", "4"], ["5"]])
    desk.gone = {"4"}
    assert list(read(desk)) == ["1", "2", "3", "5"]
    assert set(desk.asked) == {RECEIVED}


def test_a_platform_that_wants_us_to_wait_is_asked_again() -> None:
    desk = Desk(changed=[["1"]], unsolved=[[]])
    minute = timedelta(minutes=1)
    desk.raises = [
        TemporaryPlatformError(platform="p", operation="read ticket", status=503),
        TemporaryPlatformError(platform="p", operation="read ticket", status=429, retry_after=minute),
    ]
    waits: list[timedelta] = []
    assert list(read(desk, waits)) == ["1"]
    assert waits[0] == minute
    assert len(waits) == 2


def test_a_platform_that_goes_on_failing_ends_it() -> None:
    desk = Desk(changed=[["1"]], unsolved=[[]])
    desk.raises = [TemporaryPlatformError(platform="p", operation="read ticket", status=503) for _ in range(50)]
    with pytest.raises(TemporaryPlatformError):
        list(read(desk))
