"""How the classifier does on authors it has not seen: ``python -m training.complaints.held_out [FILE …]``.

Without files, the messages of each author are judged by a model fitted on the others.
With files of labelled lines, these are judged by the model that ships. The thresholds of
``scoring.toml`` and the shifts of :mod:`training.complaints.fit` are chosen by these figures.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from oneclick_sla_plugin.classifiers.judge import load_judge
from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from oneclick_sla_plugin.cli.verdict_review import Hits, Label, Review, Tally
from oneclick_sla_plugin.domain.model import Kind
from training.complaints.fit import fit
from training.complaints.messages import Seed, authors, read_seeds


def review_of(classifier: SignalClassifier, seeds: Sequence[Seed]) -> Review:
    """Verdicts on messages compared with their labels."""
    review = Review()
    for seed in seeds:
        label = Label(
            complaint=seed.kind is Kind.COMPLAINT,
            kind=seed.kind,
            type=seed.type,
            abusive=seed.abusive,
            threat=seed.threat,
            urgent=seed.urgent,
        )
        review.add(classifier.classify(seed.subject, seed.text), label)
    return review


def each_author_held_out() -> Iterator[tuple[str, Review]]:
    """The review of each author by a judge that was fitted on the others."""
    by_author = authors()
    for name, seeds in by_author.items():
        others = [seed for other, of_other in by_author.items() if other != name for seed in of_other]
        yield name, review_of(SignalClassifier(judge=load_judge(fit(others))), seeds)


def main(paths: Sequence[str]) -> None:
    """Print precision, recall and F1 of both thresholds and of the flags, and the shares that are right."""
    if paths:
        shipped = SignalClassifier()
        reviews: Iterator[tuple[str, Review]] = ((path, review_of(shipped, read_seeds(Path(path)))) for path in paths)
    else:
        reviews = each_author_held_out()
    table = Table("messages of", "", "precision", "recall", "F1", box=None, header_style="dim")
    for name, review in reviews:
        for what, tally in review.tallies():
            table.add_row(name, what, *_shares(tally))
        false_alarms = Hits(review.auto.wrong, review.others)
        for what, hits in (("kinds", review.kinds), ("types", review.types), ("auto, no complaint", false_alarms)):
            table.add_row(name, what, f"{hits.right / max(hits.all, 1):.3f}")
    Console().print(table)


def _shares(tally: Tally) -> tuple[str, str, str]:
    precision, recall = tally.precision or 0.0, tally.recall or 0.0
    return f"{precision:.3f}", f"{recall:.3f}", f"{2 * precision * recall / max(precision + recall, 1e-9):.3f}"


if __name__ == "__main__":
    main(sys.argv[1:])
