"""The two logins: OAuth with client credentials, and the API token of old.

https://developer.zendesk.com/documentation/api-basics/authentication/oauth-migration/ .
An OAuth token acts as the user of the OAuth client, and there is no refresh token:
when one runs out, another is asked for. API tokens are on their way out: since
27 October 2026 none can be made, 30 idle days switch one off, and all end on
:data:`API_TOKENS_END`.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from pydantic import SecretStr

from oneclick_sla_plugin.errors import PermanentPlatformError, Unauthorised
from oneclick_sla_plugin.exchanges import json_request
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_zendesk import limits

RUN_SCOPE = "read tickets:write"
"""Reading needs the global ``read``: audits and ticket fields refuse the narrow scopes."""

INSTALL_SCOPE = "read write"

LIFETIME = timedelta(hours=1)
"""What we ask for, and the most we believe: the unit of ``expires_in`` in answers is not settled."""

RENEWAL_MARGIN = timedelta(minutes=1)


API_TOKENS_END = date(2027, 4, 30)
"""On this day Zendesk refuses every API token."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An OAuth client of the account."""

    client_id: str
    client_secret: SecretStr


@dataclass(frozen=True, slots=True)
class ApiToken:
    """The legacy login: an API token of the account, used in the name of the agent with this address."""

    email: str
    token: SecretStr

    def authorise(self, request: Request) -> Request:
        """The same request, with this login. It has every right of its agent: an API token knows no scopes."""
        pair = f"{self.email}/token:{self.token.get_secret_value()}".encode()
        return _with_login(request, f"Basic {base64.b64encode(pair).decode('ascii')}")


Login = Credentials | ApiToken


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and the instant from which it is no longer used."""

    value: str = field(repr=False)
    expires_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        return now < self.expires_at - RENEWAL_MARGIN

    def authorise(self, request: Request) -> Request:
        """The same request, with this token."""
        return _with_login(request, f"Bearer {self.value}")


def _with_login(request: Request, authorization: str) -> Request:
    return replace(request, headers={**request.headers, "authorization": authorization})


def token_request(credentials: Credentials, scope: str) -> Request:
    """Ask for a token. ``scope`` is one string with spaces; a list would yield a token that opens nothing."""
    return json_request(
        "POST",
        "/oauth/tokens",
        "log in",
        {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret.get_secret_value(),
            "scope": scope,
            "expires_in": int(LIFETIME.total_seconds()),
        },
    )


def token_from(request: Request, response: Response, now: datetime, scope: str = "") -> Token:
    """The token of an answer.

    Raises ``Unauthorised``: reason ``login`` when the client is refused, ``scope``
    when the token that Zendesk gave opens less than the ``scope`` that was asked for.
    """
    try:
        body = limits.json_object(request, response)
    except PermanentPlatformError as error:
        # A wrong client is a 400 or a 401 in OAuth, and each means the same for the admin.
        raise Unauthorised(
            platform=limits.PLATFORM,
            operation=error.operation,
            status=error.status,
            request_id=error.request_id,
            reason="login",
        ) from None
    value, seconds = body.get("access_token"), body.get("expires_in")
    if not isinstance(value, str) or not value:
        raise limits.unexpected_body(request.operation, response)
    granted = body.get("scope")
    if isinstance(granted, str) and granted and not covers(granted, scope):
        raise Unauthorised(
            platform=limits.PLATFORM,
            operation=request.operation,
            status=response.status,
            request_id=response.headers.get("x-request-id"),
            reason="scope",
        )
    lifetime = LIFETIME
    if isinstance(seconds, int) and 0 < seconds < LIFETIME.total_seconds():
        lifetime = timedelta(seconds=seconds)
    return Token(value, now + lifetime)


def covers(granted: str, wanted: str) -> bool:
    """Whether scopes open what is wanted; ``write`` opens ``tickets:write`` too."""
    words = set(granted.split())
    return all(word in words or word.rpartition(":")[2] in words for word in wanted.split())
