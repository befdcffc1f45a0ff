"""The OAuth login with client credentials: what to ask for, and how long a token is good.

https://developer.zendesk.com/documentation/api-basics/authentication/oauth-migration/ ;
the token acts as the user of the OAuth client, and there is no refresh token: when
one runs out, another is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr

from oneclick_sla_plugin.errors import PermanentPlatformError, Unauthorised
from oneclick_sla_plugin.ports import Request, Response
from oneclick_sla_zendesk import limits
from oneclick_sla_zendesk.exchanges import json_request

RUN_SCOPE = "read tickets:write"
"""Reading needs the global ``read``: audits and ticket fields refuse the narrow scopes."""

INSTALL_SCOPE = "read write"

LIFETIME = timedelta(hours=1)
"""What we ask for, and the most we believe: the unit of ``expires_in`` in answers is not settled."""

RENEWAL_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Credentials:
    """An OAuth client of the account."""

    client_id: str
    client_secret: SecretStr


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and the instant from which it is no longer used."""

    value: str = field(repr=False)
    expires_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        return now < self.expires_at - RENEWAL_MARGIN

    def authorise(self, request: Request) -> Request:
        """The same request, with this token."""
        return Request(
            method=request.method,
            path=request.path,
            operation=request.operation,
            query=request.query,
            headers={**request.headers, "authorization": f"Bearer {self.value}"},
            body=request.body,
        )


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


def token_from(request: Request, response: Response, now: datetime) -> Token:
    """The token of an answer. Raises ``Unauthorised`` (reason ``login``) when the client is refused."""
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
    lifetime = LIFETIME
    if isinstance(seconds, int) and 0 < seconds < LIFETIME.total_seconds():
        lifetime = timedelta(seconds=seconds)
    return Token(value, now + lifetime)
