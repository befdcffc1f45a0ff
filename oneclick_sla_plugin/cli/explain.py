"""``oneclick-sla explain``: why one ticket is due when it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import click

from oneclick_sla_plugin.analysing import Analyst, classifiers_of, detector_settings
from oneclick_sla_plugin.bootstrap import build, judges_of, system_clock
from oneclick_sla_plugin.cli.analysis_sheet import analysis_document, print_analysis
from oneclick_sla_plugin.cli.explanation import explanation_document, print_explanation
from oneclick_sla_plugin.cli.options import account_of, config_option, json_option, read_instant
from oneclick_sla_plugin.cli.screen import print_json, screen
from oneclick_sla_plugin.cli.ticket_lines import MAX_LINE_BYTES
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.domain.analysis import Analysis
from oneclick_sla_plugin.domain.calendar import OutOfOpenTime
from oneclick_sla_plugin.domain.changes import Note, diff
from oneclick_sla_plugin.domain.decision import decide
from oneclick_sla_plugin.domain.explanation import Explanation
from oneclick_sla_plugin.domain.explanation import explain as explain_ticket
from oneclick_sla_plugin.domain.model import (
    TAG_PEAK,
    Author,
    Channel,
    Context,
    Kind,
    Message,
    Requester,
    Status,
    StatusChange,
    Ticket,
)
from oneclick_sla_plugin.errors import InputError, Problem
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.texts import LANGUAGES, load_wording
from oneclick_sla_plugin.ticket_json import parse_ticket


@dataclass(frozen=True, slots=True)
class _Told:
    explanation: Explanation
    notes: Sequence[Note]
    analysis: Analysis
    zone: ZoneInfo


@click.command()
@click.argument("account", required=False)
@click.argument("ticket_id", required=False)
@config_option
@click.option("--json-ticket", type=click.File("rb"), metavar="FILE", help="A neutral ticket as JSON; - reads it in.")
@click.option("--text", help="What a customer writes; with --channel. It is judged and not printed.")
@click.option("--channel", type=click.Choice([str(name) for name in Channel]), help="Where --text comes in.")
@click.option(
    "--received", callback=read_instant, metavar="INSTANT", help="When --text comes in; the same as --now by default."
)
@click.option("--peak", is_flag=True, help="--text comes in during a peak.")
@click.option("--recipient", metavar="ADDRESS", help="The address that --text is sent to.")
@click.option("--kind", type=click.Choice([str(name) for name in Kind]), help="What kind of message --text is.")
@click.option("--tag", "tags", multiple=True, help="A tag on the ticket of --text; may be given again.")
@click.option("--policy", "policy_name", metavar="ID_OR_FILE", help="A shipped policy or a .toml file.")
@click.option(
    "--now", callback=read_instant, metavar="INSTANT", help="The instant to judge at; the present by default."
)
@click.option("--language", type=click.Choice(LANGUAGES), help="Language of the notes; the policy's by default.")
@json_option
def explain(
    account: str | None,
    ticket_id: str | None,
    config_path: Path | None,
    json_ticket: BinaryIO | None,
    text: str | None,
    channel: str | None,
    received: datetime | None,
    peak: bool,
    recipient: str | None,
    kind: str | None,
    tags: Sequence[str],
    policy_name: str | None,
    now: datetime | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Show why a ticket is due when it is, as a timeline.

    The ticket is TICKET_ID of ACCOUNT as it stands on the helpdesk, or JSON
    (--json-ticket), or a message typed here (--text, --channel). The last two
    need --policy and no account. What is written in messages is never shown.
    """
    now = now or system_clock()
    if (ticket_id is not None) + (json_ticket is not None) + (text is not None) != 1 or (account and not ticket_id):
        raise click.UsageError("name one ticket: ACCOUNT and TICKET_ID, or --json-ticket, or --text")
    if text is None and (channel or received or peak or recipient or kind or tags):
        raise click.UsageError("--channel, --received, --peak, --recipient, --kind and --tag belong to --text")
    if account is not None and ticket_id is not None:
        if policy_name or language:
            raise click.UsageError("the policy and the language of an account stand in its configuration")
        told = _of_account(account, ticket_id, config_path, now)
    else:
        if policy_name is None:
            raise click.UsageError("--policy is missing")
        if json_ticket is not None:
            ticket = _read(json_ticket)
        else:
            if channel is None:
                raise click.UsageError("--text needs --channel")
            ticket = _typed(text or "", Channel(channel), received or now, now, peak, recipient, kind, tags)
        told = _by_policy(ticket, policy_name, now, language)
    if as_json:
        document = explanation_document(told.explanation, told.notes)
        print_json({**document, **analysis_document(told.explanation.ticket, told.analysis)})
    else:
        console = screen()
        print_explanation(console, told.explanation, told.notes, told.zone)
        console.print()
        print_analysis(console, told.explanation.ticket, told.analysis)


