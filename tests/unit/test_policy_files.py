"""Reading policy files: what they may say, and what is said about their mistakes."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.amounts import (
    Amount,
    BusinessDays,
    BusinessDayTime,
    CloseOfBusinessDay,
    Elapsed,
    OpenTime,
)
from oneclick_sla_plugin.domain.model import Channel, Metric
from oneclick_sla_plugin.domain.policy import Policy
from oneclick_sla_plugin.errors import ConfigError
from oneclick_sla_plugin.policy_files import find_policy, load_policy, parse_policy

HEAD = """
id = "p"
version = "1"
title = "P"
language = "en"
time_zone = "America/Lima"
channels = ["email"]
default_channel = "email"
"""
OFFICE = """
[calendars.office]
hours = { mon-fri = ["09:00-18:00"] }
"""
MAIL = """
[[targets]]
name = "mail"
metric = "first_reply"
title = "mail"
clause = "§1"
within = "2 open hours"
calendar = "office"
"""
VALID = HEAD + OFFICE + MAIL


def with_(old: str, new: str, text: str = VALID) -> str:
    assert old in text
    return text.replace(old, new)


def problems(text: str) -> dict[str, str]:
    """What is wrong with a policy: by key path, the message with its hint."""
    with pytest.raises(ConfigError) as caught:
        parse_policy(text)
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_the_smallest_policy_is_read() -> None:
    policy = parse_policy(VALID)
    assert str(policy) == "p@1"
    assert policy.channels == {Channel.EMAIL}
    assert [target.metric for target in policy.targets] == [Metric.FIRST_REPLY]
    assert policy.holidays_version


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        pytest.param(with_('title = "P"', ""), "title", "required", id="a key is missing"),
        pytest.param(with_('title = "P"', 'titel = "P"'), "titel", 'did you mean "title"?', id="a key is misspelt"),
        pytest.param(with_("clause =", "clauze ="), "targets[0].clauze", 'did you mean "clause"?', id="in a target"),
        pytest.param(
            VALID + 'when = { chanels = ["email"] }', "targets[0].when.chanels", '"channels"?', id="in a condition"
        ),
        pytest.param(
            with_(MAIL, 'holidays = { contry = "PE" }\n' + MAIL),
            "calendars.office.holidays.contry",
            '"country"?',
            id="in the holidays",
        ),
        pytest.param(with_('calendar = "office"', 'calendar = "shop"'), "targets[0].calendar", "office", id="no calendar"),
        pytest.param(with_("2 open hours", "2 hours"), "targets[0].within", "names its unit", id="amount without unit"),
        pytest.param(with_("2 open hours", "0 open hours"), "targets[0].within", "names its unit", id="amount of zero"),
        pytest.param(with_("2 open hours", "-2 open hours"), "targets[0].within", "names its unit", id="negative"),
        pytest.param(with_("2 open hours", "1.5 open hours"), "targets[0].within", "names its unit", id="fraction"),
        pytest.param(with_('"2 open hours"', "2"), "targets[0].within", "names its unit", id="bare number"),
        pytest.param(with_("America/Lima", "Lima"), "time_zone", "IANA", id="unknown zone"),
        pytest.param(with_("America/Lima", "America"), "time_zone", "IANA", id="half a zone"),
        pytest.param(with_("America/Lima", "../etc/passwd"), "time_zone", "IANA", id="a path for a zone"),
        pytest.param(with_("America/Lima", ""), "time_zone", "IANA", id="empty zone"),
        pytest.param(with_('"America/Lima"', "-5"), "time_zone", "IANA", id="offset for a zone"),
        pytest.param(VALID + "when = { channels = [] }", "targets[0].when", "never hold", id="empty condition"),
        pytest.param(VALID + 'when = { channels = ["fax"] }', "targets[0].when.channels[0]", "email", id="no channel"),
        pytest.param(VALID + 'when = { channels = ["email"] }' + MAIL, "targets[1].name", "targets[0]", id="two targets of one name"),
        pytest.param(with_('["email"]', '["email", "chat"]') + 'when = { channels = ["email"] }', "channels[1]", "chat", id="channel without target"),
        pytest.param(with_('default_channel = "email"', 'default_channel = "chat"'), "default_channel", "not among", id="default not among them"),
        pytest.param(with_('["email"]', "[]"), "channels", "at least 1", id="no channels"),
        pytest.param(with_('"first_reply"', '"first_repl"'), "targets[0].metric", "first_reply", id="unknown metric"),
        pytest.param(with_('["09:00-18:00"]', "[]"), "calendars.office.hours", "open", id="never opens"),
        pytest.param(with_("mon-fri", "mon-fry"), "calendars.office", "mon-fry", id="no weekday"),
        pytest.param(with_("mon-fri", "fri-mon"), "calendars.office", "fri-mon", id="range that runs backwards"),
        pytest.param(
            with_('mon-fri = ["09:00-18:00"]', 'mon-fri = ["09:00-18:00"], fri = ["09:00-12:00"]'),
            "calendars.office",
            "another key",
            id="a weekday twice",
        ),
        pytest.param(with_("09:00-18:00", "9-18"), "calendars.office.hours.mon-fri[0]", "09:00-18:00", id="bad hours"),
        pytest.param(with_("09:00-18:00", "09:00-24:30"), "calendars.office.hours.mon-fri[0]", "24:00", id="past 24:00"),
        pytest.param(with_("calendars.office", "calendars.office]]"), "", "not TOML", id="not TOML"),
        pytest.param('immediate = "soon"\n' + VALID, "immediate", "names its unit", id="immediate without a figure"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_what_to_do(text: str, path: str, part: str) -> None:
    found = problems(text)
    assert part in found[path]
    assert set(found) <= {path, path.replace("titel", "title").replace("clauze", "clause")}  # that one is then missing


@pytest.mark.parametrize(
    "holidays",
    [
        '{ country = "XX" }',
        '{ country = "HolidayBase" }',
        '{ country = "utils" }',
        '{ country = "PE", subdivision = "MD" }',
        '{ subdivision = "MD" }',
    ],
)
def test_a_place_without_known_holidays_is_refused(holidays: str) -> None:
    found = problems(HEAD + OFFICE + f"holidays = {holidays}\n" + MAIL)
    assert list(found) == ["calendars.office.holidays"]


def test_all_mistakes_are_told_at_once() -> None:
    text = (
        HEAD.replace("America/Lima", "Nowhere")
        + OFFICE.replace("09:00", "9:00")
        + MAIL.replace("2 open hours", "soon")
        + MAIL.replace("office", "shop")
        + '[[priority_rules]]\npriority = "top"\nclause = "§1"\n'
    )
    assert sorted(problems(text)) == [
        "calendars.office.hours.mon-fri[0]",
        "priority_rules[0].priority",
        "targets[0].within",
        "targets[1].calendar",
        "time_zone",
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('title = "Política"'.encode("latin-1"))
    (tmp_path / "folder.toml").mkdir()
    for name, part in (("latin.toml", "not UTF-8"), ("folder.toml", "directory"), ("none.toml", "No such file")):
        with pytest.raises(ConfigError, match=f"(?s){name}.*{part}"):
            load_policy(tmp_path / name)


def test_a_policy_is_found_by_its_name_or_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(VALID, encoding="utf-8")
    assert find_policy("mine", {"mine": path}).id == "p"
    assert find_policy(str(path), {}).id == "p"
    with pytest.raises(ConfigError, match="known: mine"):
        find_policy("yours", {"mine": path})


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("24 elapsed hours", Elapsed(timedelta(hours=24))),
        ("1 elapsed hour", Elapsed(timedelta(hours=1))),
        ("90 elapsed seconds", Elapsed(timedelta(seconds=90))),
        ("4 open hours", OpenTime(timedelta(hours=4))),
        ("30 open minutes", OpenTime(timedelta(minutes=30))),
        ("24 business-day hours", BusinessDayTime(timedelta(hours=24))),
        ("15 business days", BusinessDays(15)),
        ("1 business day", BusinessDays(1)),
        ("close of business day", CloseOfBusinessDay()),
        ("  4   open  hours ", OpenTime(timedelta(hours=4))),
        ("immediate", Elapsed(timedelta(seconds=60))),
    ],
)
def test_amounts_are_written_in_words(text: str, amount: Amount) -> None:
    (target,) = parse_policy(with_("2 open hours", text)).targets
    assert target.within == amount


def test_what_immediate_means_is_the_policys_to_say() -> None:
    text = 'immediate = "2 open minutes"\n' + with_("2 open hours", "immediate")
    assert parse_policy(text).targets[0].within == OpenTime(timedelta(minutes=2))


def open_windows(calendar_lines: str, day: str) -> list[str]:
    """When the calendar is open on a local date, as ``HH:MM-HH:MM`` of Lima."""
    calendar = parse_policy(HEAD + "[calendars.office]\n" + calendar_lines + MAIL).calendars["office"]
    zone = calendar.time_zone
    begin = datetime.combine(date.fromisoformat(day), time(), zone).astimezone(UTC)
    return [
        f"{opening.astimezone(zone):%H:%M}-{closing.astimezone(zone):%H:%M}"
        for opening, closing in calendar.windows(begin, begin + timedelta(days=1))
    ]


# 2026-07-28 (Tuesday) is a holiday of Peru, 2026-11-17 (Tuesday) is none.
WEEK = 'hours = { mon-fri = ["09:00-18:00"] }\n'


@pytest.mark.parametrize(
    ("lines", "day", "windows"),
    [
        pytest.param(WEEK, "2026-11-17", ["09:00-18:00"], id="a working day"),
        pytest.param(WEEK, "2026-11-21", [], id="a day that is left out"),
        pytest.param('hours = { mon-thu = ["09:00-12:00"], fri = ["10:00-11:00"] }\n', "2026-11-20", ["10:00-11:00"], id="a single day beside a range"),
        pytest.param('hours = { tue = ["09:00-12:00", "14:00-18:00"] }\n', "2026-11-17", ["09:00-12:00", "14:00-18:00"], id="a split day"),
        pytest.param('hours = { tue = ["18:00-24:00"] }\n', "2026-11-17", ["18:00-00:00"], id="until 24:00"),
        pytest.param('hours = { tue = ["22:00-02:00"] }\n', "2026-11-18", ["00:00-02:00"], id="past midnight"),
        pytest.param(WEEK, "2026-07-28", ["09:00-18:00"], id="no holidays unless a country is named"),
        pytest.param(WEEK + 'holidays = { country = "PE" }\n', "2026-07-28", [], id="a public holiday"),
        pytest.param(WEEK + 'holidays = { country = "PE", removed = [2026-07-28] }\n', "2026-07-28", ["09:00-18:00"], id="a holiday that is worked"),
        pytest.param(WEEK + 'holidays = { added = [{ date = 2026-11-17, name = "Anniversary" }] }\n', "2026-11-17", [], id="a holiday of one's own"),
        pytest.param(WEEK + 'holidays = { country = "ES" }\n', "2026-05-15", ["09:00-18:00"], id="a regional holiday without its region"),
        pytest.param(WEEK + 'holidays = { country = "ES", subdivision = "GA" }\n', "2026-06-24", [], id="a holiday of Galicia"),
        pytest.param(WEEK + 'holidays = { country = "ES" }\n', "2026-06-24", ["09:00-18:00"], id="a holiday of Galicia elsewhere"),
        pytest.param(WEEK + 'exceptions = { "2026-11-17" = ["10:00-13:00"] }\n', "2026-11-17", ["10:00-13:00"], id="other hours on one date"),
        pytest.param(WEEK + 'exceptions = { "2026-11-17" = [] }\n', "2026-11-17", [], id="closed on one date"),
        pytest.param(WEEK + 'holidays = { country = "PE" }\nexceptions = { "2026-07-28" = ["09:00-10:00"] }\n', "2026-07-28", ["09:00-10:00"], id="an exception before a holiday"),
    ],
)  # fmt: skip
def test_when_a_calendar_is_open(lines: str, day: str, windows: list[str]) -> None:
    assert open_windows(lines, day) == windows


def test_a_calendar_may_have_a_zone_of_its_own() -> None:
    text = HEAD + OFFICE + 'time_zone = "Europe/Madrid"\n' + MAIL
    assert parse_policy(text).calendars["office"].is_open(datetime(2026, 11, 17, 8, 0, tzinfo=UTC))
    assert not parse_policy(VALID).calendars["office"].is_open(datetime(2026, 11, 17, 8, 0, tzinfo=UTC))


def test_holidays_have_their_names_in_the_policys_language() -> None:
    text = with_('language = "en"', 'language = "es"').replace(OFFICE, OFFICE + 'holidays = { country = "PE" }\n')
    assert parse_policy(text).calendars["office"].holiday_name(date(2026, 12, 25)) == "Navidad del Señor"


# --- any mistake at all -----------------------------------------------------------------------

ANY_VALUE = st.sampled_from(
    [
        *("1", "-1", "1e400", "nan", "true", '""', '"x"', '"24:00"', "[]", "[1]", "[[]]", "{}", "{ a = {} }", "[{}]"),
        *("0001-01-01", "9999-12-31", "2026-01-01T00:00:00Z", "00:00:00", '"9999 business days"', "9" * 40),
    ]
).map(lambda text: tomllib.loads(f"value = {text}")["value"])


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of everything in a document."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def as_toml(value: Any) -> str:
    """A value on one line of TOML."""
    match value:
        case dict():
            return "{" + ", ".join(f"{as_toml(str(key))} = {as_toml(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case datetime() | date() | time():
            return value.isoformat()
    return str(value)


SHIPPED = [
    tomllib.loads(files("oneclick_sla_plugin.policies").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    for name in ("en-linea-365", "one-click-actions")
]
for document in SHIPPED:
    for calendar in document["calendars"].values():
        calendar.pop("holidays", None)  # taking them for 86 years costs more than all the rest
SHIPPED[0]["calendars"]["office"]["holidays"] = {
    "added": [{"date": date(2026, 1, 2), "name": "Bridge"}],
    "removed": [date(2026, 1, 1)],
}


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A policy that ships with one to three of its keys dropped, replaced or added."""
    document = copy.deepcopy(draw(st.sampled_from(SHIPPED)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(places(document), key=str)))
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        match draw(st.sampled_from(["drop", "replace", "replace", "add"])):
            case "drop":
                del parent[path[-1]]
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(["", "mon", "country", "2026-13-01", "zz"]))] = draw(ANY_VALUE)
            case _:
                parent[path[-1]] = draw(ANY_VALUE)
    return "\n".join(f"{as_toml(key)} = {as_toml(value)}" for key, value in document.items())


@given(damaged())
@settings(max_examples=150)
def test_whatever_is_wrong_is_a_configuration_error(text: str) -> None:
    try:
        policy = parse_policy(text)
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - either way is right
    else:
        assert isinstance(policy, Policy)


def test_immediate_cannot_explain_itself() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_policy('immediate = "immediate"')
    assert "immediate" in [problem.path for problem in caught.value.problems]
