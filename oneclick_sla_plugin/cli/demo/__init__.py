"""``oneclick-sla demo``: simulated helpdesks, the program and some tickets, over real HTTP.

What happens is in ``script.toml``: who writes what, when, and what must stand on
the ticket at the end. Time is the demo's own, so ten days pass in a few seconds.
"""

from __future__ import annotations

import threading
import tomllib
from importlib.resources import files

import click

from oneclick_sla_plugin.cli.demo.results import document, print_results
from oneclick_sla_plugin.cli.demo.stage import Stage
from oneclick_sla_plugin.cli.screen import print_json
from oneclick_sla_plugin.observability import configure_logging


@click.command()
@click.option("--once", is_flag=True, help="End after the table; status 0 only if every ticket came out as expected.")
@click.option("--json", "as_json", is_flag=True, help="Print the end state as JSON instead of the table.")
@click.pass_context
def demo(ctx: click.Context, once: bool, as_json: bool) -> None:
    """Show enriched tickets: a simulated helpdesk, signed webhooks, decisions, write-backs."""
    configure_logging("critical")
    script = tomllib.loads(files(__name__).joinpath("script.toml").read_text(encoding="utf-8"))
    with Stage(script["accounts"]) as stage:
        results = stage.play(script["tickets"])
        if as_json:
            print_json([document(result) for result in results])
        else:
            print_results(results, stage.complaints())
        if not once:
            for account, running in stage.sandboxes.items():
                click.echo(f"{account}: the simulated helpdesk stays at {running.base_url}")
            click.echo("Stop with Ctrl-C.")
            _wait_for_interrupt()
    ctx.exit(1 if any(result.wrong for result in results) else 0)


def _wait_for_interrupt() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo("")
