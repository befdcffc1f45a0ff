"""``oneclick-sla classify``: what kind of message a text is and why, and how often people agree."""

from __future__ import annotations

import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
from click.core import ParameterSource
from pydantic import BaseModel, ConfigDict, ValidationError

from oneclick_sla_plugin.analysing import Analyst
from oneclick_sla_plugin.bootstrap import build, system_clock
from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from oneclick_sla_plugin.cli.options import account_of, config_option, json_option, read_instant
from oneclick_sla_plugin.cli.screen import print_json, screen
from oneclick_sla_plugin.cli.simulate import tickets_of_account
from oneclick_sla_plugin.cli.ticket_lines import MAX_LINE_BYTES, lines_of
from oneclick_sla_plugin.cli.verdict_review import Label, Review, print_review, review_document
from oneclick_sla_plugin.cli.verdict_table import print_verdict, verdict_document
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.domain.complaint import ComplaintType
from oneclick_sla_plugin.domain.message import Verdict
from oneclick_sla_plugin.domain.model import TAG_IS_COMPLAINT, TAG_NOT_COMPLAINT, Author, Kind, Ticket
from oneclick_sla_plugin.errors import InputError, Problem, problems_of
from oneclick_sla_plugin.observability import configure_logging

_HISTORY = timedelta(days=30)
_MOST_PROBLEMS = 20
"""More lines that are no messages are counted and not listed, so that they cannot fill the memory."""


class _Message(BaseModel):
    """A line of a file; keys that are not named here are not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True)

    subject: str | None = None
    text: str


class _LabelledMessage(_Message):
    kind: Kind
    complaint_type: ComplaintType | None = None
    abusive: bool | None = None
    threat: bool | None = None
    urgent: bool | None = None


_Line = TypeVar("_Line", bound=_Message)


@dataclass(slots=True)
class _Refused:
    """Lines that are no messages: the first ones by number with what is wrong, and how many they are."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, problem: str) -> None:
        self.count += 1
        if len(self.first) < _MOST_PROBLEMS:
            self.first.append((number, problem))


@click.command()
@click.option("--text", help="The message.")
@click.option("--subject", help="The subject of a message that is typed or read as it is.")
@click.option("--jsonl", is_flag=True, help='One message a line in, {"subject", "text"}; one verdict a line out.')
@click.option("--review", is_flag=True, help="Compare with what people decided: labelled lines, or --account.")
@click.option("--account", metavar="ACCOUNT", help="With --review: tickets of this account that agents decided.")
@config_option
@click.option(
    "--since",
    callback=read_instant,
    metavar="INSTANT",
    help="With --account: tickets changed since then, and all unsolved ones; the last 30 days by default.",
)
@click.option(
    "--lexicon",
    "lexicons",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="A lexicon file to lay over the shipped ones; may be given again.",
)
@json_option
@click.argument("messages", type=click.File("rb"), default="-", metavar="[FILE]")
@click.pass_context
def classify(
    ctx: click.Context,
    text: str | None,
    subject: str | None,
    jsonl: bool,
    review: bool,
    account: str | None,
    config_path: Path | None,
    since: datetime | None,
    lexicons: Sequence[Path],
    as_json: bool,
    messages: BinaryIO,
) -> None:
    """Say what kind of message a text is, and which rules said so.

    The message is --text, or FILE or standard input as it is, or one a line
    (--jsonl). With --review, FILE has labelled lines ("kind", "complaint_type",
    "abusive", "threat", "urgent"), or ACCOUNT has tickets with the tags
    sla_is_complaint and sla_not_complaint; precision and recall are printed for
    both thresholds and for each rule. Words of messages are never shown.

    A line that is no message is reported with its number, and the exit status is 1.
    """
    lined = jsonl or review
    from_file = ctx.get_parameter_source("messages") is not ParameterSource.DEFAULT
    if text is not None and (lined or from_file):
        raise click.UsageError("messages come from --text or from FILE, not from both")
    if subject is not None and lined:
        raise click.UsageError("with --jsonl and --review the subject stands beside the text")
    if account is None and (since is not None or config_path is not None):
        raise click.UsageError("--since and --config belong to --account")
    if account is not None and (not review or from_file):
        raise click.UsageError("--account belongs to --review and takes no FILE")
    if account is not None:
        _review_account(account, config_path, since or system_clock() - _HISTORY, lexicons, as_json)
        return
    classifier = SignalClassifier.with_overrides(lexicons)
    if review:
        failed = _review_file(classifier, messages, as_json)
    elif jsonl:
        failed = _answer_lines(classifier, messages)
    else:
        verdict = classifier.classify(subject or "", _read(messages) if text is None else text)
        scoring = classifier.lexicons.scoring
        if as_json:
            print_json(verdict_document(verdict, scoring))
        else:
            print_verdict(screen(), verdict, scoring)
        failed = False
    ctx.exit(1 if failed else 0)


