"""The classifier that ships: signals found by rules, each with a weight; sums decide.

A signal counts once a message, wherever and in whichever language it is found. The
kind of a message is a complaint from the threshold ``suggested`` on, else the kind
with the largest sum. Facts of the thread strengthen a complaint that the words have
begun; they never make one alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from oneclick_sla_plugin.classifiers.lexicon import Group, Lexicon, Lexicons, Rule, load_lexicons
from oneclick_sla_plugin.classifiers.patterns import Span
from oneclick_sla_plugin.domain.complaint import ComplaintType
from oneclick_sla_plugin.domain.message import (
    NO_THREAD,
    Certainty,
    Missing,
    Part,
    Reason,
    Sentence,
    ThreadFacts,
    Verdict,
    sentences,
)
from oneclick_sla_plugin.domain.model import Kind

DESCRIPTION_TOKENS = 8
"""A report of fewer words than this describes nothing."""

LEANING_LIMIT = 1.0
"""How much one rule of a complaint may say about its type."""

UNANSWERED_LIMIT = 3
REOPENED_LIMIT = 2

# Of kinds with the same sum the first one wins.
_KINDS = (
    Kind.INCIDENT,
    Kind.PARTNERSHIP,
    Kind.INFO_REQUEST,
    Kind.FEEDBACK,
    Kind.SPAM_OTHER,
    Kind.QUESTION,
)
_OF_THIS_ORGANISATION = frozenset({Group.COMPLAINT, Group.QUEJA, Group.RECLAMO})
_OF_PERSONS = frozenset({Group.ABUSIVE, Group.THREAT})

_Hits = dict[tuple[Group, str], tuple[Rule, Reason]]


class SignalClassifier:
    """Classifies by lexicons. It is compiled when it is first asked; threads may share it."""

    name = "signals"

    def __init__(self, lexicons: Lexicons | None = None) -> None:
        self._given = lexicons

    @classmethod
    def with_overrides(cls, paths: Iterable[Path]) -> SignalClassifier:
        """One with an installation's lexicon files over the shipped ones. Raises ``ConfigError``."""
        return cls(load_lexicons(paths))

    @cached_property
    def lexicons(self) -> Lexicons:
        return self._given or load_lexicons()

    def classify(self, subject: str, text: str, thread: ThreadFacts = NO_THREAD) -> Verdict:
        """The verdict on one message; see :class:`~oneclick_sla_plugin.domain.message.Classifier`."""
        parts = [*((Part.SUBJECT, one) for one in sentences(subject)), *((Part.TEXT, one) for one in sentences(text))]
        hits: _Hits = {}
        spoken = self._spoken([sentence for _, sentence in parts])
        for part, sentence in parts:
            self._collect(spoken, part, sentence, hits)
        return self._verdict(hits, parts, thread)

    def _spoken(self, found: list[Sentence]) -> list[Lexicon]:
        """The lexicons of the languages that the message is written in; all when none is recognised."""
        words = [token.word for sentence in found for token in sentence]
        languages = self.lexicons.languages
        counts = [sum(word in lexicon.markers for word in words) for lexicon in languages]
        # Two languages at most, and more only when they are equally likely.
        first, second, *_ = sorted(counts, reverse=True)
        least = max(first * self.lexicons.scoring.language_share, second)
        return [lexicon for lexicon, count in zip(languages, counts, strict=True) if count >= least]

    def _collect(self, spoken: list[Lexicon], part: Part, sentence: Sentence, hits: _Hits) -> None:
        """Note the rules that speak in a sentence; what one language silences is silent in all."""
        found = [(lexicon, lexicon.grammar.match(sentence)) for lexicon in spoken]
        silent = {n for n, token in enumerate(sentence) if token.quoted}
        muted = False
        for lexicon, matches in found:
            for key, spans in matches.items():
                group = lexicon.rules[key].group
                if group is Group.IGNORE:
                    silent.update(n for first, last in spans for n in range(first, last + 1))
                elif group is Group.MUTE:
                    muted = True
                elif group not in _OF_THIS_ORGANISATION and group not in _OF_PERSONS:
                    self._note(lexicon.rules[key], spans[0], part, sentence, hits)
        for lexicon, matches in found:
            left = lexicon.grammar.match(sentence, without=frozenset(silent)) if silent else matches
            for key, spans in left.items():
                group = lexicon.rules[key].group
                if group in _OF_PERSONS or (group in _OF_THIS_ORGANISATION and not muted):
                    self._note(lexicon.rules[key], spans[0], part, sentence, hits)

    def _note(self, rule: Rule, span: Span, part: Part, sentence: Sentence, hits: _Hits) -> None:
        first, last = max(span[0], 0), min(span[1], len(sentence) - 1)
        if first > last:  # only a beginning or an end: no word to point at
            return
        weight = rule.weight
        if part is Part.SUBJECT and rule.group is Group.COMPLAINT:
            weight *= self.lexicons.scoring.subject_factor
        key = (rule.group, rule.name)
        if key not in hits or hits[key][1].weight < weight:
            hits[key] = rule, Reason(rule.id, weight, sentence[first].start, sentence[last].end, part)

    # --- sums ---------------------------------------------------------------------------------

    def _verdict(self, hits: _Hits, parts: list[tuple[Part, Sentence]], thread: ThreadFacts) -> Verdict:
        scoring = self.lexicons.scoring
        reasons = [reason for _, reason in hits.values()]
        abusive = _sum(hits, Group.ABUSIVE) > 0
        threat = _sum(hits, Group.THREAT) > 0
        scores = self._scores(hits, thread, abusive or threat)
        found = _sum(hits, Group.COMPLAINT)
        more: list[Reason] = []
        whole = _extent(parts)
        if found > 0:
            more += self._thread_reasons(thread)
            more += [
                Reason(f"rival.{kind}", -round(share * scores[kind], 3), *whole)
                for kind, share in scoring.rivals.items()
                if scores[kind] > 0 and share
            ]
        if threat:
            more.append(Reason("hostile.threat", scoring.threat, *whole))
        elif abusive and found > 0:
            more.append(Reason("hostile.words", scoring.hostile, *whole))
        reasons += more
        complaint = round(found + sum(reason.weight for reason in more), 3)
        certainty = (
            Certainty.AUTO
            if complaint >= scoring.auto
            else Certainty.SUGGESTED
            if complaint >= scoring.suggested
            else Certainty.NO
        )
        kind = Kind.COMPLAINT if certainty is not Certainty.NO else self._other_kind(scores)
        return Verdict(
            kind=kind,
            complaint=certainty,
            complaint_score=complaint,
            complaint_type=_complaint_type(hits) if kind is Kind.COMPLAINT else None,
            abusive=abusive,
            threat=threat,
            urgent=_sum(hits, Group.URGENT) > 0,
            info_missing=tuple(_missing(hits, parts)) if kind is Kind.INCIDENT else (),
            scores=MappingProxyType(scores),
            because=tuple(sorted(reasons, key=lambda reason: (reason.part, reason.start, reason.rule))),
        )

    def _thread_reasons(self, thread: ThreadFacts) -> Iterator[Reason]:
        scoring = self.lexicons.scoring
        weights = {
            "unanswered": scoring.unanswered * min(max(thread.unanswered - 1, 0), UNANSWERED_LIMIT),
            "reopened": scoring.reopened * min(thread.reopened, REOPENED_LIMIT),
            "old": scoring.old if thread.age >= scoring.old_after else 0.0,
        }
        for name, weight in weights.items():
            if weight:
                yield Reason(f"thread.{name}", weight, 0, 0, Part.THREAD)

    def _scores(self, hits: _Hits, thread: ThreadFacts, hostile: bool) -> dict[Kind, float]:
        scores = {kind: _sum(hits, Group(kind)) for kind in _KINDS}
        if thread.requester_known is True and scores[Kind.INFO_REQUEST] > 0:
            scores[Kind.QUESTION] += self.lexicons.scoring.known
        elif thread.requester_known is False and scores[Kind.QUESTION] > 0:
            scores[Kind.INFO_REQUEST] += self.lexicons.scoring.stranger
        if hostile:
            scores[Kind.SPAM_OTHER] += self.lexicons.scoring.kind
        return scores

    def _other_kind(self, scores: Mapping[Kind, float]) -> Kind:
        best = max(_KINDS, key=lambda kind: scores[kind])
        return best if scores[best] >= self.lexicons.scoring.kind else Kind.UNKNOWN


