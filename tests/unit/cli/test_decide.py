"""``oneclick-sla decide``: tickets in, decisions out, line by line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from oneclick_sla_plugin.cli import cli

NOW = "2026-11-17T12:00:00-05:00"
OPTIONS = ["decide", "--policy", "en-linea-365", "--now", NOW, "--jsonl"]
PROGRAM = [sys.executable, "-c", "from oneclick_sla_plugin.cli import main; main()", *OPTIONS]


def a_line(id: str = "42", text: str = "MARKER text", **facts: Any) -> bytes:  # noqa: A002 - the key's name
    """A ticket as it stands on a line; the marker must come back nowhere."""
    at = facts.pop("at", "2026-11-17T10:00:00-05:00")
    ticket = {
        "platform": "zendesk",
        "account": "acme",
        "id": id,
        "created_at": at,
        "updated_at": at,
        "channel": "email",
        "subject": "MARKER subject",
        "status": "open",
        "tags": [],
        "fields": {},
        "requester": {"id": "7", "known": None},
        "messages": [{"id": "1", "at": at, "author": "customer", "public": True, "text": text}],
        "status_history": [],
        **facts,
    }
    return json.dumps(ticket, ensure_ascii=False).encode()


def run(lines: list[bytes] | bytes, *options: str) -> Result:
    given = lines if isinstance(lines, bytes) else b"".join(line + b"\n" for line in lines)
    return CliRunner().invoke(cli, [*OPTIONS, *options], input=given)


def answers(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout_bytes.splitlines()]


def test_every_ticket_gets_its_decision_in_order() -> None:
    result = run([a_line("3"), a_line("1"), a_line("2")])
    assert result.exit_code == 0
    assert [answer["ticket"] for answer in answers(result)] == ["zendesk/acme/3", "zendesk/acme/1", "zendesk/acme/2"]
    assert result.stderr == ""


BAD_LINES = [
    pytest.param(b"{MARKER", id="no JSON"),
    pytest.param(a_line(text="MARKER \ud800".encode("utf-8", "replace").decode())[:-1], id="cut off"),
    pytest.param(a_line().replace(b"MARKER", b"MARKER \xff"), id="no UTF-8"),
    pytest.param(a_line().replace(b"MARKER", b"MARKER \\udc00"), id="half a surrogate pair"),
    pytest.param(a_line(tags=None), id="null for a list"),
    pytest.param(a_line(channel="MARKER"), id="unknown channel"),
    pytest.param(a_line(at="2026-11-17T10:00:00"), id="no offset"),
    pytest.param(b'{"an unknown MARKER":1,' + a_line()[1:], id="a key that may be a text"),
    pytest.param(a_line().replace(b'"42"', b"9" * 5000), id="a huge number"),
    pytest.param(b"[" * 100_000, id="deep"),
    pytest.param(a_line(at="0001-01-01T00:00:00+14:00"), id="before all time"),
    pytest.param(a_line(at="9999-12-31T23:59:59-05:00"), id="after all time"),
    pytest.param(a_line(at="9999-12-31T23:59:59Z"), id="no time is left"),
    pytest.param(a_line(at="9999-12-31T23:59:59Z", channel="social"), id="no opening is left"),
    pytest.param(a_line(at="9999-12-31T23:59:59Z", channel="chat"), id="no chat is left"),
]


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_line_that_is_no_ticket_gets_an_error_and_the_others_their_answers(line: bytes) -> None:
    result = run([a_line("1"), line, a_line("2")])
    first, error, last = answers(result)
    assert result.exit_code == 1
    assert (first["ticket"], last["ticket"]) == ("zendesk/acme/1", "zendesk/acme/2")
    assert sorted(error) == ["error", "line"]
    assert error["line"] == 2
    assert error["error"]
    assert len(error["error"]) < 1000
    assert "MARKER" not in result.output
    assert result.stderr == ""


@pytest.mark.parametrize("policy", ["en-linea-365", "one-click-actions"])
@pytest.mark.parametrize("channel", ["email", "chat", "phone", "voicemail", "social", "other"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "0001-01-05T00:00:00Z", "9999-12-28T00:00:00Z"])
def test_the_ends_of_time_are_answered_or_refused(policy: str, channel: str, at: str) -> None:
    result = run([a_line(at=at, channel=channel), a_line("2")], "--policy", policy)
    extreme, other = answers(result)
    assert ("error" in extreme) is (result.exit_code == 1)
    assert other["ticket"] == "zendesk/acme/2"


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"\n \t\r\n\n", [], id="blank lines"),
        pytest.param(b"\n\nx\n\nx", [3, 5], id="blank lines are counted"),
        pytest.param(b"x", [1], id="no line end at the end"),
        pytest.param(b"x\r\nx\r\n", [1, 2], id="lines of Windows"),
    ],
)
def test_blank_lines_are_skipped_and_counted(given: bytes, lines: list[int]) -> None:
    assert [answer["line"] for answer in answers(run(given))] == lines


def test_a_byte_order_mark_is_no_part_of_the_ticket() -> None:
    assert run([b"\xef\xbb\xbf" + a_line()]).exit_code == 0


def test_a_line_of_ten_megabytes_is_answered() -> None:
    assert run([a_line(text="ñ" * 5_000_000)]).exit_code == 0


def test_a_line_that_could_fill_the_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = len(a_line("2"))
    monkeypatch.setattr(sys.modules["oneclick_sla_plugin.cli.decide"], "MAX_LINE_BYTES", limit)
    result = run([a_line("1", text="MARKER" * 5000), a_line("2"), a_line("3", text="MARKER " * 5000)])
    too_long, fitting, also_too_long = answers(result)
    assert (too_long["line"], also_too_long["line"]) == (1, 3)
    assert str(limit) in too_long["error"]
    assert fitting["ticket"] == "zendesk/acme/2"
    assert "MARKER" not in result.output


def test_tickets_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(a_line("9") + b"\n")
    result = CliRunner().invoke(cli, [*OPTIONS, str(path)])
    assert [answer["ticket"] for answer in answers(result)] == ["zendesk/acme/9"]


@pytest.mark.parametrize(("language", "word"), [("es", "Primera respuesta"), ("en", "First reply"), (None, "Primera")])
def test_notes_are_in_the_language_asked_for_else_in_the_policys(language: str | None, word: str) -> None:
    (answer,) = answers(run([a_line()], *(["--language", language] if language else [])))
    assert word in answer["desired"]["notes"][0]["text"]


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2026-11-18T15:00:00Z", "running"),
        ("2026-11-18T10:00:00-05:00", "running"),
        ("2026-11-18T15:00:01Z", "breached"),
        ("2026-11-18T10:00:01-05:00", "breached"),
    ],
)
def test_now_is_an_instant_in_any_offset(now: str, state: str) -> None:
    (answer,) = answers(run([a_line()], "--now", now))
    assert answer["clocks"][0]["state"] == state


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--now", "2026-11-18T10:00:00"], "offset"),
        (["--now", "tomorrow"], "no instant"),
        (["--now", "0001-01-01T00:00:00+05:00"], "no instant"),
        (["--language", "de"], "de"),
    ],
)
def test_wrong_use_ends_with_status_2(options: list[str], part: str) -> None:
    result = run([a_line()], *options)
    assert result.exit_code == 2
    assert part in result.stderr
    assert result.stdout == ""


def test_a_policy_with_mistakes_ends_with_status_2_and_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('id = "mine"\ntime_zone = "Nowhere"\n', encoding="utf-8")
    ended = subprocess.run([*PROGRAM, "--policy", str(path)], check=False, input=b"", capture_output=True, timeout=60)
    assert ended.returncode == 2
    assert b"time_zone" in ended.stderr
    assert b"targets" in ended.stderr
    assert b"Traceback" not in ended.stderr


# --- as a process, with pipes -----------------------------------------------------------------


@contextmanager
def process(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        PROGRAM,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    ) as running:
        watchdog = threading.Timer(60, running.kill)  # a program that does not answer fails the test, not hangs it
        watchdog.start()
        try:
            yield running
        finally:
            watchdog.cancel()
            running.kill()


def test_each_line_is_answered_before_the_next_is_sent() -> None:
    """So that another program can ask and wait; and so that nothing is gathered in memory."""
    with process() as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for id_ in ("1", "2", "3"):
            running.stdin.write(a_line(id_) + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["ticket"] == f"zendesk/acme/{id_}"
        running.stdin.close()
        assert running.wait(60) == 0


def test_a_reader_that_goes_away_ends_the_program_quietly() -> None:
    with process() as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write(a_line() + b"\n")
        running.stdin.flush()
        assert running.stdout.readline()
        running.stdout.close()
        running.stdin.write(a_line() + b"\n")
        running.stdin.close()
        assert running.wait(60) == 1
        assert running.stderr.read() == b""


def test_answers_are_utf_8_whatever_the_locale() -> None:
    environment = {
        "LANG": "C",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
    }
    ended = subprocess.run(
        PROGRAM, check=False, input=a_line("ñandú"), capture_output=True, env={**os.environ, **environment}, timeout=60
    )
    assert ended.returncode == 0
    assert json.loads(ended.stdout.decode("utf-8"))["ticket"] == "zendesk/acme/ñandú"
    assert "ñandú".encode() in ended.stdout
