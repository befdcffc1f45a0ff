"""A message without what cannot be seen, in Latin-1, with the way back to the original."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneclick_sla_plugin.domain.plain_text import PlainText


@pytest.mark.parametrize(
    ("original", "text", "folded"),
    [
        ("Contraseña", "Contraseña", "contrasena"),
        ("Contrasen\u0303a", "Contrasena", "contrasena"),
        ("Prüfziffer groß", "Prüfziffer groß", "prufziffer gros"),
        ("a\u00a0b\u2003c", "a\u00a0b c", "a b c"),
        ("4\u200b2\u00ad4", "424", "424"),
        ("٤２", "42", "42"),
        ("„x“ – ’y’", "\"x\" - 'y'", "\"x\" - 'y'"),
        ("<b>a</b><br/>b", " a \nb", " a \nb"),
        ("a &lt;x&gt; &amp;b&#33;", "a <x> &b!", "a <x> &b!"),
        ("clave: <su clave>", "clave: <su clave>", "clave: <su clave>"),
        ("> > a\n> b\n>c", "a\nb\nc", "a\nb\nc"),
        ("1 > 0", "1 > 0", "1 > 0"),
        ("a\ud800🔑b", "a\x1a\x1ab", "a\x1a\x1ab"),
    ],
)
def test_it_reads_as_a_person_would(original: str, text: str, folded: str) -> None:
    plain = PlainText(original)
    assert (plain.text, plain.folded, plain.ascii) == (text, folded, folded.encode())


def test_places_lead_back_to_the_original_with_all_that_was_left_out_between() -> None:
    original = "x <b>12</b>&nbsp;3\u200b4"
    plain = PlainText(original)
    start = plain.folded.index("1")
    assert plain.original(start, len(plain)) == (5, len(original))
    assert plain.original(start, start + 2) == (5, 7)


@given(st.text(st.sampled_from("a1ñ٤ \n><b/&amp;nbsp\u200b\u00ad\u0303“\ud800"), max_size=80) | st.text(max_size=80))
def test_every_character_has_one_place_and_their_order_is_that_of_the_original(original: str) -> None:
    plain = PlainText(original)
    assert len(plain.text) == len(plain.folded) == len(plain.ascii) == len(plain)
    places = [plain.original(at, at + 1) for at in range(len(plain))]
    assert all(0 <= start < end <= len(original) for start, end in places)
    assert all(before[1] <= after[0] for before, after in pairwise(places))