def _extent(parts: list[tuple[Part, Sentence]]) -> tuple[int, int]:
    """From the first to the last word of the text, without what was cut away."""
    written = [sentence for part, sentence in parts if part is Part.TEXT]
    return (written[0][0].start, written[-1][-1].end) if written else (0, 0)


def _sum(hits: _Hits, group: Group) -> float:
    return sum(reason.weight for (of, _), (_, reason) in hits.items() if of is group)


def _complaint_type(hits: _Hits) -> ComplaintType:
    """The type with the larger sum, of equal ones reclamo; where nothing is named that was sold, a queja."""
    leaning = {ComplaintType.QUEJA: _sum(hits, Group.QUEJA), ComplaintType.RECLAMO: _sum(hits, Group.RECLAMO)}
    for rule, _ in hits.values():
        if rule.group is Group.COMPLAINT and rule.type is not None:
            leaning[rule.type] += min(rule.weight, LEANING_LIMIT)
    about_what_was_sold = leaning[ComplaintType.RECLAMO] >= max(leaning[ComplaintType.QUEJA], 0.01)
    return ComplaintType.RECLAMO if about_what_was_sold else ComplaintType.QUEJA


def _missing(hits: _Hits, parts: list[tuple[Part, Sentence]]) -> Iterator[Missing]:
    present = {name for group, name in hits if group is Group.PRESENT}
    if Missing.ACCOUNT_DATA not in present:
        yield Missing.ACCOUNT_DATA
    if Missing.ERROR_MESSAGE not in present:
        yield Missing.ERROR_MESSAGE
    if sum(len(sentence) for _, sentence in parts) < DESCRIPTION_TOKENS:
        yield Missing.DESCRIPTION
