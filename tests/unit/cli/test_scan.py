"""``oneclick-sla scan``: findings with their places and masks, whatever the file; the values themselves never."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from stdnum import luhn

from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.text_stream import PIECE_BYTES, REACH, findings_of, pieces_of
from oneclick_sla_plugin.detectors import register_detectors
from oneclick_sla_plugin.detectors.scanner import DetectorFailure, Scanner
from oneclick_sla_plugin.domain.sensitive import CARD, Detector
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.plugins import Plugins

HARMLESS = "Gracias por la paciencia y un saludo desde Lima.\n"


def card(last: int = 1) -> str:
    """A made-up card number, another one for each ``last``."""
    number = f"45391{last:010d}"
    return number + luhn.calc_check_digit(number)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Commands set up logging for their process."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    detectors: list[Detector] = []
    register_detectors(detectors.append)
    return Scanner(detectors)


def scan(*arguments: str, given: bytes = b"", columns: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, ["scan", *arguments], input=given)


def document(*arguments: str, given: bytes = b"") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(scan(*arguments, "--json", given=given).stdout_bytes)
    return found


def refuse(failure: DetectorFailure) -> None:
    raise AssertionError(failure)


def ticket(*messages: tuple[str, bool, str], **facts: Any) -> dict[str, Any]:
    at = "2026-11-17T15:00:00Z"
    return {
        "platform": "zendesk",
        "account": "acme",
        "id": "7",
        "created_at": at,
        "updated_at": at,
        "channel": "email",
        "subject": "Hola",
        "status": "open",
        "tags": [],
        "fields": {},
        "requester": {"id": "7", "known": None},
        "messages": [
            {"id": str(n), "at": at, "author": author, "public": public, "text": text}
            for n, (author, public, text) in enumerate(messages, start=1)
        ],
        "status_history": [],
        **facts,
    }


# --- what is told ------------------------------------------------------------------------------


def test_a_finding_tells_place_type_level_and_mask(tmp_path: Path) -> None:
    """Places count characters of the text, also behind characters of several bytes."""
    path = tmp_path / "mail.txt"
    text = f"ñandú: mi tarjeta es {card()}, ¿está bien?"
    path.write_text(text, encoding="utf-8")
    found = document(str(path))
    (finding,) = found["findings"]
    assert finding.pop("confidence") >= 0.8
    assert finding == {
        "file": str(path),
        "type": "card",
        "level": "warn",
        "start": text.index(card()),
        "end": text.index(card()) + len(card()),
        "masked": f"•••• {card()[-4:]}",
    }
    assert found["summary"] == {
        "files": 1,
        "unreadable": 0,
        "findings": {"warn": 1, "possible": 0},
        "types": {"card": 1},
    }


def test_a_person_sees_the_place_counted_from_one_as_in_the_notes() -> None:
    result = scan("-", given=f"{card()}\n".encode())
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["standard", "input"]
    assert lines[1][:3] == ["1-16", "warn", "card"]
    assert result.stdout.splitlines()[2] == "1 file scanned: 1 warn, 0 possible"


@pytest.mark.parametrize("options", [(), ("--json",)], ids=["screen", "json"])
@pytest.mark.parametrize("jsonl", [False, True], ids=["text", "jsonl"])
def test_a_value_is_never_printed(options: tuple[str, ...], *, jsonl: bool) -> None:
    """Not a run of six of its characters, nor of what stands beside it."""
    password = "Tr4mpa" + "!Oculta"
    text = f"Mi tarjeta: {card()} y mi contraseña es {password}"
    given = json.dumps(ticket(("customer", True, text))) if jsonl else text
    result = scan("-", *(("--jsonl",) if jsonl else ()), *options, given=given.encode())
    assert result.exit_code == 1
    assert "password" in result.output
    for value in (card(), password, "tarjeta:"):
        assert not any(value[at : at + 6] in result.output for at in range(len(value) - 5))


@pytest.mark.parametrize(
    ("text", "status"),
    [(f"tarjeta {card()}", 1), (HARMLESS, 0), ("", 0)],
    ids=["a warning", "harmless", "empty"],
)
def test_the_exit_status_says_whether_something_is_to_be_done(text: str, status: int) -> None:
    assert scan("-", given=text.encode()).exit_code == status


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "name files"),
        (("no-such-file",), "does not exist"),
        (("--jsonl", "--account", "acme"), "belongs to FILES"),
        (("--verbose", "-"), "No such option"),
    ],
)
def test_wrong_use_ends_with_status_2(arguments: tuple[str, ...], part: str) -> None:
    result = scan(*arguments)
    assert result.exit_code == 2
    assert part in " ".join(result.stderr.split())


def test_no_line_is_wider_than_80_columns(tmp_path: Path) -> None:
    path = tmp_path / ("long-name-" * 15 + ".txt")
    token = "github_pat_" + "a1B2c3D4e5" * 5
    path.write_text(HARMLESS * 20_000 + f"{card()} {token} {'IBAN ES91' + '21000418450200051332'}", encoding="utf-8")
    result = scan(str(path))
    assert "secret" in result.stdout
    assert max(map(cell_len, result.stdout.splitlines())) <= 80


def test_a_name_cannot_steer_the_terminal() -> None:
    given = json.dumps(ticket(("customer", True, card()), id="\x1b[31m7"))
    result = scan("--jsonl", "-", given=given.encode())
    assert "ticket zendesk/acme/" in result.stdout
    assert "\x1b" not in result.stdout


# --- tickets -----------------------------------------------------------------------------------


def test_of_tickets_the_messages_are_scanned_that_a_running_program_scans() -> None:
    """Customers' and agents' public ones; not the notes."""
    line = ticket(
        ("customer", True, f"Mi tarjeta es {card(1)}"),
        ("agent", False, f"Tarjeta {card(2)}"),
        ("agent", True, f"¿Es la {card(3)}?"),
    )
    found = document("--jsonl", "-", given=json.dumps(line).encode())
    assert [(each["ticket"], each["message"], each["masked"]) for each in found["findings"]] == [
        ("zendesk/acme/7", "1", f"•••• {card(1)[-4:]}"),
        ("zendesk/acme/7", "3", f"•••• {card(3)[-4:]}"),
    ]
    assert found["summary"]["tickets"] == 1


def test_lines_that_are_no_tickets_are_told_and_never_called_clean() -> None:
    good = json.dumps(ticket(("customer", True, HARMLESS)))
    result = scan("--jsonl", "-", given=f"{good}\n{{MARKER\n\n{good}\n".encode())
    assert result.exit_code == 2
    assert result.stderr.startswith("-: line 2")
    assert "2 tickets scanned, 1 not read: 0 warn" in result.stdout
    assert "MARKER" not in result.output


# --- settings ----------------------------------------------------------------------------------


def test_the_settings_of_an_account_hold_for_files(tmp_path: Path) -> None:
    """Without its secrets, which a file does not need."""
    config = tmp_path / "oneclick-sla.toml"
    config.write_text(
        """
        [accounts.acme]
        platform = "zendesk"
        policy = "en-linea-365"
        [accounts.acme.sensitive]
        types_off = ["card"]
        own_patterns = [{ type = "contract", pattern = "CT-[0-9]{6}" }]
        [accounts.acme.zendesk]
        client_secret = { env = "NOT_SET_ANYWHERE" }
        """,
        encoding="utf-8",
    )
    found = document("-", "--account", "acme", "--config", str(config), given=f"{card()} CT-123456".encode())
    assert found["summary"]["types"] == {"contract": 1}


def test_an_account_that_does_not_exist_is_named(tmp_path: Path) -> None:
    config = tmp_path / "oneclick-sla.toml"
    config.write_text(
        '[accounts.acme]\nplatform = "zendesk"\npolicy = "en-linea-365"\n[accounts.acme.zendesk]\n', encoding="utf-8"
    )
    result = scan("-", "--account", "nobody", "--config", str(config), given=b"x")
    assert 'there is no account "nobody"' in str(result.exception)


# --- files of any size and kind ----------------------------------------------------------------


def pieces(text: str, size: int) -> Iterator[str]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


@settings(max_examples=40)
@given(before=st.integers(0, 3 * PIECE_BYTES), size=st.integers(1000, 2 * PIECE_BYTES))
def test_a_value_is_found_once_wherever_a_piece_ends(scanner: Scanner, before: int, size: int) -> None:
    text = (HARMLESS * (before // len(HARMLESS) + 1))[:before] + f"\nmi tarjeta {card()} gracias\n" + HARMLESS * 1000
    found = list(findings_of(pieces(text, size), scanner, refuse))
    assert [(each.type, text[each.start : each.end]) for each in found] == [(CARD, card())]


@pytest.mark.parametrize("offset", [-REACH, -len(card()), -8, -1, 0, 1, REACH])
def test_a_value_on_a_border_is_found_once(offset: int) -> None:
    """Through the file, whose pieces are of a fixed size."""
    said = "\nmi tarjeta "
    for border in (PIECE_BYTES, PIECE_BYTES - REACH, 2 * PIECE_BYTES - REACH):
        filler = (HARMLESS * (border // len(HARMLESS) + REACH))[: border + offset - len(said)]
        found = document("-", given=f"{filler}{said}{card()} {HARMLESS * 4000}".encode())["findings"]
        assert [each["start"] for each in found] == [border + offset], border


def test_a_file_full_of_values_is_listed_whole(scanner: Scanner) -> None:
    """Many more than a scan of one message lists."""
    numbers = [card(n) for n in random.Random(5).sample(range(10**9), 5000)]  # noqa: S311 - a sample
    text = "\n".join(numbers)
    found = list(findings_of(pieces(text, PIECE_BYTES), scanner, refuse))
    assert [text[each.start : each.end] for each in found if each.type == CARD] == numbers
    assert {each.type for each in found} == {CARD}


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe" + b"\x00\xd8a\x00" * 100,
        b"\xc3" * 70_000,
        bytes(range(256)) * 2000,
        b"\x00" * 300_000,
        b"%PDF-1.7\n\x80\x81" + b"<" * 50_000,
        random.Random(3).randbytes(300_000),  # noqa: S311 - noise, not a secret
    ],
    ids=["lone surrogates", "broken UTF-8", "all bytes", "zeros", "brackets", "noise"],
)
def test_no_bytes_make_it_fail_or_hide_a_value(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(data + f"\n\nMi tarjeta es {card()}\n".encode("utf-16-le" if data[:2] == b"\xff\xfe" else "utf-8"))
    result = scan(str(path), "--json")
    assert result.exit_code == 1, result.output
    assert f"•••• {card()[-4:]}" in result.stdout


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_usual_encodings_are_read(encoding: str) -> None:
    text = f"año: {card()}"
    (finding,) = document("-", given=text.encode(encoding))["findings"]
    assert finding["start"] == text.index(card())


def test_one_failing_detector_is_named_once_and_the_others_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name, types, trigger = "broken", frozenset({"odd"}), ""

        def find(self, text: object) -> Iterator[Any]:
            raise ValueError("MARKER")

    class Plugin:
        @hookimpl
        def register_detectors(self, register: Callable[[Detector], None]) -> None:
            register(Broken())

    plugins = Plugins.load(plugins=[("acme", Plugin())])
    monkeypatch.setattr(Plugins, "load", lambda **_: plugins)
    result = scan("-", given=(HARMLESS * 10_000 + card()).encode())
    assert (result.exit_code, result.stderr.count("broken")) == (1, 1)
    assert "MARKER" not in result.output


def test_memory_does_not_grow_with_the_file(scanner: Scanner) -> None:
    """Four times as much text takes no more at its peak than a tenth on top."""

    def peak(size: int) -> int:
        file = io.BytesIO((HARMLESS * (size // len(HARMLESS))).encode())
        tracemalloc.start()
        try:
            assert list(findings_of((text for text, _ in pieces_of(file)), scanner, refuse)) == []
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(PIECE_BYTES)
    assert peak(16 * PIECE_BYTES) < 1.1 * peak(4 * PIECE_BYTES)
