"""Answers by which the simulated Zendesk refuses a request, as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RefusalError(Exception):
    """The request is refused with ``status`` and ``body``; nothing of it took effect."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body


def record_not_found() -> RefusalError:
    return RefusalError(404, {"error": "RecordNotFound", "description": "Not found"})


def record_invalid(attribute: str, description: str) -> RefusalError:
    """A 422 as the ticketing API words it: ``details`` name the attribute that is wrong."""
    return RefusalError(
        422,
        {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {attribute: [{"description": description, "error": "InvalidValue"}]},
        },
    )


def conflict(error: str) -> RefusalError:
    """A 409; ``error`` is ``UpdateConflict`` (a lost safe update) or ``DatabaseConflict`` (any update)."""
    return RefusalError(409, {"error": error, "description": "The record was changed since; read it and try again"})


def invalid_parameter(name: str) -> RefusalError:
    return RefusalError(400, {"error": "InvalidParameter", "description": f"Invalid value for {name}"})


def forbidden(description: str) -> RefusalError:
    return RefusalError(403, {"error": "Forbidden", "description": description})


def unauthenticated(error: str = "invalid_token", description: str = "The access token is not valid") -> RefusalError:
    return RefusalError(401, {"error": error, "error_description": description})
