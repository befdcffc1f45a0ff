"""The configuration file: TOML, checked whole, secrets from outside.

A secret never stands in the file. Where a setting is one, the file says where it
comes from, ``{ env = "NAME" }`` or ``{ file = "path" }`` (relative to the
configuration), and it arrives as a ``SecretStr``, which does not print.
Unknown keys are errors and all problems are reported at once.

Which file: the path given, else ``ONECLICK_SLA_CONFIG``, else ``oneclick-sla.toml`` here.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, SecretStr, ValidationError

from oneclick_sla_plugin.config.secret_sources import SecretSource, is_source, read_secret, reveal
from oneclick_sla_plugin.config.tables import (
    REDACTION_CONFIRMED,
    AccountTable,
    ComplaintsTable,
    EngineTable,
    PluginsTable,
    ServerTable,
)
from oneclick_sla_plugin.config.values import (
    AccountConfig,
    ComplaintsConfig,
    Config,
    PeakConfig,
    PolicyRule,
    SensitiveConfig,
)
from oneclick_sla_plugin.errors import ConfigError, Problem, problems_of

__all__ = [
    "DEFAULT_PATH",
    "PATH_VARIABLE",
    "REDACTION_CONFIRMED",
    "AccountConfig",
    "ComplaintsConfig",
    "Config",
    "PeakConfig",
    "PolicyRule",
    "SecretSource",
    "SensitiveConfig",
    "load_config",
    "read_secret",
]

DEFAULT_PATH = Path("oneclick-sla.toml")
PATH_VARIABLE = "ONECLICK_SLA_CONFIG"
_MADE_BY_INSTALL = "webhook_secrets"
"""The setting whose secrets an installation makes."""


def load_config(path: Path | None = None, *, secrets_may_be_missing: bool = False) -> Config:
    """Read and check the configuration. Raises ``ConfigError`` with every problem.

    ``secrets_may_be_missing``: a secret of an account that does not exist yet is
    left out, as during installation, which makes it; the platform says if it cannot do without.
    """
    path = path or Path(os.environ.get(PATH_VARIABLE) or DEFAULT_PATH)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"give another with --config or {PATH_VARIABLE}; docs/configuration.md shows one"
        raise ConfigError([Problem("", error.strerror or "cannot be read", hint)], str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([Problem("", f"is not TOML: {error}")], str(path)) from None
    return _Reader(path, secrets_may_be_missing).read(raw)


_Model = TypeVar("_Model", bound=BaseModel)


class _Reader:
    def __init__(self, path: Path, secrets_may_be_missing: bool) -> None:
        self._path = path
        self._lenient = secrets_may_be_missing
        self._problems: list[Problem] = []

    def read(self, raw: dict[str, Any]) -> Config:
        for key in sorted(raw.keys() - {"server", "engine", "plugins", "complaints", "accounts"}):
            self._problems.append(Problem(key, "unknown key", "known: server, engine, plugins, complaints, accounts"))
        server_raw = given = raw.get("server", {})
        if isinstance(given, Mapping):
            server_raw = self._resolve(given, "server", {})
            if "database" in given:  # one whose secret is missing is not the default one
                server_raw.setdefault("database", SecretStr(""))
        server = self._section(ServerTable, server_raw, "server") or ServerTable()
        engine = self._section(EngineTable, raw.get("engine", {}), "engine") or EngineTable()
        plugins = self._section(PluginsTable, raw.get("plugins", {}), "plugins") or PluginsTable()
        complaints = self._section(ComplaintsTable, raw.get("complaints", {}), "complaints") or ComplaintsTable()
        accounts = self._accounts(raw.get("accounts"))
        if isinstance(complaints.series, dict):
            for name in sorted(complaints.series.keys() - accounts.keys()):
                self._problems.append(Problem(f"complaints.series.{name}", "there is no such account"))
        if self._problems:
            raise ConfigError(self._problems, str(self._path))
        return Config(
            path=self._path,
            database=reveal(server.database),
            listen=server.listen,
            public_url=server.public_url.rstrip("/") if server.public_url else None,
            processes=server.processes,
            one_processor=server.one_processor,
            threads=server.threads,
            workers=engine.workers,
            lease=timedelta(seconds=engine.lease_seconds),
            blocked_plugins=tuple(plugins.blocked),
            accounts=accounts,
            keep=timedelta(days=engine.keep_days),
            complaints=ComplaintsConfig(
                series=complaints.series,
                keep=timedelta(days=complaints.keep_days),
                supplier_name=complaints.supplier_name,
                supplier_tax_id=complaints.supplier_tax_id,
                supplier_address=complaints.supplier_address,
            ),
        )

    def _accounts(self, raw: object) -> dict[str, AccountConfig]:
        if not isinstance(raw, Mapping) or not raw:
            self._problems.append(Problem("accounts", "there is no account", "add a table [accounts.NAME]"))
            return {}
        found = {}
        for name, table in raw.items():
            account = self._account(name, table)
            if account is not None:
                found[name] = account
        return found

    def _account(self, name: str, raw: object) -> AccountConfig | None:
        path = f"accounts.{name}"
        if not name.replace("-", "").isalnum() or not name.isascii() or name != name.lower():
            self._problems.append(Problem(path, "an account's name has lower-case letters, digits and hyphens only"))
        if not isinstance(raw, Mapping):
            self._problems.append(Problem(path, "is not a table"))
            return None
        platform = raw.get("platform")
        own = {key: value for key, value in raw.items() if key != platform}
        account = self._section(AccountTable, own, path)
        settings = raw.get(platform) if isinstance(platform, str) else None
        if isinstance(platform, str) and not isinstance(settings, Mapping):
            self._problems.append(Problem(f"{path}.{platform}", f"the settings of {platform} are missing"))
        sources: dict[str, SecretSource] = {}
        resolved = self._resolve(settings, f"{path}.{platform}", sources) if isinstance(settings, Mapping) else {}
        if account is None:
            return None
        return AccountConfig(
            name=name,
            platform=account.platform,
            policy=self._policy_names(account.policy),
            language=account.language,
            time_zone=ZoneInfo(account.time_zone) if account.time_zone else None,
            observe=account.mode == "observe",
            settings=resolved,
            secret_sources=sources,
            policy_rules=tuple(
                PolicyRule(
                    self._policy_names(rule.policy),
                    frozenset(rule.brands),
                    frozenset(recipient.casefold() for recipient in rule.recipients),
                )
                for rule in account.policy_rules
            ),
            peaks=PeakConfig(tuple((peak.begins, peak.ends) for peak in account.peaks), account.peak_tickets_per_hour),
            send=tuple(account.send),
            owners=dict(account.owners),
            lexicons=tuple(self._path.parent / name for name in account.lexicons),
            sensitive=SensitiveConfig(
                tuple(account.sensitive.types_off),
                tuple(account.sensitive.stop_words),
                tuple(own.model_dump() for own in account.sensitive.own_patterns),
                redact_cards=account.sensitive.redact_cards is not None,
            ),
            quota_share=account.quota_share,
            sweep_every=timedelta(minutes=account.sweep_minutes) if account.sweep_minutes else None,
        )

    def _policy_names(self, names: Iterable[str]) -> tuple[str, ...]:
        """A policy file is named relative to the configuration."""
        return tuple(str(self._path.parent / name) if name.endswith(".toml") else name for name in names)

    def _resolve(self, table: Mapping[str, Any], path: str, sources: dict[str, SecretSource]) -> dict[str, Any]:
        resolved: dict[str, Any] = {}
        for key, value in table.items():
            where = f"{path}.{key}"
            if is_source(value):
                if (secret := self._secret(value, where, key, sources)) is not None:
                    resolved[key] = secret
            elif isinstance(value, list):
                entries = [
                    self._secret(entry, f"{where}[{n}]", key, sources) if is_source(entry) else entry
                    for n, entry in enumerate(value)
                ]
                resolved[key] = [entry for entry in entries if entry is not None]
            else:
                resolved[key] = value
        return resolved

    def _secret(
        self, value: Mapping[str, str], path: str, key: str, sources: dict[str, SecretSource]
    ) -> SecretStr | None:
        ((kind, name),) = value.items()
        source = SecretSource("env" if kind == "env" else "file", name)
        if source.kind == "file":
            source = SecretSource("file", str(self._path.parent / name))
        sources.setdefault(key, source)
        secret = read_secret(source)
        if secret is None and not self._lenient:
            what = f"environment variable {name} is not set" if kind == "env" else f"file {name} cannot be read"
            hint = "oneclick-sla install makes this one" if key == _MADE_BY_INSTALL else ""
            self._problems.append(Problem(path, what, hint))
        return secret

    def _section(self, model: type[_Model], raw: object, path: str) -> _Model | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            self._problems.extend(problems_of(found, path=path, known_keys=model.model_fields))
            return None
