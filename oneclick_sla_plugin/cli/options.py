"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from oneclick_sla_plugin.config import DEFAULT_PATH, PATH_VARIABLE

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=f"The configuration file; ${PATH_VARIABLE} or ./{DEFAULT_PATH} by default.",
)
