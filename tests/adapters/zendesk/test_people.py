"""Who a requester is, for a printed sheet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oneclick_sla_plugin.errors import PermanentPlatformError
from oneclick_sla_plugin.exchanges import run
from oneclick_sla_plugin.ports import Directory, Person, Request, Response
from oneclick_sla_zendesk.people import read_person
from oneclick_sla_zendesk.plugin import ZendeskConnection

USER = {
    "id": 7,
    "name": "Rosa Quispe ",
    "email": "rosa@example.com",
    "phone": None,
    "user_fields": {"dni": 45678912, "since": "2019"},
}


def read(body: Any, document_field: str | None = None) -> Person:
    def send(request: Request) -> Response:
        assert (request.method, request.path) == ("GET", "/api/v2/users/7.json")
        return Response(200, body=json.dumps(body).encode())

    return run(read_person("7", document_field), send)


@pytest.mark.parametrize(
    ("user", "document_field", "person"),
    [
        (USER, None, Person("Rosa Quispe", "rosa@example.com")),
        (USER, "dni", Person("Rosa Quispe", "rosa@example.com", document="45678912")),
        (USER, "passport", Person("Rosa Quispe", "rosa@example.com")),
        (
            {**USER, "phone": "+51 1 234", "user_fields": None},
            "dni",
            Person("Rosa Quispe", "rosa@example.com", "+51 1 234"),
        ),
        ({"name": " ", "email": None}, "dni", Person()),
    ],
)
def test_a_user_becomes_a_person(user: dict[str, Any], document_field: str | None, person: Person) -> None:
    """What is empty is unknown; the document is in the field that the account names."""
    assert read({"user": user}, document_field) == person


@pytest.mark.parametrize("body", [{}, {"user": None}, {"user": ["Rosa"]}])
def test_another_shape_is_an_error_that_quotes_nothing(body: dict[str, Any]) -> None:
    with pytest.raises(PermanentPlatformError) as caught:
        read(body)
    assert "Rosa" not in str(caught.value)


def test_a_person_does_not_print() -> None:
    """Who it is gets into no log and no traceback by accident."""
    assert repr(Person("Rosa", "rosa@example.com", "1", "2")) == "Person()"


def test_a_connection_is_a_directory(connection: ZendeskConnection) -> None:
    """So the sheet asks it."""
    assert isinstance(connection, Directory)
