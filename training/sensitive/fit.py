"""Fits the judge's weights to marked messages, and says how well it does on authors it has not seen.

    python -m training.sensitive.fit              # writes the weights
    python -m training.sensitive.fit --held-out   # measures only: each file against all others

Further files of marked messages may be named; they are learned from as well.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from oneclick_sla_plugin.detectors.evidence import FAMILIES, Passage
from oneclick_sla_plugin.detectors.judge import TYPES, Weights
from oneclick_sla_plugin.detectors.vocabulary import vocabulary
from oneclick_sla_plugin.domain.plain_text import PlainText
from training.sensitive.messages import MESSAGES, Message, read_messages

WEIGHTS = Path(__file__).parents[2] / "oneclick_sla_plugin" / "detectors" / "judge.json"
POSSIBLE, WARN = 0.37, 0.8
"""Probabilities from which a spot is reported, and warned of; chosen on held-out authors."""
_STRENGTH = 0.1
"""Inverse of the regularisation: small, because there are few messages and many ways to write."""
_FEWEST = 2
"""Spots in which a sign must have been seen."""
_NEGLIGIBLE = 2
"""Hundredths below which a weight is left out."""

Example = tuple[str, list[str], int]
"""Family, signs, and 0 or the position in ``TYPES`` counted from 1."""


def examples(message: Message) -> Iterator[Example]:
    """The spots of a message, marked or not. A spot that is a part of something marked is left out."""
    plain = PlainText(message.text)
    passage = Passage(plain, vocabulary())
    for position, spot in enumerate(passage.spots):
        start, end = plain.original(spot.start, spot.end)
        touching = [mark for mark in message.marks if mark.start < end and start < mark.end]
        if not touching:
            yield spot.family, passage.signs(position), 0
        elif touching[0].covers(start, end) and touching[0].type in TYPES:
            yield spot.family, passage.signs(position), TYPES.index(touching[0].type) + 1


def parts(family: str, sign: str) -> Iterator[str]:
    """What is learned about a sign: for all families and for its own, for its nearness and for any."""
    yield sign
    yield f"{family}:{sign}"
    side, _, meaning = sign.partition(" ")
    if side[0] in "-+" and len(side) == 2:
        yield f"{side[0]} {meaning}"
        yield f"{family}:{side[0]} {meaning}"


def fit(learned: Sequence[Example]) -> Mapping[str, Mapping[str, list[int]]]:
    """Weights in hundredths by family and sign; the sign ``""`` is what a spot weighs without any."""
    rows = [
        Counter({part: 1 for sign in ("", *signs) for part in parts(family, sign or "any")})
        for family, signs, _ in learned
    ]
    seen = Counter(part for row in rows for part in row)
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform([{part: 1 for part in row if seen[part] >= _FEWEST} for row in rows])
    model = LogisticRegression(C=_STRENGTH, max_iter=1000)
    model.fit(matrix, [label for _, _, label in learned])
    of_part = {
        part: model.coef_[1:, column] - model.coef_[0, column] for part, column in vectorizer.vocabulary_.items()
    }
    base = model.intercept_[1:] - model.intercept_[0]
    weights: dict[str, dict[str, list[int]]] = {}
    for family in FAMILIES:
        signs = sorted({sign for known, row, _ in learned if known == family for sign in row})
        weights[family] = {
            "": _hundredths(base + sum(of_part[part] for part in parts(family, "any") if part in of_part))
        }
        for sign in signs:
            known = [of_part[part] for part in parts(family, sign) if part in of_part]
            weight = _hundredths(sum(known)) if known else [0]
            if max(map(abs, weight)) >= _NEGLIGIBLE:
                weights[family][sign] = weight
    return weights


def as_weights(weights: Mapping[str, Mapping[str, list[int]]]) -> Weights:
    return Weights(
        POSSIBLE,
        WARN,
        {
            family: {sign: tuple(each / 100 for each in weight) for sign, weight in signs.items()}
            for family, signs in weights.items()
        },
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("more", nargs="*", type=Path, help="further files of marked messages")
    arguments.add_argument("--held-out", action="store_true", help="measure only")
    chosen = arguments.parse_args()
    authors = {
        path.stem: [example for message in read_messages(path) for example in examples(message)]
        for path in (*sorted(MESSAGES.glob("*.jsonl")), *chosen.more)
    }
    if chosen.held_out:
        for name, own in authors.items():
            others = [example for other, theirs in authors.items() if other != name for example in theirs]
            print(f"{name}: {_measured(as_weights(fit(others)), own)}")
        return
    learned = [example for theirs in authors.values() for example in theirs]
    weights = fit(learned)
    WEIGHTS.write_text(_as_json(weights), encoding="utf-8")
    print(f"{len(learned)} spots, {sum(map(len, weights.values()))} weights")


def _measured(judge: Weights, spots: Iterable[Example]) -> str:
    """Precision and recall over spots, and the precision of warnings."""
    right = wrong = missed = warned = warned_wrongly = 0
    for family, signs, label in spots:
        chances = judge.probabilities(family, signs)
        chance = max(chances)
        if chance >= judge.possible:
            correct = chances.index(chance) + 1 == label
            right, wrong = right + correct, wrong + (not correct)
            warned += chance >= judge.warn
            warned_wrongly += chance >= judge.warn and not correct
        missed += label > 0 and (chance < judge.possible or chances.index(chance) + 1 != label)
    precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
    return f"P {precision:.3f} R {recall:.3f}, {warned} warnings, {warned_wrongly} of them wrong"


def _as_json(weights: Mapping[str, Mapping[str, list[int]]]) -> str:
    families = []
    for family, signs in weights.items():
        rows = ",\n".join(f"{json.dumps(sign, ensure_ascii=False)}: {weight}" for sign, weight in signs.items())
        families.append(f'"{family}": {{\n{rows}\n}}')
    return (
        f'{{"possible": {POSSIBLE}, "warn": {WARN}, "types": {json.dumps(TYPES)}, "weights": {{\n'
        + ",\n".join(families)
        + "\n}}\n"
    )


def _hundredths(weights: Iterable[float]) -> list[int]:
    return [round(100 * float(weight)) for weight in weights]


if __name__ == "__main__":
    main()
