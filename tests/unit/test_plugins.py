"""Plugins: how they come in, what is refused, and what a failing one may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from oneclick_sla_plugin import policies
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.errors import PluginError
from oneclick_sla_plugin.hookspecs import hookimpl
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import load_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording

TICKET = a_ticket([a_message(text="MARKER text")], subject="MARKER subject")


def module(**hooks: Callable[..., Any]) -> ModuleType:
    """A stranger's module whose functions carry ``@hookimpl``."""
    made = ModuleType("plugin")
    for hook, function in hooks.items():
        setattr(made, hook, hookimpl(function, specname=hook))
    return made


def loaded(**plugins: object) -> Plugins:
    return Plugins.load(plugins=plugins.items(), load_entrypoints=False)


def changes_nothing(ticket: Ticket, decision: Decision) -> None:
    return None


def takes_the_decision(decision: Decision) -> None:
    return None


@pytest.fixture(scope="module")
def decision() -> Decision:
    policy = load_policy(Plugins.load().policies["en-linea-365"])
    return decide(TICKET, policy, RECEIVED_AT + timedelta(hours=1), load_wording("en", ZoneInfo("UTC")))


def with_next_look(hours: int) -> Callable[..., Decision]:
    """A hook that moves the next look, so that one can see who had the last word."""

    def adjust_decision(ticket: Ticket, decision: Decision) -> Decision:
        assert decision.next_look_at is not None
        return replace(decision, next_look_at=decision.next_look_at + timedelta(hours=hours))

    return adjust_decision


# --- coming in --------------------------------------------------------------------------------


def test_what_ships_comes_in_through_the_entry_points() -> None:
    plugins = Plugins.load()
    assert {"policies", "zendesk"} <= set(plugins.names())
    assert {"policies", "zendesk"} <= {point.name for point in entry_points(group="oneclick_sla")}
    assert {"en-linea-365", "one-click-actions"} <= plugins.policies.keys()
    assert plugins.platforms["zendesk"].name == "zendesk"


def test_a_stranger_may_bring_a_platform_and_a_policy(tmp_path: Path) -> None:
    platform = SimpleNamespace(name="heldesk")
    plugins = loaded(
        stranger=module(
            register_platforms=lambda register: register(platform),
            register_policies=lambda register: register(tmp_path / "mine.toml"),
        )
    )
    assert plugins.names() == ["stranger"]
    assert plugins.platforms == {"heldesk": platform}
    assert plugins.policies == {"mine": tmp_path / "mine.toml"}


@pytest.mark.parametrize("hook", ["register_platforms", "register_policies"])
def test_a_name_that_is_taken_is_refused_and_both_the_name_and_the_plugin_are_told(hook: str) -> None:
    def register_it(register: Callable[[Any], None]) -> None:
        register(SimpleNamespace(name="taken.toml"))

    with pytest.raises(PluginError, match=r'"second".*"taken'):
        loaded(first=module(**{hook: register_it}), second=module(**{hook: register_it}))


def test_a_policy_that_ships_cannot_be_replaced_unseen(tmp_path: Path) -> None:
    stranger = module(register_policies=lambda register: register(tmp_path / "en-linea-365.toml"))
    with pytest.raises(PluginError, match="en-linea-365"):
        Plugins.load(plugins=[("stranger", stranger)])


def test_two_plugins_of_one_name_are_refused() -> None:
    with pytest.raises(PluginError, match="same"):
        Plugins.load(plugins=[("same", module()), ("same", module())], load_entrypoints=False)


def test_a_hook_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PluginError, match="adjust_decisoin"):
        loaded(typo=module(adjust_decisoin=changes_nothing))


def test_a_hook_with_an_argument_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PluginError, match="tickt"):
        loaded(typo=module(adjust_decision=lambda tickt: tickt))


@pytest.mark.parametrize("failure", [RuntimeError("no licence"), AttributeError("name"), KeyError("x")])
def test_a_plugin_that_fails_to_register_is_named(failure: Exception) -> None:
    def register_policies(register: Callable[[Any], None]) -> None:
        raise failure

    with pytest.raises(PluginError, match='"broken"'):
        loaded(broken=module(register_policies=register_policies))


