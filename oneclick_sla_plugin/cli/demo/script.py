"""What happens in the demo, as it stands in ``script.toml``: who writes what, when, and what must come of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Literal
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.domain.complaint import Stage
from oneclick_sla_plugin.domain.model import Channel, Priority


@dataclass(frozen=True, slots=True)
class ScriptedAccount:
    """One team; it has an account on each helpdesk. ``send``: what the program may send to its customers."""

    name: str
    policy: str
    language: str
    zone: ZoneInfo
    send: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody does with a ticket; ``wait`` lets time pass.

    ``extend``: the agent enters the date ``until`` with a ``reason`` and tells the
    customer ``text``. ``told`` says in the words of an onlooker what happens, and
    ``stage`` where the complaint that is followed must stand afterwards.
    """

    do: Literal["reply", "note", "extend", "solve", "wait"]
    at: datetime
    text: str = ""
    until: str = ""
    reason: str = ""
    told: str = ""
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What must stand on a ticket at the end, on every helpdesk; ``due`` and ``state`` are the first reply's."""

    priority: Priority
    due: datetime
    state: str
    clause: str
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class ScriptedTicket:
    """A customer's message to one account, what follows, and how much of it is shown.

    ``show``: the notes on it; ``explain``: its deadline; ``story``: it is the complaint
    that is followed, and this is its first stage.
    """

    account: str
    at: datetime
    channel: Channel
    subject: str
    text: str
    recipient: str | None
    tags: tuple[str, ...]
    steps: tuple[Step, ...]
    expect: Expected
    show: bool
    explain: bool
    story: Stage | None


@dataclass(frozen=True, slots=True)
class Script:
    accounts: Mapping[str, ScriptedAccount]
    tickets: tuple[ScriptedTicket, ...]


def load_script() -> Script:
    """The script that ships."""
    return read_script(files(__package__).joinpath("script.toml").read_text(encoding="utf-8"))


def read_script(text: str) -> Script:
    """Raises ``KeyError``, ``TypeError`` or ``ValueError`` for a script that is none."""
    document = tomllib.loads(text)
    accounts = [_account(**account) for account in document["accounts"]]
    return Script(
        {account.name: account for account in accounts}, tuple(_ticket(**ticket) for ticket in document["tickets"])
    )


def _account(*, name: str, policy: str, language: str, time_zone: str, send: tuple[str, ...] = ()) -> ScriptedAccount:
    return ScriptedAccount(name, policy, language, ZoneInfo(time_zone), tuple(send))


def _ticket(
    *,
    account: str,
    at: datetime,
    channel: str,
    subject: str,
    text: str,
    expect: Mapping[str, Any],
    recipient: str | None = None,
    tags: tuple[str, ...] = (),
    steps: tuple[Mapping[str, Any], ...] = (),
    show: bool = False,
    explain: bool = False,
    story: str | None = None,
) -> ScriptedTicket:
    return ScriptedTicket(
        account=account,
        at=at,
        channel=Channel(channel),
        subject=subject,
        text=text,
        recipient=recipient,
        tags=tuple(tags),
        steps=tuple(_step(**step) for step in steps),
        expect=_expected(**expect),
        show=show,
        explain=explain,
        story=Stage(story) if story else None,
    )


def _step(*, stage: str | None = None, **facts: Any) -> Step:
    return Step(stage=Stage(stage) if stage else None, **facts)


def _expected(*, priority: str, due: datetime, state: str, clause: str, tags: tuple[str, ...] = ()) -> Expected:
    return Expected(Priority(priority), due, state, clause, frozenset(tags))
