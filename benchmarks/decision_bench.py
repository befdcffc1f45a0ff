"""What a decision costs, and what a simulation of a whole history costs.

There is no rival to compare with, so the figures are absolute. A decision is timed
without detectors and classifiers, for a ticket of ten messages and a year of
changes of status, one a day. A simulation is the command itself, in a process of
its own, over generated tickets of three messages under the two policies that ship:
its rate includes starting Python, reading the file and printing.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter, perf_counter_ns
from typing import Any

from rich.table import Table

from oneclick_sla_plugin.domain.decision import decide
from oneclick_sla_plugin.domain.model import Author, Context, Kind, Status, StatusChange, Ticket
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy, parse_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording

_SEED = 365
_CALLS = 5_000
_YEAR = timedelta(days=365)
_SIZES = (1_000, 100_000)
_OLD, _NEW = "en-linea-365", "one-click-actions"
_EVERY_METRIC = """
id = "every-metric"
version = "1"
title = "Every metric"
language = "en"
time_zone = "Europe/Madrid"
channels = ["email"]
default_channel = "email"
delay_clause = "§1"

[calendars.office]
hours = { mon-fri = ["09:00-13:00", "14:00-18:00"] }
holidays = { country = "ES" }
""" + "".join(
    f"""
[[targets]]
name = "{metric}"
metric = "{metric}"
title = "{metric}"
clause = "§1"
within = "{within}"
calendar = "office"
"""
    for metric, within in (
        ("first_reply", "4 open hours"),
        ("next_reply", "8 open hours"),
        ("update", "16 open hours"),
        ("resolution", "40 open hours"),
    )
)


def tables() -> Iterator[Table]:
    """Time decisions, then simulations of two sizes."""
    yield _decisions()
    yield _simulations()


def _decisions() -> Table:
    table = Table(title="decide(): a ticket with ten messages and a year of history")
    table.add_column("policy")
    for heading in ("clocks", "p50 µs", "p99 µs"):
        table.add_column(heading, justify="right")
    shipped = Plugins.load().policies
    policies = [find_policy(_OLD, shipped), find_policy(_NEW, shipped), parse_policy(_EVERY_METRIC)]
    for policy in policies:
        for kind in (Kind.QUESTION, Kind.COMPLAINT):
            table.add_row(f"{policy}, a {kind}", *_decision(policy, _a_long_ticket(kind)))
    return table


def _decision(policy: Policy, ticket: Ticket) -> tuple[str, str, str]:
    wording = load_wording("en", policy.time_zone)
    now = ticket.updated_at
    clocks = decide(ticket, policy, now, wording).clocks  # lays out the calendars, as any first decision does
    times = []
    for _ in range(_CALLS):
        began = perf_counter_ns()
        decide(ticket, policy, now, wording)
        times.append((perf_counter_ns() - began) / 1000)
    times.sort()
    return str(len(clocks)), f"{median(times):,.1f}", f"{times[_CALLS * 99 // 100]:,.1f}"


def _a_long_ticket(kind: Kind) -> Ticket:
    authors = (Author.CUSTOMER, Author.AGENT)
    messages = [a_message(timedelta(hours=5 * n), authors[n % 2], id=str(n), text="texto " * 60) for n in range(10)]
    statuses = (Status.OPEN, Status.PENDING)
    history = [StatusChange(RECEIVED_AT + _YEAR * n / 365, statuses[n % 2]) for n in range(365)]
    return a_ticket(messages, updated_at=RECEIVED_AT + _YEAR, status_history=tuple(history), context=Context(kind=kind))


def _simulations() -> Table:
    table = Table(title=f"oneclick-sla simulate: {_NEW} against {_OLD}, one core")
    for heading in ("tickets", "seconds", "tickets/s", "peak MB"):
        table.add_column(heading, justify="right")
    for tickets in _SIZES:
        seconds, peak = _simulation(tickets)
        table.add_row(f"{tickets:,}", f"{seconds:,.1f}", f"{tickets / seconds:,.0f}", f"{peak / 1024:,.1f}")
    return table


def _simulation(tickets: int) -> tuple[float, int]:
    """The seconds that the command takes, and the most memory it holds, in kilobytes."""
    with tempfile.TemporaryDirectory(prefix="oneclick-sla-bench-") as folder:
        path = Path(folder) / "tickets.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(ticket) + "\n" for ticket in _generated(tickets))
        command = [sys.executable, "-m", "oneclick_sla_plugin.cli", "simulate", "--json"]
        command += ["--policy", _NEW, "--against", _OLD, str(path)]
        began = perf_counter()
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program
        _, status, usage = os.wait4(running.pid, 0)
        seconds = perf_counter() - began
        running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode == 0
        return seconds, usage.ru_maxrss


def _generated(tickets: int) -> Iterator[dict[str, Any]]:
    generator = random.Random(_SEED)  # noqa: S311 - a sample, not a secret
    first = datetime(2025, 11, 17, tzinfo=UTC)
    for n in range(tickets):
        received = first + timedelta(minutes=generator.randrange(365 * 24 * 60))
        answered = received + timedelta(hours=generator.expovariate(1 / 20))
        asked = answered + timedelta(hours=generator.expovariate(1 / 40))
        yield {
            "platform": "zendesk",
            "account": "acme",
            "id": str(n),
            "created_at": received.isoformat(),
            "updated_at": asked.isoformat(),
            "channel": generator.choice(["email", "email", "web_form", "chat", "social", "phone"]),
            "subject": "asunto",
            "status": generator.choice(["open", "pending", "solved"]),
            "tags": ["a", "b"],
            "fields": {},
            "requester": {"id": "7", "known": generator.choice([True, False, None])},
            "messages": [
                {"id": str(m), "at": at.isoformat(), "author": author, "public": True, "text": "texto " * 60}
                for m, (at, author) in enumerate(((received, "customer"), (answered, "agent"), (asked, "customer")))
            ],
            "status_history": [
                {"at": received.isoformat(), "status": "new"},
                {"at": answered.isoformat(), "status": "pending"},
                {"at": asked.isoformat(), "status": "open"},
            ],
            "context": {"kind": generator.choice(["question", "incident", "feedback", "complaint", "unknown"])},
        }
