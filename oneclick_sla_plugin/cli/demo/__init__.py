"""``oneclick-sla demo``: simulated helpdesks, the program and some tickets, over real HTTP.

What happens is in ``script.toml``: who writes what, when, and what must come of it.
Every platform that is installed gets the same. Time is the demo's own, so three weeks
pass in a few seconds.
"""

from __future__ import annotations

import threading

import click

from oneclick_sla_plugin.cli.demo.report import print_report
from oneclick_sla_plugin.cli.demo.results import document
from oneclick_sla_plugin.cli.demo.script import load_script
from oneclick_sla_plugin.cli.demo.stage import Stage
from oneclick_sla_plugin.cli.screen import print_json, screen
from oneclick_sla_plugin.observability import configure_logging


@click.command()
@click.option("--once", is_flag=True, help="End after the table; status 0 only if everything came out as expected.")
@click.option("--json", "as_json", is_flag=True, help="Print the end state as JSON instead of the tables.")
@click.pass_context
def demo(ctx: click.Context, once: bool, as_json: bool) -> None:
    """Show enriched tickets: simulated helpdesks side by side, signed webhooks, decisions, write-backs."""
    configure_logging("critical")
    script = load_script()
    with Stage(script.accounts) as stage:
        performance = stage.play(script)
        if as_json:
            print_json([document(result) for result in performance.results])
        else:
            print_report(screen(), performance)
        if not once:
            for account, running in stage.sandboxes.items():
                click.echo(f"{account}: the simulated helpdesk stays at {running.base_url}")
            click.echo("Stop with Ctrl-C.")
            _wait_for_interrupt()
    ctx.exit(1 if performance.wrong else 0)


def _wait_for_interrupt() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("")
