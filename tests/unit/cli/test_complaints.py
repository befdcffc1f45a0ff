"""``oneclick-sla complaints``: what is shown, exported, checked and printed of the register."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.complaint_table import COMPLAINT_COLUMNS, harmless, write_csv, write_xlsx
from oneclick_sla_plugin.domain.complaint import ComplaintType, Happened, Stage
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.errors import ConfigError
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.testing.complaints import a_case, an_event
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT

HOUR = timedelta(hours=1)
POLICY = "en-linea-365@2023-08-16"
CONFIG = """
[server]
database = "sqlite:///{folder}/register.db"

[complaints]
supplier_name = "En Linea <365> S.A.C."

[accounts.acme]
platform = "zendesk"
policy = "en-linea-365"

[accounts.acme.zendesk]
base_url = "{base_url}"
client_id = "oneclick_sla"
client_secret = {{ file = "secret" }}
"""

REGISTERED = an_event(ack_due_at="2026-11-18T15:00:00Z", response_due_at="2026-11-19T15:00:00Z")
ANSWERED = [
    REGISTERED,
    an_event(Happened.ACKNOWLEDGED, HOUR, due_at="2026-11-18T15:00:00Z"),
    an_event(Happened.EXTENDED, 2 * HOUR, new_due_at="2026-11-25T15:00:00Z", old_due_at="2026-11-19T15:00:00Z"),
    an_event(Happened.RESPONDED, 30 * HOUR, due_at="2026-11-25T15:00:00Z"),
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/register.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def register(database: Database) -> SqlRegister:
    """An answered queja by phone, an open reclamo of the next day, a suspicion that was rejected."""
    register = SqlRegister(database)
    next_day = RECEIVED_AT + timedelta(days=1)
    cases = [
        a_case(ANSWERED, stage=Stage.RESPONDED, type=ComplaintType.QUEJA, channel=Channel.PHONE),
        a_case([REGISTERED], received_at=next_day),
        a_case([an_event(Happened.SUSPECTED), an_event(Happened.REJECTED, HOUR)], stage=Stage.REJECTED),
    ]
    for ticket, case in enumerate(cases, start=41):
        register.record(TicketKey("acme", str(ticket)), case, POLICY, next_day + HOUR)
    return register


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Runs ``oneclick-sla complaints``; ``base_url`` is where the helpdesk is."""

    def run(*arguments: object, base_url: str = "https://acme.zendesk.com", status: int = 0) -> Result:
        path = tmp_path / "oneclick-sla.toml"
        path.write_text(CONFIG.format(folder=tmp_path, base_url=base_url))
        result = CliRunner().invoke(cli, ["complaints", *map(str, arguments), "--config", str(path)])
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return run


# --- list, show -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "tickets"),
    [
        ([], ["41", "43", "42"]),
        (["acme"], ["41", "43", "42"]),
        (["--open"], ["41", "42"]),
        (["--stage", "responded"], ["41"]),
        (["--stage", "rejected", "--stage", "registered"], ["43", "42"]),
        (["--from", "2026-11-18"], ["42"]),
        (["--to", "2026-11-17"], ["41", "43"]),
        (["--from", "2026-11-17", "--to", "2026-11-17", "--open"], ["41"]),
        (["--from", "2026-11-19"], []),
    ],
)
def test_the_list_is_of_what_was_asked_for(
    register: SqlRegister, run: Callable[..., Result], options: list[str], tickets: list[str]
) -> None:
    """By account, stage, day of receipt and whether something is owed; in the order of receipt."""
    assert [one["ticket"] for one in json.loads(run("list", "--json", *options).output)] == tickets


def test_days_are_those_of_the_accounts_zone(database: Database, run: Callable[..., Result]) -> None:
    """An evening in Lima is the next day in UTC, and the day of the receipt is the one in Lima."""
    evening = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
    SqlRegister(database).record(TicketKey("acme", "1"), a_case(received_at=evening), POLICY, evening)
    (found,) = json.loads(run("list", "--json", "--to", "2026-11-17").output)
    assert found["received_at"] == "2026-11-17T22:00:00-05:00"


def test_the_list_fits_a_terminal(register: SqlRegister, run: Callable[..., Result]) -> None:
    """Eighty columns, numbers in one piece, and a line that sums up."""
    output = run("list").output
    assert all(len(line) <= 80 for line in output.splitlines())
    assert "2026-000001" in output
    assert output.splitlines()[-1] == "2 registered, 2 of them open; 1 suspicions"


