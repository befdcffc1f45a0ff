"""A verdict on a message on the screen and as JSON: rules, weights and places, never a word of the message."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.classifiers.lexicon import Scoring
from oneclick_sla_plugin.cli.screen import heading
from oneclick_sla_plugin.domain.message import Certainty, Part, Reason, Verdict

_STYLES = {Certainty.AUTO: "bold red", Certainty.SUGGESTED: "yellow", Certainty.NO: "green"}


def print_verdict(console: Console, verdict: Verdict, scoring: Scoring) -> None:
    """Print the verdict and the rules that spoke; ``scoring`` has the thresholds it was decided by."""
    told = Table.grid(padding=(0, 2, 0, 0))
    told.add_column(no_wrap=True)
    told.add_column(ratio=1)
    told.add_row(heading("Kind"), verdict.kind)
    answer = Text(verdict.complaint, style=_STYLES[verdict.complaint])
    answer.append(
        f", score {verdict.complaint_score:g} (suggested from {scoring.suggested:g}, auto from {scoring.auto:g})",
        style="not bold default",
    )
    told.add_row(heading("Complaint"), answer)
    told.add_row(heading("Type"), verdict.complaint_type or "–")
    told.add_row(heading("Flags"), ", ".join(name for name, is_set in flags_of(verdict).items() if is_set) or "none")
    told.add_row(heading("Missing"), ", ".join(name.replace("_", " ") for name in verdict.info_missing) or "–")
    console.print(told)
    console.print()
    if verdict.because:
        console.print(rules_table(verdict))
    else:
        console.print(Text("No rule spoke."))


def rules_table(verdict: Verdict) -> Table:
    """Every rule that spoke, with its weight and its place."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("rule", overflow="fold")
    table.add_column("weight", justify="right", no_wrap=True)
    table.add_column("part", no_wrap=True)
    table.add_column("characters", no_wrap=True)
    for reason in verdict.because:
        table.add_row(Text(reason.rule), f"{reason.weight:+.4g}", reason.part, _place(reason))
    return table


def _place(reason: Reason) -> str:
    return "–" if reason.part is Part.THREAD else f"{reason.start}–{reason.end}"


def flags_of(verdict: Verdict) -> dict[str, bool]:
    """The flags by name."""
    return {"abusive": verdict.abusive, "threat": verdict.threat, "urgent": verdict.urgent}


def verdict_document(verdict: Verdict, scoring: Scoring | None = None) -> dict[str, Any]:
    """The same as data, its names those of a decision; places in characters, ``end`` exclusive.

    The thresholds are told when ``scoring`` is given: a plugin's classifier may have none.
    """
    thresholds = {"thresholds": {"auto": scoring.auto, "suggested": scoring.suggested}} if scoring else {}
    return {
        "kind": verdict.kind,
        "complaint": {
            "verdict": verdict.complaint,
            "score": verdict.complaint_score,
            **thresholds,
            "type": verdict.complaint_type,
        },
        "flags": {**flags_of(verdict), "info_missing": list(verdict.info_missing)},
        "because": [
            {
                "rule": reason.rule,
                "score": round(reason.weight, 3),
                "part": reason.part,
                "start": reason.start,
                "end": reason.end,
            }
            for reason in verdict.because
        ],
    }
