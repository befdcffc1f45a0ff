"""What the classifier that ships says of messages, and what never changes its mind."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from oneclick_sla_plugin.domain.message import Certainty, Missing, Part, ThreadFacts, Verdict
from oneclick_sla_plugin.domain.model import Kind
from tests.unit.classifiers.test_patterns import lines_run
from training.complaints.messages import Seed, read_seeds

CLASSIFIER = SignalClassifier()
SAMPLES = tuple(read_seeds(Path(__file__).with_name("messages.jsonl")))
"""Written for these tests, in four languages; none of them is among the seeds of the judge."""

COMPLAINT = "I paid in March and nobody has answered my three emails."
QUESTION = "How can I change my delivery address?"


def classify(text: str, subject: str = "", thread: ThreadFacts | None = None) -> Verdict:
    return CLASSIFIER.classify(subject, text, thread or ThreadFacts())


# --- single messages ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("Ya son tres semanas sin mi reembolso y nadie me contesta.", Kind.COMPLAINT, id="no magic word"),
        pytest.param("Gracias por el cupón, pero no cubre lo que perdí.", Kind.COMPLAINT, id="thanks, then but"),
        pytest.param("Wonderful service: five weeks and still no answer.", Kind.COMPLAINT, id="sarcasm"),
        pytest.param("Sie hatten mir einen Rückruf versprochen, bis heute kam keiner.", Kind.COMPLAINT, id="promise"),
        pytest.param("Vou acionar o Procon se não devolverem meu dinheiro.", Kind.COMPLAINT, id="consumer body"),
        pytest.param("Es la tercera vez que escribo por el mismo cobro.", Kind.COMPLAINT, id="repetition"),
        pytest.param("Este no es un reclamo, solo quiero saber cómo pago.", Kind.QUESTION, id="negated"),
        pytest.param("¿Dónde está el libro de reclamaciones?", Kind.QUESTION, id="asking for the book"),
        pytest.param("How do I file a complaint about a seller?", Kind.QUESTION, id="asking for the way"),
        pytest.param("No complaints at all, five happy years.", Kind.FEEDBACK, id="no complaints"),
        pytest.param("The linter complains about line 12 and the build fails.", Kind.INCIDENT, id="software complains"),
        pytest.param("Mehrere Nutzer beschweren sich, der Drucker druckt nicht.", Kind.INCIDENT, id="others complain"),
        pytest.param("Quisiera una cotización para 20 licencias.", Kind.INFO_REQUEST, id="prospect"),
        pytest.param("We would like to become a reseller of yours.", Kind.PARTNERSHIP, id="partner"),
        pytest.param("Klicken Sie hier, Sie haben gewonnen!", Kind.SPAM_OTHER, id="advertisement"),
        pytest.param("ok, muchas gracias", Kind.SPAM_OTHER, id="nothing to answer"),
        pytest.param("zzz yyy xxx", Kind.UNKNOWN, id="nothing recognised"),
        pytest.param("", Kind.UNKNOWN, id="empty"),
    ],
)
def test_the_kind_of_a_message(text: str, kind: Kind) -> None:
    assert classify(text).kind is kind


@pytest.mark.parametrize(
    ("text", "abusive", "threat"),
    [
        pytest.param("Son unos ladrones.", True, False, id="insult"),
        pytest.param("Soy un idiota, borré el archivo.", False, False, id="of oneself"),
        pytest.param("Holy shit, this is fast!", False, False, id="admiration"),
        pytest.param("Iré a su tienda y les rompo los vidrios.", False, True, id="violence"),
        pytest.param("Pay me or I will publish your customer data.", False, True, id="extortion"),
        pytest.param("Mi abogado presentará una denuncia.", False, False, id="a legal step"),
        pytest.param("Hay que matar el proceso 4411.", False, False, id="killing a process"),
        pytest.param("This deadline is killing me.", False, False, id="a figure of speech"),
        pytest.param("Necesito una bomba de agua nueva.", False, False, id="a pump"),
    ],
)
def test_insults_and_threats_are_flagged_and_nothing_that_only_sounds_so(
    text: str, abusive: bool, threat: bool
) -> None:
    verdict = classify(text)
    assert (verdict.abusive, verdict.threat) == (abusive, threat)


@pytest.mark.parametrize(
    ("text", "urgent"),
    [("Es urgente, el sistema cayó.", True), ("No es urgente, cuando puedan.", False), ("Dringend!", True)],
)
def test_urgency_and_its_denial(text: str, urgent: bool) -> None:
    assert classify(text).urgent is urgent


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("The app crashes.", {Missing.ACCOUNT_DATA, Missing.ERROR_MESSAGE, Missing.DESCRIPTION}),
        ("On account 4711 the app crashes with error 502 whenever I open the camera.", set()),
        ("The app crashes whenever I open the camera, it says error 502.", {Missing.ACCOUNT_DATA}),
    ],
)
def test_what_a_report_of_a_fault_lacks(text: str, missing: set[Missing]) -> None:
    verdict = classify(text)
    assert verdict.kind is Kind.INCIDENT
    assert set(verdict.info_missing) == missing


def test_only_a_report_of_a_fault_lacks_anything() -> None:
    assert classify(QUESTION).info_missing == ()


def test_a_complaint_may_stand_in_the_subject_only() -> None:
    assert classify("See attachment.", subject="Formal complaint").complaint is Certainty.AUTO


# --- the thread -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "thread",
    [ThreadFacts(unanswered=3), ThreadFacts(reopened=1), ThreadFacts(age=timedelta(days=30))],
)
def test_facts_of_the_thread_strengthen_a_complaint_and_are_named(thread: ThreadFacts) -> None:
    before, after = classify(COMPLAINT), classify(COMPLAINT, thread=thread)
    assert after.complaint_score > before.complaint_score
    assert [reason.rule for reason in after.because if reason.part is Part.THREAD]


def test_facts_of_the_thread_alone_make_no_complaint() -> None:
    thread = ThreadFacts(unanswered=9, reopened=9, age=timedelta(days=900))
    assert classify(QUESTION, thread=thread).complaint is Certainty.NO


def test_a_strangers_question_about_prices_is_a_request_for_information_and_a_customers_is_not() -> None:
    text = "Do you have a discount for students?"
    assert classify(text, thread=ThreadFacts(requester_known=False)).kind is Kind.INFO_REQUEST
    assert classify(text, thread=ThreadFacts(requester_known=True)).kind is Kind.QUESTION


# --- reasons --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES[::5], ids=lambda sample: sample.text[:30])
def test_the_reasons_add_up_to_the_score_and_point_into_the_message(sample: Seed) -> None:
    verdict = CLASSIFIER.classify(sample.subject, sample.text, ThreadFacts(unanswered=2))
    own = ("complaint", "no_complaint", "thread", "rival", "hostile")
    counted = [reason.weight for reason in verdict.because if any(part in own for part in reason.rule.split(".")[:2])]
    assert verdict.complaint_score == pytest.approx(sum(counted), abs=0.01)
    for reason in verdict.because:
        place = {Part.SUBJECT: sample.subject, Part.TEXT: sample.text, Part.THREAD: ""}[reason.part]
        assert 0 <= reason.start <= reason.end <= len(place)
        assert (reason.start < reason.end) == (reason.part is not Part.THREAD)


def test_a_verdict_holds_no_word_of_the_message() -> None:
    text = f"Quetzalcoatl paid. {COMPLAINT} Xylophone idiots, urgent!"
    shown = repr(classify(text, subject="Zeppelin complaint")).lower()
    assert not [
        word for word in ("quetzalcoatl", "xylophone", "zeppelin", "idiots", "emails", "march") if word in shown
    ]


# --- what never changes a verdict -----------------------------------------------------------------

QUOTES = (
    "\n\nOn Tue, 3 Nov 2026 at 10:00, Support wrote:\n> Your complaint is a disgrace, you idiots.\n> Refund!",
    "\n\nEl mar, 3 nov 2026, Soporte escribió:\nLamentamos su reclamo por el cobro indebido.",
    "\n> Lamentamos su queja.",
    "\n\n-----Mensaje original-----\nDe: Soporte\nExijo mi dinero.",
)
SIGNATURES = (
    "\n--\nAna Ruiz\nDepartamento de Quejas y Reclamos",
    "\n\nKind regards,\nJo Smith\nComplaints and Refunds Team",
    "\n\nMit freundlichen Grüßen\nA. Schmidt, Beschwerdestelle",
    "\n\nSent from my iPhone",
)


@pytest.mark.parametrize("addition", QUOTES + SIGNATURES)
@given(sample=st.sampled_from(SAMPLES))
def test_quotes_and_signatures_never_change_a_verdict(addition: str, sample: Seed) -> None:
    alone = CLASSIFIER.classify(sample.subject, sample.text)
    assert CLASSIFIER.classify(sample.subject, sample.text + addition) == alone


def without_accents(text: str) -> str:
    """As people type who leave accents out; ñ, ç and umlauts too."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@given(sample=st.sampled_from(SAMPLES))
