"""What the sandboxes of all platforms have in common: an HTTP server and a sender of webhooks, on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

from oneclick_sla_plugin.testing.deliveries import WebhookSender
from oneclick_sla_plugin.testing.server import LoopbackServer


class LoopbackSandbox:
    """The part of ``ports.Sandbox`` that is the same for every helpdesk.

    A subclass adds its routes to ``self._server.app``, then starts the server, and
    sends its webhooks through ``self._sender``.
    """

    write_operation: str
    """The operation of the server that updates a ticket: ``PUT /tickets/{ticket_id}``."""

    makes_webhook_secret = True

    def __init__(self, name: str, *, port: int, webhook_timeout: timedelta, seed: int = 0) -> None:
        """``webhook_timeout`` is real time; ``seed`` makes a shuffled order of webhooks reproducible."""
        self._sender = WebhookSender(timeout=webhook_timeout, seed=seed)
        self._server = LoopbackServer(f"{name}-simulator", port=port)
        self.base_url = self._server.base_url

    def close(self) -> None:
        """Stop answering and sending; may be called again."""
        self._server.close()
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def webhooks(self) -> WebhookSender:
        """Where deliveries are paused, doubled, shuffled and lost."""
        return self._sender

    def wait_delivered(self, timeout: timedelta) -> bool:
        """Wait until no webhook is on its way; false when the time is over."""
        return self._sender.wait_delivered(timeout)

    @property
    def requests(self) -> Counter[str]:
        """How many requests have arrived so far, by ``METHOD /route/{variable}``; a copy."""
        return self._server.requests

    def answer_next(
        self,
        times: int,
        status: int,
        *,
        operation: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Answer the next requests (of ``operation``, named as in :attr:`requests`) so, without effect: 429, 503 …"""
        self._server.answer_next(times, status, operation=operation, headers=headers, body=body)

    def before_next_write(self, deed: Callable[[], object]) -> None:
        """Do this when the next update of a ticket has arrived and before it takes effect: a race; deeds queue up."""
        self._server.before_next(self.write_operation, deed)
