"""What is written to Zendesk for a difference."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.changes import Changes, Note, compose
from oneclick_sla_plugin.domain.model import (
    Channel,
    Field,
    Priority,
    Requester,
    Status,
    Ticket,
    Written,
)
from oneclick_sla_zendesk.fields import FieldCatalogue
from oneclick_sla_zendesk.updates import LONGEST_COMMENT, comment_html, reply_update, ticket_update

AT = datetime(2026, 11, 20, 14, tzinfo=UTC)
STAMP = "2026-11-20T15:30:00Z"
NOTHING = Written()


def ticket(*tags: str) -> Ticket:
    return Ticket(
        platform="zendesk",
        account="acme",
        id="42",
        created_at=AT,
        updated_at=AT,
        channel=Channel.EMAIL,
        subject="",
        status=Status.OPEN,
        tags=frozenset(tags),
        requester=Requester("7"),
        messages=(),
        status_history=(),
        version=STAMP,
    )


def shown(text: str) -> str:
    """The plain text of the HTML that we write: tags vanish, line breaks stay, entities are resolved."""
    return html.unescape(re.sub(r"<[^>]+>", "", text.replace("<br>", "\n")))


def test_one_put_says_everything(our_fields: FieldCatalogue) -> None:
    """Priority, fields, tags, note and record go together, guarded by the stamp of the ticket that was read."""
    changes = Changes(
        priority=Priority.URGENT,
        add_tags=frozenset({"sla_at_risk", "sla_kind_question"}),
        remove_tags=frozenset({"sla_on_track"}),
        fields={Field.SLA_STATE: "at_risk", Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z", Field.FIRST_REPLY_DUE_AT: None},
        notes=(Note("first_reply.at_risk", "Due soon & <urgent>\nsee §4"),),
    )
    written = Written(
        priority=Priority.URGENT,
        tags=frozenset({"sla_kind_question", "sla_at_risk"}),
        fields={Field.SLA_STATE: "at_risk", Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z"},
    )
    update = ticket_update(ticket("billing", "sla_on_track"), changes, written, our_fields)
    request = update.request("42", STAMP)
    assert (request.method, request.path) == ("PUT", "/api/v2/tickets/42.json")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body or b"") == {
        "ticket": {
            "priority": "urgent",
            "tags": ["billing", "sla_at_risk", "sla_kind_question"],
            "custom_fields": [
                {"id": 102, "value": "sla_at_risk"},
                {"id": 103, "value": "2026-11-23T14:00:00Z"},
                {"id": 104, "value": None},
            ],
            "comment": {
                "html_body": "Due soon &amp; &lt;urgent&gt;<br>see §4<br><br>[oneclick-sla: first_reply.at_risk]",
                "public": False,
            },
            "metadata": {
                "oneclick_sla": {
                    "priority": "urgent",
                    "tags": ["sla_at_risk", "sla_kind_question"],
                    "fields": {"sla_state": "at_risk", "next_due_at": "2026-11-23T14:00:00Z"},
                }
            },
            "safe_update": True,
            "updated_stamp": STAMP,
        }
    }


TAGS = {
    "only the state's tag changes: the field brings it": (
        {"billing", "sla_on_track"},
        Changes(
            add_tags=frozenset({"sla_breached"}),
            remove_tags=frozenset({"sla_on_track"}),
            fields={Field.SLA_STATE: "breached"},
        ),
        None,
    ),
    "a plain tag is added: the whole list, dropdown as it will be": (
        {"billing", "sla_on_track"},
        Changes(
            add_tags=frozenset({"sla_breached", "sla_abusive"}),
            remove_tags=frozenset({"sla_on_track"}),
            fields={Field.SLA_STATE: "breached"},
        ),
        ["billing", "sla_abusive", "sla_breached"],
    ),
    "a plain tag goes": (
        {"billing", "sla_abusive", "sla_on_track"},
        Changes(remove_tags=frozenset({"sla_abusive"})),
        ["billing", "sla_on_track"],
    ),
    "the last tag goes: an empty list": ({"sla_abusive"}, Changes(remove_tags=frozenset({"sla_abusive"})), []),
    "a dropdown is emptied: its tag is not sent again": (
        {"sla_at_risk", "billing"},
        Changes(
            add_tags=frozenset({"sla_threat"}),
            remove_tags=frozenset({"sla_at_risk"}),
            fields={Field.SLA_STATE: None},
        ),
        ["billing", "sla_threat"],
    ),
    "a person's other option gives way to the field that is set": (
        {"sla_at_risk"},
        Changes(add_tags=frozenset({"sla_breached", "sla_threat"}), fields={Field.SLA_STATE: "breached"}),
        ["sla_breached", "sla_threat"],
    ),
    "a stray option's tag goes although the field stays": (
        {"sla_at_risk", "sla_on_track"},
        Changes(remove_tags=frozenset({"sla_on_track"})),
        ["sla_at_risk"],
    ),
    "no tag changes": ({"billing"}, Changes(priority=Priority.LOW), None),
}


@pytest.mark.parametrize(("standing", "changes", "tags"), TAGS.values(), ids=TAGS)
def test_tags_are_sent_whole_or_not_at_all(
    our_fields: FieldCatalogue, standing: set[str], changes: Changes, tags: list[str] | None
) -> None:
    """Zendesk replaces the list; what a dropdown carries needs none, and is in it as it will stand otherwise."""
    assert ticket_update(ticket(*standing), changes, NOTHING, our_fields).values.get("tags") == tags


class TestAnAccountWithoutOurFields:
    CHANGES = Changes(
        priority=Priority.HIGH,
        add_tags=frozenset({"sla_at_risk"}),
        remove_tags=frozenset({"sla_on_track"}),
        fields={Field.SLA_STATE: "at_risk", Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z"},
    )

    def test_the_tags_go_as_plain_tags(self) -> None:
        """Priority and tags still show how the ticket stands; the fields are named as missing."""
        update = ticket_update(ticket("sla_on_track"), self.CHANGES, NOTHING, FieldCatalogue())
        assert update.values == {"priority": "high", "tags": ["sla_at_risk"]}
        assert update.missing == {Field.SLA_STATE, Field.NEXT_DUE_AT}

    def test_fields_alone_are_no_update(self) -> None:
        """Without a place for any of it there is nothing to send."""
        changes = Changes(fields={Field.NEXT_DUE_AT: "2026-11-23T14:00:00Z"})
        assert not ticket_update(ticket(), changes, NOTHING, FieldCatalogue())

    def test_fields_that_were_not_written_are_not_remembered_as_written(self) -> None:
        """Else they would be taken for changed by a person once they exist."""
        written = Written(tags=frozenset({"sla_at_risk"}), fields={Field.SLA_STATE: "at_risk"})
        record = ticket_update(ticket("sla_on_track"), self.CHANGES, written, FieldCatalogue()).record
        assert record == {"priority": None, "tags": ["sla_at_risk"], "fields": {}}


def test_a_dropdown_without_the_option_leaves_the_value_to_the_tag(our_fields: FieldCatalogue) -> None:
    """Zendesk would refuse the whole update for an option that does not exist."""
    changes = Changes(add_tags=frozenset({"sla_priority_top"}), fields={Field.SLA_PRIORITY: "top"})
    update = ticket_update(ticket(), changes, NOTHING, our_fields)
    assert update.values == {"tags": ["sla_priority_top"]}
    assert update.missing == {Field.SLA_PRIORITY}


def test_a_reply_is_public_and_shows_no_marker(our_fields: FieldCatalogue) -> None:
    """A customer reads the text alone; the key goes into the update's metadata."""
    update = reply_update(Note("acknowledgement", "We have it."), Written(priority=Priority.LOW), our_fields)
    body = json.loads(update.request("42", STAMP).body or b"")
    assert body["ticket"] == {
        "comment": {"html_body": "We have it.", "public": True},
        "metadata": {"oneclick_sla": {"priority": "low", "tags": [], "fields": {}, "replies": ["acknowledgement"]}},
        "safe_update": True,
        "updated_stamp": STAMP,
    }


