"""Fits the judge on the seeds: ``python -m training.complaints.fit`` writes ``classifiers/judge.txt``.

Every head is a logistic regression of its own. The sum of the head's rules stands in it
as it is (an offset, which is why the fit is written out: scikit-learn knows none), so the
judge learns only what the rules miss. Both answers weigh the same however rare one is.
Features that occur in one message only are left out, and so are those whose weight is
close to nothing for every head.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit

from oneclick_sla_plugin import classifiers
from oneclick_sla_plugin.classifiers.judge import (
    FILE,
    STEPS,
    ZERO,
    Head,
    Parts,
    letters_of,
    pairs_of,
    shape_of,
    share_of,
    words_of,
)
from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from training.complaints.messages import Seed, authors, digest

PENALTY = 0.33
SCALES = {"word": 1.0, "pair": 1.0, "letters": 0.4, "shape": 0.2}
"""How freely a feature of each sort may be used: its values are multiplied by this in the fit."""

SHIFTS = {
    Head.COMPLAINT: 1.5,
    **dict.fromkeys((Head.QUESTION, Head.INCIDENT, Head.INFO_REQUEST, Head.FEEDBACK, Head.PARTNERSHIP), 2.0),
    Head.THREAT: 0.5,
}
"""Added to a head's sum, so that the thresholds of ``scoring.toml`` are met where they should be on authors held out.
Other mail gets none: it waits longest, so a message is taken for it only when it is likelier than not."""

RULES_LIMIT = (-3.0, 6.0)
LEAST_STEPS = 2
"""A feature is dropped when its weight is below this many steps for every head."""

OUTLIERS = 0.9995
"""The share of the weights that a head's steps reach; larger ones are cut to the largest step."""

Numbers: TypeAlias = NDArray[np.float64]


def features_of(parts: Parts) -> Iterator[tuple[str, str, float]]:
    """Each feature of a message: its sort, its name and its value."""
    sentences = [words_of(sentence) for _, sentence in parts]
    share = share_of(sum(map(len, sentences)))
    words = {word for sentence in sentences for word in sentence}
    for word in words:
        yield "word", word, share
        for letters in letters_of(word):
            yield "letters", letters, share
    for pair in {pair for sentence in sentences for pair in pairs_of(sentence)}:
        yield "pair", pair, share
    for name, value in shape_of(parts, sentences).items():
        yield "shape", name, value


def fit(seeds: Sequence[Seed], fingerprint: str = "") -> list[str]:
    """The lines of a judge's file."""
    classifier = SignalClassifier()
    evidence = [classifier.evidence(seed.subject, seed.text) for seed in seeds]
    read = [[*features_of(parts)] for parts, _ in evidence]
    counts = Counter(name for found in read for name in {name for _, name, _ in found})
    names = sorted(name for name, count in counts.items() if count > 1)
    columns = {name: column for column, name in enumerate(names)}
    scales = np.ones(len(names))
    rows, cols, values = [], [], []
    for row, found in enumerate(read):
        for sort, name, value in found:
            if (column := columns.get(name)) is not None:
                scales[column] = SCALES[sort]
                rows.append(row)
                cols.append(column)
                values.append(value * SCALES[sort])
    design = csr_array((values, (rows, cols)), shape=(len(seeds), len(names)))
    weights, base = np.zeros((len(Head), len(names))), []
    for number, head in enumerate(Head):
        used = np.array([head is not Head.RECLAMO or seed.type is not None for seed in seeds])
        wanted = np.array([seed.is_for(head) for seed in seeds])
        given = np.clip([sums[head] for _, sums in evidence], *RULES_LIMIT)
        found_, constant = _regression(design[used], wanted[used], given[used])
        weights[number] = found_ * scales
        base.append(constant + SHIFTS.get(head, 0.0))
    return [*_lines(names, weights, base, fingerprint)]


def _regression(design: csr_array, wanted: NDArray[np.bool_], given: Numbers) -> tuple[Numbers, float]:
    """Weights and constant of the most likely logistic model beside a given sum, both answers weighing the same."""
    sign = np.where(wanted, 1.0, -1.0)
    count = np.where(wanted, len(wanted) / 2 / max(wanted.sum(), 1), len(wanted) / 2 / max((~wanted).sum(), 1))
    turned = design.T.tocsr()

    def loss(values: Numbers) -> tuple[float, Numbers]:
        weights = values[:-1]
        margin = sign * (design @ weights + values[-1] + given)
        slope = -count * sign * expit(-margin)
        gradient = np.append(turned @ slope + PENALTY * weights, slope.sum())
        return float(count @ np.logaddexp(0, -margin) + PENALTY * (weights @ weights) / 2), gradient

    start = np.zeros(design.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return found[:-1], float(found[-1])


def _lines(names: Sequence[str], weights: Numbers, base: Iterable[float], fingerprint: str) -> Iterator[str]:
    steps = np.quantile(np.abs(weights), OUTLIERS, axis=1) / STEPS
    coded = np.clip(np.rint(weights / steps[:, None]), -STEPS, STEPS).astype(int)
    head = {
        "seeds": fingerprint,
        "heads": [*Head],
        "base": [round(value, 4) for value in base],
        "steps": [round(float(step), 6) for step in steps],
    }
    yield json.dumps(head)
    for column, name in enumerate(names):
        codes = coded[:, column]
        if np.abs(codes).max() >= LEAST_STEPS:
            yield f"{name}\t{''.join(chr(ZERO + code) for code in codes)}"


def main() -> None:
    """Write the judge that ships."""
    seeds = [seed for of_author in authors().values() for seed in of_author]
    lines = fit(seeds, digest())
    path = Path(classifiers.__file__).with_name(FILE)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
