"""Conversations with a helpdesk as values, for adapters: those that ship and any other.

An exchange is a generator that yields requests and is sent the responses. It knows what
to ask next and what the answers amount to, but not how anything is sent; :func:`run`
drives one with any function from request to response. So paging, reading and installing
are tested without a connection. :class:`Answers` turns answers into JSON or into one of
the program's errors; :class:`Remembered` keeps what need not be asked each time.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Generator, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from oneclick_sla_plugin.errors import (
    PermanentPlatformError,
    PlatformError,
    TemporaryPlatformError,
    TicketChanged,
    TicketGone,
    Unauthorised,
)
from oneclick_sla_plugin.ports import Clock, Request, Response

T = TypeVar("T")
Exchange = Generator[Request, Response, T]
Send = Callable[[Request], Response]

LONGEST_WAIT = timedelta(hours=1)
"""No wait is believed that is longer."""

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)


def run(exchange: Exchange[T], send: Send) -> T:
    """Drive an exchange to its end and return its result; a failure to send is raised inside it, where it asked."""
    try:
        request = next(exchange)
        while True:
            try:
                response = send(request)
            except PlatformError as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


def json_request(
    method: str, path: str, operation: str, body: Mapping[str, Any], *, sort_keys: bool = False
) -> Request:
    """A request with a JSON body. ``sort_keys``: the same bytes for the same values, however they were put together."""
    return Request(
        method=method,
        path=path,
        operation=operation,
        headers={"content-type": "application/json"},
        body=json.dumps(body, ensure_ascii=False, sort_keys=sort_keys, separators=(",", ":")).encode(),
    )


def number(text: str) -> float | None:
    """A count or a number of seconds in a header (also "700.0"), ``None`` for anything else."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def wait(text: str) -> timedelta | None:
    """A number of seconds in a header as a wait, an hour at most; ``None`` for anything else."""
    seconds = number(text)
    return None if seconds is None else min(timedelta(seconds=seconds), LONGEST_WAIT)


class Answers:
    """What the answers of one helpdesk amount to: JSON to use, or one of the program's errors.

    A subclass says what is special to its helpdesk. Nothing of a body ever goes into an
    error but what :meth:`refusal_codes` returns. ``tickets_path``: under this path a 404
    means that the ticket is gone, and a 409 that it moved.
    """

    platform: str
    tickets_path: str

    def failure(self, request: Request, response: Response) -> PlatformError | None:
        """The error that an answer amounts to, ``None`` for success."""
        status = response.status
        if 200 <= status < 300:
            return None
        facts = self.facts(request, response)
        about_ticket = request.path.startswith(self.tickets_path)
        if status in (408, 425, 429) or status >= 500:
            reason = "rate_limit" if status == 429 else "unavailable"
            return TemporaryPlatformError(**facts, reason=reason, retry_after=self.retry_after(response))
        if status in (401, 403):
            return Unauthorised(**facts, reason="credentials" if status == 401 else "scope")
        if status == 404:
            return TicketGone(**facts) if about_ticket else PermanentPlatformError(**facts, reason="not_found")
        if status == 409:
            # Somebody else was faster: read again, decide anew.
            kind = TicketChanged if about_ticket else TemporaryPlatformError
            return kind(**facts, reason="conflict", retry_after=self.retry_after(response))
        if status < 400:
            return PermanentPlatformError(**facts, reason="redirected")
        codes = self.refusal_codes(response)
        return PermanentPlatformError(**facts, reason=f"rejected: {', '.join(codes)}" if codes else "rejected")

    def retry_after(self, response: Response) -> timedelta | None:
        """How long the helpdesk wishes us to wait, an hour at most; ``None`` when it does not say."""
        return wait(response.headers.get("retry-after", ""))

    def refusal_codes(self, response: Response) -> tuple[str, ...]:  # noqa: ARG002 - for subclasses
        """The helpdesk's own words for why a request was refused: codes, never what was refused."""
        return ()

    def json_value(self, request: Request, response: Response) -> Any:
        """The JSON of a successful answer, ``None`` for one without a body.

        Raises the error that :meth:`failure` names, ``TemporaryPlatformError`` for a
        success that is no JSON (a maintenance page).
        """
        error = self.failure(request, response)
        if error is not None:
            raise error
        if not response.body.strip():
            return None
        try:
            return response.json()
        except ValueError:
            pass
        # Raised outside the handler: a decoding error carries the whole body.
        raise TemporaryPlatformError(**self.facts(request, response), reason="not_json")

    def json_object(self, request: Request, response: Response) -> Mapping[str, Any]:
        """As :meth:`json_value`, empty for an answer without a body; ``PermanentPlatformError`` for another shape."""
        value = self.json_value(request, response)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.unexpected_body(request.operation, response)
        return value

    def fetch(self, request: Request) -> Exchange[Mapping[str, Any]]:
        """One request, its JSON object. Raises the platform errors of :meth:`json_object`."""
        response = yield request
        return self.json_object(request, response)

    def unexpected_body(self, operation: str, response: Response | None = None) -> PermanentPlatformError:
        """The error for an answer that lacks what the helpdesk documents."""
        return PermanentPlatformError(
            platform=self.platform,
            operation=operation,
            status=response.status if response else None,
            request_id=response.headers.get("x-request-id") if response else None,
            reason="unexpected_body",
        )

    def facts(self, request: Request, response: Response) -> dict[str, Any]:
        """What an error tells of an answer."""
        return {
            "platform": self.platform,
            "operation": request.operation,
            "status": response.status,
            "request_id": response.headers.get("x-request-id"),
        }


class Remembered(Generic[T]):
    """Something of an account that is asked once and then known. Safe to use from several threads; one of them asks."""

    def __init__(self, ask: Callable[[], T], clock: Clock, fresh_for: timedelta | None = None) -> None:
        """``fresh_for``: how long it is believed, for good if ``None``."""
        self._ask = ask
        self._clock = clock
        self._fresh_for = fresh_for
        self._lock = threading.Lock()
        self._known: tuple[T, datetime] | None = None

    def __call__(self) -> T:
        """What is known, asked for if it is not or no longer. Raises what asking raises."""
        with self._lock:
            now = self._clock()
            if self._known is None or (self._fresh_for is not None and now >= self._known[1] + self._fresh_for):
                self._known = (self._ask(), now)
            return self._known[0]

    def known(self) -> T | None:
        """What is known, without asking."""
        known = self._known
        return None if known is None else known[0]

    def forget(self) -> None:
        """Ask again the next time."""
        with self._lock:
            self._known = None