def test_an_empty_register_is_no_error(database: Database, run: Callable[..., Result]) -> None:
    assert run("list").output == "0 registered, 0 of them open; 0 suspicions\n"


def test_an_unknown_account_is_told(database: Database, run: Callable[..., Result]) -> None:
    """It is not taken for an account without complaints."""
    assert isinstance(run("list", "acmee", status=1).exception, ConfigError)


@pytest.mark.parametrize("name", ["2026-000001", "acme/41", "41"])
def test_one_complaint_is_found_by_its_number_and_by_its_ticket(
    register: SqlRegister, run: Callable[..., Result], name: str
) -> None:
    """With its events, their evidence and their hashes."""
    found = json.loads(run("show", name, "--json").output)
    assert (found["number"], found["type"], found["response_due_at"]) == (
        "2026-000001",
        "queja",
        "2026-11-25T10:00:00-05:00",
    )
    assert [event["what"] for event in found["events"]] == ["registered", "acknowledged", "extended", "responded"]
    assert found["events"][3]["message"] == "responded-1"
    assert all(len(event["hash"]) == 64 for event in found["events"])


def test_the_events_are_shown_with_their_evidence(register: SqlRegister, run: Callable[..., Result]) -> None:
    output = run("show", "2026-000001").output
    assert all(len(line) <= 80 for line in output.splitlines())
    assert "message extended-1" in output
    assert "es.repetition.third_time (1.5)" in output


@pytest.mark.parametrize("name", ["2026-000009", "acme/9", "9", "nothing"])
def test_what_is_not_in_the_register_is_not_shown(register: SqlRegister, run: Callable[..., Result], name: str) -> None:
    assert "there is no" in run("show", name, status=1).output


# --- export -----------------------------------------------------------------------------------


def read_xlsx(path: Path) -> tuple[list[list[str]], set[str | None]]:
    """The texts of the worksheet, and the types of its cells."""
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - written by us
    assert sheet.findall(".//x:f", space) == []
    cells = [row.findall("x:c", space) for row in sheet.findall(".//x:row", space)]
    types = {cell.get("t") for row in cells for cell in row}
    return [["".join(cell.itertext()) for cell in row] for row in cells], types


def test_the_csv_opens_in_a_spreadsheet(register: SqlRegister, run: Callable[..., Result], tmp_path: Path) -> None:
    """UTF-8 with a byte order mark; a row a complaint; instants with their offset."""
    path = tmp_path / "register.csv"
    assert run("export", "-o", path).output == f"{path}: 3 rows\n"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert tuple(rows[0]) == COMPLAINT_COLUMNS
    assert [row["number"] for row in rows] == ["2026-000001", "", "2026-000002"]
    first = rows[0]
    assert (first["received_at"], first["extensions"], first["open"], first["rules"]) == (
        "2026-11-17T10:00:00-05:00",
        "1",
        "yes",
        "es.repetition.third_time:1.5",
    )


def test_the_xlsx_holds_texts_only(register: SqlRegister, run: Callable[..., Result], tmp_path: Path) -> None:
    """The same rows as the CSV, and no cell is a formula or a number."""
    run("export", "-o", tmp_path / "register.xlsx")
    run("export", "-o", tmp_path / "register.csv")
    rows, types = read_xlsx(tmp_path / "register.xlsx")
    expected = csv.reader((tmp_path / "register.csv").read_text("utf-8-sig").splitlines())
    assert rows == list(expected)
    assert types == {"inlineStr"}


