"""Bodies of requests to the simulated API, and what a view answers with."""

from __future__ import annotations

from typing import Any

from flask import request

from oneclick_sla_zendesk.simulator.errors import RefusalError

Answer = tuple[dict[str, Any], int] | tuple[dict[str, Any], int, dict[str, str]] | tuple[str, int]
"""Body and status of an answer, with headers where it has some of its own."""


def body() -> dict[str, Any]:
    """The JSON object of the request, empty where it sent something else. ``RefusalError`` (400) for broken JSON."""
    given = request.get_json(silent=True) if request.is_json else {}
    if given is None:
        raise RefusalError(400, {"error": "InvalidRequest", "description": "The body is not JSON"})
    return given if isinstance(given, dict) else {}


def part(name: str) -> dict[str, Any]:
    """The object under its wrapper; without the wrapper nothing is asked for, and that is no error."""
    given = body().get(name)
    return given if isinstance(given, dict) else {}
