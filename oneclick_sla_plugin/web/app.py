"""The application factory, for gunicorn and every other WSGI server."""

from __future__ import annotations

import atexit
from pathlib import Path

import structlog
from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from oneclick_sla_plugin.bootstrap import Program, build
from oneclick_sla_plugin.config import load_config
from oneclick_sla_plugin.observability import configure_logging
from oneclick_sla_plugin.web.health import health
from oneclick_sla_plugin.web.webhooks import WebhookDoor

_log = structlog.get_logger(__name__)


def create_app(config_path: Path | None = None) -> Flask:
    """The application of the configured program, its workers running in this process.

    Raises ``ConfigError``, ``PluginError`` and ``StoreError``.
    """
    configure_logging()
    program = build(load_config(config_path))
    program.start()
    atexit.register(program.close)
    return app_of(program)


def app_of(program: Program) -> Flask:
    """The application over a program that is started and closed by the caller."""
    app = Flask("oneclick_sla_plugin", static_folder=None)
    app.register_blueprint(health(program))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        answer = jsonify(error=error.name.lower())
        answer.headers.extend([header for header in error.get_headers() if header[0] != "Content-Type"])  # Allow
        return answer, error.code or 503

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        # An exception's message may quote the request; its class may not. 503 makes most senders try again.
        _log.error("web.failed", error=type(error).__name__)
        return jsonify(error="try again"), 503

    app.wsgi_app = WebhookDoor(program, app.wsgi_app)  # type: ignore[method-assign] # how Flask is wrapped
    return app
