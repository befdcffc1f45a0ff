"""Policy files: TOML in, a :class:`~oneclick_sla_plugin.domain.policy.Policy` out, or every problem at once.

A file is checked piece by piece, so that one mistake does not hide the others:
each problem names its key path (``targets[2].within``) and what to do. Public
holidays are taken from the ``holidays`` package here, once, when the file is read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version as distribution_version
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from oneclick_sla_plugin.domain.calendar import BusinessCalendar
from oneclick_sla_plugin.domain.model import Metric
from oneclick_sla_plugin.domain.policy import Policy, Rule
from oneclick_sla_plugin.errors import ConfigError, Problem, problems_of
from oneclick_sla_plugin.policy_files.sections import (
    AddedHolidayTable,
    CalendarTable,
    ChannelRuleTable,
    EscalationTable,
    EstimateTable,
    HolidaysTable,
    KindRuleTable,
    PolicyTable,
    PriorityRuleTable,
    TargetConditionTable,
    TargetTable,
)

_NESTED: Mapping[str, Iterable[str]] = {
    "when": TargetConditionTable.model_fields,
    "holidays": HolidaysTable.model_fields,
    "added": AddedHolidayTable.model_fields,
}


def load_policy(source: Path | Traversable) -> Policy:
    """Read a policy file. Raises ``ConfigError`` with every problem in it."""
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([Problem("", error.strerror or "cannot be read")], source.name) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem("", "is not UTF-8")], source.name) from None
    return parse_policy(text, source.name)


def find_policy(name: str, shipped: Mapping[str, Path | Traversable]) -> Policy:
    """The policy that a plugin registered as ``name``, else the one in the file of that path.

    Raises ``ConfigError`` when there is neither, or with every problem in the file.
    """
    if name in shipped:
        return load_policy(shipped[name])
    if name.endswith(".toml"):
        return load_policy(Path(name))
    hint = f"known: {', '.join(sorted(shipped))}; or the path of a .toml file"
    raise ConfigError([Problem("policy", f'there is no policy "{name}"', hint)])


def parse_policy(text: str, name: str = "policy") -> Policy:
    """Read a policy from TOML. Raises ``ConfigError`` with every problem; ``name`` stands at their head."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Problem("", f"is not TOML: {error}")], name) from None
    return _Reader(name).read(raw)


_Model = TypeVar("_Model", bound=BaseModel)


