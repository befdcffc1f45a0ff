"""Runs the detectors over a message and makes findings of what they believe to have found.

One pass of an automaton over the text decides which detectors are asked at all, so that
ordinary messages cost a few microseconds. The work is bounded: a text is scanned up to
:data:`LONGEST_TEXT`, a message has at most :data:`MOST_FINDINGS`, and a finding of type
``scan_cut`` says when that was not all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from oneclick_sla_plugin.detectors.automaton import AnyOf, InvalidPattern, linear_pattern
from oneclick_sla_plugin.detectors.own_patterns import OwnPattern, OwnPatternDetector
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import (
    Candidate,
    Detector,
    Finding,
    cut_finding,
    findings,
    resolve,
)
from oneclick_sla_plugin.errors import ConfigError, PluginError, Problem

LONGEST_TEXT = 262_144
"""Characters of a message that are scanned."""
MOST_FINDINGS = 100
_MOST_CANDIDATES = 1_000
"""Of one detector in one message."""


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """What an administrator chose.

    ``types_off``: types that are not reported. ``stop_words``: values that are none, whatever
    stands beside them; case and accents do not matter. ``own_patterns``: further types.
    """

    types_off: frozenset[str] = frozenset()
    stop_words: frozenset[str] = frozenset()
    own_patterns: tuple[OwnPattern, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectorFailure:
    """A detector that failed on a message; ``error`` is the class of the exception, never its text."""

    detector: str
    error: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a message holds, in the order of its text, and which detectors could not say."""

    findings: tuple[Finding, ...] = ()
    failures: tuple[DetectorFailure, ...] = ()


_NOTHING = Scan()


class Scanner:
    """All detectors of a program with its settings. Safe to use from several threads.

    Raises ``ConfigError`` for own patterns that cannot be used, ``PluginError`` for a
    detector whose trigger is no pattern.
    """

    def __init__(self, detectors: Iterable[Detector], settings: DetectorSettings | None = None) -> None:
        settings = settings or DetectorSettings()
        self._types_off = settings.types_off
        self._stop_words = frozenset(PlainText(word).folded.strip() for word in settings.stop_words)
        chosen = [*detectors, *_own_detectors(settings.own_patterns)]
        wanted = [detector for detector in chosen if not detector.types <= self._types_off]
        self._always = [detector for detector in wanted if not detector.trigger]
        self._triggered = [detector for detector in wanted if detector.trigger]
        for detector in self._triggered:
            try:
                linear_pattern(detector.trigger)
            except (InvalidPattern, UnicodeEncodeError) as error:
                raise PluginError(f'the trigger of the detector "{detector.name}" is no pattern') from error
        self._triggers = AnyOf(detector.trigger for detector in self._triggered)

    def scan(self, text: str, message: str = "") -> Scan:
        """Find what is sensitive in a message's text; ``message`` is the id that its findings carry."""
        plain = PlainText(text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT])
        hits = self._triggers.match(plain.ascii)
        if hits or self._always:
            asked = [*self._always, *(self._triggered[index] for index in sorted(hits))]
            scan = self._ask(asked, plain, text, message)
        else:
            scan = _NOTHING
        if len(text) > LONGEST_TEXT:
            cut = cut_finding(message, LONGEST_TEXT, len(text))
            return Scan((*scan.findings, cut), scan.failures)
        return scan

    def _ask(self, detectors: Iterable[Detector], plain: PlainText, text: str, message: str) -> Scan:
        candidates: list[Candidate] = []
        failures = []
        cut_at = None
        for detector in detectors:
            try:
                found = list(islice(detector.find(plain), _MOST_CANDIDATES))
                _check(found, detector, plain)
            except Exception as error:  # noqa: BLE001 - a detector's failure costs its own findings only
                failures.append(DetectorFailure(detector.name, type(error).__name__))
                continue
            if len(found) == _MOST_CANDIDATES:
                cut_at = min(cut_at or len(plain), found[-1].start)
            candidates.extend(found)
        kept, rest = resolve((each for each in candidates if self._wanted(each, plain)), MOST_FINDINGS)
        found_values = findings(kept, plain, message)
        if rest is not None or cut_at is not None:
            start = plain.original(min(rest or len(plain), cut_at or len(plain)), len(plain))[0]
            found_values.append(cut_finding(message, min(start, len(text) - 1), min(len(text), LONGEST_TEXT)))
        return Scan(tuple(found_values), tuple(failures))

    def _wanted(self, candidate: Candidate, plain: PlainText) -> bool:
        if candidate.type in self._types_off:
            return False
        return not self._stop_words or plain.folded[candidate.start : candidate.end] not in self._stop_words


def _check(found: Iterable[Candidate], detector: Detector, plain: PlainText) -> None:
    for each in found:
        if not 0 <= each.start < each.end <= len(plain) or each.type not in detector.types:
            raise ValueError("a candidate outside of the text, or of a type that the detector does not name")


def _own_detectors(patterns: Iterable[OwnPattern]) -> list[Detector]:
    made: list[Detector] = []
    problems: list[Problem] = []
    for position, own in enumerate(patterns):
        try:
            made.append(OwnPatternDetector(own))
        except ConfigError as error:
            problems += [
                Problem(f"own_patterns[{position}].{each.path}", each.message, each.hint) for each in error.problems
            ]
    if problems:
        raise ConfigError(problems)
    return made
