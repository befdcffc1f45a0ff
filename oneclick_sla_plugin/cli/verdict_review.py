"""Verdicts compared with what people decided: how good both thresholds are, and what each rule adds.

Only counts are kept, so memory grows with the number of rules and not with that of
the messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from oneclick_sla_plugin.classifiers.lexicon import Scoring
from oneclick_sla_plugin.cli.screen import heading
from oneclick_sla_plugin.domain.complaint import ComplaintType
from oneclick_sla_plugin.domain.message import Certainty, Verdict
from oneclick_sla_plugin.domain.model import Flag, Kind


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of a message; ``None`` where they say nothing."""

    complaint: bool
    kind: Kind | None = None
    type: ComplaintType | None = None
    abusive: bool | None = None
    threat: bool | None = None
    urgent: bool | None = None


@dataclass(slots=True)
class Tally:
    """How often a yes was right, how often wrong, and how often it was missed."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, *, said: bool, true: bool) -> None:
        self.right += said and true
        self.wrong += said and not true
        self.missed += true and not said

    @property
    def precision(self) -> float | None:
        """The share of the yeses that was right; ``None`` when there was no yes."""
        return _share(self.right, self.right + self.wrong)

    @property
    def recall(self) -> float | None:
        """The share of what is so that was found; ``None`` when nothing is so."""
        return _share(self.right, self.right + self.missed)


@dataclass(slots=True)
class Hits:
    """``right`` of ``all``."""

    right: int = 0
    all: int = 0

    def add(self, *, right: bool) -> None:
        self.right += right
        self.all += 1


@dataclass(slots=True)
class RuleCount:
    """How often a rule spoke: in complaints, in others, in complaints that were recognised; ``weight`` is the sum."""

    complaints: int = 0
    others: int = 0
    recognised: int = 0
    weight: float = 0.0

    @property
    def spoke(self) -> int:
        return self.complaints + self.others

    @property
    def precision(self) -> float:
        """The share of complaints among the messages in which the rule spoke."""
        return self.complaints / self.spoke


class Review:
    """Counts verdicts and labels. A complaint is recognised from the threshold ``suggested`` on."""

    def __init__(self) -> None:
        self.complaints = 0
        self.others = 0
        self.suggested = Tally()
        self.auto = Tally()
        self.flags = {flag: Tally() for flag in Flag}
        self.labelled_flags: set[Flag] = set()
        self.kinds = Hits()
        self.types = Hits()
        self.rules: dict[str, RuleCount] = {}

    def add(self, verdict: Verdict, label: Label) -> None:
        recognised = verdict.complaint is not Certainty.NO
        self.complaints += label.complaint
        self.others += not label.complaint
        self.suggested.add(said=recognised, true=label.complaint)
        self.auto.add(said=verdict.complaint is Certainty.AUTO, true=label.complaint)
        for reason in verdict.because:
            count = self.rules.setdefault(reason.rule, RuleCount())
            count.complaints += label.complaint
            count.others += not label.complaint
            count.recognised += label.complaint and recognised
            count.weight += reason.weight
        if label.kind is not None:
            self.kinds.add(right=verdict.kind is label.kind)
        if label.type is not None and recognised:
            self.types.add(right=verdict.complaint_type is label.type)
        for flag in Flag:
            true = getattr(label, flag)
            if true is not None:
                self.labelled_flags.add(flag)
                self.flags[flag].add(said=getattr(verdict, flag), true=true)

    def tallies(self) -> Iterator[tuple[str, Tally]]:
        """Both thresholds, then the flags that were labelled."""
        yield "suggested", self.suggested
        yield "auto", self.auto
        for flag in Flag:
            if flag in self.labelled_flags:
                yield flag, self.flags[flag]

    def by_frequency(self) -> list[tuple[str, RuleCount]]:
        """The rules that spoke most often first."""
        return sorted(self.rules.items(), key=lambda item: (-item[1].spoke, item[0]))

    def share_of_recognised(self, count: RuleCount) -> float | None:
        """In which share of the complaints that were recognised the rule spoke."""
        return _share(count.recognised, self.suggested.right)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def print_review(console: Console, review: Review, scoring: Scoring) -> None:
    """Print the counts as tables; ``scoring`` has the thresholds."""
    console.print(Text(f"{review.complaints:,} complaints and {review.others:,} others"))
    console.print()
    table = _table("", "right", "wrong", "missed", "precision", "recall")
    thresholds = {"suggested": scoring.suggested, "auto": scoring.auto}
    for name, tally in review.tallies():
        shown = f"{name} (from {thresholds[name]:g})" if name in thresholds else name
        counts = (f"{n:,}" for n in (tally.right, tally.wrong, tally.missed))
        table.add_row(shown, *counts, _percent(tally.precision), _percent(tally.recall))
    console.print(table)
    if review.kinds.all:
        console.print(Text(f"Kind: {review.kinds.right:,} of {review.kinds.all:,} right"))
    if review.types.all:
        console.print(Text(f"Type: {review.types.right:,} of {review.types.all:,} recognised complaints right"))
    console.print()
    console.print(heading("Rules: in how many complaints and others each spoke"))
    table = _table("rule", "weight", "complaints", "others", "precision", "recalled")
    for rule, count in review.by_frequency():
        table.add_row(
            Text(rule),
            f"{count.weight / count.spoke:+.2f}",
            f"{count.complaints:,}",
            f"{count.others:,}",
            _percent(count.precision),
            _percent(review.share_of_recognised(count)),
        )
    console.print(table if review.rules else Text("No rule spoke."))


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def review_document(review: Review, scoring: Scoring) -> dict[str, Any]:
    """The same as data; shares from 0 to 1, ``null`` where there is nothing to divide by."""
    tallies = {
        name: {
            "right": tally.right,
            "wrong": tally.wrong,
            "missed": tally.missed,
            "precision": _rounded(tally.precision),
            "recall": _rounded(tally.recall),
        }
        for name, tally in review.tallies()
    }
    return {
        "complaints": review.complaints,
        "others": review.others,
        "thresholds": {
            "suggested": {"from": scoring.suggested, **tallies.pop("suggested")},
            "auto": {"from": scoring.auto, **tallies.pop("auto")},
        },
        "flags": tallies,
        "kinds": {"right": review.kinds.right, "of": review.kinds.all},
        "types": {"right": review.types.right, "of": review.types.all},
        "rules": [
            {
                "rule": rule,
                "mean_score": round(count.weight / count.spoke, 3),
                "complaints": count.complaints,
                "others": count.others,
                "precision": _rounded(count.precision),
                "share_of_recalled": _rounded(review.share_of_recognised(count)),
            }
            for rule, count in review.by_frequency()
        ],
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
