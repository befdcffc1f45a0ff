"""Every valid number in any usual writing is found where it stands, and no mask gives it away."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.es import dni

from oneclick_sla_plugin.detectors import register_detectors
from oneclick_sla_plugin.detectors.scanner import Scanner
from oneclick_sla_plugin.domain.sensitive import Detector

_DETECTORS: list[Detector] = []
register_detectors(_DETECTORS.append)
SCANNER = Scanner(_DETECTORS)

SEPARATORS = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u200b", "&nbsp;", "\n> "])
LEADS = {
    "card": st.sampled_from(["my card is ", "Hola, mi tarjeta: ", "Kreditkarte ", "cartão "]),
    "iban": st.sampled_from(["IBAN ", "cuenta ", "please wire to "]),
    "dni": st.sampled_from(["DNI ", "mi documento de identidad es "]),
    "cpf": st.sampled_from(["CPF ", "meu cpf é "]),
}
TAILS = st.sampled_from(["", ".", " thanks", ", gracias", "\nDanke", "</p>"])


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=count, max_size=count)


@st.composite
def cards(draw: st.DrawFn) -> list[str]:
    """The groups of a valid card number."""
    prefix, length = draw(
        st.sampled_from([("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("6011", 16), ("3528", 16), ("36", 14)])
    )
    body = prefix + draw(digits(length - len(prefix) - 1))
    number = body + luhn.calc_check_digit(body)
    return [number[at : at + 4] for at in range(0, 16, 4)] if length == 16 else [number[:4], number[4:10], number[10:]]


@st.composite
def accounts(draw: st.DrawFn) -> list[str]:
    country, length = draw(st.sampled_from([("DE", 18), ("ES", 20), ("PT", 21), ("AT", 16)]))
    rest = draw(digits(length))
    number = country + iban.calc_check_digits(f"{country}00{rest}") + rest
    return [number[at : at + 4] for at in range(0, len(number), 4)]


@st.composite
def spanish_ids(draw: st.DrawFn) -> list[str]:
    number = draw(digits(8))
    return [number, dni.calc_check_digit(number)]


@st.composite
def brazilian_ids(draw: st.DrawFn) -> list[str]:
    body = draw(digits(9).filter(lambda body: len(set(body)) > 1))
    number = body + cpf._calc_check_digits(body)
    return [number]


def check(lead: str, value: str, tail: str, kind: str) -> None:
    text = lead + value + tail
    found = [finding for finding in SCANNER.scan(text).findings if finding.type == kind]
    assert [(finding.start, finding.end) for finding in found] == [(len(lead), len(lead) + len(value))]
    plain = "".join(filter(str.isalnum, value))
    shown = "".join(filter(str.isalnum, found[0].masked))
    assert not any(plain[at : at + 6] in shown for at in range(len(plain) - 5))
    assert value not in repr(found)


@given(LEADS["card"], cards(), SEPARATORS, TAILS)
def test_every_card_is_found(lead: str, groups: list[str], separator: str, tail: str) -> None:
    check(lead, separator.join(groups), tail, "card")


@given(LEADS["iban"], accounts(), st.sampled_from(["", " ", "-", "\u00a0", "&nbsp;"]), TAILS, st.booleans())
def test_every_account_is_found(lead: str, groups: list[str], separator: str, tail: str, lower: bool) -> None:
    value = separator.join(groups)
    check(lead, value if not lower else separator.join(group.lower() for group in groups), tail, "iban")


@given(LEADS["dni"], spanish_ids(), st.sampled_from(["", "-", " "]), TAILS)
def test_every_spanish_id_is_found(lead: str, groups: list[str], separator: str, tail: str) -> None:
    check(lead, separator.join(groups), tail, "national_id")


@given(LEADS["cpf"], brazilian_ids(), st.booleans(), TAILS)
def test_every_brazilian_id_is_found(lead: str, groups: list[str], dotted: bool, tail: str) -> None:
    number = groups[0]
    value = f"{number[:3]}.{number[3:6]}.{number[6:9]}-{number[9:]}" if dotted else number
    check(lead, value, tail, "national_id")


@given(st.text(max_size=400))
def test_any_text_is_scanned_without_a_failure(text: str) -> None:
    scan = SCANNER.scan(text)
    assert scan.failures == ()
    assert all(0 <= finding.start < finding.end <= len(text) for finding in scan.findings)


@pytest.mark.parametrize("kind", ["password", "pin", "cvv"])
@given(value=st.integers(1000, 9999))
def test_of_what_must_stay_secret_not_even_the_length_is_shown(kind: str, value: int) -> None:
    (finding,) = SCANNER.scan(f"my {kind} is {value}{'Abc!' if kind == 'password' else ''}").findings
    assert (finding.type, finding.masked) == (kind, "••••")