def test_case_and_accents_never_change_a_verdict(sample: Seed) -> None:
    plain = CLASSIFIER.classify(sample.subject, sample.text)
    # Upper case writes ß as two letters, which moves the places behind it.
    for change in (str.upper, str.lower, without_accents):
        changed = CLASSIFIER.classify(change(sample.subject), change(sample.text))
        assert [(reason.rule, reason.weight) for reason in changed.because] == [
            (reason.rule, reason.weight) for reason in plain.because
        ]
        assert (changed.kind, changed.complaint, changed.complaint_type) == (
            plain.kind,
            plain.complaint,
            plain.complaint_type,
        )


@given(st.text(), st.text())
def test_any_text_gets_a_verdict(subject: str, text: str) -> None:
    assert CLASSIFIER.classify(subject, text).kind in Kind


# --- quality and cost -----------------------------------------------------------------------------


def precision_and_recall(wanted: Sequence[bool], got: Sequence[bool]) -> tuple[float, float]:
    hits = sum(a and b for a, b in zip(wanted, got, strict=True))
    return hits / sum(got), hits / sum(wanted)


def f1(wanted: Sequence[bool], got: Sequence[bool]) -> float:
    precision, recall = precision_and_recall(wanted, got)
    return 2 * precision * recall / (precision + recall)


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return [CLASSIFIER.classify(sample.subject, sample.text) for sample in SAMPLES]


