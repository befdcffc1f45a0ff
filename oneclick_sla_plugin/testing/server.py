"""The HTTP side of a simulator: a Flask app on 127.0.0.1, with counters and injected answers.

Nothing is logged: requests to a helpdesk carry customers' texts and tokens.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Flask, Response, request
from werkzeug.http import http_date
from werkzeug.serving import WSGIRequestHandler, make_server

_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_POLL_SECONDS = 0.02
"""How often the serving thread looks whether it shall end; bounds the time of :meth:`LoopbackServer.close`."""


class _SilentHandler(WSGIRequestHandler):
    # One connection a request: nothing of the server is left when it is closed.
    protocol_version = "HTTP/1.0"

    def send_response(self, code: int, message: str | None = None) -> None:
        """Only the status line: the application names the time, which may be another than this machine's."""
        self.send_response_only(code, message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a request line holds what a caller put into the query."""


def _dated(response: Response) -> Response:
    """An answer of which the application does not say when it was made is made now."""
    response.headers.setdefault("Date", http_date())
    return response


@dataclass(slots=True)
class _Injected:
    times: int
    status: int
    operation: str | None
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class LoopbackServer:
    """Serves :attr:`app` on 127.0.0.1 between :meth:`start` and :meth:`close`, one thread a request.

    The port is taken when the server is made, so :attr:`base_url` is known
    before the routes are; add the routes to :attr:`app`, then start. Operations
    are named by method and route: ``GET /api/tickets/{ticket_id}``.
    """

    def __init__(self, name: str, *, port: int = 0) -> None:
        """``port`` 0 takes any free one. ``SystemExit`` when the port is in use (werkzeug's way to say so)."""
        self.app = Flask(name, static_folder=None)
        self.app.before_request(self._arrive)
        self.app.after_request(_dated)
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._injected: list[_Injected] = []
        self._deeds: dict[str, list[Callable[[], object]]] = {}
        self._server = make_server("127.0.0.1", port, self.app, threaded=True, request_handler=_SilentHandler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, name=f"{name}-http", daemon=True
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Take no more requests and free the port; may be called again."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @property
    def requests(self) -> Counter[str]:
        """How many requests have arrived so far, by operation; a copy. Counted before they are answered."""
        with self._lock:
            return Counter(self._requests)

    def answer_next(
        self,
        times: int,
        status: int,
        *,
        operation: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        """Answer the next ``times`` requests (only those of ``operation``, if given) so, without any effect.

        For quotas and outages: ``answer_next(2, 429, headers={"Retry-After": "1"})``.
        """
        with self._lock:
            self._injected.append(_Injected(times, status, operation, dict(headers or {}), body))

    def before_next(self, operation: str, deed: Callable[[], object]) -> None:
        """Do this when the next request of ``operation`` has arrived and before it takes effect; deeds queue up."""
        with self._lock:
            self._deeds.setdefault(operation, []).append(deed)

    def _arrive(self) -> Response | None:
        route = request.url_rule.rule if request.url_rule is not None else "(no route)"
        operation = " ".join((request.method, _VARIABLE.sub(r"{\1}", route)))
        with self._lock:
            self._requests[operation] += 1
            for injected in self._injected:
                if injected.times > 0 and injected.operation in (None, operation):
                    injected.times -= 1
                    return Response(injected.body, injected.status, headers=dict(injected.headers))
            deeds = self._deeds.get(operation)
            deed = deeds.pop(0) if deeds else None
        if deed is not None:
            deed()
        return None