def test_events_are_exported_with_their_hashes(
    register: SqlRegister, run: Callable[..., Result], tmp_path: Path
) -> None:
    """A row an event, in the order of the chain."""
    path = tmp_path / "events.csv"
    run("export", "--events", "-o", path)
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert [row["position"] for row in rows] == [str(n) for n in range(1, 8)]
    assert (rows[0]["facts"], rows[3]["what"]) == (
        "ack_due_at=2026-11-18T15:00:00Z response_due_at=2026-11-19T15:00:00Z",
        "responded",
    )
    assert rows[6]["hash"] == register.verify().heads[0].hash


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠A1", "'＠A1"),
        ("  =1", "'  =1"),
        ("\N{NO-BREAK SPACE}=1", "'\N{NO-BREAK SPACE}=1"),
        ('=HYPERLINK("http://x";"y")', '\'=HYPERLINK("http://x";"y")'),
        ("2026-000001", "2026-000001"),
        ("a=b", "a=b"),
        ("ñandú", "ñandú"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula(tmp_path: Path, cell: str, written: str) -> None:
    """In a CSV it gets an apostrophe before it, behind blanks too; in an XLSX it is text as it is."""
    assert harmless(cell) == written
    write_csv(tmp_path / "t.csv", ["column"], [[cell, "x"]])
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file))[1] == [written, "x"]
    write_xlsx(tmp_path / "t.xlsx", ["column"], [[cell, "x"]])
    rows, types = read_xlsx(tmp_path / "t.xlsx")
    assert types == {"inlineStr"}
    assert rows[1] == [cell.replace("\r", "_x000D_"), "x"]  # how the format spells a carriage return


@pytest.mark.parametrize("name", ["register.txt", "register", "none/register.csv", "none/register.xlsx"])
def test_an_export_that_cannot_be_written_is_told(
    register: SqlRegister, run: Callable[..., Result], tmp_path: Path, name: str
) -> None:
    status = 1 if "/" in name else 2
    assert "Error" in run("export", "-o", tmp_path / name, status=status).output
    assert not (tmp_path / name).exists()


# --- verify, totals ---------------------------------------------------------------------------


def test_an_intact_register_is_verified(register: SqlRegister, run: Callable[..., Result]) -> None:
    """The last hash is printed, to be noted elsewhere."""
    output = run("verify").output
    assert register.verify().heads[0].hash in output
    assert output.endswith("3 complaints and suspicions, 7 events: intact\n")
    assert json.loads(run("verify", "--json").output)["faults"] == []


def test_what_is_broken_is_named(register: SqlRegister, database: Database, run: Callable[..., Result]) -> None:
    """And the exit status is 1."""
    with database.writing() as connection:
        connection.execute(text("UPDATE complaint SET stage = 'closed' WHERE ticket = '42'"))
        connection.execute(text("DROP TRIGGER complaint_event_keeps_UPDATE"))
        connection.execute(text("UPDATE complaint_event SET actor = 'customer' WHERE position = 3"))
    lines = run("verify", status=1).output.splitlines()
    assert lines[:2] == [
        "link 3: its content disagrees with its hash",
        "acme/42: its row disagrees with its events",
    ]
    found = json.loads(run("verify", "--json", status=1).output)
    assert (found["intact"], len(found["faults"])) == (False, 2)


def test_totals_of_a_period(register: SqlRegister, run: Callable[..., Result]) -> None:
    """Days included; shares beside the counts."""
    period = ("--from", "2026-11-17", "--to", "2026-11-18")
    found = json.loads(run("totals", "acme", *period, "--json").output)
    assert (found["received"], found["open_at_end"], found["suspects_rejected"]) == (2, 2, 1)
    assert (found["since"], found["until"]) == ("2026-11-17T00:00:00-05:00", "2026-11-19T00:00:00-05:00")
    assert found["by_type"] == {"queja": 1, "reclamo": 1}
    assert found["answered"]["in_time"] == 1
    output = run("totals", *period).output
    assert all(len(line) <= 80 for line in output.splitlines())
    assert "email 1, phone 1" in output
    assert json.loads(run("totals", "--from", "2026-11-19", "--to", "2026-11-20", "--json").output)["received"] == 0


def test_a_period_that_ends_before_it_begins_is_refused(database: Database, run: Callable[..., Result]) -> None:
    assert "ends before" in run("totals", "--from", "2026-11-19", "--to", "2026-11-17", status=2).output


@pytest.mark.parametrize("day", ["17/11/2026", "2026-13-01", "yesterday"])
def test_a_day_that_is_none_is_refused(database: Database, run: Callable[..., Result], day: str) -> None:
    assert "is no date" in run("list", "--from", day, status=2).output


def test_the_last_day_of_all_is_refused(database: Database, run: Callable[..., Result]) -> None:
    """No day comes after it, where the period would end."""
    assert "too far away" in run("totals", "--from", "9999-12-31", "--to", "9999-12-31", status=2).output
