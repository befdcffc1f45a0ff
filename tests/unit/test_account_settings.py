"""What the settings of accounts have in common."""

from __future__ import annotations

import pytest
from pydantic import Field, SecretStr

from oneclick_sla_plugin.account_settings import AccountSettings, Secrets, checked, is_loopback
from oneclick_sla_plugin.errors import ConfigError, Problem


class PaperSettings(AccountSettings):
    base_url: str = Field(pattern="^https://")
    token: SecretStr = Field(min_length=10)
    webhook_secrets: Secrets = Field(default=(), max_length=2)


GOOD = {"base_url": "https://paper.example", "token": SecretStr("made-up-token")}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("one", ["one"]),
        ("one two", ["one", "two"]),
        (SecretStr("one two"), ["one", "two"]),
        ([SecretStr("one"), "two"], ["one", "two"]),
    ],
)
def test_secrets_may_stand_in_one_text(given: object, found: list[str]) -> None:
    settings = checked(PaperSettings, {**GOOD, "webhook_secrets": given})
    assert [secret.get_secret_value() for secret in settings.webhook_secrets] == found


def test_all_problems_are_told_at_once_and_no_value() -> None:
    """Those that were found before come first; a misspelt key has a hint."""
    given = {"base_url": "http://secret.example", "token": "secret", "webhook_secret": "secret"}
    with pytest.raises(ConfigError) as raised:
        checked(PaperSettings, given, problems=[Problem("login", "there are two")])
    problems = {problem.path: problem for problem in raised.value.problems}
    assert [*problems] == ["login", "base_url", "token", "webhook_secret"]
    assert "webhook_secrets" in str(problems["webhook_secret"].hint)
    assert "secret.example" not in str(raised.value)
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    ("host", "found"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_this_machine_is_known_by_its_names(host: str, found: bool) -> None:
    assert is_loopback(host) is found
