"""The settings of a Zendesk account, checked before anything is connected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from oneclick_sla_plugin.account_settings import AccountSettings, Secrets, checked, is_loopback
from oneclick_sla_plugin.errors import Problem
from oneclick_sla_zendesk.login import ApiToken, Credentials, Login

OwnedChannel = Literal["default", "email", "web_form", "chat", "social", "phone", "voicemail", "api"]
"""Channels whose owner a trigger can tell; ``default`` is every other one."""

Owner = Literal["assignee", "group"] | Annotated[int, Field(gt=0)]
"""Who is told: the ticket's assignee, the agents of its group, or those of the group with this id."""


_OAUTH = ("client_id", "client_secret")
_LEGACY = ("email", "api_token")


class KnownRequester(AccountSettings):
    """Who counts as a customer: members of an organisation, users with a tag, or both."""

    organization: bool = False
    tag: str | None = Field(default=None, min_length=1)


class ZendeskSettings(AccountSettings):
    """The ``settings`` table of an account on this platform."""

    base_url: str
    client_id: str | None = Field(default=None, min_length=1)
    client_secret: SecretStr | None = Field(default=None, min_length=1)
    email: str | None = Field(default=None, min_length=3, pattern="@")
    api_token: SecretStr | None = Field(default=None, min_length=1)
    webhook_secrets: Secrets = Field(default=(), max_length=2)
    signature_tolerance: timedelta = Field(default=timedelta(minutes=15), gt=timedelta(0))
    allow_test_secret: bool = False
    known_requester: KnownRequester | None = None
    tiers: dict[str, str] = Field(default_factory=dict)
    document_field: str | None = Field(default=None, min_length=1)
    webhook: Literal["events", "triggers"] = "events"
    owners: dict[OwnedChannel, Owner] = Field(default_factory=dict)
    clock_skew_limit: timedelta = Field(default=timedelta(minutes=1), gt=timedelta(0))

    @property
    def login(self) -> Login:
        """The one login of the account."""
        if self.client_id is not None and self.client_secret is not None:
            return Credentials(self.client_id, self.client_secret)
        if self.email is not None and self.api_token is not None:
            return ApiToken(self.email, self.api_token)
        raise AssertionError("load_settings lets no settings pass without a login")

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("must be an address such as https://acme.zendesk.com")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("must begin with https://, since the login is sent there")
        if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be scheme and host only")
        return f"{parts.scheme}://{parts.netloc}"


def load_settings(settings: Mapping[str, Any]) -> ZendeskSettings:
    """Check the settings. Raises ``ConfigError`` with all problems; no value is quoted in them."""
    return checked(ZendeskSettings, settings, problems=_login_problems(settings))


def _login_problems(settings: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the login as a whole: two of them, or half of one."""
    given = {name for name in (*_OAUTH, *_LEGACY) if settings.get(name) is not None}
    if given & set(_OAUTH) and given & set(_LEGACY):
        hint = "remove email and api_token, the legacy login"
        return [Problem("api_token", "there are two logins, an OAuth client and an API token", hint)]
    wanted = _LEGACY if given & set(_LEGACY) else _OAUTH
    return [Problem(name, "Field required") for name in wanted if name not in given]
