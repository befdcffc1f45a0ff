"""Lexicons: TOML files of classes, rules, weights and patterns, one a language, checked whole.

A file holds ``language``, ``markers`` (words by which the language is recognised),
``[classes]`` and one table a rule, ``[group.name]``; the rule's id is
``language.group.name``. Groups are the kinds of message, the flags, ``present`` (what a
report brings), and two that silence others: ``ignore`` (the words matched) and ``mute``
(their sentence).

An installation's own files are merged over the shipped ones, rule by rule: a weight,
``patterns`` in place of the shipped ones or ``more_patterns`` beside them. A weight of 0
switches a rule off.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oneclick_sla_plugin.classifiers.patterns import Grammar, GrammarError, split_entries
from oneclick_sla_plugin.domain.complaint import ComplaintType
from oneclick_sla_plugin.domain.message import fold
from oneclick_sla_plugin.domain.model import Kind
from oneclick_sla_plugin.errors import ConfigError, Problem, problems_of

LANGUAGES = ("es", "en", "de", "pt")
SCORING = "scoring"


class Group(StrEnum):
    """What a rule speaks for."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    INCIDENT = "incident"
    INFO_REQUEST = "info_request"
    FEEDBACK = "feedback"
    PARTNERSHIP = "partnership"
    SPAM_OTHER = "spam_other"
    ABUSIVE = "abusive"
    THREAT = "threat"
    URGENT = "urgent"
    PRESENT = "present"
    IGNORE = "ignore"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its id, what it speaks for and with which weight; ``type`` also leans towards a complaint type."""

    id: str
    group: Group
    name: str
    weight: float
    type: ComplaintType | None = None


@dataclass(frozen=True)
class Lexicon:
    """A language's rules, ready to match. ``rules`` are by the names that ``grammar`` gives."""

    language: str
    markers: frozenset[str]
    rules: Mapping[str, Rule]
    grammar: Grammar


@dataclass(frozen=True, slots=True)
class Scoring:
    """What the sums mean; each value is explained in ``scoring.toml``."""

    auto: float
    suggested: float
    judge: float
    subject_factor: float
    kind: float
    language_share: float
    hostile: float
    threat: float
    rivals: Mapping[Kind, float]
    unanswered: float
    reopened: float
    old: float
    old_after: timedelta
    known: float
    stranger: float


@dataclass(frozen=True)
class Lexicons:
    """Everything a classifier needs to know."""

    scoring: Scoring
    languages: tuple[Lexicon, ...]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


_Weight = Annotated[float, Field(ge=-10, le=10)]


class _Rule(_Section):
    weight: _Weight = 1.0
    type: ComplaintType | None = None
    patterns: str = ""
    more_patterns: str = ""


class _Thread(_Section):
    unanswered: _Weight
    reopened: _Weight
    old: _Weight
    old_after_days: Annotated[float, Field(gt=0)]


class _Requester(_Section):
    known: _Weight
    stranger: _Weight


class _Rivals(_Section):
    question: _Weight
    incident: _Weight
    info_request: _Weight
    feedback: _Weight
    partnership: _Weight
    spam_other: _Weight


class _Scoring(_Section):
    auto: Annotated[float, Field(gt=0)]
    suggested: Annotated[float, Field(gt=0)]
    judge: Annotated[float, Field(ge=0, le=10)]
    subject_factor: Annotated[float, Field(ge=1)]
    kind: Annotated[float, Field(gt=0)]
    language_share: Annotated[float, Field(ge=0, le=1)]
    hostile: _Weight
    threat: _Weight
    rivals: _Rivals
    thread: _Thread
    requester: _Requester


_Model = TypeVar("_Model", bound=BaseModel)


def load_lexicons(overrides: Iterable[Path] = ()) -> Lexicons:
    """The shipped lexicons with an installation's files merged over them, in their order.

    A file is known by its ``language``; one with ``language = "scoring"`` changes the sums'
    meaning. Raises ``ConfigError`` with every problem of all files.
    """
    problems: list[Problem] = []
    tables = {name: _read(files(__package__).joinpath(f"{name}.toml"), problems) for name in (*LANGUAGES, SCORING)}
    tables[SCORING].pop("language", None)
    for path in overrides:
        override = _read(path, problems)
        name = override.pop("language", None)
        if name not in tables:
            known = ", ".join((*LANGUAGES, SCORING))
            if override or name is not None:
                problems.append(Problem(f"{path}: language", "is missing or not known", f"known: {known}"))
            continue
        found: list[Problem] = []
        _merge(tables[name], override, "", found)
        problems.extend(Problem(f"{path}: {problem.path}", problem.message, problem.hint) for problem in found)
    scoring = _scoring(tables[SCORING], problems)
    languages = [_lexicon(name, tables[name], problems) for name in LANGUAGES]
    if problems or scoring is None:
        raise ConfigError(problems, "lexicons")
    return Lexicons(scoring, tuple(lexicon for lexicon in languages if lexicon is not None))


