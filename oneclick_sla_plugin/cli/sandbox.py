"""``oneclick-sla sandbox``: a simulated helpdesk on this machine, to try things out."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

import click

from oneclick_sla_plugin.bootstrap import system_clock
from oneclick_sla_plugin.errors import ConfigError, Problem
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Sandbox


@click.command()
@click.argument("platform")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0 takes any free port.")
@click.option(
    "--write-config",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also write a configuration for this sandbox into DIR, its secrets as files beside it.",
)
def sandbox(platform: str, port: int, write_config: Path | None) -> None:
    """Run a simulated PLATFORM (for instance zendesk) on 127.0.0.1 until interrupted."""
    platforms = Plugins.load().platforms
    if platform not in platforms:
        hint = f"known: {', '.join(sorted(platforms))}"
        raise ConfigError([Problem("platform", f'there is no platform "{platform}"', hint)])
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    running = platforms[platform].sandbox(port=port, clock=system_clock)
    try:
        click.echo(f"A simulated {platform} answers at {running.base_url}")
        for name, value in {**running.settings(), **running.secrets()}.items():
            click.echo(f"  {name} = {_toml(value)}")
        if running.agent_token:
            click.echo(f"  token for requests by hand: {running.agent_token}")
        if write_config is not None:
            path = write_sandbox_config(write_config, platform, running)
            click.echo(f"Configuration written to {path}. Next:")
            click.echo(f"  oneclick-sla install sandbox --config {path}")
            click.echo(f"  oneclick-sla serve --config {path}")
        click.echo("Stop with Ctrl-C.")
        stop.wait()
    finally:
        running.close()


def write_sandbox_config(
    folder: Path, platform: str, running: Sandbox, *, account: str = "sandbox", listen: str = "127.0.0.1:8080"
) -> Path:
    """Write ``oneclick-sla.toml`` for a sandbox into ``folder``, secrets as files of their own; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "[server]",
        f'database = "sqlite:///{(folder / "oneclick-sla.db").resolve()}"',
        f'listen = "{listen}"',
        f'public_url = "http://{listen}"',
        "",
        f"[accounts.{account}]",
        f'platform = "{platform}"',
        'policy = "en-linea-365"',
        "",
        f"[accounts.{account}.{platform}]",
        *(f"{name} = {_toml(value)}" for name, value in running.settings().items()),
    ]
    for name, value in running.secrets().items():
        if name == "webhook_secrets":
            continue
        (folder / f"{account}-{name}").write_text(value + "\n", encoding="utf-8")
        lines.append(f'{name} = {{ file = "{account}-{name}" }}')
    if running.makes_webhook_secret:
        lines.append(f'webhook_secrets = [{{ file = "{account}-webhook-secret" }}]')
    path = folder / "oneclick-sla.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _toml(value: object) -> str:
    """A setting in TOML: tables of tables, and what JSON writes the same way."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(name)} = {_toml(inner)}' for name, inner in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)
