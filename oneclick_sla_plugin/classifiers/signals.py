"""The classifier that ships: signals found by rules, and a learned judge of the wording; sums decide.

A signal counts once a message, wherever and in whichever language it is found. What the
judge says of a head is added to the sum of the rules that speak for it. The kind of a
message is a complaint from the threshold ``suggested`` on, else the kind with the
largest sum. Facts of the thread strengthen a complaint that the words have begun; they
never make one alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from oneclick_sla_plugin.classifiers.judge import Head, Judge, Judgement, Parts, shipped_judge
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

LEANING_LIMIT = 0.5
"""How much one rule of a complaint may say about its type."""

IGNORED = "#ignored"
MUTED = "#muted"
"""What the judge sees instead of words that an ``ignore`` rule covers, and after a sentence that is muted."""

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
_NAMES = (*Group, Head.RECLAMO)
_FLAGS = frozenset({Head.THREAT, Head.URGENT})
_OF_PERSONS = frozenset({Group.ABUSIVE, Group.THREAT})

_Hits = dict[tuple[Group, str], tuple[Rule, Reason]]


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the rules say: sums by group or head, the reasons that stand for several rules, an insult or none."""

    sums: dict[str, float]
    more: list[Reason]
    abusive: bool


class SignalClassifier:
    """Classifies by lexicons. It is compiled when it is first asked; threads may share it."""

    name = "signals"

    def __init__(self, lexicons: Lexicons | None = None, judge: Judge | None = None) -> None:
        self._given = lexicons
        self._given_judge = judge

    @classmethod
    def with_overrides(cls, paths: Iterable[Path]) -> SignalClassifier:
        """One with an installation's lexicon files over the shipped ones. Raises ``ConfigError``."""
        return cls(load_lexicons(paths))

    @cached_property
    def lexicons(self) -> Lexicons:
        return self._given or load_lexicons()

    @cached_property
    def _judge(self) -> Judge:
        return self._given_judge or shipped_judge()

    def classify(self, subject: str, text: str, thread: ThreadFacts = NO_THREAD) -> Verdict:
        """The verdict on one message; see :class:`~oneclick_sla_plugin.domain.message.Classifier`."""
        parts, hits = self._read(subject, text)
        rules = self._of_rules(hits, _extent(parts))
        judged = self._judge.judge(parts) if self.lexicons.scoring.judge else None
        return self._verdict(hits, rules, judged, parts, thread)

    def evidence(self, subject: str, text: str) -> tuple[Parts, dict[str, float]]:
        """What the judge looks at, and what the rules alone say on each of its heads: the judge is fitted beside them."""
        parts, hits = self._read(subject, text)
        return parts, self._of_rules(hits, _extent(parts)).sums

    def _read(self, subject: str, text: str) -> tuple[Parts, _Hits]:
        parts = [*((Part.SUBJECT, one) for one in sentences(subject)), *((Part.TEXT, one) for one in sentences(text))]
        hits: _Hits = {}
        spoken = self._spoken([sentence for _, sentence in parts])
        seen = [(part, self._collect(spoken, part, sentence, hits)) for part, sentence in parts]
        return seen, hits

    def _spoken(self, found: list[Sentence]) -> list[Lexicon]:
        """The lexicons of the languages that the message is written in; all when none is recognised."""
        words = [token.word for sentence in found for token in sentence]
        languages = self.lexicons.languages
        counts = [sum(word in lexicon.markers for word in words) for lexicon in languages]
        # Two languages at most, and more only when they are equally likely.
        first, second, *_ = sorted(counts, reverse=True)
        least = max(first * self.lexicons.scoring.language_share, second)
        return [lexicon for lexicon, count in zip(languages, counts, strict=True) if count >= least]

    def _collect(self, spoken: list[Lexicon], part: Part, sentence: Sentence, hits: _Hits) -> Sentence:
        """Note the rules that speak in a sentence; what one language silences is silent in all.

        Returned is the sentence as the judge shall see it: without the words that say nothing,
        and with a mark where the whole sentence says nothing.
        """
        found = [(lexicon, lexicon.grammar.match(sentence)) for lexicon in spoken]
        silent = {n for n, token in enumerate(sentence) if token.quoted}
        ignored: set[int] = set()
        muted = False
        for lexicon, matches in found:
            for key, spans in matches.items():
                group = lexicon.rules[key].group
                if group is Group.IGNORE:
                    ignored.update(n for first, last in spans for n in range(first, last + 1))
                elif group is Group.MUTE:
                    muted = True
                elif group is not Group.COMPLAINT and group not in _OF_PERSONS:
                    self._note(lexicon.rules[key], spans[0], part, sentence, hits)
        silent |= ignored
        for lexicon, matches in found:
            left = lexicon.grammar.match(sentence, without=frozenset(silent)) if silent else matches
            for key, spans in left.items():
                group = lexicon.rules[key].group
                if group in _OF_PERSONS or (group is Group.COMPLAINT and not muted):
                    self._note(lexicon.rules[key], spans[0], part, sentence, hits)
        if not ignored and not muted:
            return sentence
        seen = [replace(token, word=IGNORED) if n in ignored else token for n, token in enumerate(sentence)]
        return tuple([*seen, replace(seen[-1], word=MUTED)] if muted else seen)

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

    def _of_rules(self, hits: _Hits, whole: tuple[int, int]) -> _Rules:
        """The sums of the rules, and the reasons that stand for several of them."""
        scoring = self.lexicons.scoring
        sums = dict.fromkeys(_NAMES, 0.0)
        for (group, _), (_, reason) in hits.items():
            sums[group] += reason.weight
        sums[Head.RECLAMO] = _leaning(hits)
        abusive = sums[Group.ABUSIVE] > 0
        more = [
            Reason(f"rival.{kind}", -round(share * sums[kind], 3), *whole)
            for kind, share in scoring.rivals.items()
            if sums[kind] > 0 and share
        ]
        if sums[Group.THREAT] > 0:
            more.append(Reason("hostile.threat", scoring.threat, *whole))
        elif abusive:
            more.append(Reason("hostile.words", scoring.hostile, *whole))
        sums[Group.COMPLAINT] += sum(reason.weight for reason in more)
        return _Rules(sums, more, abusive)

    def _verdict(
        self, hits: _Hits, rules: _Rules, judged: Judgement | None, parts: Parts, thread: ThreadFacts
    ) -> Verdict:
        scoring = self.lexicons.scoring
        sums = dict(rules.sums)
        heads = [Head.COMPLAINT]
        for head, weight in judged.sums.items() if judged else ():
            # A flag that a rule puts up needs no judge, and one that a rule denies is not overruled.
            if head not in _FLAGS:
                sums[head] += scoring.judge * weight
            elif weight > 0 and sums[head] == 0:
                sums[head] = scoring.judge * weight
                heads.append(head)
        threat = sums[Head.THREAT] > 0
        scores = self._scores(sums, thread, hostile=rules.abusive or threat)
        reasons = [*(reason for _, reason in hits.values()), *rules.more]
        complaint = sums[Head.COMPLAINT]
        if complaint > 0:
            facts = [*self._thread_reasons(thread)]
            reasons += facts
            complaint += sum(reason.weight for reason in facts)
        complaint = round(complaint, 3)
        certainty = (
            Certainty.AUTO
            if complaint >= scoring.auto
            else Certainty.SUGGESTED
            if complaint >= scoring.suggested
            else Certainty.NO
        )
        kind = Kind.COMPLAINT if certainty is not Certainty.NO else self._other_kind(scores)
        if kind is Kind.COMPLAINT:
            heads.append(Head.RECLAMO)
        elif kind is not Kind.UNKNOWN:
            heads.append(Head(kind))
        if judged is not None:
            reasons += [_wording(judged, head, scoring.judge) for head in heads if head in judged.sums]
        return Verdict(
            kind=kind,
            complaint=certainty,
            complaint_score=complaint,
            complaint_type=_complaint_type(sums[Head.RECLAMO]) if kind is Kind.COMPLAINT else None,
            abusive=rules.abusive,
            threat=threat,
            urgent=sums[Head.URGENT] > 0,
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

    def _scores(self, sums: Mapping[str, float], thread: ThreadFacts, *, hostile: bool) -> dict[Kind, float]:
        scores = {kind: sums[kind] for kind in _KINDS}
        likeliest = max(_KINDS, key=lambda kind: scores[kind])
        if thread.requester_known is True and likeliest is Kind.INFO_REQUEST:
            scores[Kind.QUESTION] += self.lexicons.scoring.known
        elif thread.requester_known is False and likeliest is Kind.QUESTION:
            scores[Kind.INFO_REQUEST] += self.lexicons.scoring.stranger
        if hostile:
            scores[Kind.SPAM_OTHER] += self.lexicons.scoring.kind
        return scores

    def _other_kind(self, scores: Mapping[Kind, float]) -> Kind:
        best = max(_KINDS, key=lambda kind: scores[kind])
        return best if scores[best] >= self.lexicons.scoring.kind else Kind.UNKNOWN


def _extent(parts: Parts) -> tuple[int, int]:
    """From the first to the last word of the text, without what was cut away."""
    written = [sentence for part, sentence in parts if part is Part.TEXT]
    return (written[0][0].start, written[-1][-1].end) if written else (0, 0)


def _wording(judged: Judgement, head: Head, factor: float) -> Reason:
    """What the judge said of a head; it has one name for what speaks for it and one for what speaks against it."""
    weight = round(factor * judged.sums[head], 3)
    against = ComplaintType.QUEJA if head is Head.RECLAMO else f"no_{head}"
    return Reason(f"wording.{head if weight >= 0 else against}", weight, *judged.place(head))


def _leaning(hits: _Hits) -> float:
    """How far the rules of a complaint lean towards a reclamo; below 0 towards a queja."""
    leaning = 0.0
    for rule, _ in hits.values():
        if rule.group is Group.COMPLAINT and rule.type is not None:
            weight = min(rule.weight, LEANING_LIMIT)
            leaning += weight if rule.type is ComplaintType.RECLAMO else -weight
    return leaning


def _complaint_type(leaning: float) -> ComplaintType:
    return ComplaintType.RECLAMO if leaning >= 0 else ComplaintType.QUEJA


def _missing(hits: _Hits, parts: Parts) -> Iterator[Missing]:
    present = {name for group, name in hits if group is Group.PRESENT}
    if Missing.ACCOUNT_DATA not in present:
        yield Missing.ACCOUNT_DATA
    if Missing.ERROR_MESSAGE not in present:
        yield Missing.ERROR_MESSAGE
    if sum(token.word != MUTED for _, sentence in parts for token in sentence) < DESCRIPTION_TOKENS:
        yield Missing.DESCRIPTION
