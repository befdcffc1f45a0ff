"""The configuration file: TOML, checked whole, secrets from outside.

A secret never stands in the file. Where a setting is one, the file says where it
comes from, ``{ env = "NAME" }`` or ``{ file = "path" }`` (relative to the
configuration), and it arrives as a ``SecretStr``, which does not print.
Unknown keys are errors and all problems are reported at once.

Which file: the path given, else ``ONECLICK_SLA_CONFIG``, else ``oneclick-sla.toml`` here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from oneclick_sla_plugin.errors import ConfigError, Problem, problems_of

DEFAULT_PATH = Path("oneclick-sla.toml")
PATH_VARIABLE = "ONECLICK_SLA_CONFIG"
REDACTION_CONFIRMED = "I know that redaction cannot be undone"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: the environment variable or the file of this name."""

    kind: Literal["env", "file"]
    name: str


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """Tickets of these brands or recipients are judged by another policy (its versions)."""

    policy: tuple[str, ...]
    brands: frozenset[str]
    recipients: frozenset[str]

    def matches(self, brand: str | None, recipient: str | None) -> bool:
        return brand in self.brands or (recipient or "").casefold() in self.recipients


@dataclass(frozen=True, slots=True)
class PeakConfig:
    """When a peak is on: between two instants set by hand, or above a number of new tickets within an hour."""

    spans: tuple[tuple[datetime, datetime], ...] = ()
    tickets_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class SensitiveConfig:
    """What is looked for in messages: types that are not, values that are none, and patterns of the account's own.

    ``redact_cards``: an admin confirmed that customers' card numbers are redacted on the platform, for good.
    """

    types_off: tuple[str, ...] = ()
    stop_words: tuple[str, ...] = ()
    own_patterns: tuple[Mapping[str, Any], ...] = ()
    redact_cards: bool = False


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """One account.

    ``policy`` names the versions of its policy. ``settings`` are the platform's own,
    with secrets in place. ``send``: messages to customers that the program sends
    itself; ``owners``: who answers for a channel, before the policy's own.
    ``quota_share``: our part of each of the platform's limits, above 0 up to 1;
    ``sweep_every``: how often it is asked what changed, never if ``None``.
    """

    name: str
    platform: str
    policy: tuple[str, ...]
    language: str | None
    time_zone: ZoneInfo | None
    observe: bool
    settings: Mapping[str, Any] = field(repr=False)
    secret_sources: Mapping[str, SecretSource] = field(default_factory=dict)
    policy_rules: tuple[PolicyRule, ...] = ()
    peaks: PeakConfig = PeakConfig()
    send: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    quota_share: float = 0.5
    sweep_every: timedelta | None = None
    sensitive: SensitiveConfig = SensitiveConfig()
    lexicons: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class ComplaintsConfig:
    """The complaint register.

    ``series``: the series of each account, or of all; ``keep``: how long a complaint has to be kept after its
    last event. ``supplier_*``: whom a printed sheet is addressed to; lines for writing where they are ``None``.
    """

    series: Mapping[str, str] | str = ""
    keep: timedelta = timedelta(days=731)
    supplier_name: str | None = None
    supplier_tax_id: str | None = None
    supplier_address: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an installation sets.

    ``public_url`` is where helpdesks reach the webhook application; ``lease`` is the
    time after which a worker that stopped without a word loses its tickets to the others;
    ``keep``: how long settled tickets stay in the ledger.
    """

    path: Path
    database: str = field(repr=False)
    listen: str
    public_url: str | None
    processes: int
    threads: int
    workers: int
    lease: timedelta
    blocked_plugins: tuple[str, ...]
    accounts: Mapping[str, AccountConfig]
    keep: timedelta = timedelta(days=400)
    complaints: ComplaintsConfig = ComplaintsConfig()


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Versions = Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Server(_Section):
    database: Any = "sqlite:///oneclick-sla.db"
    listen: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")] = "127.0.0.1:8080"
    public_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    threads: Annotated[int, Field(ge=1, le=256)] = 8

    @field_validator("database")
    @classmethod
    def _is_an_address(cls, value: object) -> object:
        if isinstance(value, str | SecretStr):
            return value
        raise ValueError('is an address in quotes, or { env = "NAME" }, or { file = "path" }')

    @model_validator(mode="after")
    def _one_process_on_sqlite(self) -> Self:
        if self.processes > 1 and _reveal(self.database).startswith("sqlite"):
            raise ValueError("several processes need PostgreSQL; SQLite has one writer")
        return self


class _Engine(_Section):
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    lease_seconds: Annotated[int, Field(ge=2, le=600)] = 15
    keep_days: Annotated[int, Field(ge=1, le=36500)] = 400


class _Plugins(_Section):
    blocked: list[str] = []


_SERIES = re.compile(r"([A-Z][A-Z0-9]{0,15})?")


class _Complaints(_Section):
    series: Any = ""
    keep_days: Annotated[int, Field(ge=1, le=36500)] = 731
    supplier_name: str | None = None
    supplier_tax_id: str | None = None
    supplier_address: str | None = None

    @field_validator("series")
    @classmethod
    def _is_short(cls, value: object) -> object:
        names = value.values() if isinstance(value, Mapping) else (value,)
        if all(isinstance(name, str) and _SERIES.fullmatch(name) for name in names):
            return value
        raise ValueError("is up to 16 capital letters and digits, or a table with such a name for each account")


class _PolicyRule(_Section):
    policy: _Versions
    brands: list[str] = []
    recipients: list[str] = []

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.brands and not self.recipients:
            raise ValueError("name brands or recipients that this policy is for")
        return self


class _Peak(_Section):
    begins: AwareDatetime
    ends: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends <= self.begins:
            raise ValueError("a peak ends after it begins")
        return self


class _OwnPattern(_Section):
    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    pattern: Annotated[str, Field(min_length=1)]
    check: str = ""
    words: list[str] = []
    confidence: Annotated[float, Field(gt=0, le=1)] = 0.9


class _Sensitive(_Section):
    types_off: list[str] = []
    stop_words: list[str] = []
    own_patterns: list[_OwnPattern] = []
    redact_cards: str | None = None

    @field_validator("redact_cards", mode="before")
    @classmethod
    def _is_confirmed(cls, value: object) -> object:
        if value != REDACTION_CONFIRMED:
            raise ValueError(f'has to be confirmed with exactly this sentence: "{REDACTION_CONFIRMED}"')
        return value


class _Account(_Section):
    platform: str
    policy: _Versions
    language: str | None = None
    time_zone: str | None = None
    mode: Literal["write", "observe"] = "write"
    policy_rules: list[_PolicyRule] = []
    peaks: list[_Peak] = []
    peak_tickets_per_hour: Annotated[int, Field(ge=1)] | None = None
    send: list[str] = []
    owners: dict[str, str] = {}
    quota_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    sweep_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    sensitive: _Sensitive = _Sensitive()
    lexicons: list[str] = []

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError('a time zone is an IANA name, for instance "America/Lima"') from None
        return value


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
        server = self._section(_Server, server_raw, "server") or _Server()
        engine = self._section(_Engine, raw.get("engine", {}), "engine") or _Engine()
        plugins = self._section(_Plugins, raw.get("plugins", {}), "plugins") or _Plugins()
        complaints = self._section(_Complaints, raw.get("complaints", {}), "complaints") or _Complaints()
        accounts = self._accounts(raw.get("accounts"))
        if isinstance(complaints.series, dict):
            for name in sorted(complaints.series.keys() - accounts.keys()):
                self._problems.append(Problem(f"complaints.series.{name}", "there is no such account"))
        if self._problems:
            raise ConfigError(self._problems, str(self._path))
        return Config(
            path=self._path,
            database=_reveal(server.database),
            listen=server.listen,
            public_url=server.public_url.rstrip("/") if server.public_url else None,
            processes=server.processes,
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
        account = self._section(_Account, own, path)
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
            if _is_source(value):
                if (secret := self._secret(value, where, key, sources)) is not None:
                    resolved[key] = secret
            elif isinstance(value, list):
                entries = [
                    self._secret(entry, f"{where}[{n}]", key, sources) if _is_source(entry) else entry
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
            hint = "oneclick-sla install makes this one" if key == MADE_BY_INSTALL else ""
            self._problems.append(Problem(path, what, hint))
        return secret

    def _section(self, model: type[_Model], raw: object, path: str) -> _Model | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            self._problems.extend(problems_of(found, path=path, known_keys=model.model_fields))
            return None


def read_secret(source: SecretSource) -> SecretStr | None:
    """The secret, without surrounding blanks; ``None`` when it does not exist or is empty."""
    if source.kind == "env":
        text = os.environ.get(source.name, "")
    else:
        try:
            text = Path(source.name).read_text(encoding="utf-8")
        except (OSError, ValueError):  # not there, not UTF-8, or no possible name
            return None
    return SecretStr(text.strip()) if text.strip() else None


def _is_source(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) == 1
        and next(iter(value)) in ("env", "file")
        and isinstance(next(iter(value.values())), str)
    )


def _reveal(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
