"""Answers by which the simulated Freshdesk refuses a request, as exceptions.

Its error bodies have several forms: a list of fields, a code with a message, an
HTML page, and nothing at all.
https://developers.freshdesk.com/api/#error
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"

_WRONG_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class RefusalError(Exception):
    """The request is refused with ``status`` and ``body``; nothing of it took effect."""

    def __init__(
        self, status: int, body: bytes = b"", *, content_type: str = JSON, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(status))
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One entry of the list of errors; ``code`` is a word of the vendor's."""

    field: str
    message: str
    code: str = "invalid_value"


def validation_failed(problems: Iterable[FieldProblem], *, status: int = 400) -> RefusalError:
    """The form with a list: all fields that are wrong, at once."""
    errors = [{"field": item.field, "message": item.message, "code": item.code} for item in problems]
    return RefusalError(status, json.dumps({"description": "Validation failed", "errors": errors}).encode())


def invalid(field: str, message: str, code: str = "invalid_value") -> RefusalError:
    return validation_failed([FieldProblem(field, message, code)])


def unknown_field(field: str) -> FieldProblem:
    return FieldProblem(field, "Unexpected/invalid field in request", "invalid_field")


def missing_field(field: str) -> FieldProblem:
    return FieldProblem(field, "It should be present, as this is a mandatory field", "missing_field")


def wrong_type(field: str, expected: str, value: object) -> FieldProblem:
    names = {str: "String", bool: "Boolean", int: "Integer", float: "Number", list: "Array", dict: "key/value pair"}
    given = names.get(type(value), "Null")
    return FieldProblem(field, f"Value set is of type {given}. It should be a/an {expected}", "datatype_mismatch")


def duplicate(field: str) -> RefusalError:
    return validation_failed([FieldProblem(field, "It should be a unique value", "duplicate_value")], status=409)


def coded(status: int, code: str, message: str) -> RefusalError:
    """The form with one code: what is wrong is the request as a whole."""
    return RefusalError(status, json.dumps({"code": code, "message": message}).encode())


def not_found() -> RefusalError:
    """404 with an empty body, for whatever does not exist."""
    return RefusalError(404)


def invalid_credentials() -> RefusalError:
    return coded(401, "invalid_credentials", "You have to be logged in to perform this action.")


def access_denied() -> RefusalError:
    return coded(403, "access_denied", "You are not authorized to perform this action.")


def method_not_allowed(method: str, allowed: Iterable[str]) -> RefusalError:
    methods = ", ".join(sorted({*allowed} - {"HEAD", "OPTIONS"}))
    message = f"{method} method is not allowed. It should be one of these method(s): {methods}"
    body = json.dumps({"code": "method_not_allowed", "message": message}).encode()
    return RefusalError(405, body, headers={"Allow": methods})


def throttled(retry_after: int | None, *, html: bool = False) -> RefusalError:
    """429; ``retry_after`` in seconds, ``None`` leaves the header out; ``html`` answers with a page instead of JSON."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if html:
        return RefusalError(429, _WRONG_PAGE.format("Too Many Requests").encode(), content_type=HTML, headers=headers)
    body = json.dumps({"message": "You have exceeded the limit of requests per minute"}).encode()
    return RefusalError(429, body, headers=headers)


def internal_error() -> RefusalError:
    """500 with a page; Freshdesk answers so to a rule whose webhook lacks a key, too."""
    return RefusalError(500, _WRONG_PAGE.format("We're sorry, but something went wrong").encode(), content_type=HTML)
