"""``oneclick-sla install``: make on the helpdesk what the program needs there."""

from __future__ import annotations

import os
from pathlib import Path

import click

from oneclick_sla_plugin.bootstrap import connect, system_clock
from oneclick_sla_plugin.cli.options import config_option
from oneclick_sla_plugin.config import AccountConfig, Config, SecretSource, load_config, read_secret
from oneclick_sla_plugin.errors import ConfigError, Problem
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Installation


@click.command()
@click.argument("account")
@config_option
@click.option("--dry-run", is_flag=True, help="Show what would be done and do nothing.")
@click.option("--show-secrets", is_flag=True, help="Print secrets that the helpdesk made, where no file is configured.")
def install(account: str, config_path: Path | None, dry_run: bool, show_secrets: bool) -> None:
    """Create the fields, the webhook and its signing secret on ACCOUNT's helpdesk.

    Doing it twice changes nothing the second time.
    """
    config = load_config(config_path, secrets_may_be_missing=True)
    settings = _account(config, account)
    if config.public_url is None:
        raise ConfigError(
            [Problem("server.public_url", "is missing", "the address at which the helpdesk reaches this program")],
            str(config.path),
        )
    connections, transports = connect(config, Plugins.load(blocked=config.blocked_plugins), system_clock)
    try:
        installation = connections[account].installation(f"{config.public_url}/webhooks/{account}")
        _apply(installation, dry_run)
        if not dry_run:
            _keep_secrets(installation, settings, show_secrets)
    finally:
        for transport in transports:
            transport.close()


def _account(config: Config, name: str) -> AccountConfig:
    if name not in config.accounts:
        known = ", ".join(sorted(config.accounts))
        raise ConfigError([Problem("accounts", f'there is no account "{name}"', f"known: {known}")], str(config.path))
    return config.accounts[name]


def _apply(installation: Installation, dry_run: bool) -> None:
    for step in installation.steps:
        if step.action == "keep":
            click.echo(f"  = {step.what}: is there")
            continue
        if not dry_run:
            step.apply()
        done = {"create": ("would create", "created"), "update": ("would update", "updated")}[step.action]
        click.echo(f"  {'+' if step.action == 'create' else '~'} {step.what}: {done[0] if dry_run else done[1]}")


def _keep_secrets(installation: Installation, account: AccountConfig, show: bool) -> None:
    for setting, secret in installation.secrets().items():
        source = account.secret_sources.get(setting)
        where = f"accounts.{account.name}.{account.platform}.{setting}"
        if source is not None:
            standing = read_secret(source)
            if standing is not None and standing.get_secret_value() == secret:
                click.echo(f"  = {where}: is in {source.kind} {source.name}")
                continue
            if source.kind == "file":
                _write_secret(source, secret)
                click.echo(f"  + {where}: written to file {source.name}")
                continue
        target = f"environment variable {source.name}" if source else f"{where} (add {{ env = … }} or {{ file = … }})"
        click.echo(f"  ! the signing secret has to go into {target}")
        click.echo(f"    {secret}" if show else "    run again with --show-secrets to see it")


def _write_secret(source: SecretSource, secret: str) -> None:
    path = Path(source.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by the owner alone from the first byte on.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret + "\n")
