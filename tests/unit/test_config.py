"""The configuration file: which one, what it may say, where secrets come from."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from oneclick_sla_plugin.config import Config, SecretSource, load_config, read_secret
from oneclick_sla_plugin.errors import ConfigError

SECRET = "MARKER-hunter2"
ACCOUNT = """
[accounts.acme]
platform = "zendesk"
policy = "en-linea-365"

[accounts.acme.zendesk]
subdomain = "acme"
"""


@pytest.fixture(autouse=True)
def no_configuration_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONECLICK_SLA_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


def written(folder: Path, text: str, name: str = "oneclick-sla.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path, *, secrets_may_be_missing: bool = False) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, secrets_may_be_missing=secrets_may_be_missing)
    assert SECRET not in str(caught.value)
    assert str(path) in str(caught.value)
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_an_account_is_enough(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, ACCOUNT))
    assert (config.listen, config.public_url, config.processes) == ("127.0.0.1:8080", None, 1)
    assert config.database == "sqlite:///oneclick-sla.db"
    account = config.accounts["acme"]
    assert (account.name, account.platform, account.policy) == ("acme", "zendesk", ("en-linea-365",))
    assert (account.language, account.time_zone, account.observe) == (None, None, False)
    assert account.settings == {"subdomain": "acme"}


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = """
    [server]
    database = "postgresql://sla@db/sla"
    listen = "0.0.0.0:80"
    public_url = "https://sla.example.com/"
    processes = 4
    threads = 16
    [engine]
    workers = 8
    [plugins]
    blocked = ["zendesk"]
    [accounts.acme-2]
    platform = "zendesk"
    policy = "one-click-actions"
    language = "en"
    time_zone = "Europe/Madrid"
    mode = "observe"
    [accounts.acme-2.zendesk]
    """
    config = load_config(written(tmp_path, text))
    assert (config.database, config.listen) == ("postgresql://sla@db/sla", "0.0.0.0:80")
    assert config.public_url == "https://sla.example.com"
    assert (config.processes, config.threads, config.workers) == (4, 16, 8)
    assert config.blocked_plugins == ("zendesk",)
    account = config.accounts["acme-2"]
    assert (account.language, account.time_zone, account.observe) == ("en", ZoneInfo("Europe/Madrid"), True)


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path given, else the environment's, else the one in the working directory."""
    for name in ("given", "environment", "oneclick-sla"):
        written(tmp_path, f'[server]\npublic_url = "http://{name}"\n{ACCOUNT}', f"{name}.toml")
    assert load_config().public_url == "http://oneclick-sla"
    monkeypatch.setenv("ONECLICK_SLA_CONFIG", str(tmp_path / "environment.toml"))
    assert load_config().public_url == "http://environment"
    assert load_config(tmp_path / "given.toml").public_url == "http://given"
    monkeypatch.setenv("ONECLICK_SLA_CONFIG", "")
    assert load_config().public_url == "http://oneclick-sla"


