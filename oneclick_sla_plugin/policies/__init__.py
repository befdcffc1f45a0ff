"""The two policies that ship, as a plugin like any other."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from oneclick_sla_plugin.hookspecs import hookimpl


@hookimpl
def register_policies(register: Callable[[Path | Traversable], None]) -> None:
    for name in ("en-linea-365.toml", "one-click-actions.toml"):
        register(files(__name__).joinpath(name))
