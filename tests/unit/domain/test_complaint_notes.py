"""What agents and customers are told about a complaint: which signs, where they stand, what is to be done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.analysis import Analysis
from oneclick_sla_plugin.domain.complaint import ComplaintType, Entry, Stage
from oneclick_sla_plugin.domain.decision import Decision, decide
from oneclick_sla_plugin.domain.message import Certainty, Part, Reason, Verdict
from oneclick_sla_plugin.domain.model import TAG_IS_COMPLAINT, Author, Channel, Field, Kind, Ticket, Written
from oneclick_sla_plugin.domain.notes import Outgoing, Practice
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording

POLICIES = Plugins.load().policies
LIMA = ZoneInfo("America/Lima")
HOUR = timedelta(hours=1)
KNOWN = Entry("2026-000017", Stage.REGISTERED, RECEIVED_AT, RECEIVED_AT)
SIGNS = (
    Reason("es.complaint.repetition", 1.5, 3, 20),
    Reason("es.complaint.charge", 3.0, 0, 5, Part.SUBJECT),
    Reason("thread.unanswered", 0.5, 0, 0, Part.THREAD),
    Reason("rival.question", -0.4, 0, 40),
    Reason("es.question.mark", 1.0, 39, 40),
    Reason("wording.reclamo", 2.0, 5, 9),
    Reason("wording.no_question", -2.0, 5, 9),
    Reason("wording.no_complaint", -0.3, 5, 9),
    Reason("acme.angry", 0.25, 8, 12),
)


def seen(signs: Iterable[Reason] = SIGNS, complaint: Certainty = Certainty.AUTO, message: str = "1") -> Analysis:
    verdict = Verdict(Kind.COMPLAINT, complaint, 4.85, ComplaintType.RECLAMO, because=tuple(signs))
    return Analysis(verdicts={message: verdict})


def decided(
    ticket: Ticket | None = None,
    *,
    analysis: Analysis | None = None,
    language: str = "en",
    policy: str = "en-linea-365",
    entry: Entry | None = KNOWN,
    after: timedelta = HOUR,
    practice: Practice = Practice(),  # noqa: B008 - frozen
) -> Decision:
    words = load_wording(language, LIMA)
    ticket = a_ticket() if ticket is None else ticket
    analysis = seen() if analysis is None else analysis
    return decide(ticket, find_policy(policy, POLICIES), RECEIVED_AT + after, words, practice, analysis, entry)


def note(decision: Decision, key: str) -> str:
    (found,) = [note for note in decision.desired.notes if note.key == key]
    return found.text


def keys(decision: Decision) -> set[str]:
    return {note.key for note in decision.desired.notes}


REGISTERED = {
    "en": """\
Complaint registered as no. 2026-000017, received on Tue 17 Nov 2026, 10:00.
Signs in the message of Tue 17 Nov 2026, 10:00:
- disputes a charge (+3.0): subject, characters 1 to 5
- writes or calls about it again and again (+1.5): characters 4 to 20
- messages without an answer (+0.5)
- acme.angry (+0.2): characters 9 to 12
Deadlines:
- Acknowledgement of the complaint: by Wed 18 Nov 2026, 10:00 (§7).
- Answer to the complaint: by Thu 19 Nov 2026, 10:00 (§7).
- Legal limit of the complaint: by Thu 10 Dec 2026, 24:00 (§7).
If it is none, set the tag sla_not_complaint.
""",
    "es": """\
