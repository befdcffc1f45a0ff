"""The documentation names what there is: hooks, settings, commands, dependencies, errors."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import click
import pytest

from oneclick_sla_plugin import errors, hookspecs
from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.config import tables
from oneclick_sla_plugin.domain.decision import decide
from oneclick_sla_plugin.domain.model import Priority, Written
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy, sections
from oneclick_sla_plugin.testing.contract import SCENARIOS, Scenario
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_ticket
from oneclick_sla_plugin.texts import load_wording

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def hooks() -> list[str]:
    return [
        name for name, found in inspect.getmembers(hookspecs, inspect.isfunction) if hasattr(found, "oneclick_sla_spec")
    ]


def test_there_are_hooks_to_document() -> None:
    assert "register_platforms" in hooks()


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_is_documented_with_its_arguments(hook: str) -> None:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"`{hook}({arguments})`" in page("plugins.md")


@pytest.mark.parametrize(
    "name",
    [
        name
        for section in (
            tables.ServerTable,
            tables.EngineTable,
            tables.PluginsTable,
            tables.ComplaintsTable,
            tables.AccountTable,
            tables.SensitiveTable,
            tables.OwnPatternTable,
        )
        for name in section.model_fields
    ],
)
def test_every_setting_has_its_row(name: str) -> None:
    assert f"| `{name}` |" in page("configuration.md")


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            name
            for section in (
                sections.PolicyTable,
                sections.CalendarTable,
                sections.TargetConditionTable,
                sections.TargetTable,
                sections.EscalationTable,
            )
            for name in section.model_fields
        }
    ),
)
def test_every_key_of_a_policy_is_documented(name: str) -> None:
    assert re.search(rf"\b{name}\b", page("policies.md"))


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_is_in_the_readme_and_says_what_it_does(name: str) -> None:
    assert re.search(
        rf"oneclick-sla {name}\b|`{name}`",
        (ROOT / "README.md").read_text() + page("configuration.md") + (ROOT / "CHANGELOG.md").read_text(),
    )
    command = cli.commands[name]
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, found in inspect.getmembers(errors, inspect.isclass)
        if issubclass(found, Exception) and not name.startswith("_")
    ],
)
def test_every_error_stands_in_the_tree(name: str) -> None:
    assert errors.__doc__ is not None
    assert re.search(rf"^ +{name}\b", errors.__doc__, re.MULTILINE)


@pytest.mark.parametrize(
    "requirement",
    PROJECT["project"]["dependencies"]
    + [name for extra in PROJECT["project"]["optional-dependencies"].values() for name in extra]
    + PROJECT["dependency-groups"]["dev"]
    + PROJECT["dependency-groups"]["bench"],
)
def test_every_dependency_is_explained(requirement: str) -> None:
    name = re.split(r"[\[<>=;]", requirement)[0]
    shown = "types-*" if name.startswith("types-") else name
    assert re.search(
        rf"^\| .*{re.escape(shown)}\b" if shown != "types-*" else r"types-\*", page("dependencies.md"), re.MULTILINE
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_every_scenario_of_the_contract_has_its_row(scenario: Scenario) -> None:
    assert f"| `{scenario.__name__}` | {scenario.__doc__} |" in page("plugins.md")


def test_the_examples_test_is_the_one_in_the_page() -> None:
    shown = (ROOT / "docs" / "examples" / "paperdesk" / "test_contract.py").read_text(encoding="utf-8")
    assert shown.partition("\n\n")[2] in page("plugins.md")


def test_the_links_of_the_documentation_lead_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "adapters").glob("*/*.md")]
    broken = [
        (file.name, target)
        for file in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
        if not (file.parent / target).exists()
    ]
    assert broken == []


def test_the_example_plugin_does_what_it_says(tmp_path: Path) -> None:
    """The code in the page is loaded as a plugin and asked."""
    code = re.search(r"```python\n(.*?)```", page("plugins.md"), re.DOTALL)
    assert code is not None
    namespace: dict[str, object] = {}
    exec(compile(code.group(1), "acme_sla.py", "exec"), namespace)  # noqa: S102 - our own page
    module = type("acme_sla", (), {"adjust_decision": staticmethod(namespace["adjust_decision"])})  # type: ignore[arg-type]
    plugins = Plugins.load(plugins=[("acme", module)])
    policy = find_policy("en-linea-365", plugins.policies)
    wording = load_wording("en", policy.time_zone)

    def priority(**facts: object) -> Priority:
        ticket = a_ticket(**facts)
        return plugins.adjust_decision(ticket, decide(ticket, policy, RECEIVED_AT, wording)).priority.value

    vip = frozenset({"vip"})
    assert priority() is Priority.NORMAL
    assert priority(tags=vip) is Priority.URGENT
    assert priority(tags=vip, priority=Priority.LOW, written=Written(priority=Priority.NORMAL)) is Priority.LOW
