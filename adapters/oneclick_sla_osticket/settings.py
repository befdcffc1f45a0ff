"""The settings of an osTicket account, checked before anything is connected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from oneclick_sla_osticket.signing import Keys, key_of
from oneclick_sla_plugin.account_settings import AccountSettings, Secrets, checked, is_loopback
from oneclick_sla_plugin.domain.model import Channel, Priority, Status

DEFAULT_PRIORITIES = {
    Priority.LOW: "low",
    Priority.NORMAL: "normal",
    Priority.HIGH: "high",
    Priority.URGENT: "emergency",
}
"""The priorities of a new osTicket, by their system names."""


class KnownRequester(AccountSettings):
    """Who counts as a customer: members of an organisation."""

    organization: bool = False


class OsTicketSettings(AccountSettings):
    """The ``settings`` table of an account on this platform."""

    base_url: str
    secrets: Secrets = Field(min_length=1, max_length=2)
    api_path: Literal["/api/tickets", "/api", "/api/http.php"] = "/api/tickets"
    delivery: Literal["webhook", "fetch"] = "webhook"
    signature_tolerance: timedelta = Field(default=timedelta(minutes=5), gt=timedelta(0))
    clock_skew_limit: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))
    priorities: dict[Priority, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    statuses: dict[str, Status] = Field(default_factory=dict)
    channels: dict[str, Channel] = Field(default_factory=dict)
    known_requester: KnownRequester | None = None
    tiers: dict[str, str] = Field(default_factory=dict)
    document_field: str | None = Field(default=None, min_length=1)
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
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("must begin with https://, since customers' texts come from there")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be scheme, host and path only")
        path = parts.path.rstrip("/")
        if path.endswith(("/api", "/api/tickets", "/api/http.php", "/scp")):
            raise ValueError("must be the address of the helpdesk itself, without /api or /scp")
        return f"{parts.scheme}://{parts.netloc}{path}"


def load_settings(settings: Mapping[str, Any]) -> OsTicketSettings:
    """Check the settings. Raises ``ConfigError`` with all problems; no value is quoted in them."""
    nested = {"known_requester": KnownRequester.model_fields, "priorities": list(Priority)}
    return checked(OsTicketSettings, settings, nested=nested)