def _of_account(name: str, ticket_id: str, config_path: Path | None, now: datetime) -> _Told:
    """As the program itself sees and judges the ticket; nothing is written to the helpdesk."""
    config = load_config(config_path)
    settings = account_of(config, name)
    with build(config) as program:
        judge = judges_of(config, program.plugins, program.ledger.arrivals)[name]
        ticket = program.accounts[name].connection.read(ticket_id)
        try:
            decision = program.plugins.adjust_decision(ticket, judge(ticket, now))
            if TAG_PEAK in decision.desired.tags:  # measured by what the program knows beside the ticket
                ticket = replace(ticket, context=replace(ticket.context, peak=True))
            policy = judge.policy_of(ticket, now)
            analyst = Analyst(
                program.plugins.detectors.values(),
                classifiers_of(program.plugins.classifiers, settings.lexicons),
                detector_settings(settings.sensitive),
            )
            analysis = analyst(ticket)
            told = explain_ticket(ticket, policy, now, analysis)
        except (OutOfOpenTime, OverflowError):
            raise _too_far() from None
        return _Told(told, diff(ticket, decision.desired).notes, analysis, settings.time_zone or policy.time_zone)


def _by_policy(ticket: Ticket, policy_name: str, now: datetime, language: str | None) -> _Told:
    plugins = Plugins.load()
    policy = find_policy(policy_name, plugins.policies)
    wording = load_wording(language or policy.language, policy.time_zone)
    analysis = Analyst(plugins.detectors.values(), plugins.classifiers.values())(ticket)
    try:
        told = explain_ticket(ticket, policy, now, analysis)
        decision = decide(ticket, policy, now, wording, analysis=analysis)
    except (OutOfOpenTime, OverflowError):
        raise _too_far() from None
    return _Told(told, diff(ticket, decision.desired).notes, analysis, policy.time_zone)


def _too_far() -> InputError:
    return InputError([Problem("", "an instant lies further away than the calendars of the policy reach")])


def _read(file: BinaryIO) -> Ticket:
    text = file.read(MAX_LINE_BYTES + 1)
    if len(text) > MAX_LINE_BYTES:
        raise InputError([Problem("", f"is longer than {MAX_LINE_BYTES} bytes")], "ticket")
    try:
        return parse_ticket(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError([Problem("", "is not UTF-8")], "ticket") from None


def _typed(
    text: str,
    channel: Channel,
    received_at: datetime,
    now: datetime,
    peak: bool,
    recipient: str | None,
    kind: str | None,
    tags: Sequence[str],
) -> Ticket:
    """A ticket that a customer opens with one message."""
    return Ticket(
        platform="typed",
        account="here",
        id="text",
        created_at=received_at,
        updated_at=max(received_at, now),
        channel=channel,
        subject="",
        status=Status.NEW,
        tags=frozenset(tags),
        requester=Requester("customer"),
        messages=(Message("1", received_at, Author.CUSTOMER, public=True, text=text),),
        status_history=(StatusChange(received_at, Status.NEW),),
        recipient=recipient,
        context=Context(peak=peak or None, kind=Kind(kind) if kind else None),
    )
