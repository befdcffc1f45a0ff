"""What a user may rely on in a message's text: quotes and signatures cut, words folded, places kept."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.message import MAX_SENTENCE_TOKENS, Token, fold, own_words, sentences


def kept(text: str) -> str:
    return "".join(text[start:end] for start, end in own_words(text)).strip()


def words(text: str) -> list[list[str]]:
    return [[token.word for token in sentence] for sentence in sentences(text)]


OWN = "The invoice is wrong.\nPlease look at it."


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{OWN}\n> Dear customer,\n> we are sorry", id="marked quote"),
        pytest.param(
            f"{OWN}\n\nOn Mon, 3 Nov 2026 at 10:02, Support <s@x.example> wrote:\nDear customer", id="en reply"
        ),
        pytest.param(f"{OWN}\n\nOn Mon, 3 Nov 2026 at 10:02,\nSupport wrote:\n> Dear customer", id="folded header"),
        pytest.param(f"{OWN}\n\nEl lun, 3 nov 2026 a las 10:02, Soporte escribió:\n> Estimado", id="es reply"),
        pytest.param(f"{OWN}\n\nAm 03.11.2026 um 10:02 schrieb Support:\n> Guten Tag", id="de reply"),
        pytest.param(f"{OWN}\n\nEm seg., 3 de nov. de 2026, Suporte escreveu:\n> Olá", id="pt reply"),
        pytest.param(f"{OWN}\n\n-----Original Message-----\nFrom: Support\nDear customer", id="original message"),
        pytest.param(f"{OWN}\n\nDe: Soporte\nEnviado: lunes\nAsunto: Factura\nEstimado cliente", id="es mail header"),
        pytest.param(f"{OWN}\n\nVon: Support\nGesendet: Montag\nBetreff: Rechnung\nGuten Tag", id="de mail header"),
        pytest.param(f"{OWN}\n--\nAna Ruiz\nComplaints Department", id="signature"),
        pytest.param(f"{OWN}\n-- \nAna Ruiz", id="signature with its blank"),
        pytest.param(f"{OWN}\n\nKind regards,\nAna Ruiz\nHead of Complaints", id="en closing"),
        pytest.param(f"{OWN}\n\nSaludos cordiales\nAna Ruiz", id="es closing"),
        pytest.param(f"{OWN}\n\nMit freundlichen Grüßen\nAna Ruiz", id="de closing"),
        pytest.param(f"{OWN}\n\nAtenciosamente,\nAna Ruiz", id="pt closing"),
        pytest.param(f"{OWN}\n\nSent from my phone", id="device"),
        pytest.param(f"{OWN}\n\nThis e-mail and its attachments are confidential.", id="footer"),
        pytest.param(f"{OWN}\n\nAVISO LEGAL: libro de reclamaciones en nuestra web", id="legal notice"),
    ],
)
def test_quotes_signatures_and_footers_are_not_the_senders_words(text: str) -> None:
    assert kept(text) == OWN


@pytest.mark.parametrize(
    ("text", "own"),
    [
        pytest.param("On Monday Jo wrote:\n> the old text\nIt still fails.", "It still fails.", id="answer below"),
        pytest.param("> does it work?\nNo.\n> and now?\nNeither.", "No.\nNeither.", id="answers in between"),
        pytest.param("Regards to your team, who\nhelped me a lot.", "Regards to your team, who\nhelped me a lot.", id="a word of greeting in a sentence"),
        pytest.param("Gracias.\nDe: lunes a viernes no hay nadie.", "Gracias.\nDe: lunes a viernes no hay nadie.", id="one line that looks like a header"),
    ],
)  # fmt: skip
def test_what_is_written_around_a_quote_stays(text: str, own: str) -> None:
    assert kept(text) == own


@pytest.mark.parametrize(
    ("written", "folded"),
    [("Reclamación", "reclamacion"), ("GRÜSSE", "grusse"), ("Größe", "grosse"), ("Don't", "dont"), ("AÑO", "ano")],
)
def test_case_accents_and_apostrophes_are_folded(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("It broke. Why?", [["it", "broke"], ["why", "?"]], id="a question keeps its mark"),
        pytest.param("Pagué 3.50 hoy", [["pague", "3.50", "hoy"]], id="a number is one token"),
        pytest.param("e-mail", [["e", "mail"]], id="hyphens separate"),
        pytest.param("see https://x.example/a?b now", [["see", "#url", "now"]], id="links"),
        pytest.param("write to a.b@x.example", [["write", "to", "#mail"]], id="addresses"),
        pytest.param("one\n\ntwo", [["one"], ["two"]], id="an empty line ends a sentence"),
        pytest.param("short line\nnext", [["short", "line"], ["next"]], id="so does the end of a short line"),
        pytest.param(f"{'word ' * 13}\nnext", [["word"] * 13 + ["next"]], id="a wrapped line goes on"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_a_text_becomes_sentences_of_tokens(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_words_between_double_quotes_are_marked() -> None:
    (sentence,) = sentences('the "old name" stays')
    assert [token.quoted for token in sentence] == [False, True, True, False]


@given(st.text())
def test_every_token_stands_where_it_says(text: str) -> None:
    for sentence in sentences(text):
        for token in sentence:
            place = text[token.start : token.end]
            assert place
            if token.word[0] not in "#?":
                assert fold(place) == token.word


@given(st.text())
def test_spans_of_own_words_are_in_order_and_within_the_text(text: str) -> None:
    places = [0, *(place for span in own_words(text) for place in span), len(text)]
    assert places == sorted(places)


@given(st.lists(st.sampled_from(["Canción", "año", "Straße", "não", "it's", "3,5", "¿qué?", "fin."]), max_size=30))
def test_composed_and_decomposed_text_gives_the_same_words(pieces: list[str]) -> None:
    text = " ".join(pieces)
    assert words(unicodedata.normalize("NFD", text)) == words(text)


@given(st.integers(min_value=1, max_value=500))
def test_a_sentence_never_grows_past_its_limit(count: int) -> None:
    """A text without any end is cut, and no word is lost by it."""
    found = words("word " * count)
    assert max(map(len, found)) <= MAX_SENTENCE_TOKENS
    assert sum(map(len, found)) == count


def test_a_token_does_not_print_its_word() -> None:
    assert "secret" not in repr(Token("secret", 0, 6))
