"""What could be a value by its shape, and the signs that are read beside it."""

from __future__ import annotations

import pytest

from oneclick_sla_plugin.detectors.evidence import MIXTURE, NUMBER, WORD, Passage
from oneclick_sla_plugin.detectors.vocabulary import Vocabulary, vocabulary
from oneclick_sla_plugin.domain.plain_text import PlainText

SPOTS = [
    ("I type harbour77 and nothing happens", [(MIXTURE, "harbour77")]),
    ("tecleo 4812 en la puerta", [(NUMBER, "4812")]),
    ("the alarm takes 4812# since May", [(NUMBER, "4812")]),
    ("mi contraseña es girasol", [(WORD, "girasol")]),
    ("she set it to \u201cgreen apple pie\u201d", [(WORD, "green apple pie")]),
    ("la clave es «Tren.Azul9»", [(MIXTURE, "Tren.Azul9")]),
    ("login: otto/Fjord#12", [(MIXTURE, "otto/Fjord#12"), (MIXTURE, "Fjord#12")]),
    ("pin=4812", [(NUMBER, "4812")]),
    # with a shape of their own
    ("call me back at +34 612 345 678", []),
    ("the code was for the card **** 4812", []),
    ("log in at https://example.com/login?user=al&page=a77b", []),
    ("the password of ana.ruiz7@example.com", []),
    ("password: {{ vault.portal7 }}", []),
    ("type the amount of 129.90", []),
    ("o código da lei 39/2015", []),
    ("digite-me a senha, diga-se", []),
    # nothing nearby that a value could belong to
    ("we need 4812 bricks", []),
]


@pytest.mark.parametrize(("text", "expected"), SPOTS)
def test_spots_are_words_that_could_be_a_value(text: str, expected: list[tuple[str, str]]) -> None:
    plain = PlainText(text)
    spots = Passage(plain, vocabulary()).spots
    assert [(spot.family, plain.text[spot.start : spot.end]) for spot in spots] == expected


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("my PIN is 4812", {"digits 4", "-1 say", "-2 pin", "nearest - pin", "ends line"}),
        ("mi PIN es 1984", {"year"}),
        ("PIN 0000", {"zero first", "repeated"}),
        ("order 4812 and the PIN", {"-1 reference", "+3 pin", "nearest - reference", "nearest + pin"}),
        ("I typed Otter_19!", {"has underscore", "has symbol", "shape Aa#9#", "-1 type"}),
        ("the PIN. Then 4812", {"< pin"}),
        ("type 4812. The door stays shut", {"> entrance"}),
        ("code (4812)", {"opens (", "quoted"}),
        ("from apple11 to apple12 I changed the password", {"pair behind"}),
    ],
)
def test_signs_tell_shape_setting_and_neighbours(text: str, signs: set[str]) -> None:
    assert signs <= set(Passage(PlainText(text), vocabulary()).signs(0))


@pytest.mark.parametrize(
    ("word", "meanings"),
    [
        ("pin", {"pin"}),
        ("tecleaba", {"type"}),
        ("turcode", {"code"}),
        ("sim-pin", {"pin", "entrance"}),
        ("a@b.example", {"address"}),
        ("09/27", {"expiry"}),
        ("13/27", set()),
        ("tecla", set()),
        ("code", set()),
    ],
)
def test_words_have_meanings_whole_by_their_beginning_or_by_their_end(word: str, meanings: set[str]) -> None:
    words = Vocabulary({"pin": ["pin"], "type": ["tecle*"], "code": ["*code"], "entrance": ["sim"]})
    assert words.meanings(word) == meanings
