"""``oneclick-sla install`` and ``uninstall``: make on the helpdesk what the program needs, and take it back."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from oneclick_sla_plugin.bootstrap import connect, system_clock
from oneclick_sla_plugin.cli.options import account_of, config_option
from oneclick_sla_plugin.config import AccountConfig, SecretSource, load_config, read_secret
from oneclick_sla_plugin.errors import ConfigError, PlatformError, Problem
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.ports import Installation, InstallStep, Packaged


@click.command()
@click.argument("account")
@config_option
@click.option("--dry-run", is_flag=True, help="Show what would be done and do nothing.")
@click.option("--show-secrets", is_flag=True, help="Print secrets that the helpdesk made, where no file is configured.")
@click.option(
    "--plugin-to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Only put the plugin that the helpdesk needs inside itself into DIR, or into a file named *.zip.",
)
def install(account: str, config_path: Path | None, dry_run: bool, show_secrets: bool, plugin_to: Path | None) -> None:
    """Create the fields, the webhook and its signing secret on ACCOUNT's helpdesk.

    Doing it twice changes nothing the second time.
    """
    config = load_config(config_path, secrets_may_be_missing=True)
    settings = account_of(config, account)
    if plugin_to is not None:
        _pack(settings.platform, Plugins.load(blocked=config.blocked_plugins), plugin_to, dry_run)
        return
    if config.public_url is None:
        raise ConfigError(
            [Problem("server.public_url", "is missing", "the address at which the helpdesk reaches this program")],
            str(config.path),
        )
    connections, transports = connect(config, Plugins.load(blocked=config.blocked_plugins), system_clock)
    try:
        installation = connections[account].installation(f"{config.public_url}/webhooks/{account}")
        _apply(installation.steps, dry_run)
        if not dry_run:
            _keep_secrets(installation, settings, show_secrets)
    finally:
        for transport in transports:
            transport.close()


@click.command()
@click.argument("account")
@config_option
@click.option("--dry-run", is_flag=True, help="Show what would be done and do nothing.")
def uninstall(account: str, config_path: Path | None, dry_run: bool) -> None:
    """Take back from ACCOUNT's helpdesk what install made there, and nothing else.

    Tickets keep their tags, notes and what stands in other fields. Doing it twice changes nothing the second time.
    """
    config = load_config(config_path, secrets_may_be_missing=True)
    account_of(config, account)
    connections, transports = connect(config, Plugins.load(blocked=config.blocked_plugins), system_clock)
    try:
        steps = connections[account].removal()
        _apply(steps, dry_run)
        if not steps:
            click.echo("  = there is nothing of this program")
    finally:
        for transport in transports:
            transport.close()


def _pack(platform: str, plugins: Plugins, target: Path, dry_run: bool) -> None:
    packaged = plugins.platforms.get(platform)
    if packaged is None:
        raise click.UsageError(f"there is no platform {platform}: it is misspelt, blocked or not installed")
    if not isinstance(packaged, Packaged):
        raise click.UsageError(f"{platform} needs no plugin inside itself: leave --plugin-to out")
    contents = packaged.plugin_files()
    zipped = target.suffix == ".zip"
    folder = target.parent if zipped else target
    if not folder.is_dir():
        raise click.UsageError(f"{folder} is no folder")
    name = next(iter(contents)).partition("/")[0]
    written = target if zipped else target / name
    sign, planned, done = _DONE["update" if written.exists() else "create"]
    try:
        if not dry_run:
            _zip(contents, target) if zipped else _unpack(contents, target, name)
    except OSError as error:
        raise click.ClickException(f"{written} cannot be written: {error.strerror}") from None
    click.echo(f"  {sign} {written}: {planned if dry_run else done}")


def _zip(contents: Mapping[str, bytes], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            entry = zipfile.ZipInfo(path)  # the same bytes for the same files: no time of today in it
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def _unpack(contents: Mapping[str, bytes], target: Path, name: str) -> None:
    """Put the folder in place as a whole: pages of the helpdesk are served meanwhile."""
    made = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target))
    try:
        for path, content in contents.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        standing, before = target / name, made / f"{name}.old"
        if standing.exists():
            standing.rename(before)
        try:
            (made / name).rename(standing)
        except BaseException:
            if before.exists():
                before.rename(standing)
            raise
    finally:
        shutil.rmtree(made)


_DONE = {
    "create": ("+", "would create", "created"),
    "update": ("~", "would update", "updated"),
    "delete": ("-", "would delete", "deleted"),
}


_FORBIDDEN = (403, 404, 405)
"""How a helpdesk refuses what the plan or the rights do not allow."""


def _apply(steps: Iterable[InstallStep], dry_run: bool) -> None:
    for step in steps:
        if step.action == "keep":
            click.echo(f"  = {step.what}: stays as it is")
        elif step.action == "by_hand" or not (dry_run or _allowed(step)):
            click.echo(f"  ! {step.what}: has to be made by hand")
            for line in step.by_hand:
                click.echo(f"      {line}")
        else:
            sign, planned, done = _DONE[step.action]
            click.echo(f"  {sign} {step.what}: {planned if dry_run else done}")


def _allowed(step: InstallStep) -> bool:
    """Apply a step; false when the account forbids it and a person can make it by hand. Raises the platform errors."""
    try:
        step.apply()
    except PlatformError as error:
        if not step.by_hand or error.status not in _FORBIDDEN:
            raise
        return False
    return True


def _keep_secrets(installation: Installation, account: AccountConfig, show: bool) -> None:
    for setting, secret in installation.secrets().items():
        source = account.secret_sources.get(setting)
        where = f"accounts.{account.name}.{account.platform}.{setting}"
        if source is not None:
            standing = read_secret(source)
            # While a secret is changed the source may hold two, with a blank between.
            if standing is not None and secret in (standing.get_secret_value(), *standing.get_secret_value().split()):
                click.echo(f"  = {where}: is in {source.kind} {source.name}")
                continue
            if source.kind == "file":
                _write_secret(source, secret)
                click.echo(f"  + {where}: written to file {source.name}; start oneclick-sla serve anew if it runs")
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