def _read(file: BinaryIO) -> str:
    written = file.read(MAX_LINE_BYTES + 1)
    if len(written) > MAX_LINE_BYTES:
        raise InputError([Problem("", f"is longer than {MAX_LINE_BYTES} bytes")], "message")
    try:
        return written.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError([Problem("", "is not UTF-8")], "message") from None


# --- lines ------------------------------------------------------------------------------------


def _answer_lines(classifier: SignalClassifier, messages: BinaryIO) -> bool:
    """Answer each line with one; whether there was a bad one."""
    out = sys.stdout.buffer
    failed = False
    for number, message in _messages(messages, _Message):
        if isinstance(message, str):
            failed = True
            document: dict[str, Any] = {"error": message, "line": number}
        else:
            document = verdict_document(_classified(classifier, message), classifier.lexicons.scoring)
        out.write(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        out.flush()  # who asks line by line gets an answer before the next question
    return failed


def _classified(classifier: SignalClassifier, message: _Message) -> Verdict:
    return classifier.classify(message.subject or "", message.text)


def _messages(file: BinaryIO, model: type[_Line]) -> Iterator[tuple[int, _Line | str]]:
    """Each line that is not blank with its number: the message, or what is wrong with it."""
    for number, line in enumerate(lines_of(file, MAX_LINE_BYTES), start=1):
        written = line.strip().removeprefix(BOM_UTF8)
        if not written:
            continue
        if len(line) > MAX_LINE_BYTES:
            yield number, f"is longer than {MAX_LINE_BYTES} bytes"
            continue
        try:
            yield number, model.model_validate_json(written)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            yield number, "; ".join(str(problem) for problem in problems_of(found))


# --- what people decided ----------------------------------------------------------------------


def _review_file(classifier: SignalClassifier, messages: BinaryIO, as_json: bool) -> bool:
    """Review labelled lines; whether there was a bad one."""
    review, refused = Review(), _Refused()
    for number, message in _messages(messages, _LabelledMessage):
        if isinstance(message, str):
            refused.add(number, message)
            continue
        review.add(
            _classified(classifier, message),
            Label(
                complaint=message.kind is Kind.COMPLAINT,
                kind=message.kind,
                type=message.complaint_type,
                abusive=message.abusive,
                threat=message.threat,
                urgent=message.urgent,
            ),
        )
    scoring = classifier.lexicons.scoring
    for number, problem in refused.first:
        click.echo(f"line {number}: {problem}", err=True)
    if refused.count > len(refused.first):
        click.echo(f"and {refused.count - len(refused.first):,} more that are no messages", err=True)
    if as_json:
        errors = [{"error": problem, "line": number} for number, problem in refused.first]
        print_json({**review_document(review, scoring), "refused": refused.count, "errors": errors})
    else:
        print_review(screen(), review, scoring)
    return refused.count > 0


@dataclass(slots=True)
class _PassedOver:
    """Tickets of an account that say nothing about the classifier."""

    undecided: int = 0
    wordless: int = 0


def _review_account(
    name: str, config_path: Path | None, since: datetime, lexicons: Sequence[Path], as_json: bool
) -> None:
    """Review the tickets that agents decided; nothing is written to the helpdesk."""
    configure_logging("error")
    config = load_config(config_path)
    settings = account_of(config, name)
    classifier = SignalClassifier.with_overrides([*settings.lexicons, *lexicons])
    analyst = Analyst((), (classifier,))
    review, passed_over = Review(), _PassedOver()
    with build(config) as program:
        for item in tickets_of_account(program.accounts[name].connection, since):
            if item.ticket is not None:
                _take(item.ticket, analyst, review, passed_over)
    scoring = classifier.lexicons.scoring
    if as_json:
        counts = {"undecided": passed_over.undecided, "wordless": passed_over.wordless}
        print_json({**review_document(review, scoring), **counts})
        return
    print_review(screen(), review, scoring)
    click.echo(f"\nLeft out: {passed_over.undecided:,} tickets that no agent decided,")
    click.echo(f"and {passed_over.wordless:,} decided ones in which no customer's words stand.")


def _take(ticket: Ticket, analyst: Analyst, review: Review, passed_over: _PassedOver) -> None:
    """Count a ticket by the message of its customer that sounds most like a complaint."""
    is_complaint = TAG_IS_COMPLAINT in ticket.tags  # wins over the other one, as in a decision
    if not is_complaint and TAG_NOT_COMPLAINT not in ticket.tags:
        passed_over.undecided += 1
        return
    verdicts = analyst(ticket).verdicts
    own = [
        verdicts[message.id]
        for message in ticket.messages
        if message.author is Author.CUSTOMER and message.id in verdicts
    ]
    if not own:
        passed_over.wordless += 1
        return
    review.add(max(own, key=lambda verdict: verdict.complaint_score), Label(complaint=is_complaint))