@pytest.mark.parametrize(
    ("content", "part"),
    [(None, "--config"), (b"[accounts", "not TOML"), ("título = 1".encode("latin-1"), "not TOML")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, part: str) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    assert part in problems(path)[""]


@pytest.mark.parametrize(
    ("text", "path", "part"),
    [
        ("", "accounts", "[accounts.NAME]"),
        ("[accounts]", "accounts", "[accounts.NAME]"),
        (f"[sever]\n{ACCOUNT}", "sever", "known: server"),
        (f"[server]\nlistn = 1\n{ACCOUNT}", "server.listn", 'did you mean "listen"?'),
        (f'[server]\nlisten = "8080"\n{ACCOUNT}', "server.listen", "match"),
        (f'[server]\npublic_url = "sla.example.com"\n{ACCOUNT}', "server.public_url", "match"),
        (f"[server]\nprocesses = 0\n{ACCOUNT}", "server.processes", "greater"),
        (f"[server]\nprocesses = 2\n{ACCOUNT}", "server", "PostgreSQL"),
        (f'[server]\nprocesses = 2\ndatabase = "sqlite:///x.db"\n{ACCOUNT}', "server", "PostgreSQL"),
        (f"[server]\ndatabase = 5\n{ACCOUNT}", "server.database", "address"),
        (f"[engine]\nworkers = 1000\n{ACCOUNT}", "engine.workers", "less"),
        (f"[engine]\nworker = 1\n{ACCOUNT}", "engine.worker", 'did you mean "workers"?'),
        (f'[plugins]\nblocked = "zendesk"\n{ACCOUNT}', "plugins.blocked", "list"),
        ("[accounts]\nacme = 1", "accounts.acme", "not a table"),
        (ACCOUNT.replace("acme]", "Acme]").replace("acme.z", "Acme.z"), "accounts.Acme", "lower-case"),
        (ACCOUNT.replace('policy = "en-linea-365"', ""), "accounts.acme.policy", "required"),
        (ACCOUNT.replace("policy", "polcy"), "accounts.acme.polcy", 'did you mean "policy"?'),
        (ACCOUNT.replace("[accounts.acme.zendesk]", "[accounts.acme.zendes]"), "accounts.acme.zendesk", "missing"),
        (ACCOUNT.replace("policy", 'mode = "dry"\npolicy'), "accounts.acme.mode", "observe"),
        (ACCOUNT.replace("policy", 'time_zone = "Lima"\npolicy'), "accounts.acme.time_zone", "IANA"),
        (ACCOUNT.replace("policy", 'time_zone = "America"\npolicy'), "accounts.acme.time_zone", "IANA"),
        (ACCOUNT + 'token = { env = "NOT_SET" }', "accounts.acme.zendesk.token", "NOT_SET is not set"),
        (ACCOUNT + 'tokens = ["x", { file = "none" }]', "accounts.acme.zendesk.tokens[1]", "cannot be read"),
        (ACCOUNT + 'webhook_secrets = [{ file = "none" }]', "accounts.acme.zendesk.webhook_secrets[0]", "sla install"),
        (ACCOUNT + 'token = { file = "a\\u0000b" }', "accounts.acme.zendesk.token", "cannot be read"),
        (f'[server]\ndatabase = {{ env = "NOT_SET" }}\nprocesses = 4\n{ACCOUNT}', "server.database", "NOT_SET"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, path: str, part: str) -> None:
    assert part in problems(written(tmp_path, text))[path]


def test_a_database_whose_secret_is_missing_is_not_taken_for_the_default_one(tmp_path: Path) -> None:
    text = f'[server]\ndatabase = {{ env = "NOT_SET" }}\nprocesses = 4\n{ACCOUNT}'
    assert list(problems(written(tmp_path, text))) == ["server.database"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = (
        "[server]\nthreads = 0\n[engine]\nworkers = 0\n[other]\n"
        + ACCOUNT.replace("en-linea-365", "x").replace("policy", 'mode = "dry"\npolicy')
        + 'token = { env = "NOT_SET" }\n[accounts.UP]\n'
    )
    assert sorted(problems(written(tmp_path, text))) == [
        "accounts.UP",
        "accounts.UP.platform",
        "accounts.UP.policy",
        "accounts.acme.mode",
        "accounts.acme.zendesk.token",
        "engine.workers",
        "other",
        "server.threads",
    ]  # fmt: skip


@pytest.fixture
def with_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLA_TOKEN", f" {SECRET}-env\n")
    monkeypatch.setenv("SLA_DATABASE", f"postgresql://sla:{SECRET}@db/sla")
    folder = tmp_path / "etc"
    (folder / "secrets").mkdir(parents=True)
    (folder / "secrets" / "hook").write_text(f"{SECRET}-file\r\n", encoding="utf-8")
    text = f"""
    [server]
    database = {{ env = "SLA_DATABASE" }}
    processes = 2
    {ACCOUNT}
    token = {{ env = "SLA_TOKEN" }}
    webhook_secrets = [{{ file = "secrets/hook" }}, {{ env = "SLA_TOKEN" }}]
    """
    return written(folder, text)


def secrets_of(config: Config) -> list[str]:
    settings = config.accounts["acme"].settings
    found = [settings["token"], *settings["webhook_secrets"]]
    assert all(isinstance(secret, SecretStr) for secret in found)
    return [secret.get_secret_value() for secret in found]


def test_secrets_come_from_the_environment_and_from_files_beside_the_configuration(with_secrets: Path) -> None:
    config = load_config(with_secrets)
    assert secrets_of(config) == [f"{SECRET}-env", f"{SECRET}-file", f"{SECRET}-env"]
    assert config.database == f"postgresql://sla:{SECRET}@db/sla"
    assert config.accounts["acme"].secret_sources == {
        "token": SecretSource("env", "SLA_TOKEN"),
        "webhook_secrets": SecretSource("file", str(with_secrets.parent / "secrets" / "hook")),
    }


def test_secrets_do_not_print(with_secrets: Path) -> None:
    config = load_config(with_secrets)
    shown = repr(config) + str(config) + repr(config.accounts["acme"]) + repr(config.accounts["acme"].settings)
    assert SECRET not in shown


def test_secrets_are_in_no_error(with_secrets: Path) -> None:
    text = with_secrets.read_text(encoding="utf-8")
    with_secrets.write_text(text.replace("processes = 2", "processes = 0\nlisten = 5"), encoding="utf-8")
    assert {"server.processes", "server.listen"} <= problems(with_secrets).keys()


def test_during_installation_secrets_of_accounts_may_be_missing(
    with_secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLA_TOKEN")
    (with_secrets.parent / "secrets" / "hook").unlink()
    assert sorted(problems(with_secrets)) == [
        "accounts.acme.zendesk.token",
        "accounts.acme.zendesk.webhook_secrets[0]",
        "accounts.acme.zendesk.webhook_secrets[1]",
    ]  # fmt: skip
    account = load_config(with_secrets, secrets_may_be_missing=True).accounts["acme"]
    assert account.settings == {"subdomain": "acme", "webhook_secrets": []}
    assert sorted(account.secret_sources) == ["token", "webhook_secrets"]


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_an_empty_secret_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert read_secret(SecretSource("file", str(tmp_path / "secret"))) is None


def test_a_policy_file_is_named_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    path = written(tmp_path / "etc", ACCOUNT.replace("en-linea-365", "policies/mine.toml"))
    assert load_config(path).accounts["acme"].policy == (str(tmp_path / "etc" / "policies" / "mine.toml"),)
    absolute = written(tmp_path / "etc", ACCOUNT.replace("en-linea-365", "/srv/mine.toml"))
    assert load_config(absolute).accounts["acme"].policy == ("/srv/mine.toml",)


def test_redaction_is_off_until_its_sentence_is_said(tmp_path: Path) -> None:
    """Whoever switches it on has read that it cannot be undone."""
    sentence = "I know that redaction cannot be undone"
    off = load_config(written(tmp_path, ACCOUNT))
    on = load_config(written(tmp_path, f'{ACCOUNT}[accounts.acme.sensitive]\nredact_cards = "{sentence}"\n'))
    assert not off.accounts["acme"].sensitive.redact_cards
    assert on.accounts["acme"].sensitive.redact_cards


@pytest.mark.parametrize("value", ["true", "false", '"yes"', '"i know that redaction cannot be undone"', '""'])
def test_anything_but_the_sentence_is_a_problem_that_says_it(tmp_path: Path, value: str) -> None:
    found = problems(written(tmp_path, f"{ACCOUNT}[accounts.acme.sensitive]\nredact_cards = {value}\n"))
    assert set(found) == {"accounts.acme.sensitive.redact_cards"}
    assert '"I know that redaction cannot be undone"' in found["accounts.acme.sensitive.redact_cards"]
