"""Tokens: who gets one, what it allows, when it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from oneclick_sla_plugin.testing.clock import ManualClock
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api


def test_a_token_for_the_clients_user(api: Api) -> None:
    """The right client gets a bearer token with the scope and lifetime it asked for, and acts as its user."""
    response = api.new_token(scope="read tickets:write", expires_in=3600)
    token = response.json()
    assert response.status == 201
    assert {key: token[key] for key in ("token_type", "scope", "expires_in")} == {
        "token_type": "bearer",
        "scope": "read tickets:write",
        "expires_in": 3600,
    }
    me = api.call("GET", "/api/v2/users/me.json", token=token["access_token"]).json()["user"]
    assert (me["id"], me["role"]) == (9001, "admin")


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        pytest.param({"client_secret": "wrong"}, 401, id="wrong secret"),
        pytest.param({"client_id": "other"}, 401, id="wrong client"),
        pytest.param({"grant_type": "password"}, 400, id="another grant"),
        pytest.param({"expires_in": 299}, 400, id="lifetime too short"),
        pytest.param({"expires_in": 172801}, 400, id="lifetime too long"),
    ],
)
def test_no_token(api: Api, wanted: dict[str, Any], status: int) -> None:
    """A wrong client is 401, a malformed request 400; neither answer holds a token."""
    response = api.new_token(**wanted)
    assert response.status == status
    assert "access_token" not in response.json()


@pytest.mark.parametrize("token", ["", "made-up"])
def test_no_entry_without_a_valid_token(api: Api, ticket_id: str, token: str) -> None:
    """A request without a valid token is 401, with a JSON body."""
    response = api.call("GET", f"/api/v2/tickets/{ticket_id}", token=token)
    assert response.status == 401
    assert "error" in response.json()


def test_a_token_ends(api: Api, ticket_id: str, manual_clock: ManualClock) -> None:
    """A token works until its last second by the sandbox's clock, and is 401 from then on."""
    token = api.new_token(expires_in=600).json()["access_token"]
    path = f"/api/v2/tickets/{ticket_id}"
    manual_clock.advance(timedelta(seconds=599))
    assert api.call("GET", path, token=token).status == 200
    manual_clock.advance(timedelta(seconds=1))
    assert api.call("GET", path, token=token).status == 401


def test_revoked_tokens(sandbox: ZendeskSandbox, api: Api, ticket_id: str) -> None:
    """After a revocation old tokens are 401, a new one works, and the agent's still does."""
    sandbox.revoke_tokens()
    path = f"/api/v2/tickets/{ticket_id}"
    assert api.call("GET", path).status == 401
    assert api.call("GET", path, token=api.new_token().json()["access_token"]).status == 200
    assert api.call("GET", path, token=sandbox.agent_token).status == 200


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        pytest.param("read write", {"ticket", "audits", "field", "update", "new field"}, id="everything"),
        pytest.param("read tickets:write", {"ticket", "audits", "field", "update"}, id="run time"),
        pytest.param("read", {"ticket", "audits", "field"}, id="read only"),
        pytest.param("tickets:read auditlogs:read", {"ticket"}, id="fine scopes read no audits"),
        pytest.param(["read", "write"], set(), id="an array gives a token for nothing"),
    ],
)
def test_scopes(api: Api, ticket_id: str, scope: Any, allowed: set[str]) -> None:
    """A scope allows what it names; all else is 403."""
    token = api.new_token(scope=scope).json()["access_token"]
    field = {"ticket_field": {"type": "text", "title": "Note"}}
    requests: dict[str, tuple[str, str, Any]] = {
        "ticket": ("GET", f"/api/v2/tickets/{ticket_id}", None),
        "audits": ("GET", f"/api/v2/tickets/{ticket_id}/audits.json", None),
        "field": ("GET", "/api/v2/ticket_fields", None),
        "update": ("PUT", f"/api/v2/tickets/{ticket_id}", {"ticket": {"priority": "high"}}),
        "new field": ("POST", "/api/v2/ticket_fields", field),
    }
    statuses = {
        name: api.call(method, path, body, token=token).status for name, (method, path, body) in requests.items()
    }
    assert {name for name, status in statuses.items() if status in (200, 201)} == allowed
    assert {status for name, status in statuses.items() if name not in allowed} <= {403}