Queja o reclamo registrado con el n.º 2026-000017, recibido el mar 17 nov 2026, 10:00.
Señales en el mensaje del mar 17 nov 2026, 10:00:
- discute un cobro (+3.0): asunto, caracteres 1 a 5
- repite lo mismo por enésima vez (+1.5): caracteres 4 a 20
- mensajes sin respuesta (+0.5)
- acme.angry (+0.2): caracteres 9 a 12
Plazos:
- Acuse de recibo de la queja o reclamo: hasta el mié 18 nov 2026, 10:00 (§7).
- Respuesta a la queja o reclamo: hasta el jue 19 nov 2026, 10:00 (§7).
- Límite legal de la queja o reclamo: hasta el jue 10 dic 2026, 24:00 (§7).
Si no lo es, poner la etiqueta sla_not_complaint.
""",
}


@pytest.mark.parametrize("language", REGISTERED)
def test_the_note_names_signs_message_and_places(language: str) -> None:
    """In the order of their weights; what speaks for other kinds is no sign, and a rule without words keeps its id."""
    assert note(decided(language=language), "complaint-registered").startswith(REGISTERED[language])


def test_a_suspicion_names_them_too() -> None:
    text = note(decided(analysis=seen(complaint=Certainty.SUGGESTED), entry=None), "complaint-suspected")
    assert "Signs in the message of Tue 17 Nov 2026, 10:00:\n- disputes a charge" in text


@pytest.mark.parametrize(
    ("found", "named", "more"), [(5, 5, ""), (6, 6, ""), (7, 5, "- and 2 more"), (40, 5, "- and 35 more")]
)
def test_at_most_six_lines_say_why(found: int, named: int, more: str) -> None:
    text = note(decided(analysis=seen(Reason(f"a.b{n}", 1.0, n, n + 1) for n in range(found))), "complaint-registered")
    assert sum(line.startswith("- a.b") for line in text.splitlines()) == named
    assert more in text
    assert ("more" in text) is bool(more)


def test_because_lists_what_the_sum_is_made_of() -> None:
    complaint = decided().complaint
    assert complaint is not None
    assert [rule for rule, _ in complaint.case.rules] == [
        "es.complaint.repetition",
        "es.complaint.charge",
        "thread.unanswered",
        "rival.question",
        "wording.no_complaint",
        "acme.angry",
    ]


def test_an_agents_word_is_a_sign_without_a_place() -> None:
    declared = decided(a_ticket(tags=frozenset({TAG_IS_COMPLAINT})), analysis=Analysis())
    assert "- an agent said so with the tag sla_is_complaint (+3.0)\n" in note(declared, "complaint-registered")


def test_without_a_register_the_number_is_a_blank_and_nothing_is_sent() -> None:
    practice = Practice(send=frozenset({Outgoing.COMPLAINT_ACKNOWLEDGEMENT}))
    asked = decided(entry=None, practice=practice)
    assert "registered as no. ____," in note(asked, "complaint-registered")
    assert asked.desired.reply is None


@pytest.mark.parametrize(
    ("policy", "after", "says"),
    [
        pytest.param("en-linea-365", HOUR, "by Thu 19 Nov 2026, 10:00 at the latest", id="promised"),
        pytest.param("en-linea-365", 50 * HOUR, "as soon as we can", id="the promised date has passed"),
        pytest.param("one-click-actions", HOUR, "as soon as we can", id="nothing is promised"),
    ],
)
def test_an_acknowledgement_that_the_program_sends_has_no_blank_and_no_date_of_the_past(
    policy: str, after: timedelta, says: str
) -> None:
    practice = Practice(send=frozenset({Outgoing.COMPLAINT_ACKNOWLEDGEMENT}))
    reply = decided(policy=policy, after=after, practice=practice).desired.reply
    assert reply is not None
    assert says in reply.text
    assert "____" not in reply.text


@pytest.mark.parametrize(
    ("facts", "key"),
    [({}, "complaint-acknowledged.1"), ({"assignee": "9"}, "complaint-investigating.1")],
)
def test_the_frame_of_an_answer_comes_with_the_acknowledgement_also_on_an_assigned_ticket(
    facts: dict[str, Any], key: str
) -> None:
    ticket = a_ticket([a_message(), a_message(HOUR, Author.AGENT, id="2")], **facts)
    assert "we looked into what happened" in note(decided(ticket, after=2 * HOUR), key)


def test_a_consumer_body_or_legal_step_is_told_to_the_owner_and_is_no_threat() -> None:
    ticket = a_ticket([a_message(), a_message(HOUR, id="2")])
    later = Verdict(Kind.UNKNOWN, because=(Reason("es.complaint.body", 2.5, 0, 8),))
    analysis = Analysis(verdicts={**seen().verdicts, "2": later})
    decision = decided(
        ticket, analysis=analysis, after=2 * HOUR, practice=Practice(owners={Channel.EMAIL: "Complaints"})
    )
    (told,) = [note for note in decision.desired.notes if note.key == "complaint-escalated"]
    assert told.owner == "Complaints"
    assert "no threat" in told.text
    assert not decision.flags
    assert decision.complaint is not None
    (event,) = [event for event in decision.complaint.case.events if event.what == "escalated"]
    assert (event.actor, event.message, event.at) == ("customer", "2", RECEIVED_AT + HOUR)


def test_a_missing_reason_is_asked_for() -> None:
    ticket = a_ticket(
        fields={Field.COMPLAINT_STAGE: "withdrawn"}, written=Written(fields={Field.COMPLAINT_STAGE: "registered"})
    )
    assert '"withdrawn" is missing' in note(decided(ticket), "complaint-reason-missing.1")


def test_the_dates_of_a_complaint_that_no_delay_notice_moves_have_none() -> None:
    overdue = keys(decided(after=timedelta(days=60)))
    assert {"complaint-ack-breached", "complaint-legal-breached", "complaint-response-delay-draft"} <= overdue
    assert not {"complaint-ack-delay-draft", "complaint-legal-delay-draft"} & overdue
