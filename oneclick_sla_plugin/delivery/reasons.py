"""What of an error may be told: words of ours, codes, numbers, names of classes and places in code.

An exception's message and arguments may quote a customer, so they never go into
a log, the ledger or the state of an account. An adapter's reason is a word of ours
and the platform's codes; one that looks like anything else is left out.
"""

from __future__ import annotations

import re
import traceback

from oneclick_sla_plugin.errors import AccountPaused, PlatformError, TemporaryPlatformError, TicketChanged, Unauthorised

_CODE = r"[A-Za-z_][A-Za-z0-9_.]{0,63}"
_REASON = re.compile(rf"[a-z_]{{1,32}}(?:: {_CODE}(?: {_CODE})?(?:, {_CODE}(?: {_CODE})?)*)?")
"""``credentials``, ``rejected: BlankValue``, ``rejected: invalid_value type, missing_field email``."""


def reason_of(error: PlatformError) -> str:
    """For example ``permanent: write ticket, status 422 (rejected: BlankValue)``."""
    match error:
        case TicketChanged():
            word = "ticket changed"
        case AccountPaused():
            word = "paused"
        case TemporaryPlatformError():
            word = "temporary"
        case Unauthorised():
            word = "unauthorised"
        case _:
            word = "permanent"
    status = f", status {error.status}" if error.status is not None else ""
    why = f" ({error.reason})" if _REASON.fullmatch(error.reason) else ""
    return f"{word}: {error.operation}{status}{why}"


def classes_of(error: BaseException) -> list[str]:
    """The classes of an exception and of those behind it, the first cause last."""
    classes = []
    seen: BaseException | None = error
    while seen is not None:
        classes.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return classes


def frames_of(error: Exception) -> list[str]:
    """Where an exception was raised, the innermost frame last."""
    return [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_qualname}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
