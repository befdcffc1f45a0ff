"""The demo: the same messages come to the same on every helpdesk that is there, and it says so when they do not."""

from __future__ import annotations

import importlib
import io
import ipaddress
import re
import socket
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from oneclick_sla_osticket.plugin import OsTicketPlatform
from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.demo.report import print_report
from oneclick_sla_plugin.cli.demo.script import Script, load_script
from oneclick_sla_plugin.cli.demo.sheet_text import plain_sheet
from oneclick_sla_plugin.cli.demo.stage import Stage
from oneclick_sla_plugin.domain.model import Channel, Priority
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.ports import Capabilities, Platform

DEMO = importlib.import_module("oneclick_sla_plugin.cli.demo")


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anywhere else fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        assert ipaddress.ip_address(address[0]).is_loopback
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def abridged(script: Script) -> Script:
    """The complaint that is followed, and the first ticket besides it."""
    first, *_ = (ticket for ticket in script.tickets if ticket.story is None)
    return replace(script, tickets=(first, *(ticket for ticket in script.tickets if ticket.story is not None)))


def test_the_demo_checks_itself_and_shows_everything() -> None:
    result = CliRunner().invoke(cli, ["demo", "--once"])
    path = Path(re.search(r"\S+oneclick-sla-demo-\S+\.html", result.stdout)[0])  # type: ignore[index]
    document = path.read_text(encoding="utf-8")
    mode = stat.S_IMODE(path.stat().st_mode)
    path.unlink()
    assert result.exit_code == 0, result.stdout
    for shown in (
        "freshdesk  osticket    zendesk",
        "takes api, other or voicemail for another channel",
        "•••• 1111",
        "Draft to the customer",
        "2026-000003",
        "intact",
        "answered in time       3 of 3",
        "14 of 14 messages came out as expected on freshdesk, osticket and zendesk.",
    ):
        assert shown in result.stdout
    assert mode == 0o600
    assert "Hoja de reclamación 2026-000001" in document
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "4111" not in result.stdout


def test_what_is_not_as_expected_is_told_and_ends_with_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    script = abridged(load_script())
    first, complaint = script.tickets
    wrong = replace(first, expect=replace(first.expect, priority=Priority.LOW))
    monkeypatch.setattr(DEMO, "load_script", lambda: replace(script, tickets=(wrong, complaint)))
    result = CliRunner().invoke(cli, ["demo", "--once", "--json"])
    assert result.exit_code == 1
    assert '"freshdesk: priority: high instead of low"' in result.stdout


class Elsewhere(OsTicketPlatform):
    """A third party's helpdesk, which knows nothing but mail."""

    name = "elsewhere"
    capabilities = Capabilities(channels=frozenset({Channel.EMAIL}))

    @hookimpl
    def register_platforms(self, register: Callable[[Platform], None]) -> None:
        register(self)


def test_the_platforms_are_those_that_are_installed() -> None:
    """A message whose channel a helpdesk cannot tell is judged there as it can be, and the table says why."""
    script = load_script()
    social = next(ticket for ticket in script.tickets if ticket.channel is Channel.SOCIAL)
    script = replace(script, tickets=(social, *abridged(script).tickets))
    with Stage(script.accounts, plugins=[("elsewhere", Elsewhere())], blocked=["freshdesk"]) as stage:
        performance = stage.play(script)
    assert [helpdesk.name for helpdesk in performance.helpdesks] == ["elsewhere", "osticket", "zendesk"]
    assert performance.wrong == ()
    screen = io.StringIO()
    print_report(Console(file=screen, width=100), performance)
    assert "¹ elsewhere: takes api" in screen.getvalue()


def test_the_sheet_in_plain_text() -> None:
    document = """<html><head><title>Hoja</title><style>p { }</style><meta charset="utf-8"></head><body>
      <div class="number"><b>2026-000001</b>Fecha: 04/12/2026</div>
      <h2>Consumidor</h2>
      <div class="field"><span class="label">Nombre</span><span class="value">Ana &amp; Co</span></div>
      <div class="field"><span class="label">DNI</span><span class="blank"></span></div>
      <div class="boxes"><span><span class="box">X</span>Reclamo</span><span><span class="box"></span>Queja</span></div>
      <p class="text">una línea
otra</p><footer><p><b>Queja:</b> malestar</p></footer></body></html>"""
    assert plain_sheet(document).splitlines() == [
        "2026-000001  Fecha: 04/12/2026",
        "",
        "Consumidor",
        "Nombre: Ana & Co",
        "DNI: " + "." * 30,
        "[X] Reclamo   [ ] Queja",
        "una línea",
        "otra",
        "",
        "Queja: malestar",
    ]
