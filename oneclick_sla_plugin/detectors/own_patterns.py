"""Patterns of an administrator, run by RE2: linear in the text whatever the pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from oneclick_sla_plugin.detectors.automaton import InvalidPattern, linear_pattern
from oneclick_sla_plugin.detectors.context import Context
from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import WARN_FROM, Candidate
from oneclick_sla_plugin.errors import ConfigError, Problem

_CHECK_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?\Z")
_REACH = 60
_DOUBT = 0.25
"""How much surer a finding is with one of its words beside it than without."""


@dataclass(frozen=True, slots=True)
class OwnPattern:
    """A pattern for a kind of value that only this company has.

    ``type`` names it in findings. ``pattern`` is RE2 syntax over the message as written
    (its first group, if it has one, is the value). ``check``: a module of python-stdnum that
    has to accept the value, for instance ``luhn`` or ``es.cif``. ``words``: with them, a
    value without one of these within 60 characters before it counts less. ``confidence``: 0 to 1.
    """

    type: str
    pattern: str
    check: str = ""
    words: tuple[str, ...] = ()
    confidence: float = 0.9


class OwnPatternDetector:
    """One own pattern as a detector. Raises ``ConfigError`` when it cannot be used."""

    trigger = ""

    def __init__(self, own: OwnPattern) -> None:
        self.name = f"own-pattern:{own.type}"
        self.types = frozenset({own.type})
        self._own = own
        problems = []
        try:
            self._pattern = linear_pattern(own.pattern)
        except (InvalidPattern, UnicodeEncodeError):
            problems.append(Problem("pattern", f'the pattern of "{own.type}" is not valid', "RE2 has no look-around"))
        else:
            if self._pattern.search(b""):
                problems.append(Problem("pattern", f'the pattern of "{own.type}" matches nothing at all'))
        self._is_valid = _check(own.check)
        if self._is_valid is None:
            problems.append(Problem("check", f'"{own.check}" is no check of python-stdnum', 'for instance "luhn"'))
        if not 0 < own.confidence <= 1:
            problems.append(Problem("confidence", "must lie between 0 and 1"))
        if problems:
            raise ConfigError(problems)
        folded = [PlainText(word).folded for word in own.words]
        self._context = Context({"own": folded}) if folded else None

    def find(self, text: PlainText) -> Iterator[Candidate]:
        group = 1 if self._pattern.groups else 0
        for match in self._pattern.finditer(text.text.encode("latin-1")):
            start, end = match.span(group)
            if start >= end or (self._is_valid is not None and not self._is_valid(text.text[start:end])):
                continue
            confidence = self._own.confidence
            if self._context is not None and not self._context.before(text, start, _REACH):
                confidence = min(confidence, WARN_FROM) - _DOUBT
            yield Candidate(self._own.type, start, end, confidence)


def _check(name: str) -> Callable[[str], bool] | None:
    if not name:
        return lambda _: True
    if not _CHECK_NAME.match(name):
        return None
    try:
        check = import_module(f"stdnum.{name}").is_valid
    except (ImportError, AttributeError):
        return None
    return lambda value: bool(check(value))
