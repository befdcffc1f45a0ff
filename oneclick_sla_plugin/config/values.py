"""What an installation sets, checked and complete: the values that the rest of the program is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from oneclick_sla_plugin.config.secret_sources import SecretSource


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
    one_processor: bool = True
    complaints: ComplaintsConfig = ComplaintsConfig()
