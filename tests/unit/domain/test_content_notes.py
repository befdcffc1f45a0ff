"""What agents are told about the content of messages stays short, whatever is in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from oneclick_sla_plugin.domain.analysis import Analysis
from oneclick_sla_plugin.domain.changes import compose
from oneclick_sla_plugin.domain.decision import decide
from oneclick_sla_plugin.domain.message import Verdict
from oneclick_sla_plugin.domain.model import Author, Channel
from oneclick_sla_plugin.domain.notes import Practice
from oneclick_sla_plugin.domain.sensitive import CARD, SUBJECT, Finding
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.policy_files import find_policy
from oneclick_sla_plugin.testing.tickets import RECEIVED_AT, a_message, a_ticket
from oneclick_sla_plugin.texts import load_wording

WORDS = load_wording("en", ZoneInfo("America/Lima"))
POLICY = find_policy("en-linea-365", Plugins.load().policies)


def test_of_many_findings_the_sure_ones_are_listed_and_the_rest_is_counted() -> None:
    possible = [Finding(CARD, "1", n, n + 1, "•••• 0000", 0.6) for n in range(50)]
    sure = [Finding(CARD, "1", 100 + n, 101 + n, f"•••• 000{n}", 0.9) for n in range(3)]
    analysis = Analysis(findings=(*possible, *sure), scanned=frozenset({"1"}))
    decision = decide(a_ticket(), POLICY, RECEIVED_AT, WORDS, analysis=analysis)
    (note,) = [note for note in decision.desired.notes if note.key == "sensitive.1"]
    lines = [line for line in note.text.splitlines() if line.startswith("- ")]
    assert len(lines) == 11
    assert [line.split(": ")[1].split(" (")[0] for line in lines[:3]] == ["•••• 0000", "•••• 0001", "•••• 0002"]
    assert lines[-1] == "- and 43 more"


def test_a_value_in_the_subject_is_told_apart_and_taken_back() -> None:
    """The note says where it stands; when the subject was changed a second one says that all is well."""
    finding = Finding(CARD, SUBJECT, 6, 25, "•••• 1111", 0.99)
    analysis = Analysis(findings=(finding,), scanned=frozenset({SUBJECT, "1"}))
    decision = decide(a_ticket(), POLICY, RECEIVED_AT, WORDS, analysis=analysis)
    (note,) = [note for note in decision.desired.notes if note.key == "sensitive.subject"]
    assert "in the ticket's subject:\n- card number: •••• 1111 (characters 7 to 25; sure)" in note.text
    assert "Draft to the customer" in note.text
    assert "sla_sensitive_data" in decision.desired.tags
    told = a_ticket([a_message(), a_message(timedelta(hours=1), Author.US, id="2", public=False, text=compose([note]))])
    later = decide(told, POLICY, RECEIVED_AT, WORDS, analysis=replace(analysis, findings=()))
    assert "sensitive-cleared.subject" in [note.key for note in later.desired.notes]


@pytest.mark.parametrize(
    ("author", "verdict", "key", "owner"),
    [
        pytest.param(Author.CUSTOMER, Verdict(threat=True), "threat", "Quality", id="a threat"),
        pytest.param(Author.CUSTOMER, Verdict(abusive=True), "abusive", None, id="an insult is for who answers"),
        pytest.param(Author.AGENT, Verdict(abusive=True), "agent-abusive.2", "Quality", id="an agent's insult"),
    ],
)
def test_the_owner_hears_of_threats_and_of_how_agents_write(
    author: Author, verdict: Verdict, key: str, owner: str | None
) -> None:
    ticket = a_ticket([a_message(), a_message(timedelta(hours=1), author, id="2")])
    practice = Practice(owners={Channel.EMAIL: "Quality"})
    analysis = Analysis(verdicts={"2": verdict})
    decision = decide(ticket, POLICY, RECEIVED_AT + timedelta(hours=2), WORDS, practice, analysis)
    (note,) = [note for note in decision.desired.notes if note.key == key]
    assert note.owner == owner
    assert note.text.endswith("\nOwner of the channel: Quality.") is (owner is not None)
