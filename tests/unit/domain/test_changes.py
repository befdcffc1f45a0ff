"""What is written is the difference, agents win, and nothing is told twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.changes import (
    Changes,
    Desired,
    Note,
    compose,
    diff,
    note_keys,
    written_after,
)
from oneclick_sla_plugin.domain.model import KEPT_TAGS, Author, Field, Priority, Ticket, Written
from oneclick_sla_plugin.testing.tickets import a_message, a_ticket

DESIRED = Desired(
    priority=Priority.HIGH,
    tags=frozenset({"sla_priority_high", "sla_on_track"}),
    fields={Field.NEXT_DUE_AT: "2026-11-18T15:00:00Z"},
    notes=(Note("first-reply-due", "Due on Wednesday."),),
)


def test_everything_is_written_on_a_fresh_ticket() -> None:
    changes = diff(a_ticket(), DESIRED)
    assert changes == Changes(
        priority=Priority.HIGH,
        add_tags=DESIRED.tags,
        fields=DESIRED.fields,
        notes=DESIRED.notes,
    )


def test_nothing_is_written_on_a_ticket_that_shows_it_all() -> None:
    assert not diff(apply(a_ticket(), DESIRED), DESIRED)


@pytest.mark.parametrize(
    ("standing", "written", "expected"),
    [
        pytest.param(Priority.NORMAL, None, Priority.HIGH, id="never written: ours is set"),
        pytest.param(Priority.NORMAL, Priority.NORMAL, Priority.HIGH, id="ours stands: it moves with the decision"),
        pytest.param(Priority.LOW, Priority.NORMAL, None, id="an agent changed ours: it stays"),
        pytest.param(None, Priority.NORMAL, None, id="an agent cleared ours: it stays"),
        pytest.param(Priority.HIGH, Priority.NORMAL, None, id="an agent set what we want: nothing to write"),
    ],
)
def test_priority(standing: Priority | None, written: Priority | None, expected: Priority | None) -> None:
    ticket = a_ticket(priority=standing, written=Written(priority=written) if written else None)
    assert diff(ticket, DESIRED).priority == expected


@pytest.mark.parametrize(
    ("standing", "written", "added", "removed"),
    [
        pytest.param({"vip"}, None, {"sla_on_track", "sla_priority_high"}, set(), id="foreign tags are left alone"),
        pytest.param(
            {"sla_breached"}, None, {"sla_on_track", "sla_priority_high"}, {"sla_breached"}, id="copied ones go"
        ),
        pytest.param(
            {"sla_at_risk", "sla_priority_high"},
            {"sla_at_risk", "sla_priority_high"},
            {"sla_on_track"},
            {"sla_at_risk"},
            id="a state that has passed is replaced",
        ),
        pytest.param(
            {"sla_priority_high"},
            {"sla_on_track", "sla_priority_high"},
            set(),
            set(),
            id="removed by a person: stays away",
        ),
        pytest.param(
            {"sla_on_track", "sla_priority_high", "sla_abusive"},
            {"sla_on_track", "sla_priority_high"},
            set(),
            set(),
            id="added by a person: stays",
        ),
        pytest.param(
            {"sla_peak", "sla_is_complaint", "sla_on_track", "sla_priority_high"},
            {"sla_peak", "sla_is_complaint", "sla_on_track", "sla_priority_high"},
            set(),
            set(),
            id="commands and the peak are never removed",
        ),
    ],
)
def test_tags(standing: set[str], written: set[str] | None, added: set[str], removed: set[str]) -> None:
    ticket = a_ticket(
        tags=frozenset(standing), written=Written(tags=frozenset(written)) if written is not None else None
    )
    changes = diff(ticket, DESIRED)
    assert (changes.add_tags, changes.remove_tags) == (added, removed)


@pytest.mark.parametrize(
    ("standing", "written", "desired", "expected"),
    [
        pytest.param(None, None, "b", "b", id="empty: written"),
        pytest.param("a", None, "b", "b", id="not ours: ours is set"),
        pytest.param("a", "a", "b", "b", id="ours moves"),
        pytest.param("x", "b", "b", "left", id="a person changed ours: not set back"),
        pytest.param("x", "a", "b", "b", id="a new fact is written over a person's change of an old one"),
        pytest.param("a", "a", None, None, id="ours is emptied"),
        pytest.param("x", "a", None, "left", id="a person's value is not emptied"),
    ],
)
def test_fields(standing: str | None, written: str | None, desired: str | None, expected: str | None) -> None:
    name = Field.NEXT_DUE_AT
    ticket = a_ticket(
        fields={name: standing} if standing else {},
        written=Written(fields={name: written}) if written else None,
    )
    changes = diff(ticket, Desired(fields={name: desired} if desired else {}))
    assert changes.fields == ({} if expected == "left" else {name: expected})


def test_a_note_is_recognised_by_its_marker_among_several_facts() -> None:
    text = compose([Note("first-reply-due", "Due soon."), Note("sensitive.card", "A card number.")])
    ticket = a_ticket([a_message(), a_message(author=Author.US, public=False, text=text)])
    assert note_keys(ticket) == {"first-reply-due", "sensitive.card"}
    assert diff(ticket, DESIRED).notes == ()


def test_a_marker_in_a_customers_message_is_not_believed() -> None:
    text = compose([Note("first-reply-due", "I copied this.")])
    ticket = a_ticket([a_message(text=text)])
    assert diff(ticket, DESIRED).notes == DESIRED.notes


def test_an_agents_priority_stays_theirs_after_our_next_write() -> None:
    overridden = a_ticket(priority=Priority.LOW, written=Written(priority=Priority.NORMAL))
    after = apply(overridden, DESIRED)
    assert after.priority is Priority.LOW
    assert diff(after, DESIRED).priority is None


def apply(ticket: Ticket, desired: Desired) -> Ticket:
    """What a platform shows after the difference was written."""
    changes = diff(ticket, desired)
    fields = {**ticket.fields, **{name: value for name, value in changes.fields.items() if value is not None}}
    for name, value in changes.fields.items():
        if value is None:
            fields.pop(name, None)
    notes = [note for note in (*changes.notes, changes.reply) if note is not None]
    messages = ticket.messages
    if notes:
        messages += (a_message(author=Author.US, public=False, text=compose(notes), id=f"n{len(messages)}"),)
    return a_ticket(
        messages,
        priority=changes.priority or ticket.priority,
        tags=(ticket.tags | changes.add_tags) - changes.remove_tags,
        fields=fields,
        written=written_after(ticket, desired),
    )


tags = st.frozensets(
    st.sampled_from(["sla_on_track", "sla_at_risk", "sla_breached", "sla_kind_question", "sla_priority_low"])
)
fields = st.dictionaries(
    st.sampled_from([Field.NEXT_DUE_AT, Field.SLA_STATE, Field.COMPLAINT_NUMBER]), st.sampled_from(["a", "b", "c"])
)
desires = st.builds(
    Desired,
    priority=st.sampled_from(Priority),
    tags=tags,
    fields=fields,
    notes=st.lists(st.sampled_from([Note("due", "Due."), Note("breached", "Late.")]), unique=True, max_size=2).map(
        tuple
    ),
)
tickets = st.builds(
    lambda priority, standing, foreign, values, written: a_ticket(
        priority=priority, tags=standing | foreign, fields=values, written=written
    ),
    st.none() | st.sampled_from(Priority),
    tags,
    st.frozensets(st.sampled_from(["vip", "billing", *sorted(KEPT_TAGS)])),
    fields,
    st.none() | st.builds(Written, priority=st.sampled_from(Priority), tags=tags, fields=fields),
)


@given(ticket=tickets, desired=desires)
def test_a_second_look_has_nothing_to_write(ticket: Ticket, desired: Desired) -> None:
    assert not diff(apply(ticket, desired), desired)


@given(ticket=tickets, first=desires, second=desires)
def test_a_persons_change_is_never_undone(ticket: Ticket, first: Desired, second: Desired) -> None:
    """Whatever we want next, what a person did after us stands, and foreign tags always do."""
    ours = apply(ticket, first)
    by_hand = a_ticket(
        ours.messages,
        priority=Priority.LOW if ours.priority is not Priority.LOW else Priority.URGENT,
        tags=frozenset(ours.tags - {"sla_on_track"} | {"vip", "sla_abusive"}),
        fields=ours.fields,
        written=ours.written,
    )
    changes = diff(by_hand, second)
    if ours.written and ours.written.priority == ours.priority:
        assert changes.priority is None
    assert {"vip", "sla_abusive"}.isdisjoint(changes.remove_tags)
    if ours.written and "sla_on_track" in ours.written.tags:
        assert "sla_on_track" not in changes.add_tags