def _read(source: Path | Traversable, problems: list[Problem]) -> dict[str, Any]:
    try:
        return tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(Problem(str(source), error.strerror or "cannot be read"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(Problem(str(source), f"is not TOML: {error}"))
    return {}


def _merge(base: dict[str, Any], override: Mapping[str, Any], path: str, problems: list[Problem]) -> None:
    """Put values over values, tables into tables; classes and rules may be new."""
    for key, value in override.items():
        where = f"{path}.{key}" if path else key
        if isinstance(base.get(key), dict) != isinstance(value, dict) and key in base:
            problems.append(Problem(where, "is a table in one file and a value in the other"))
        elif isinstance(value, dict):
            _merge(base.setdefault(key, {}), value, where, problems)
        else:
            base[key] = value


def _scoring(table: Mapping[str, Any], problems: list[Problem]) -> Scoring | None:
    read = _checked(_Scoring, table, SCORING, problems)
    if read is None:
        return None
    if read.auto < read.suggested:
        problems.append(Problem(f"{SCORING}.auto", "is below suggested"))
    return Scoring(
        auto=read.auto,
        suggested=read.suggested,
        judge=read.judge,
        subject_factor=read.subject_factor,
        kind=read.kind,
        language_share=read.language_share,
        hostile=read.hostile,
        threat=read.threat,
        rivals=MappingProxyType({Kind(name): share for name, share in read.rivals.model_dump().items()}),
        unanswered=read.thread.unanswered,
        reopened=read.thread.reopened,
        old=read.thread.old,
        old_after=timedelta(days=read.thread.old_after_days),
        known=read.requester.known,
        stranger=read.requester.stranger,
    )


def _lexicon(language: str, table: Mapping[str, Any], problems: list[Problem]) -> Lexicon | None:
    rest = dict(table)
    rest.pop("language", None)
    markers = rest.pop("markers", "")
    classes = rest.pop("classes", {})
    found: list[Problem] = []
    if not isinstance(markers, str):
        found.append(Problem("markers", "is a text of words separated by commas"))
        markers = ""
    for name, entries in [*classes.items()]:
        if not isinstance(entries, str):
            found.append(Problem(f"classes.{name}", "is a text of entries separated by commas"))
    rules, patterns = _rules(language, rest, found)
    grammar = None
    if not found:
        try:
            grammar = Grammar(classes, patterns)
        except GrammarError as error:
            found.extend(Problem(name, message) for name, message in error.problems)
    problems.extend(Problem(f"{language}.{problem.path}", problem.message, problem.hint) for problem in found)
    if grammar is None or found:
        return None
    return Lexicon(language, frozenset(fold(word) for word in split_entries(markers)), rules, grammar)


def _rules(
    language: str, table: Mapping[str, Any], problems: list[Problem]
) -> tuple[dict[str, Rule], dict[str, list[str]]]:
    rules: dict[str, Rule] = {}
    patterns: dict[str, list[str]] = {}
    for group, named in table.items():
        if group not in set(Group) or not isinstance(named, dict):
            problems.append(Problem(group, "is not a group of rules", f"known: {', '.join(Group)}"))
            continue
        for name, values in named.items():
            key = f"{group}.{name}"
            rule = _checked(_Rule, values, key, problems)
            if rule is None:
                continue
            lines = [line.strip() for line in f"{rule.patterns}\n{rule.more_patterns}".splitlines()]
            lines = [line for line in lines if line and not line.startswith("//")]
            if not lines:
                problems.append(Problem(f"{key}.patterns", "there is no pattern"))
            elif rule.weight != 0:
                rules[key] = Rule(f"{language}.{key}", Group(group), name, rule.weight, rule.type)
                patterns[key] = lines
    return rules, patterns


def _checked(model: type[_Model], values: object, path: str, problems: list[Problem]) -> _Model | None:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems.extend(problems_of(found, path=path, known_keys=model.model_fields))
        return None
