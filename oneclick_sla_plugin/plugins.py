"""Loading plugins, and one typed method for each hook; nobody else calls pluggy.

``Plugins.load()`` makes a new manager each time. What ships in the wheel comes in
through the same entry points as a stranger's plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pluggy
import structlog

from oneclick_sla_plugin import hookspecs
from oneclick_sla_plugin.domain.changes import Changes
from oneclick_sla_plugin.domain.decision import Decision
from oneclick_sla_plugin.domain.message import Classifier
from oneclick_sla_plugin.domain.model import Ticket
from oneclick_sla_plugin.domain.sensitive import Detector
from oneclick_sla_plugin.errors import PluginError
from oneclick_sla_plugin.ports import Platform

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")


class Plugins:
    """The plugins of one program, asked through typed methods."""

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self._manager = manager
        self.platforms: Mapping[str, Platform] = MappingProxyType(self._collect_platforms())
        self.policies: Mapping[str, Path | Traversable] = MappingProxyType(self._collect_policies())
        self.detectors: Mapping[str, Detector] = MappingProxyType(self._collect_detectors())
        self.classifiers: Mapping[str, Classifier] = MappingProxyType(self._collect_classifiers())

    @classmethod
    def load(
        cls, *, plugins: Iterable[tuple[str, object]] = (), load_entrypoints: bool = True, blocked: Iterable[str] = ()
    ) -> Plugins:
        """Load plugins, given ones (name and module) and those of the entry-point group.

        Raises ``PluginError`` for a plugin that cannot be imported, that implements
        a hook which does not exist, or that registers a name twice.
        """
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        for name in blocked:
            manager.set_blocked(name)
        try:
            for name, plugin in plugins:
                manager.register(plugin, name)
            if load_entrypoints:
                manager.load_setuptools_entrypoints(hookspecs.PROJECT)
            manager.check_pending()
        except Exception as error:  # importing a stranger's module may raise anything
            raise PluginError(f"a plugin cannot be loaded: {error}") from error
        return cls(manager)

    def names(self) -> list[str]:
        """The names of all plugins that were loaded."""
        return sorted(name for name, plugin in self._manager.list_name_plugin() if plugin is not None)

    def adjust_decision(self, ticket: Ticket, decision: Decision) -> Decision:
        """Hand the decision through all plugins, in the order of their names."""
        for name, implementation in self._implementations("adjust_decision"):
            try:
                adjusted = _call(implementation, ticket=ticket, decision=decision)
            except Exception as error:  # noqa: BLE001 - a plugin's failure costs its own answer only
                _log.error("plugin.failed", plugin=name, hook="adjust_decision", error=type(error).__name__)
            else:
                if isinstance(adjusted, Decision):
                    decision = adjusted
                elif adjusted is not None:
                    _log.error("plugin.failed", plugin=name, hook="adjust_decision", error="not a Decision")
        return decision

    def on_decision(self, ticket: Ticket, decision: Decision, changes: Changes) -> None:
        """Tell all plugins."""
        for name, implementation in self._implementations("on_decision"):
            try:
                _call(implementation, ticket=ticket, decision=decision, changes=changes)
            except Exception as error:  # noqa: BLE001 - a plugin's failure changes nothing
                _log.error("plugin.failed", plugin=name, hook="on_decision", error=type(error).__name__)

    def _implementations(self, hook: str) -> list[tuple[str, pluggy.HookImpl]]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return sorted(((found.plugin_name, found) for found in caller.get_hookimpls()), key=lambda item: item[0])

    def _collect_platforms(self) -> dict[str, Platform]:
        found: dict[str, Platform] = {}

        def register(platform: Platform) -> None:
            _claim(found, "platform", platform.name, platform)

        self._register_all("register_platforms", register)
        return found

    def _collect_policies(self) -> dict[str, Path | Traversable]:
        found: dict[str, Path | Traversable] = {}

        def register(source: Path | Traversable) -> None:
            _claim(found, "policy", source.name.removesuffix(".toml"), source)

        self._register_all("register_policies", register)
        return found

    def _collect_detectors(self) -> dict[str, Detector]:
        found: dict[str, Detector] = {}

        def register(detector: Detector) -> None:
            _claim(found, "detector", detector.name, detector)

        self._register_all("register_detectors", register)
        return found

    def _collect_classifiers(self) -> dict[str, Classifier]:
        found: dict[str, Classifier] = {}

        def register(classifier: Classifier) -> None:
            _claim(found, "classifier", classifier.name, classifier)

        self._register_all("register_classifiers", register)
        return found

    def _register_all(self, hook: str, register: Callable[[Any], None]) -> None:
        for name, implementation in self._implementations(hook):
            try:
                _call(implementation, register=register)
            except Exception as error:
                raise PluginError(f'plugin "{name}" cannot be used: {error}') from error


def _call(implementation: pluggy.HookImpl, **values: object) -> Any:
    # An implementation may declare fewer arguments than the hook has.
    return implementation.function(**{name: values[name] for name in implementation.argnames})


def _claim(found: dict[str, _T], what: str, name: str, value: _T) -> None:
    if name in found:
        raise PluginError(f'the {what} "{name}" is registered twice')
    found[name] = value
