"""What people do beside writing: merging, rating, spam, follow-ups; and the legacy login."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.ports import Request
from oneclick_sla_zendesk.simulator import ZendeskSandbox

if TYPE_CHECKING:
    from tests.adapters.zendesk_simulator.conftest import Api, Receiver

PATIENCE = timedelta(seconds=30)


def test_a_merge_closes_one_ticket_and_tells_both(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str
) -> None:
    """The source has the tag and an audit that names the target; the event names it too."""
    api.new_webhook(receiver.url, "merged")
    target = sandbox.open_ticket(channel=Channel.EMAIL, subject="Other", text="Text")
    sandbox.agent_merges(ticket_id, into=target)
    assert sandbox.wait_delivered(PATIENCE)
    source = api.ticket(ticket_id)
    assert (source["status"], source["tags"]) == ("closed", ["closed_by_merge", "vip"])
    via = api.audits(ticket_id)[-1]["via"]
    assert (via["channel"], via["source"]["rel"], via["source"]["to"]) == ("merge", "merge", {"ticket_id": int(target)})
    assert api.comments(target)[-1]["body"] == f"Request #{ticket_id} was closed and merged into this request."
    [event] = receiver.events
    assert (event["subject"], event["event"]) == (f"zen:ticket:{ticket_id}", {"target_ticket_id": target})


def test_a_rating_stands_on_the_ticket_and_in_its_audits(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """The score on the one, the instant in the other."""
    assert api.ticket(ticket_id)["satisfaction_rating"] == {"score": "unoffered"}
    sandbox.customer_rates(ticket_id, "good")
    assert api.ticket(ticket_id)["satisfaction_rating"] == {"score": "good"}
    [event] = api.audits(ticket_id)[-1]["events"]
    assert (event["field_name"], event["previous_value"], event["value"]) == ("satisfaction_score", "unoffered", "good")


def test_a_follow_up_names_the_closed_ticket(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """A new ticket by the same person, with the tags of the old one."""
    sandbox.agent_changes(ticket_id, status="closed")
    follow_up = api.ticket(sandbox.customer_follows_up(ticket_id, "Again."))
    assert follow_up["via"]["source"]["rel"] == "follow_up"
    assert follow_up["via"]["source"]["from"]["ticket_id"] == int(ticket_id)
    assert (follow_up["requester_id"], follow_up["tags"]) == (api.ticket(ticket_id)["requester_id"], ["vip"])


def test_spam_is_deleted_and_told_as_spam(
    api: Api, sandbox: ZendeskSandbox, receiver: Receiver, ticket_id: str
) -> None:
    """Two events for one deed."""
    api.new_webhook(receiver.url, "marked_as_spam", "soft_deleted")
    sandbox.agent_deletes(ticket_id, spam=True)
    assert sandbox.wait_delivered(PATIENCE)
    assert [event["type"].rpartition(".")[2] for event in receiver.events] == ["marked_as_spam", "soft_deleted"]
    assert api.call("GET", f"/api/v2/tickets/{ticket_id}").status == 404


def test_people_come_along_with_a_ticket(api: Api, sandbox: ZendeskSandbox, ticket_id: str) -> None:
    """Requester and organisation, when they are asked for."""
    sandbox.change_requester(ticket_id, tags=["gold"], organization_tags=["enterprise"])
    shown = api.call("GET", f"/api/v2/tickets/{ticket_id}", query={"include": "users,organizations"}).json()
    [user], [organization] = shown["users"], shown["organizations"]
    assert (user["tags"], user["organization_id"]) == (["gold"], organization["id"])
    assert organization["tags"] == ["enterprise"]


def test_the_event_of_a_comment_has_the_comments_id(api: Api, ticket_id: str) -> None:
    """So that either leads to the other."""
    api.put(ticket_id, comment={"body": "On it.", "public": True})
    comment = api.comments(ticket_id)[-1]
    audit = api.audits(ticket_id)[-1]
    assert comment["audit_id"] == audit["id"]
    assert [event["id"] for event in audit["events"] if event["type"] == "Comment"] == [comment["id"]]


def basic(api: Api, pair: str) -> int:
    authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return api.client.send(Request("GET", "/api/v2/users/me", "test", headers={"Authorization": authorization})).status


def test_an_api_token_logs_in_until_it_is_revoked(api: Api, sandbox: ZendeskSandbox) -> None:
    """``address/token:token`` as Basic authentication; nothing else."""
    email, token = sandbox.new_api_token()
    assert basic(api, f"{email}/token:{token}") == 200
    assert basic(api, f"{email}:{token}") == 401
    assert basic(api, f"{email}/token:other") == 401
    sandbox.revoke_tokens()
    assert basic(api, f"{email}/token:{token}") == 401


@pytest.mark.parametrize("change", [{"suspended": True}, {"active": False}])
def test_a_suspended_user_cannot_log_in(api: Api, sandbox: ZendeskSandbox, change: dict[str, bool]) -> None:
    """Whatever token they hold."""
    sandbox.change_user(9001, **change)
    assert api.call("GET", "/api/v2/users/me").status == 401


def test_a_client_gets_the_scopes_it_may_have(api: Api, sandbox: ZendeskSandbox) -> None:
    """Fewer than it asked for, without an error."""
    sandbox.allow_scopes("read")
    assert api.new_token().json()["scope"] == "read"


def test_the_accounts_clock_may_differ(api: Api, sandbox: ZendeskSandbox) -> None:
    """As its answers tell it."""
    first = api.call("GET", "/api/v2/users/me").headers["date"]
    sandbox.clock_skew = timedelta(minutes=5)
    second = api.call("GET", "/api/v2/users/me").headers["date"]
    assert (first, second) == ("Mon, 23 Nov 2026 09:15:45 GMT", "Mon, 23 Nov 2026 09:20:45 GMT")
