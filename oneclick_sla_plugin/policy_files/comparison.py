"""What differs between two policy files, by key path, whatever their layout and comments.

Targets, escalations and calendars are compared by their names, rules by their
order. A key that says its default is the same as one that is left out.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from difflib import SequenceMatcher
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from oneclick_sla_plugin.domain.amounts import CloseOfBusinessDay
from oneclick_sla_plugin.policy_files.sections import (
    CalendarTable,
    ChannelRuleTable,
    EscalationTable,
    EstimateTable,
    KindRuleTable,
    PolicyTable,
    PriorityRuleTable,
    TargetTable,
)

_RULES: Mapping[str, type[BaseModel]] = {
    "channel_rules": ChannelRuleTable,
    "kind_rules": KindRuleTable,
    "priority_rules": PriorityRuleTable,
}
_NAMED: Mapping[str, type[BaseModel]] = {"targets": TargetTable, "escalations": EscalationTable}


@dataclass(frozen=True, slots=True)
class Change:
    """One key that differs; ``None`` on the side that does not have it. Values are in the words of a file."""

    path: str
    old: str | None
    new: str | None


def read_tables(source: Path | Traversable) -> dict[str, Any]:
    """The tables of a policy file that was read before without problems, as they stand in it."""
    return tomllib.loads(source.read_text(encoding="utf-8"))


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What differs between the tables of two valid policy files, in the order of the format."""
    return list(_changes(_plain_policy(old), _plain_policy(new)))


def _plain_policy(raw: Mapping[str, Any]) -> dict[str, Any]:
    head = PolicyTable.model_validate(raw)
    plain = _plain_table(head)
    plain["calendars"] = {name: _table(CalendarTable, table) for name, table in head.calendars.items()}
    for name, model in _NAMED.items():
        tables = [_table(model, table) for table in getattr(head, name)]
        plain[name] = {table.pop("name"): table for table in tables}
    for name, model in _RULES.items():
        plain[name] = [_table(model, table) for table in getattr(head, name)]
    if head.estimate is not None:
        plain["estimate"] = _table(EstimateTable, head.estimate)
    return plain


def _table(model: type[BaseModel], raw: object) -> dict[str, Any]:
    return _plain_table(model.model_validate(raw))


def _plain_table(table: BaseModel) -> dict[str, Any]:
    """What a table says beyond the defaults."""
    return {
        name: _plain(getattr(table, name))
        for name, field in type(table).model_fields.items()
        if getattr(table, name) != field.default
    }


def _plain(value: Any) -> Any:
    """A value in the words of a file."""
    match value:
        case BaseModel():
            return _plain_table(value)
        case {"share": float() as share}:
            return f"{share:.0%}".replace("%", " %")
        case {"before": amount} | {"after": amount}:
            return f"{_plain(amount)} {next(iter(value))}"
        case Mapping():
            return {str(_plain(key)): _plain(item) for key, item in value.items()}
        case (time() as opens, time() as closes):
            return f"{opens:%H:%M}-{'24:00' if closes == time() else format(closes, '%H:%M')}"
        case list() | tuple():
            return [_plain(item) for item in value]
        case bool():
            return "true" if value else "false"
        case ZoneInfo():
            return value.key
        case date():
            return value.isoformat()
        case CloseOfBusinessDay():
            return "close of business day"
    return str(value)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        where = f"{path}.{name}" if path else name
        before, after = old.get(name), new.get(name)
        if before == after and not (name in _NAMED and not path):
            continue
        if name in _RULES and not path:
            yield from _rules(before or [], after or [], name)
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(before, after, where)
            if name in _NAMED and not path:
                yield from _order(list(before), list(after), name)
        else:
            yield Change(where, _text(before), _text(after))


def _rules(old: Sequence[Any], new: Sequence[Any], name: str) -> Iterator[Change]:
    """Rules have no names: the fewest that have to go and come, each with its place."""
    texts = [json.dumps(rule, sort_keys=True) for rule in old], [json.dumps(rule, sort_keys=True) for rule in new]
    for what, i, i_end, j, j_end in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        if what != "equal":
            yield from (Change(f"{name}[{n}]", _text(old[n]), None) for n in range(i, i_end))
            yield from (Change(f"{name}[{n}]", None, _text(new[n])) for n in range(j, j_end))


def _order(old: list[str], new: list[str], name: str) -> Iterator[Change]:
    """The first that matches wins, so the order is part of the policy."""
    before = [entry for entry in old if entry in new]
    after = [entry for entry in new if entry in old]
    if before != after:
        yield Change(f"{name} (order)", ", ".join(before), ", ".join(after))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_text(item) or "" for item in value) or "(empty)"
    return str(value)
