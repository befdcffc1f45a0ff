"""Which settings of an account are accepted, and how problems are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from oneclick_sla_plugin.errors import ConfigError
from oneclick_sla_zendesk.login import ApiToken, Credentials
from oneclick_sla_zendesk.settings import load_settings

SECRET = "MARKER-never-shown"


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("https://acme.zendesk.com", "https://acme.zendesk.com"),
        ("https://acme.zendesk.com/", "https://acme.zendesk.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_is_https_or_this_machine(settings: dict[str, Any], given: str, base_url: str) -> None:
    """Scheme and host are kept; plain HTTP is for simulators on this machine."""
    assert load_settings({**settings, "base_url": given}).base_url == base_url


@pytest.mark.parametrize(
    "given",
    [
        "http://acme.zendesk.com",
        "http://127.0.0.1.example.com",
        "ftp://acme.zendesk.com",
        "acme.zendesk.com",
        "https://acme.zendesk.com/agent",
        "https://acme.zendesk.com?x=1",
        "https://me:pass@acme.zendesk.com",
        "https://",
        "",
    ],
)
def test_other_addresses_are_refused(settings: dict[str, Any], given: str) -> None:
    """A login is never sent in the clear, nor anywhere but to the root of a host."""
    with pytest.raises(ConfigError) as refusal:
        load_settings({**settings, "base_url": given})
    assert [problem.path for problem in refusal.value.problems] == ["base_url"]


def test_all_problems_are_told_at_once_with_their_paths_and_without_values() -> None:
    """One run is enough to mend a file, and no secret is quoted while doing so."""
    with pytest.raises(ConfigError) as refusal:
        load_settings(
            {
                "base_url": f"http://{SECRET.lower()}.example.com",
                "client_secret": [SECRET],
                "webhook_secrets": [SecretStr(SECRET), {"x": SECRET}],
                "signature_tolerance": SECRET,
                "known_requester": {"organisation": SECRET},
                "sub_domain": SECRET,
            }
        )
    assert sorted(problem.path for problem in refusal.value.problems) == [
        "base_url",
        "client_id",
        "client_secret",
        "known_requester.organisation",
        "signature_tolerance",
        "sub_domain",
        "webhook_secrets[1]",
    ]
    assert SECRET.lower() not in str(refusal.value).lower()
    assert refusal.value.__context__ is None


@pytest.mark.parametrize(
    ("given", "secrets"),
    [
        ([SecretStr("one")], ["one"]),
        ([SecretStr("one"), SecretStr("two")], ["one", "two"]),
        (SecretStr("one"), ["one"]),
        (SecretStr("one two"), ["one", "two"]),
        ("one\ntwo\n", ["one", "two"]),
        ([SecretStr("one two")], ["one", "two"]),
        ([], []),
        ([SecretStr(" ")], []),
    ],
)
def test_webhook_secrets_are_one_or_two(settings: dict[str, Any], given: object, secrets: list[str]) -> None:
    """A list, or a text with a blank between, as it stands in an environment variable; none before installing."""
    found = load_settings({**settings, "webhook_secrets": given}).webhook_secrets
    assert [secret.get_secret_value() for secret in found] == secrets


def test_three_webhook_secrets_are_refused(settings: dict[str, Any]) -> None:
    """Two are enough to change one without a gap; a third was forgotten there."""
    with pytest.raises(ConfigError, match="webhook_secrets"):
        load_settings({**settings, "webhook_secrets": ["a", "b", "c"]})


@pytest.mark.parametrize(("given", "tolerance"), [("PT5M", 300), (300, 300), ("00:05:00", 300)])
def test_the_tolerance_is_a_duration(settings: dict[str, Any], given: object, tolerance: int) -> None:
    """ISO 8601, a clock time, or seconds."""
    assert load_settings({**settings, "signature_tolerance": given}).signature_tolerance == timedelta(seconds=tolerance)


@pytest.mark.parametrize("given", [0, "-PT1M"])
def test_a_tolerance_of_nothing_is_refused(settings: dict[str, Any], given: object) -> None:
    """With it no webhook at all would be believed."""
    with pytest.raises(ConfigError, match="signature_tolerance"):
        load_settings({**settings, "signature_tolerance": given})


def test_what_is_left_out_has_a_safe_value(settings: dict[str, Any]) -> None:
    """15 minutes of tolerance, the public test secret refused, no rule for known requesters."""
    del settings["webhook_secrets"]
    checked = load_settings(settings)
    assert checked.signature_tolerance == timedelta(minutes=15)
    assert (checked.allow_test_secret, checked.known_requester, checked.webhook_secrets) == (False, None, ())


def test_no_secret_is_in_a_representation(settings: dict[str, Any]) -> None:
    """Settings may end in a log by accident."""
    checked = load_settings({**settings, "client_secret": SecretStr(SECRET), "webhook_secrets": [SecretStr(SECRET)]})
    assert SECRET not in repr(checked) + str(checked)


LEGACY = {"client_id": None, "client_secret": None, "email": "sla@acme.example", "api_token": SecretStr("made-up")}


def given(settings: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**settings, **changes}.items() if value is not None}


def test_the_legacy_login_is_an_address_and_a_token(settings: dict[str, Any]) -> None:
    """Instead of the OAuth client, as long as Zendesk takes API tokens."""
    login = load_settings(given(settings, **LEGACY)).login
    assert isinstance(login, ApiToken)
    assert (login.email, login.token.get_secret_value()) == ("sla@acme.example", "made-up")
    assert "made-up" not in repr(login)
    assert isinstance(load_settings(settings).login, Credentials)


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        pytest.param({**LEGACY, "client_id": "x"}, ["api_token"], id="both logins"),
        pytest.param({**LEGACY, "email": None}, ["email"], id="a token without an address"),
        pytest.param({**LEGACY, "api_token": None}, ["api_token"], id="an address without a token"),
        pytest.param({**LEGACY, "email": "nobody"}, ["email"], id="no address"),
        pytest.param({"client_secret": None}, ["client_secret"], id="half a client"),
        pytest.param({"client_id": None, "client_secret": None}, ["client_id", "client_secret"], id="no login"),
    ],
)
def test_there_is_exactly_one_login(settings: dict[str, Any], changes: dict[str, object], paths: list[str]) -> None:
    """Two would leave it open under whose name the program writes."""
    with pytest.raises(ConfigError) as refusal:
        load_settings(given(settings, **changes))
    assert [problem.path for problem in refusal.value.problems] == paths


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"owners": {"default": "everybody"}}, "owners.default"),
        ({"owners": {"default": 0}}, "owners.default"),
        ({"owners": {"carrier_pigeon": "group"}}, "owners.carrier_pigeon"),
        ({"webhook": "both"}, "webhook"),
        ({"clock_skew_limit": 0}, "clock_skew_limit"),
        ({"tiers": {"vip": 1}}, "tiers.vip"),
    ],
)
def test_other_values_are_refused_where_they_stand(
    settings: dict[str, Any], changes: dict[str, object], path: str
) -> None:
    """Each problem has the path of its key."""
    with pytest.raises(ConfigError) as refusal:
        load_settings({**settings, **changes})
    # Where a value may have several types, each of them tells of its own problem under the key.
    assert refusal.value.problems
    assert all(problem.path.startswith(path) for problem in refusal.value.problems)


def test_owners_are_the_assignee_the_group_or_a_group_by_its_id(settings: dict[str, Any]) -> None:
    """By channel, with one for every other channel."""
    owners = {"default": "assignee", "chat": "group", "email": 360001}
    assert load_settings({**settings, "owners": owners}).owners == owners
