"""The detectors of sensitive data that ship, as a plugin like any other.

Structured values are found by shape and check digit, others by the words around them.
Everything is linear in the length of a message.
"""

from __future__ import annotations

from collections.abc import Callable

import pluggy

from oneclick_sla_plugin.domain.sensitive import Detector

# The project's marker, as in hookspecs, which would import far more than it takes to scan a text.
hookimpl = pluggy.HookimplMarker("oneclick_sla")


@hookimpl
def register_detectors(register: Callable[[Detector], None]) -> None:
    # Imported here, so that a program that asks for no detectors does not read their words.
    from oneclick_sla_plugin.detectors.accounts import IbanDetector
    from oneclick_sla_plugin.detectors.cards import CardDetector
    from oneclick_sla_plugin.detectors.credentials import CredentialDetector
    from oneclick_sla_plugin.detectors.judge import JudgeDetector
    from oneclick_sla_plugin.detectors.national_ids import NationalIdDetector
    from oneclick_sla_plugin.detectors.tokens import TokenDetector

    for detector in (
        CardDetector(),
        IbanDetector(),
        NationalIdDetector(),
        TokenDetector(),
        CredentialDetector(),
        JudgeDetector(),
    ):
        register(detector)
