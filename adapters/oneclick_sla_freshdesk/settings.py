"""The settings of a Freshdesk account, checked before anything is connected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from oneclick_sla_plugin.account_settings import AccountSettings, Secrets, checked, is_loopback

StatusName = Literal["open", "pending", "on_hold", "solved", "closed"]

Address = Annotated[str, Field(min_length=3, pattern="@")]

_HOST = re.compile(r"[a-z0-9-]+\.freshdesk\.com")


class FreshdeskSettings(AccountSettings):
    """The ``settings`` table of an account on this platform."""

    base_url: str
    api_key: SecretStr = Field(min_length=1)
    install_api_key: SecretStr | None = Field(default=None, min_length=1)
    webhook_secrets: Secrets = Field(default=(), max_length=2)
    known_requester: Literal["company"] | None = None
    document_field: str | None = Field(default=None, min_length=1)
    statuses: dict[int, StatusName] = Field(default_factory=dict)
    notify_emails: dict[str, tuple[Address, ...]] = Field(default_factory=dict)
    write_due_dates: bool = False
    clock_skew_limit: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))

    @property
    def configuring_key(self) -> SecretStr:
        """The key of an administrator, for installing: the one of its own, or the only one there is."""
        return self.install_api_key or self.api_key

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        """https://<name>.freshdesk.com and nothing else: the key is sent there, and a mapped domain may be anybody's."""
        parts = urlsplit(value)
        host = parts.hostname or ""
        loopback = parts.scheme == "http" and is_loopback(host)
        if not loopback and (parts.scheme != "https" or not _HOST.fullmatch(host) or parts.netloc.lower() != host):
            raise ValueError("must be an address such as https://acme.freshdesk.com, since the key is sent there")
        if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be scheme and host only")
        return f"{parts.scheme}://{parts.netloc}"


def load_settings(settings: Mapping[str, Any]) -> FreshdeskSettings:
    """Check the settings. Raises ``ConfigError`` with all problems; no value is quoted in them."""
    return checked(FreshdeskSettings, settings)
