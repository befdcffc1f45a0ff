"""Logins, and the several forms in which the API says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_freshdesk.simulator import FreshdeskSandbox
from oneclick_sla_plugin.ports import Response

if TYPE_CHECKING:
    from tests.adapters.freshdesk_simulator.conftest import Api


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param({}, id="none"),
        pytest.param({"Authorization": "Basic d3Jvbmc6WA=="}, id="unknown key"),
        pytest.param({"Authorization": "Basic %%%"}, id="not base64"),
        pytest.param({"Authorization": "Bearer sandbox-key"}, id="bearer"),
    ],
)
def test_who_is_not_known_is_refused(api: Api, authorization: dict[str, str]) -> None:
    """401 with a code and a message; the password beside a right key does not matter."""
    refused = api.call("GET", "/agents/me", key="", headers=authorization)
    assert refused.status == 401
    assert refused.json()["code"] == "invalid_credentials"
    accepted = api.call("GET", "/agents/me", key="", headers={"Authorization": "Basic c2FuZGJveC1rZXk6"})
    assert accepted.status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/ticket_fields"),
        ("GET", "/automations/4/rules"),
        ("POST", "/sla_policies"),
        ("GET", "/settings/helpdesk"),
    ],
)
def test_an_ordinary_agent_does_not_administer(sandbox: FreshdeskSandbox, api: Api, method: str, path: str) -> None:
    """403 for a key whose agent is no administrator; tickets are still open to it."""
    refused = api.call(method, path, key=sandbox.ordinary_token)
    assert (refused.status, refused.json()["code"]) == (403, "access_denied")
    assert api.call("GET", "/tickets", key=sandbox.ordinary_token).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tickets/99"),
        ("PUT", "/tickets/99"),
        ("GET", "/tickets/99/conversations"),
        ("GET", "/tickets/archived/99"),
        ("PUT", "/tickets/99/restore"),
        ("DELETE", "/conversations/99"),
        ("GET", "/contacts/99"),
        ("GET", "/contacts/9001"),
        ("GET", "/agents/99"),
        ("GET", "/groups/99"),
        ("GET", "/products/99"),
        ("GET", "/business_hours/99"),
        ("GET", "/admin/ticket_fields/99"),
        ("GET", "/automations/4/rules/99"),
        ("GET", "/automations/2/rules"),
        ("PUT", "/sla_policies/99"),
        ("GET", "/nowhere"),
    ],
)
def test_what_does_not_exist(api: Api, method: str, path: str) -> None:
    """404 has an empty body."""
    response = api.call(method, path)
    assert (response.status, response.body) == (404, b"")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("DELETE", "/sla_policies/1", "PUT"), ("POST", "/business_hours", "GET"), ("PATCH", "/groups", "GET")],
)
def test_a_method_that_is_not_allowed(api: Api, method: str, path: str, allowed: str) -> None:
    """405 names the methods that are."""
    response = api.call(method, path)
    assert response.status == 405
    assert response.headers["allow"] == allowed
    assert response.json() == {
        "code": "method_not_allowed",
        "message": f"{method} method is not allowed. It should be one of these method(s): {allowed}",
    }


@pytest.mark.parametrize(
    ("headers", "raw", "status", "body"),
    [
        pytest.param({"Accept": "text/html"}, b"{}", 406, None, id="wants a page"),
        pytest.param({"Content-Type": "text/plain"}, b"{}", 415, "invalid_content_type", id="not JSON by its type"),
        pytest.param({}, b'{"priority":', 400, "invalid_json", id="half JSON"),
        pytest.param({}, b"[1]", 400, "invalid_json", id="no object"),
    ],
)
def test_requests_that_are_wrong_as_a_whole(
    api: Api, ticket_id: str, headers: dict[str, str], raw: bytes, status: int, body: str | None
) -> None:
    """Such a refusal has a code and no list, or nothing at all."""
    response = api.call("PUT", f"/tickets/{ticket_id}", headers=headers, raw=raw)
    assert response.status == status
    assert response.body == b"" if body is None else response.json()["code"] == body


def test_a_list_of_all_that_is_wrong(api: Api, ticket_id: str, problems: Callable[[Response], dict[str, str]]) -> None:
    """400 names every field at once, and nothing of the request took effect."""
    refused = api.put(
        ticket_id, priority=9, status="2", tags="vip", type="Nonsense", nonsense=1, custom_fields={"cf_nope": 1}
    )
    assert refused.status == 400
    assert problems(refused) == {
        "nonsense": "invalid_field",
        "priority": "invalid_value",
        "status": "datatype_mismatch",
        "type": "invalid_value",
        "tags": "datatype_mismatch",
        "custom_fields.cf_nope": "invalid_field",
    }
    assert api.ticket(ticket_id)["tags"] == ["vip"]


def test_what_is_there_already(api: Api, problems: Callable[[Response], dict[str, str]]) -> None:
    """409 has a list, too."""
    contact: dict[str, Any] = {"name": "Ana", "email": "ana@example.com"}
    api.post("/contacts", contact)
    again = api.call("POST", "/contacts", {**contact, "email": "ANA@example.com"})
    assert again.status == 409
    assert problems(again) == {"email": "duplicate_value"}


def test_injected_answers(sandbox: FreshdeskSandbox, api: Api, ticket_id: str) -> None:
    """An outage can be staged for one operation, a page of HTML as its body."""
    operation = "GET /api/v2/tickets/{ticket_id}"
    sandbox.answer_next(1, 503, operation=operation, headers={"Content-Type": "text/html"}, body=b"<h1>Sorry</h1>")
    assert api.fetch("/tickets").status == 200
    first, second = (api.fetch(f"/tickets/{ticket_id}") for _ in range(2))
    assert (first.status, first.body) == (503, b"<h1>Sorry</h1>")
    assert second.status == 200
    assert sandbox.requests[operation] == 2


def test_every_answer_has_a_request_id(api: Api) -> None:
    """Also a refusal, and no two are alike."""
    ids = [api.fetch(path).headers["x-request-id"] for path in ("/tickets", "/tickets", "/tickets/99")]
    assert len(set(ids)) == 3