def test_suggestions_and_automatic_registrations_are_as_good_as_promised(verdicts: list[Verdict]) -> None:
    """Suggested: F1 of 0.80 with precision 0.75. Automatic: precision 0.92 with recall 0.35."""
    wanted = [sample.kind is Kind.COMPLAINT for sample in SAMPLES]
    suggested = [verdict.complaint is not Certainty.NO for verdict in verdicts]
    automatic = [verdict.complaint is Certainty.AUTO for verdict in verdicts]
    assert f1(wanted, suggested) >= 0.80
    assert precision_and_recall(wanted, suggested)[0] >= 0.75
    precision, recall = precision_and_recall(wanted, automatic)
    assert precision >= 0.92
    assert recall >= 0.35


def test_at_most_two_in_a_hundred_other_messages_are_registered_automatically(verdicts: list[Verdict]) -> None:
    others = [v for v, sample in zip(verdicts, SAMPLES, strict=True) if sample.kind is not Kind.COMPLAINT]
    assert sum(verdict.complaint is Certainty.AUTO for verdict in others) <= 0.02 * len(others)


def test_kinds_types_and_flags_are_as_good_as_promised(verdicts: list[Verdict]) -> None:
    """Kinds right in 0.60 with unknown counted as wrong; types in 0.80; abuse and threats F1 of 0.75."""
    pairs = list(zip(SAMPLES, verdicts, strict=True))
    assert sum(sample.kind is verdict.kind for sample, verdict in pairs) >= 0.60 * len(pairs)
    typed = [(s.type, v.complaint_type) for s, v in pairs if s.kind is v.kind is Kind.COMPLAINT]
    assert sum(a is b for a, b in typed) >= 0.80 * len(typed)
    assert f1([s.abusive for s in SAMPLES], [v.abusive for v in verdicts]) >= 0.75
    assert f1([s.threat for s in SAMPLES], [v.threat for v in verdicts]) >= 0.75


HOSTILE = (
    "no nobody never answers ",
    "a. ",
    "> x\n",
    "De: a\n",
    "On a wrote:\n> b\n",
    '"no" ',
    "Saludos\n",
    "?",
    "....a",
)


@pytest.mark.parametrize("unit", HOSTILE)
def test_twice_the_text_costs_twice_the_work(unit: str) -> None:
    classify(unit)  # compiled before it is counted

    def work(count: int) -> int:
        return lines_run(lambda: classify(unit * count))

    assert work(800) <= 2.1 * work(400)


@pytest.mark.parametrize(
    "text", ["My old software crashes every single day", "My red software crashes every single day"]
)
def test_seven_words_describe_nothing_whatever_a_rule_mutes(text: str) -> None:
    """What a rule passes over is no word more."""
    verdict = SignalClassifier().classify("", text)
    assert verdict.kind is not Kind.INCIDENT or Missing.DESCRIPTION in verdict.info_missing
