"""``oneclick-sla decide``: what the program would do with tickets, without any account."""

from __future__ import annotations

import json
import sys
from codecs import BOM_UTF8
from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO

import click

from oneclick_sla_plugin.analysing import Analyst
from oneclick_sla_plugin.cli.options import read_instant
from oneclick_sla_plugin.cli.ticket_lines import MAX_LINE_BYTES, lines_of
from oneclick_sla_plugin.domain.calendar import OutOfOpenTime
from oneclick_sla_plugin.domain.changes import diff
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.decision import decide as decide_ticket
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.errors import InputError
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.texts import LANGUAGES, load_wording
from oneclick_sla_plugin.ticket_json import decision_document, parse_ticket


@click.command()
@click.option("--policy", "policy_name", required=True, metavar="ID_OR_FILE", help="A shipped policy or a .toml file.")
@click.option(
    "--now",
    callback=read_instant,
    required=True,
    metavar="INSTANT",
    help="The instant to judge at, for instance 2026-11-22T09:00:00Z.",
)
@click.option("--language", type=click.Choice(LANGUAGES), help="Language of the notes; the policy's by default.")
@click.option("--jsonl", is_flag=True, required=True, help="One ticket a line in, one decision a line out.")
@click.argument("tickets", type=click.File("rb"), default="-", metavar="[FILE]")
@click.pass_context
def decide(
    ctx: click.Context, policy_name: str, now: datetime, language: str | None, jsonl: bool, tickets: BinaryIO
) -> None:
    """Judge tickets from FILE or standard input, with no account, database or network.

    A line that is no valid ticket is answered with {"error": ..., "line": n}; the
    other lines are answered, and the exit status is 1.
    """
    del jsonl  # the only form there is; named so that others can be added
    plugins = Plugins.load()
    policy = find_policy(policy_name, plugins.policies)
    wording = load_wording(language or policy.language, policy.time_zone)
    analyst = Analyst(plugins.detectors.values(), plugins.classifiers.values())

    def judge(ticket: Ticket) -> Decision:
        return decide_ticket(ticket, policy, now, wording, analysis=analyst(ticket))

    out = sys.stdout.buffer
    failed = False
    for number, line in enumerate(lines_of(tickets, MAX_LINE_BYTES), start=1):
        if not line.strip():
            continue
        document = _answer(line.strip().removeprefix(BOM_UTF8), judge)
        if "error" in document:
            failed = True
            document["line"] = number
        out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
        out.write(b"\n")
        out.flush()  # who asks line by line gets an answer before the next question
    ctx.exit(1 if failed else 0)


def _answer(line: bytes, judge: Callable[[Ticket], Decision]) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        return {"error": f"is longer than {MAX_LINE_BYTES} bytes"}
    try:
        ticket = parse_ticket(line)
        decision = judge(ticket)
    except InputError as error:
        return {"error": "; ".join(str(problem) for problem in error.problems)}
    except (OutOfOpenTime, OverflowError):
        return {"error": "an instant lies further away than the calendars of the policy reach"}
    return decision_document(decision, diff(ticket, decision.desired))
