"""What differs between two policy files, by key path."""

from __future__ import annotations

import tomllib

import pytest

from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import parse_policy
from oneclick_sla_plugin.policy_files.comparison import Change, changes_between, read_tables

BASE = """
id = "p"
version = "1"
title = "P"
language = "en"
time_zone = "America/Lima"
channels = ["email", "chat"]
default_channel = "email"

[calendars.office]
hours = { mon-fri = ["09:00-13:00", "14:00-24:00"] }

[[targets]]
name = "vip"
metric = "first_reply"
title = "vip"
clause = "§1"
within = "1 open hours"
calendar = "office"
when = { tags = ["vip"] }

[[targets]]
name = "all"
metric = "first_reply"
title = "all"
clause = "§1"
within = "2 open hours"
calendar = "office"

[[priority_rules]]
priority = "urgent"
clause = "§3"
when = { kinds = ["complaint"] }

[[priority_rules]]
priority = "low"
clause = "§3"
when = { kinds = ["feedback"] }
"""
VIP, REST = BASE.split("[[targets]]")[1:3]
SECOND_TARGET, RULES = REST.split("[[priority_rules]]", 1)
LOW = '[[priority_rules]]\npriority = "low"\nclause = "§3"\nwhen = { kinds = ["feedback"] }\n'
HIGH = '[[priority_rules]]\npriority = "high"\nclause = "§3"\nwhen = { kinds = ["incident"], customer = true }\n'


def changes(new: str, old: str = BASE) -> list[Change]:
    parse_policy(old)
    parse_policy(new)
    return changes_between(tomllib.loads(old), tomllib.loads(new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param('version = "1"', 'version = "2"', Change("version", "1", "2"), id="a key of the policy"),
        pytest.param("2 open", "3 open", Change("targets.all.within", "2 open hours", "3 open hours"), id="an amount"),
        pytest.param(
            "2 open hours", "close of business day",
            Change("targets.all.within", "2 open hours", "close of business day"), id="an amount of another kind",
        ),
        pytest.param('["vip"]', '["vip", "gold"]', Change("targets.vip.when.tags", "vip", "vip, gold"), id="a list"),
        pytest.param(
            "13:00", "12:00",
            Change("calendars.office.hours.mon-fri", "09:00-13:00, 14:00-24:00", "09:00-12:00, 14:00-24:00"),
            id="opening hours",
        ),
        pytest.param(
            "[[targets]]", 'holidays = { country = "PE" }\n[[targets]]',
            Change("calendars.office.holidays", None, "country PE"), id="holidays",
        ),
        pytest.param(
            "[[targets]]", 'exceptions = { 2026-12-31 = [] }\n[[targets]]',
            Change("calendars.office.exceptions", None, "2026-12-31 (empty)"), id="an exception",
        ),
        pytest.param(
            'within = "2', 'acknowledgement = true\nwithin = "2',
            Change("targets.all.acknowledgement", None, "true"), id="a key that was left out",
        ),
        pytest.param(
            LOW, "", Change("priority_rules[1]", "priority low; clause §3; when kinds feedback", None), id="a rule goes"
        ),
        pytest.param(
            "[[priority_rules]]", HIGH + "[[priority_rules]]",
            Change("priority_rules[0]", None, "priority high; clause §3; when kinds incident; customer true"),
            id="a rule comes before the others",
        ),
        pytest.param(
            "[[targets]]", '[[escalations]]\nname = "at-risk"\nat = "50 %"\n[[targets]]',
            Change("escalations.at-risk.at", "75 %", "50 %"), id="the warning point",
        ),
        pytest.param(
            "[[targets]]", '[[escalations]]\nname = "at-risk"\nat = "2 open hours before"\n[[targets]]',
            Change("escalations.at-risk.at", "75 %", "2 open hours before"), id="the warning point, as an amount",
        ),
        pytest.param(
            "[[targets]]" + VIP, "",
            Change(
                "targets.vip",
                "metric first_reply; title vip; clause §1; within 1 open hour; calendar office; when tags vip",
                None,
            ),
            id="a target goes",
        ),
    ],
)  # fmt: skip
def test_one_change_is_one_line(old: str, new: str, expected: Change) -> None:
    assert changes(BASE.replace(old, new, 1)) == [expected]


@pytest.mark.parametrize(
    "new",
    [
        pytest.param("# a comment\n" + BASE, id="a comment"),
        pytest.param(BASE.replace('when = { tags = ["vip"] }', 'when.tags = ["vip"]'), id="another layout"),
        pytest.param(BASE.replace('within = "2', 'begins = "receipt"\nwithin = "2'), id="a default that is said"),
        pytest.param(BASE.replace("2 open hours", "120 open minutes"), id="the same amount in another unit"),
    ],
)
def test_what_means_the_same_is_no_change(new: str) -> None:
    assert changes(new) == []


def test_the_order_of_targets_is_a_change_since_the_first_that_matches_wins() -> None:
    narrow = SECOND_TARGET + 'when = { channels = ["email", "chat"] }\n'
    old = BASE.replace(SECOND_TARGET, narrow)
    new = old.replace(VIP, "@").replace(narrow, VIP).replace("@", narrow)
    assert changes(new, old) == [Change("targets (order)", "vip, all", "all, vip")]


def test_the_order_of_rules_is_a_change() -> None:
    rules = BASE.index("[[priority_rules]]")
    first = BASE[rules:].replace(LOW, "")
    found = changes(BASE[:rules] + LOW + first)
    assert {change.path for change in found} <= {"priority_rules[0]", "priority_rules[1]"}
    assert len(found) == 2


def test_the_shipped_policies_differ_from_each_other_and_not_from_themselves() -> None:
    tables = {name: read_tables(source) for name, source in Plugins.load().policies.items()}
    for name, table in tables.items():
        assert changes_between(table, table) == []
        assert all(changes_between(table, other) for other_name, other in tables.items() if other_name != name)
