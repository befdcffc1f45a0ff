"""Every error that leaves this program, in one tree.

::

    OneclickSlaError                    never raised itself
      ConfigError                       .problems: all of them, each with its key path; exit status 2
      PluginError                       a plugin that cannot be loaded or registered
      InputError                        a value from outside that cannot be used; .problems as above
      WebhookRejected                   .status: 401 signature, 404 account, 413 size, 415 media type
      PlatformError                     .platform .operation .status .request_id
        TemporaryPlatformError          .retry_after; the same call may succeed later
          TicketChanged                 the ticket moved between our read and our write: read again
          AccountPaused                 our share of a limit is used up, or the account rests: nothing was sent
        PermanentPlatformError          the same call will fail again
          TicketGone                    the ticket does not exist any more
          Unauthorised                  the platform does not accept our credentials or scopes
      StoreError                        the database cannot be read or written

"Try again" is a branch, facts are attributes. No instance carries a body, a
customer's text, a secret or a query string: errors end in logs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any


class OneclickSlaError(Exception):
    """Base of all errors of this program; only its branches are raised."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where it stands, what it is, what to do."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}" if self.path else self.message
        return f"{text} ({self.hint})" if self.hint else text


def problems_of(
    found: Iterable[Mapping[str, Any]],
    *,
    path: str = "",
    known_keys: Iterable[str] = (),
    nested: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> list[Problem]:
    """What pydantic found (``ValidationError.errors()``) as problems with key paths.

    ``path`` is put before each path; an unknown key is compared with ``known_keys``
    for a hint, one inside a table with the keys that ``nested`` has under the table's
    name. Values of the input are left out: they may be a customer's or secret.
    """
    problems = []
    for item in found:
        parts = list(item["loc"])
        unknown = item["type"] == "extra_forbidden"
        if parts and parts[-1] == "[key]":  # the key itself is wrong, not its value
            parts.pop()
            unknown = item["type"] == "enum"
        where = path
        for part in parts:
            where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
        message, hint = str(item["msg"]).removeprefix("Value error, "), ""
        if unknown:
            tables = [part for part in parts[:-1] if isinstance(part, str)]
            known = nested.get(tables[-1], ()) if tables else known_keys
            close = difflib.get_close_matches(str(parts[-1]), list(known), n=1)
            message, hint = "unknown key", f'did you mean "{close[0]}"?' if close else ""
        problems.append(Problem(where, message, hint))
    return problems


class _Problems(OneclickSlaError):
    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        lines = [str(problem) for problem in self.problems]
        super().__init__("\n".join([f"{source}:", *(f"  {line}" for line in lines)] if source else lines))


class ConfigError(_Problems):
    """The configuration or a policy cannot be used; all problems at once."""


class InputError(_Problems):
    """A ticket or another value from outside cannot be read; all problems at once."""


class PluginError(OneclickSlaError):
    """A plugin cannot be loaded, or registers something that another one already has."""


class WebhookRejected(OneclickSlaError):
    """A webhook request that is refused before its body is believed.

    ``status`` is the HTTP status to answer with; ``reason`` is a stable word
    for logs and counters (for instance ``signature`` or ``stale``).
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"webhook rejected: {reason} ({status})")


class PlatformError(OneclickSlaError):
    """A helpdesk did not do what it was asked.

    ``operation`` names the call in our words ("read ticket"); ``status`` is the
    HTTP status or ``None`` when no answer came; ``request_id`` is the platform's
    own name for the request, for its support; ``reason`` is a word of ours.
    """

    def __init__(
        self,
        *,
        platform: str,
        operation: str,
        status: int | None = None,
        request_id: str | None = None,
        reason: str = "",
    ) -> None:
        self.platform = platform
        self.operation = operation
        self.status = status
        self.request_id = request_id
        self.reason = reason
        detail = ", ".join(
            part
            for part in (reason, f"status {status}" if status else "", f"request {request_id}" if request_id else "")
            if part
        )
        super().__init__(f"{platform}: {operation} failed" + (f" ({detail})" if detail else ""))


class TemporaryPlatformError(PlatformError):
    """The same call may succeed later; ``retry_after`` is the platform's wish, if it named one."""

    def __init__(
        self,
        *,
        platform: str,
        operation: str,
        status: int | None = None,
        request_id: str | None = None,
        reason: str = "",
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(platform=platform, operation=operation, status=status, request_id=request_id, reason=reason)
        self.retry_after = retry_after


class TicketChanged(TemporaryPlatformError):
    """The ticket changed between our read and our write; read it again and decide anew."""


class AccountPaused(TemporaryPlatformError):
    """Nothing was sent: our share of a limit is used up, or the account rests; ``retry_after`` says for how long."""


class PermanentPlatformError(PlatformError):
    """The same call will fail again; a person has to change something."""


class TicketGone(PermanentPlatformError):
    """The ticket was deleted or never existed; there is nothing left to do for it."""


class Unauthorised(PermanentPlatformError):
    """The platform refuses our credentials, or they lack a scope."""


class StoreError(OneclickSlaError):
    """The database cannot be read or written."""
