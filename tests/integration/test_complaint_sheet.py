"""The printed sheet over a simulated Zendesk: what stands on it, and that the program keeps nothing of it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.domain.complaint import CaseEvent, ComplaintType, Happened, Stage
from oneclick_sla_plugin.domain.model import Channel, TicketKey
from oneclick_sla_plugin.storage.database import Database, open_database
from oneclick_sla_plugin.storage.register import SqlRegister
from oneclick_sla_plugin.testing.complaints import a_case
from oneclick_sla_zendesk.plugin import ZendeskPlatform
from oneclick_sla_zendesk.simulator import ZendeskSandbox

NOW = datetime(2026, 11, 17, 15, 0, tzinfo=UTC)
WORDS = 'Es la tercera vez que escribo; <script>alert("1")</script> marca-quetzal\nSegunda línea'
ANSWER = "Le devolvimos el cargo, marca-cormoran."
CONFIG = """
[server]
database = "sqlite:///{folder}/register.db"

[complaints]
supplier_name = "En Linea <365> S.A.C."
supplier_tax_id = "20123456789"

[accounts.acme]
platform = "zendesk"
policy = "en-linea-365"

[accounts.acme.zendesk]
base_url = "{base_url}"
client_id = "{client_id}"
client_secret = {{ file = "client_secret" }}
"""


@pytest.fixture
def sandbox() -> Iterator[ZendeskSandbox]:
    running = ZendeskPlatform().sandbox(port=0, clock=lambda: NOW)
    assert isinstance(running, ZendeskSandbox)
    yield running
    running.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/register.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def ticket(sandbox: ZendeskSandbox) -> str:
    found = sandbox.open_ticket(channel=Channel.EMAIL, subject="Cobro & demora", text=WORDS)
    sandbox.agent_replies(found, ANSWER)
    return found


@pytest.fixture
def print_sheet(tmp_path: Path, sandbox: ZendeskSandbox) -> Callable[[str], str]:
    """Prints the sheet of a complaint and returns it."""

    def print_sheet(name: str) -> str:
        config = tmp_path / "oneclick-sla.toml"
        config.write_text(CONFIG.format(folder=tmp_path, **sandbox.settings()))
        (tmp_path / "client_secret").write_text(sandbox.secrets()["client_secret"])
        path = tmp_path / "sheet.html"
        result = CliRunner().invoke(cli, ["complaints", "sheet", name, "-o", str(path), "--config", str(config)])
        assert result.exit_code == 0, (result.output, result.exception)
        assert "marca" not in result.output
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return path.read_text(encoding="utf-8")

    return print_sheet


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip() and self.tags[-1] != "style":
            self.texts.append(data)


def read(document: str) -> _Texts:
    parser = _Texts()
    parser.feed(document)
    parser.close()
    return parser


def register_answered(database: Database, ticket: str, messages: tuple[str, str]) -> None:
    events = [
        CaseEvent(Happened.REGISTERED, NOW, "us", messages[0]),
        CaseEvent(Happened.INVESTIGATED, NOW + timedelta(hours=1), "agent"),
        CaseEvent(Happened.RESPONDED, NOW + timedelta(hours=2), "agent", messages[1]),
    ]
    case = a_case(events, stage=Stage.RESPONDED, message=messages[0], type=ComplaintType.QUEJA, received_at=NOW)
    SqlRegister(database).record(TicketKey("acme", ticket), case, "en-linea-365@2023-08-16", NOW)


def messages_of(sandbox: ZendeskSandbox, ticket: str) -> tuple[str, str]:
    first, second = sandbox._account.ticket(int(ticket)).comments
    return str(first.id), str(second.id)


def test_the_sheet_says_who_complained_of_what_and_what_was_done(
    sandbox: ZendeskSandbox, database: Database, ticket: str, print_sheet: Callable[[str], str]
) -> None:
    """Number, consumer, detail, answer, the box of its type, the legend with 15 business days; no claim of compliance."""
    register_answered(database, ticket, messages_of(sandbox, ticket))
    document = print_sheet("2026-000001")
    found = read(document)
    page = " ".join(" ".join(found.texts).split())
    for words in (
        "Libro de Reclamaciones",
        "2026-000001",
        "Fecha: 17/11/2026",
        "En Linea <365> S.A.C.",
        "20123456789",
        "Cobro & demora",
        "marca-quetzal Segunda línea",
        "marca-cormoran",
        "Respuesta enviada al consumidor",
        "17/11/2026 12:00",
        "no impide acudir a otras vías",
        "15 días hábiles",
        "no sustituye al Libro de Reclamaciones",
    ):
        assert words in page
    assert found.texts[found.texts.index("X") + 1] == "Queja"
    assert found.texts.count("X") == 1


def test_what_customers_write_is_text_and_nothing_else(
    sandbox: ZendeskSandbox, database: Database, ticket: str, print_sheet: Callable[[str], str]
) -> None:
    """A script in a message is printed, not run."""
    register_answered(database, ticket, messages_of(sandbox, ticket))
    found = read(print_sheet(f"acme/{ticket}"))
    assert "script" not in found.tags
    assert any('<script>alert("1")</script>' in words for words in found.texts)


def test_the_requester_is_read_from_the_helpdesk(
    sandbox: ZendeskSandbox, database: Database, ticket: str, print_sheet: Callable[[str], str]
) -> None:
    """Name and address as the helpdesk has them."""
    register_answered(database, ticket, messages_of(sandbox, ticket))
    requester = sandbox._account.user(sandbox._account.ticket(int(ticket)).requester_id)
    page = " ".join(read(print_sheet("2026-000001")).texts)
    assert requester.name in page
    assert requester.email in page


def test_a_message_that_is_gone_leaves_lines_to_write_on(
    database: Database, ticket: str, print_sheet: Callable[[str], str]
) -> None:
    """Of the complaint itself the customer's first message is printed; an answer is never guessed."""
    register_answered(database, ticket, ("404", "405"))
    page = " ".join(read(print_sheet("2026-000001")).texts)
    assert "marca-quetzal" in page
    assert "marca-cormoran" not in page


def test_nothing_of_it_is_kept(
    sandbox: ZendeskSandbox, database: Database, ticket: str, print_sheet: Callable[[str], str], tmp_path: Path
) -> None:
    """No file but the sheet itself has the customer's words, name or address: not the database, not its log."""
    register_answered(database, ticket, messages_of(sandbox, ticket))
    requester = sandbox._account.user(sandbox._account.ticket(int(ticket)).requester_id)
    print_sheet("2026-000001")
    SqlRegister(database).verify()
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"register.db", "register.db-wal"} <= files.keys()
    for marker in ("marca-quetzal", "marca-cormoran", "Cobro", requester.name, requester.email):
        assert [name for name, content in files.items() if marker.encode() in content] == ["sheet.html"]
