"""What a ticket's audits tell beside its history: merges, ratings, replies of ours, tiers of requesters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from oneclick_sla_plugin.domain.model import Satisfaction
from oneclick_sla_zendesk.audits import merged_into, satisfaction, told
from oneclick_sla_zendesk.fields import FieldCatalogue
from oneclick_sla_zendesk.tickets import Account, build_ticket

MERGED = {"id": 41, "status": "closed", "tags": ["billing", "closed_by_merge"]}
SAID = "This request was closed and merged into request #42 “Order #99”."


def audit(via: dict[str, Any] | None = None, text: str = "", number: int = 1, **more: Any) -> dict[str, Any]:
    events = [{"id": 10 * number, "type": "Comment", "body": text}] if text else []
    return {
        "id": number,
        "created_at": f"2026-11-20T14:00:{number:02}Z",
        "author_id": 9,
        "via": via or {"channel": "web", "source": {}},
        "events": [*events, *more.pop("events", [])],
        "metadata": {},
        **more,
    }


def by_merge(source: dict[str, Any] | None = None, channel: str = "merge") -> dict[str, Any]:
    return {"channel": channel, "source": source or {"rel": None}}


@pytest.mark.parametrize(
    ("ticket", "audits", "target"),
    [
        pytest.param(MERGED, [audit(by_merge({"to": {"ticket_id": 42}}))], "42", id="named by the way it came"),
        pytest.param(MERGED, [audit(by_merge({"rel": "merge"}, "system"), SAID)], "42", id="named in the comment"),
        pytest.param(MERGED, [audit(by_merge(), "Solicitud #41 → #42")], "42", id="another language, own number first"),
        pytest.param(
            MERGED,
            [audit(by_merge({"to": {"ticket_id": 40}})), audit(by_merge({"to": {"ticket_id": 42}}), number=2)],
            "42",
            id="the newest merge counts",
        ),
        pytest.param(MERGED, [audit(text=SAID)], None, id="a person's comment is not believed"),
        pytest.param(MERGED, [audit(by_merge(), "merged")], None, id="no number anywhere"),
        pytest.param({**MERGED, "tags": []}, [audit(by_merge(), SAID)], None, id="without the tag"),
        pytest.param({**MERGED, "status": "open"}, [audit(by_merge(), SAID)], None, id="opened again"),
        pytest.param(
            {"id": 42, "status": "open", "tags": []},
            [audit(by_merge({"rel": "merge", "from": {"ticket_ids": [41]}}), "Request #41 was merged into this.")],
            None,
            id="the ticket that received it",
        ),
    ],
)
def test_a_merged_ticket_names_its_target(ticket: dict[str, Any], audits: list[Any], target: str | None) -> None:
    """Only a settled ticket with the tag of merges, by an audit that came by a merge."""
    assert merged_into(ticket, audits) == target


def rated(value: str, number: int = 1) -> dict[str, Any]:
    return audit(
        number=number, events=[{"id": number, "type": "Change", "field_name": "satisfaction_score", "value": value}]
    )


@pytest.mark.parametrize(
    ("rating", "audits", "expected"),
    [
        pytest.param({"score": "good"}, [rated("offered"), rated("good", 2)], ("good", 2), id="good"),
        pytest.param({"score": "bad"}, [rated("good"), rated("bad_with_comment", 3)], ("bad", 3), id="with a comment"),
        pytest.param({"score": "bad"}, [rated("bad"), rated("good", 2), rated("bad", 4)], ("bad", 4), id="the newest"),
        pytest.param({"score": "offered"}, [rated("offered")], None, id="only asked for"),
        pytest.param({"score": "good"}, [], None, id="no instant"),
        pytest.param(None, [rated("good")], None, id="no rating"),
    ],
)
def test_a_rating_has_the_instant_it_was_given(
    rating: object, audits: list[Any], expected: tuple[str, int] | None
) -> None:
    """The ticket names the score, the audits when."""
    at = None if expected is None else Satisfaction(expected[0], datetime(2026, 11, 20, 14, 0, expected[1], tzinfo=UTC))
    assert satisfaction({"satisfaction_rating": rating}, audits) == at


OUR_REPLY = audit(
    text="We have it.", number=5, author_id=100, metadata={"custom": {"oneclick_sla": {"replies": ["acknowledgement"]}}}
)


@pytest.mark.parametrize(
    ("comment", "ours"),
    [
        pytest.param({"id": 1, "audit_id": 5, "created_at": "x"}, True, id="its audit"),
        pytest.param({"id": 50, "audit_id": 6, "created_at": "x"}, False, id="another audit"),
        pytest.param({"id": 50, "created_at": "x"}, True, id="without the audit's id, the event's"),
        pytest.param({"id": 51, "created_at": "2026-11-20T14:00:05Z"}, False, id="another comment of that second"),
    ],
)
def test_a_reply_of_ours_is_found_again(comment: dict[str, Any], ours: bool) -> None:
    """A reply shows no marker: what was sent is known by its audit, so it is never sent twice."""
    [entry] = told([OUR_REPLY], "100")
    assert entry.is_about(comment) is ours


def test_a_reply_whose_audit_lists_no_comment_is_found_by_its_second() -> None:
    """The last resort, before a customer would get the same message twice."""
    [entry] = told([{**OUR_REPLY, "events": []}], "100")
    assert entry.is_about({"id": 50, "created_at": "2026-11-20T14:00:05Z"})


def test_metadata_of_others_makes_no_reply_ours() -> None:
    """Whoever may write tickets can put our key there."""
    assert told([{**OUR_REPLY, "author_id": 9}], "100") == ()


class TestPeople:
    def read(self, sample: Any, our_fields: FieldCatalogue, tiers: dict[str, str], organizations: list[Any]) -> Any:
        ticket = {**sample("ticket.json"), "organizations": organizations}
        account = Account("acme", "https://acme.zendesk.com", "100", our_fields, tiers=tiers)
        return build_ticket(ticket, [sample("comments.json")], [sample("audits.json")], account).requester

    @pytest.mark.parametrize(
        ("tiers", "tier"),
        [
            ({}, None),
            ({"gold": "Gold"}, "Gold"),
            ({"platinum": "Platinum"}, None),
            ({"enterprise": "Enterprise", "gold": "Gold"}, "Enterprise"),
            ({"gold": "Gold", "enterprise": "Enterprise"}, "Gold"),
        ],
    )
    def test_a_tier_is_the_first_whose_tag_stands(
        self, sample: Any, our_fields: FieldCatalogue, tiers: dict[str, str], tier: str | None
    ) -> None:
        """On the user or on their organisation; a tag of another organisation counts for nothing."""
        home = next(user for user in sample("ticket.json")["users"] if user["id"] == 7)["organization_id"]
        organizations = [{"id": home, "tags": ["enterprise"]}, {"id": 99, "tags": ["platinum"]}]
        assert self.read(sample, our_fields, tiers, organizations).tier == tier


@pytest.mark.parametrize("kind", ["VoiceComment", "TpeVoiceComment"])
def test_calls_of_every_telephone_are_calls(sample: Any, account: Account, kind: str) -> None:
    """Zendesk Talk and the telephone systems of partners name their comments differently."""
    comments = sample("comments.json")
    comments["comments"][-1]["type"] = kind
    ticket = build_ticket(sample("ticket.json"), [comments], [sample("audits.json")], account)
    assert ticket.messages[-1].voice


def test_a_side_conversation_is_no_message_to_the_customer(sample: Any, account: Account) -> None:
    """What the audits say of side conversations, and a ticket that one made, change nothing about the thread."""
    audits = sample("audits.json")
    audits["audits"].append(
        audit({"channel": "side_conversation"}, number=59, events=[{"id": 1, "type": "SideConversationCreateEvent"}])
    )
    with_it = build_ticket(sample("ticket.json"), [sample("comments.json")], [audits], account)
    assert with_it == build_ticket(sample("ticket.json"), [sample("comments.json")], [sample("audits.json")], account)
