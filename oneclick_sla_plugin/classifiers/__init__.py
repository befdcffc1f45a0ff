"""What ships for the hook ``register_classifiers``, as a plugin like any other."""

from __future__ import annotations

from collections.abc import Callable

from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from oneclick_sla_plugin.domain.message import Classifier
from oneclick_sla_plugin.hookspecs import hookimpl


@hookimpl
def register_classifiers(register: Callable[[Classifier], None]) -> None:
    register(SignalClassifier())
