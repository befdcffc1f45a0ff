"""The command line, ``oneclick-sla``: one module a family of commands.

Exit status: 0 done, 1 something was not as it should be, 2 wrong use or configuration.
"""

from __future__ import annotations

import sys

import click

from oneclick_sla_plugin import __version__
from oneclick_sla_plugin.cli.backfill import backfill
from oneclick_sla_plugin.cli.check import check
from oneclick_sla_plugin.cli.classify import classify
from oneclick_sla_plugin.cli.complaints import complaints
from oneclick_sla_plugin.cli.dead import dead
from oneclick_sla_plugin.cli.decide import decide
from oneclick_sla_plugin.cli.demo import demo
from oneclick_sla_plugin.cli.explain import explain
from oneclick_sla_plugin.cli.install import install, uninstall
from oneclick_sla_plugin.cli.policy import policy
from oneclick_sla_plugin.cli.sandbox import sandbox
from oneclick_sla_plugin.cli.scan import scan
from oneclick_sla_plugin.cli.serve import serve
from oneclick_sla_plugin.cli.simulate import simulate
from oneclick_sla_plugin.errors import ConfigError, OneclickSlaError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="oneclick-sla")
def cli() -> None:
    """Make the helpdesk keep the customer-service policy."""


for command in (
    backfill,
    check,
    classify,
    complaints,
    dead,
    decide,
    demo,
    explain,
    install,
    policy,
    sandbox,
    scan,
    serve,
    simulate,
    uninstall,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line; the program's errors become a message and an exit status here."""
    try:
        cli(prog_name="oneclick-sla")
    except ConfigError as error:
        click.echo(f"configuration error\n{error}", err=True)
        sys.exit(2)
    except OneclickSlaError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