def test_a_plugin_that_cannot_be_imported_is_a_plugin_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_plugin.py").write_text("1 / 0\n", encoding="utf-8")
    installed = tmp_path / "broken_plugin-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1\n", encoding="utf-8")
    (installed / "entry_points.txt").write_text("[oneclick_sla]\nbroken = broken_plugin\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match="cannot be loaded"):
        Plugins.load()
    assert "broken" not in Plugins.load(blocked=["broken"]).names()


def test_a_blocked_plugin_does_not_come_in() -> None:
    assert "one-click-actions" not in Plugins.load(blocked=["policies"]).policies
    given = Plugins.load(plugins=[("mine", policies)], load_entrypoints=False, blocked=["mine"])
    assert (given.names(), dict(given.policies)) == ([], {})


def test_what_was_registered_cannot_be_changed_afterwards() -> None:
    with pytest.raises(TypeError):
        Plugins.load().policies["mine"] = Path("mine.toml")  # type: ignore[index]


# --- hooks that are asked for each ticket -----------------------------------------------------


def test_decisions_go_through_all_plugins_in_the_order_of_their_names(decision: Decision) -> None:
    asked = []

    def adjusting(name: str) -> Callable[..., Decision]:
        def adjust_decision(ticket: Ticket, decision: Decision) -> Decision:
            asked.append((name, decision.kind))
            return replace(decision, kind=f"after {name}")  # type: ignore[arg-type]

        return adjust_decision

    plugins = loaded(**{name: module(adjust_decision=adjusting(name)) for name in ("b", "c", "a")})
    assert plugins.adjust_decision(TICKET, decision).kind == "after c"
    assert asked == [("a", decision.kind), ("b", "after a"), ("c", "after b")]


@pytest.mark.parametrize(
    "hook",
    [
        pytest.param(changes_nothing, id="takes all arguments"),
        pytest.param(takes_the_decision, id="takes the decision alone"),
        pytest.param(lambda: None, id="takes nothing"),
    ],
)
def test_a_plugin_that_returns_nothing_leaves_the_decision(decision: Decision, hook: Callable[..., None]) -> None:
    assert loaded(a=module(adjust_decision=hook)).adjust_decision(TICKET, decision) is decision


def test_without_plugins_the_decision_stays(decision: Decision) -> None:
    assert loaded().adjust_decision(TICKET, decision) is decision


def raises(ticket: Ticket, **_: object) -> None:
    raise ValueError(f"cannot read {ticket.messages[0].text}")


def raising_adjust(ticket: Ticket, decision: Decision) -> None:
    raises(ticket)


@pytest.mark.parametrize(
    "failing",
    [
        pytest.param(raising_adjust, id="raises with the text in it"),
        pytest.param(lambda ticket: ticket.subject, id="returns a text"),
        pytest.param(lambda ticket: {"kind": ticket.subject}, id="returns a dictionary"),
        pytest.param(lambda: "", id="returns something empty"),
    ],
)
def test_a_failing_plugin_costs_its_own_answer_alone(decision: Decision, failing: Callable[..., Any]) -> None:
    """The log says which plugin and which hook, and nothing that a customer wrote."""
    plugins = loaded(
        a=module(adjust_decision=with_next_look(1)),
        b=module(adjust_decision=failing),
        c=module(adjust_decision=with_next_look(10)),
    )
    with capture_logs() as logs:
        adjusted = plugins.adjust_decision(TICKET, decision)
    assert adjusted.next_look_at is not None
    assert decision.next_look_at is not None
    assert adjusted.next_look_at - decision.next_look_at == timedelta(hours=11)
    assert [(entry["event"], entry["plugin"], entry["hook"]) for entry in logs] == [
        ("plugin.failed", "b", "adjust_decision")
    ]
    assert "MARKER" not in repr(logs)


def test_all_plugins_hear_of_a_decision_though_one_fails(decision: Decision) -> None:
    heard: list[tuple[str, Changes]] = []

    def failing(ticket: Ticket) -> None:
        raises(ticket)

    changes = Changes(add_tags=frozenset({"sla_on_track"}))
    plugins = loaded(
        c=module(on_decision=lambda changes: heard.append(("c", changes))),
        b=module(on_decision=failing),
        a=module(on_decision=lambda changes: heard.append(("a", changes))),
    )
    with capture_logs() as logs:
        plugins.on_decision(TICKET, decision, changes)
    assert heard == [("a", changes), ("c", changes)]
    assert [(entry["plugin"], entry["hook"], entry["error"]) for entry in logs] == [("b", "on_decision", "ValueError")]
    assert "MARKER" not in repr(logs)
