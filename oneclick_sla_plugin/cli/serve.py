"""``oneclick-sla serve``: the webhook application and its workers, under gunicorn."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from oneclick_sla_plugin.bootstrap import build
from oneclick_sla_plugin.cli.options import config_option
from oneclick_sla_plugin.config import Config, load_config
from oneclick_sla_plugin.web.app import create_app

_SHUTDOWN_SECONDS = 30
"""How long requests and looks that are under way may take after a signal to stop."""


class _Server(BaseApplication):
    """gunicorn with our settings; the application is made in the process that serves it."""

    def __init__(self, config: Config, config_path: Path | None) -> None:
        self._config = config
        self._config_path = config_path
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": self._config.listen,
            "workers": self._config.processes,
            "threads": self._config.threads,
            "worker_class": "gthread",
            "graceful_timeout": _SHUTDOWN_SECONDS,
            "proc_name": "oneclick-sla",
            "loglevel": "warning",
            "keepalive": 15,
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            if name in self.cfg.settings:  # older gunicorns know no control socket
                self.cfg.set(name, value)

    def load(self) -> Any:
        if self._config.one_processor:
            keep_to_one_processor()
        return create_app(self._config_path)


def keep_to_one_processor() -> None:
    """Let all threads of this process run on one processor, where the system can.

    Python's threads run one at a time. Spread over processors they wake each other
    across these at every hand-over, which costs more than the work of a webhook; on
    one they answer about twice as many.
    """
    if hasattr(os, "sched_setaffinity") and getattr(sys, "_is_gil_enabled", lambda: True)():
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {usable[os.getpid() % len(usable)]})  # several workers have numbers in a row


@click.command()
@config_option
@click.option("--listen", metavar="HOST:PORT", help="Overrides server.listen of the configuration.")
def serve(config_path: Path | None, listen: str | None) -> None:
    """Receive webhooks and keep tickets up to date until interrupted."""
    config = load_config(config_path)
    if listen:
        config = replace(config, listen=listen)
    # Built once before anything listens, so that a mistake is told here and not by a worker that dies.
    build(config).close()
    click.echo(f"Listening on http://{config.listen}; webhook addresses:", err=True)
    for name in config.accounts:
        click.echo(f"  {config.public_url or f'http://{config.listen}'}/webhooks/{name}", err=True)
    _Server(config, config_path).run()
