"""Cards, accounts and national numbers: shape, check digit, context."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oneclick_sla_plugin.detectors.scanner import Scanner
from oneclick_sla_plugin.domain.sensitive import Level

Marked = Callable[[str], tuple[str, list[tuple[str, str]]]]


@pytest.mark.parametrize(
    "marked",
    [
        "[card:4111111111111111]",
        "my card is [card:4111 1111 1111 1111]",
        "Visa [card:4111-1111-1111-1111] please",
        "tarjeta nº[card:4111.1111.1111.1111]",
        "Karte [card:3782 822463 10005] wurde abgelehnt",
        "cartão [card:36 00 66 66 33 33 44]",
        "card: [card:4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1]",
        "charge [card:2223003122003222] again",
        "card [card:4111 1111 1111 1111] exp 04/28 [cvv:737]",
        "card [card:4111 1111 1111 1111], 04/28, code [cvv:737]",
        "IBAN [iban:DE89 3704 0044 0532 0130 00] please",
        "to [iban:GB29NWBK60161331926819].",
        "cuenta [iban:es91-2100-0418-4502-0005-1332]",
        "DNI [national_id:12345678Z]",
        "mi dni es [national_id:12.345.678-Z]",
        "NIE [national_id:X1234567L]",
        "DNI peruano [national_id:45871236], titular Ana",
        "RUC [national_id:10417844398]",
        "carné de extranjería [national_id:001234567]",
        "SSN [national_id:536-90-4399]",
        "CPF [national_id:529.982.247-25]",
        "CPF [national_id:52998224725]",
        "Steuer-ID [national_id:86 095 742 719]",
        "NIF [national_id:123456789]",
    ],
)
def test_a_number_is_found_in_its_usual_writings(
    marked: str, read_marked: Marked, found_in: Callable[[str], object]
) -> None:
    text, values = read_marked(marked)
    assert found_in(text) == values


@pytest.mark.parametrize(
    "text",
    [
        "card 4111111111111112",  # check digit
        "order 4111111111111111",
        "pedido 4111 1111 1111 1111",
        "Bestellnummer 4111111111111111",
        "gift card 4111111111111111",
        "tarjeta de fidelidad 4111111111111111",
        "IMEI 490154203237518",
        "charged to 411111******1111",
        "https://example.com/t/4111111111111111",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "123e4567-e89b-12d3-a456-426614174000",
        "tracking JD4111111111111111",
        "IBAN DE89 3704 0044 0532 0130 01",
        "DNI 12345678A",
        "the number is 45871236",
        "protocol 52998224725",
        "reference 666-12-3456",
        "+34 612 345 678 or (415) 555-0132",
        "version 10.4.2003, epoch 1700000000000",
    ],
)
def test_a_number_of_something_else_is_no_finding(text: str, found_in: Callable[[str], list[tuple[str, str]]]) -> None:
    assert found_in(text) == []


def test_the_nearest_word_decides_what_a_number_is(found_in: Callable[[str], list[tuple[str, str]]]) -> None:
    text = "The order 4012888888881881 was paid with the card 4111111111111111."
    assert found_in(text) == [("card", "4111111111111111")]


def test_a_companys_number_is_only_possible(scanner: Scanner) -> None:
    """A Peruvian tax number that begins with 20 belongs to a company and is public."""
    (finding,) = scanner.scan("RUC 20131312955").findings
    assert finding.level is Level.POSSIBLE


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 4111 1111 1111 1111", "•••• 1111"),
        ("IBAN DE89370400440532013000", "DE •••• 3000"),
        ("DNI 12345678Z", "•••• 78Z"),
        ("cvv 737", "••••"),
        ("my PIN is 8307", "••••"),
        ("password: harbour-Light7", "••••"),
    ],
)
def test_masks_show_no_more_than_it_takes_to_recognise_a_value(scanner: Scanner, text: str, masked: str) -> None:
    (finding,) = scanner.scan(text).findings
    assert finding.masked == masked