def test_a_ticket_read_without_a_version_is_written_unguarded(our_fields: FieldCatalogue) -> None:
    """The presence of ``safe_update`` counts on Zendesk, so it is absent."""
    update = ticket_update(ticket(), Changes(priority=Priority.LOW), NOTHING, our_fields)
    body: Mapping[str, Any] = json.loads(update.request("42", None).body or b"")
    assert set(body["ticket"]) == {"priority", "metadata"}


@given(st.text(alphabet=st.sampled_from("{}%<>&\"'\n aé…") | st.characters(exclude_categories=["Cs"])))
def test_a_comment_shows_its_text_and_opens_no_placeholder(text: str) -> None:
    """Whatever the text, agents read it as it is and Zendesk finds nothing to expand or to render."""
    written = comment_html(text)
    assert shown(written) == text
    assert "{{" not in written
    assert "{%" not in written
    assert set(re.findall(r"<[^>]*>", written)) <= {"<br>", "<code>", "</code>"}


@pytest.mark.parametrize("filling", ["x", "é", "{{", "&", "\n"])
def test_a_long_note_is_cut_but_keeps_its_marker(filling: str) -> None:
    """Zendesk would cut the marker off in silence, and the note would be written again and again."""
    marker = "[oneclick-sla: first_reply.at_risk]"
    written = comment_html(compose([Note("first_reply.at_risk", filling * LONGEST_COMMENT)]))
    assert LONGEST_COMMENT - 100 < len(written.encode()) <= LONGEST_COMMENT
    assert shown(written).endswith(f"…\n\n{marker}")


def test_a_text_of_one_long_paragraph_is_cut_at_its_end() -> None:
    """Without a last paragraph to keep, the end is what goes."""
    assert comment_html("x" * 20, limit=10) == "x" * 7 + "…"


def test_a_note_that_fits_exactly_is_not_cut() -> None:
    """The limit itself is allowed."""
    assert comment_html("x" * LONGEST_COMMENT) == "x" * LONGEST_COMMENT
