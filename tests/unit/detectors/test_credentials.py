"""Passwords, PINs, verification codes and keys that a sentence names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oneclick_sla_plugin.detectors.scanner import Scanner
from oneclick_sla_plugin.domain.sensitive import Level

NAMED = [
    # a colon or an equals sign
    "Password: [password:harbour-Light7]",
    "usuario: pgarcia contraseña: [password:almeria1999]",
    "Benutzer: otto, Kennwort: [password:Leuchtturm4]",
    "login: bia / senha: [password:goiaba77]",
    'config = {"password": "[password:q8#Lm2z!]", "host": "db"}',
    "https://example.com/login?user=al&pwd=[password:Nebula42]&lang=en",
    # a copula, with qualifiers between
    "my password for the customer portal is [password:Walnut_81]",
    "la clave que uso en la web es [password:Tucan2018]",
    "das Passwort für unser Konto lautet [password:Dampfer66]",
    "a senha do meu cadastro é [password:Bacalhau3]",
    "my old password was [password:Granite19] until last week",
    # verbs of change
    "I changed my password to [password:Velvet-9x] and was locked out",
    "cambié la contraseña a [password:Volcan55] y nada",
    "ich habe das Kennwort auf [password:Moewe88] geändert",
    "troquei a senha para [password:Jabuti12] e não entra",
    # nothing between
    "user root, password [password:L1ghth0use], please check",
    "con la contraseña [password:Fresno_31] no entra",
    "mit dem Passwort [password:Birne#22] komme ich nicht rein",
    # the value first
    "[password:Copper77] is my password and it fails",
    "pongo [password:Aceituna4] como contraseña",
    "ich gebe [password:Ziegel_5] als Passwort ein",
    "coloco [password:Tatu2020] como senha",
    # two of them
    "my password is either [password:Marble31] or [password:Marble32]",
    # marked off
    "my password ([password:Denim#501]) is rejected",
    "el password es **[password:Cobre!77]**",
    # PIN
    "my PIN is [pin:8307]",
    "el pin de la tarjeta: [pin:5520]",
    "die Geheimzahl lautet [pin:9164]",
    "o PIN do cartão é [pin:3071]",
    "[pin:6620] is my PIN",
    # verification code
    "CVV [cvv:604]",
    "the three digits on the back are [cvv:118]",
    "los tres números de atrás son [cvv:927]",
    "die Prüfziffer ist [cvv:350]",
    "o código de segurança é [cvv:481]",
    # keys
    "our api key is [secret:4f9c0e7a1b3d5f8e2a6c9b0d7e1f3a5c] and it is refused",
    "la clave de api: [secret:nB7xQ2mK9pL4vR6tY1wZ]",
    "der API-Schlüssel [secret:zX81kLmN0pQ2rS4tU6vW] ist gesperrt",
]


@pytest.mark.parametrize("marked", NAMED)
def test_a_value_that_a_sentence_names_is_found_where_it_stands(
    marked: str, read_marked: Callable[[str], tuple[str, list[tuple[str, str]]]], found_in: Callable[[str], object]
) -> None:
    text, values = read_marked(marked)
    assert found_in(text) == values


@pytest.mark.parametrize("text", ["my password is giraffe", "mi contraseña es girasol.", "a minha senha é tucano"])
def test_a_password_that_is_a_plain_word_is_only_possible(scanner: Scanner, text: str) -> None:
    (finding,) = scanner.scan(text).findings
    assert (finding.type, finding.level) == ("password", Level.POSSIBLE)


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password, my user name is olga1984",
        "please reset the password for user olga1984",
        "Kennwort: ••••••",
        "password: <type yours>",
        "Contraseña: [OCULTA]",
        "password={{ vault.portal }}",
        "api_key=YOUR_KEY_HERE",
        "the password must have 12 characters and 2 digits",
        "my password is wrong, says error E1042",
        "mi contraseña caducó el 12/03/2025",
        "la contraseña es demasiado corta",
        "das Passwort ist abgelaufen, Vorgang 88120",
        "minha senha está errada desde 10/05",
        "what is my PIN? I have had the card since 2019",
        "the PIN pad of store 4471 is broken",
        "die PIN hat 6 Stellen",
        "where do I find the CVV? my card ends in 4471",
        "el código de seguridad tiene 3 dígitos",
        "the access token expires after 3600 seconds",
        "the secret to good coffee is 94 degrees",
        "la clave del éxito es la constancia",
        "our key account manager left in 2023",
        "activation key K7QF2-99XLM-ZZ014 is refused",
        "change the PIN, please",
        "Passwort zurücksetzen für max_1988",
        "esqueci a senha, meu usuário é bia1990",
    ],
)
def test_talk_about_credentials_is_no_finding(text: str, found_in: Callable[[str], list[tuple[str, str]]]) -> None:
    assert found_in(text) == []
