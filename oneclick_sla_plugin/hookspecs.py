"""The hooks of this program: what a plugin may add or change.

A plugin is a module (or object) in the entry-point group ``oneclick_sla`` whose
functions carry ``@hookimpl``. What ships in the wheel comes in the same way.
Hooks of the form ``register_*(register)`` are called once, at start; the host
checks names and refuses a second registration of the same one (``PluginError``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.message import Classifier
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.domain.sensitive import Detector
from oneclick_sla_plugin.ports import Platform

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PROJECT = "oneclick_sla"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_platforms(register: Callable[[Platform], None]) -> None:
    """Add helpdesk platforms. Called once at start; ``register`` refuses a name that is taken."""


@hookspec
def register_policies(register: Callable[[Path | Traversable], None]) -> None:
    """Add policy files (TOML). Called once at start.

    A policy is known by its file's name without ``.toml``, which is its ``id`` too; the name must be free.
    """


@hookspec
def register_detectors(register: Callable[[Detector], None]) -> None:
    """Add detectors of sensitive data. Called once at start; ``register`` refuses a name that is taken.

    A detector that fails on a message costs its own findings in that message only.
    """


@hookspec
def register_classifiers(register: Callable[[Classifier], None]) -> None:
    """Add classifiers of messages. Called once at start; ``register`` refuses a name that is taken.

    A classifier is asked in worker threads, about every message of a customer; one that
    fails on a message costs its own verdict on that message only.
    """


@hookspec
def adjust_decision(ticket: Ticket, decision: Decision) -> Decision | None:
    """Change a decision before it is compared with the ticket, for each look at a ticket.

    Return the new decision, or ``None`` to leave it. Called in a worker thread;
    plugins are asked in the order of their names, each with the result of the one
    before. An exception is logged with the plugin's name and its answer is left out.
    """


@hookspec
def on_decision(ticket: Ticket, decision: Decision, changes: Changes) -> None:
    """Hear of a decision after its changes were written (or would have been, in observe mode).

    Called in a worker thread for each look at a ticket; an exception is logged
    with the plugin's name and changes nothing.
    """
