"""The tables of the configuration file, one model each: which keys there are, and what may stand there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from oneclick_sla_plugin.config.secret_sources import reveal

REDACTION_CONFIRMED = "I know that redaction cannot be undone"


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Versions = Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ServerTable(Table):
    database: Any = "sqlite:///oneclick-sla.db"
    listen: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")] = "127.0.0.1:8080"
    public_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    one_processor: bool = True
    threads: Annotated[int, Field(ge=1, le=256)] = 8

    @field_validator("database")
    @classmethod
    def _is_an_address(cls, value: object) -> object:
        if isinstance(value, str | SecretStr):
            return value
        raise ValueError('is an address in quotes, or { env = "NAME" }, or { file = "path" }')

    @model_validator(mode="after")
    def _one_process_on_sqlite(self) -> Self:
        if self.processes > 1 and reveal(self.database).startswith("sqlite"):
            raise ValueError("several processes need PostgreSQL; SQLite has one writer")
        return self


class EngineTable(Table):
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    lease_seconds: Annotated[int, Field(ge=2, le=600)] = 15
    keep_days: Annotated[int, Field(ge=1, le=36500)] = 400


class PluginsTable(Table):
    blocked: list[str] = []


_SERIES = re.compile(r"([A-Z][A-Z0-9]{0,15})?")


class ComplaintsTable(Table):
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


class PolicyRuleTable(Table):
    policy: _Versions
    brands: list[str] = []
    recipients: list[str] = []

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.brands and not self.recipients:
            raise ValueError("name brands or recipients that this policy is for")
        return self


class PeakTable(Table):
    begins: AwareDatetime
    ends: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends <= self.begins:
            raise ValueError("a peak ends after it begins")
        return self


class OwnPatternTable(Table):
    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    pattern: Annotated[str, Field(min_length=1)]
    check: str = ""
    words: list[str] = []
    confidence: Annotated[float, Field(gt=0, le=1)] = 0.9


class SensitiveTable(Table):
    types_off: list[str] = []
    stop_words: list[str] = []
    own_patterns: list[OwnPatternTable] = []
    redact_cards: str | None = None

    @field_validator("redact_cards", mode="before")
    @classmethod
    def _is_confirmed(cls, value: object) -> object:
        if value != REDACTION_CONFIRMED:
            raise ValueError(f'has to be confirmed with exactly this sentence: "{REDACTION_CONFIRMED}"')
        return value


class AccountTable(Table):
    platform: str
    policy: _Versions
    language: str | None = None
    time_zone: str | None = None
    mode: Literal["write", "observe"] = "write"
    policy_rules: list[PolicyRuleTable] = []
    peaks: list[PeakTable] = []
    peak_tickets_per_hour: Annotated[int, Field(ge=1)] | None = None
    send: list[str] = []
    owners: dict[str, str] = {}
    quota_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    sweep_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    sensitive: SensitiveTable = SensitiveTable()
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
