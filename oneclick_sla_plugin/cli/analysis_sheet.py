"""What classifiers and detectors found in a ticket, on the screen and as JSON: places and masks, never words."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from oneclick_sla_plugin.cli.screen import heading, printable
from oneclick_sla_plugin.cli.verdict_table import flags_of, rules_table, verdict_document
from oneclick_sla_plugin.domain.analysis import Analysis, verdicts_on_customers
from oneclick_sla_plugin.domain.message import Verdict
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.ticket_json import finding_document

_MOST_ROWS = 20
"""More messages or findings are left to the JSON."""


def print_analysis(console: Console, ticket: Ticket, analysis: Analysis) -> None:
    """Print a line for each of the customer's messages, the rules of the one likeliest to be a complaint, the findings."""
    verdicts = verdicts_on_customers(ticket, analysis)
    console.print(heading("What the customer's messages are"))
    lines = [_line(message, verdict) for message, verdict in verdicts]
    _print_lines(console, lines)
    if verdicts:
        message, surest = max(verdicts, key=lambda item: item[1].complaint_score)
        if surest.because:
            console.print()
            console.print(heading(f"Rules that spoke in message {printable(message)}"))
            console.print(Padding(rules_table(surest), (0, 0, 0, 2), expand=False))
    console.print()
    console.print(heading("Sensitive data"))
    found = [
        f"message {printable(finding.message)}, characters {finding.start}–{finding.end}: "
        f"{printable(finding.type)} {printable(finding.masked)} ({finding.level}, {finding.confidence:.2f})"
        for finding in analysis.findings
    ]
    _print_lines(console, found)


def _line(message: str, verdict: Verdict) -> str:
    said = [f"message {printable(message)}: {verdict.kind}"]
    said.append(f"complaint {verdict.complaint} with score {verdict.complaint_score:g}")
    if verdict.complaint_type is not None:
        said.append(verdict.complaint_type)
    said += [name for name, is_set in flags_of(verdict).items() if is_set]
    if verdict.info_missing:
        said.append(f"lacks {' and '.join(name.replace('_', ' ') for name in verdict.info_missing)}")
    return ", ".join(said)


def _print_lines(console: Console, lines: list[str]) -> None:
    shown = lines[:_MOST_ROWS] or ["none"]
    if len(lines) > _MOST_ROWS:
        shown.append(f"… {len(lines) - _MOST_ROWS} more; --json has them all")
    for line in shown:
        console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))


def analysis_document(ticket: Ticket, analysis: Analysis) -> dict[str, Any]:
    """The same as data, the rules of every message."""
    return {
        "messages": [
            {"message": message, **verdict_document(verdict)}
            for message, verdict in verdicts_on_customers(ticket, analysis)
        ],
        "findings": [finding_document(finding) for finding in analysis.findings],
    }