class _Reader:
    """Collects problems while it reads; a policy comes out only when there are none."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[Problem] = []

    def read(self, raw: Mapping[str, Any]) -> Policy:
        head = self._section(PolicyTable, raw, "")
        calendars = self._table(CalendarTable, raw.get("calendars"), "calendars")
        targets = self._list(TargetTable, raw.get("targets"), "targets")
        channel_rules = self._list(ChannelRuleTable, raw.get("channel_rules"), "channel_rules")
        kind_rules = self._list(KindRuleTable, raw.get("kind_rules"), "kind_rules")
        priority_rules = self._list(PriorityRuleTable, raw.get("priority_rules"), "priority_rules")
        escalations = self._list(EscalationTable, head.escalations if head else (), "escalations")
        estimate = self._section(EstimateTable, raw["estimate"], "estimate") if "estimate" in raw else None
        self._check_names(targets, "target")
        self._check_names(escalations, "escalation")
        for path, target in targets:
            self._check_calendar(path, target.calendar, raw.get("calendars"))
        if estimate is not None:
            self._check_calendar("estimate", estimate.calendar, raw.get("calendars"))
        self._check_reachable(targets)
        # A target that cannot be read may be the very one that a channel needs.
        if head is not None and len(targets) == len(head.targets):
            self._check_channels(head, targets)
        built: dict[str, BusinessCalendar] = {}
        for name, calendar in calendars.items():
            try:
                built[name] = calendar.build(
                    head.time_zone if head else ZoneInfo("UTC"), head.language if head else "en"
                )
            except ValueError as error:
                self._problems.append(Problem(f"calendars.{name}.hours", str(error)))
        if self._problems or head is None:
            raise ConfigError(self._problems, self._name)
        return Policy(
            id=head.id,
            version=head.version,
            title=head.title,
            language=head.language,
            time_zone=head.time_zone,
            channels=frozenset(head.channels),
            default_channel=head.default_channel,
            calendars=built,
            targets=tuple(target.build(built, head.immediate) for _, target in targets),
            channel_rules=tuple(Rule(rule.channel, rule.clause, rule.when.build()) for _, rule in channel_rules),
            kind_rules=tuple(Rule(rule.kind, rule.clause, rule.when.build()) for _, rule in kind_rules),
            priority_rules=tuple(Rule(rule.priority, rule.clause, rule.when.build()) for _, rule in priority_rules),
            escalations=tuple(escalation.build() for _, escalation in escalations),
            estimate=estimate.build(built) if estimate else None,
            delay_clause=head.delay_clause,
            owners=dict(head.owners),
            effective_from=head.effective_from,
            applies_to_open=head.applies_to_open,
            review_by=head.review_by,
            holidays_version=distribution_version("holidays"),
        )

    def _section(self, model: type[_Model], raw: object, path: str) -> _Model | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            self._problems.extend(problems_of(found, path=path, known_keys=model.model_fields, nested=_NESTED))
            return None

    def _table(self, model: type[_Model], raw: object, path: str) -> dict[str, _Model]:
        read = {
            name: self._section(model, value, f"{path}.{name}")
            for name, value in (raw.items() if isinstance(raw, Mapping) else ())
        }
        return {name: value for name, value in read.items() if value is not None}

    def _list(self, model: type[_Model], raw: object, path: str) -> list[tuple[str, _Model]]:
        read = [
            (f"{path}[{n}]", self._section(model, value, f"{path}[{n}]"))
            for n, value in enumerate(raw if isinstance(raw, list) else ())
        ]
        return [(where, value) for where, value in read if value is not None]

    def _check_names(self, named: Iterable[tuple[str, TargetTable | EscalationTable]], what: str) -> None:
        seen: dict[str, str] = {}
        for path, table in named:
            if table.name in seen:
                message = f'"{table.name}" is also the name of the {what} {seen[table.name]}'
                self._problems.append(Problem(f"{path}.name", message))
            seen.setdefault(table.name, path)

    def _check_calendar(self, path: str, calendar: str, calendars: object) -> None:
        known = list(calendars) if isinstance(calendars, Mapping) else []
        if calendar not in known:
            hint = f"known: {', '.join(known) or 'none'}"
            self._problems.append(Problem(f"{path}.calendar", f'there is no calendar "{calendar}"', hint))

    def _check_reachable(self, targets: Sequence[tuple[str, TargetTable]]) -> None:
        """The first target that holds wins, so one behind a wider one of its metric is never asked."""
        for n, (path, target) in enumerate(targets):
            for earlier_path, earlier in targets[:n]:
                if earlier.metric is target.metric and earlier.when.covers(target.when):
                    hint = f"put it before {earlier_path}, or narrow that one"
                    self._problems.append(
                        Problem(path, f'"{target.name}" can never match: "{earlier.name}" always wins', hint)
                    )
                    break

    def _check_channels(self, head: PolicyTable, targets: Iterable[tuple[str, TargetTable]]) -> None:
        if head.default_channel not in head.channels:
            self._problems.append(Problem("default_channel", "is not among the channels of this policy"))
        for path, target in targets:
            if target.when.channels is not None and not set(target.when.channels) & set(head.channels):
                hint = "every other channel follows default_channel"
                self._problems.append(
                    Problem(
                        f"{path}.when.channels", f'"{target.name}" can never match: the policy lists none of them', hint
                    )
                )
        replied = [target.when for _, target in targets if target.metric is Metric.FIRST_REPLY]
        for n, channel in enumerate(head.channels):
            if not any(when.channels is None or channel in when.channels for when in replied):
                self._problems.append(
                    Problem(
                        f"channels[{n}]",
                        f'no first_reply target covers "{channel}"',
                        "add one, or leave the channel out",
                    )
                )
