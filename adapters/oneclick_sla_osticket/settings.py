"""The settings of an osTicket account, checked before anything is connected."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator

from oneclick_sla_osticket.signing import Keys, key_of
from oneclick_sla_plugin.domain.model import Channel, Priority, Status
from oneclick_sla_plugin.errors import ConfigError, problems_of

DEFAULT_PRIORITIES = {
    Priority.LOW: "low",
    Priority.NORMAL: "normal",
    Priority.HIGH: "high",
    Priority.URGENT: "emergency",
}
"""The priorities of a new osTicket, by their system names."""


def _words(value: object) -> object:
    """A list whose texts may hold several secrets with blanks between, as one environment variable does."""
    entries = value if isinstance(value, list | tuple) else [value]
    found: list[object] = []
    for entry in entries:
        text = entry.get_secret_value() if isinstance(entry, SecretStr) else entry
        found += text.split() if isinstance(text, str) else [text]
    return found


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KnownRequester(_Model):
    """Who counts as a customer: members of an organisation."""

    organization: bool = False


class OsTicketSettings(_Model):
    """The ``settings`` table of an account on this platform."""

    base_url: str
    secrets: Annotated[tuple[SecretStr, ...], BeforeValidator(_words)] = Field(min_length=1, max_length=2)
    api_path: Literal["/api/tickets", "/api", "/api/http.php"] = "/api/tickets"
    delivery: Literal["webhook", "fetch"] = "webhook"
    signature_tolerance: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0))
    clock_skew_limit: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    priorities: dict[Priority, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    statuses: dict[str, Status] = Field(default_factory=dict)
    channels: dict[str, Channel] = Field(default_factory=dict)
    known_requester: KnownRequester | None = None
    tiers: dict[str, str] = Field(default_factory=dict)
    due_date: bool = True
    alerts: bool = True

    @property
    def keys(self) -> Keys:
        """The bytes of the secrets, the first of which is the newest."""
        return tuple(key_of(secret.get_secret_value()) for secret in self.secrets)

    @property
    def priority_names(self) -> Mapping[Priority, str]:
        """The helpdesk's name of each priority: osTicket's own where the settings give no other."""
        return {**DEFAULT_PRIORITIES, **self.priorities}

    @field_validator("secrets")
    @classmethod
    def _check_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            key_of(secret.get_secret_value())
        return value

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("must be osTicket's address, such as https://help.example.com or https://example.com/help")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("must begin with https://, since customers' texts come from there")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be scheme, host and path only")
        path = parts.path.rstrip("/")
        if path.endswith(("/api", "/api/tickets", "/api/http.php", "/scp")):
            raise ValueError("must be the address of the helpdesk itself, without /api or /scp")
        return f"{parts.scheme}://{parts.netloc}{path}"


def load_settings(settings: Mapping[str, Any]) -> OsTicketSettings:
    """Check the settings. Raises ``ConfigError`` with all problems; no value is quoted in them."""
    checked, problems = None, []
    try:
        checked = OsTicketSettings.model_validate(dict(settings))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        nested = {"known_requester": KnownRequester.model_fields, "priorities": list(Priority)}
        problems = problems_of(found, known_keys=OsTicketSettings.model_fields, nested=nested)
    # Raised outside the handler: the library's error holds the secrets it was given.
    if checked is None:
        raise ConfigError(problems)
    return checked


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
