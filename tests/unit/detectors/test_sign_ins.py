"""Passwords and PINs beside what people do with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oneclick_sla_plugin.detectors.scanner import Scanner
from oneclick_sla_plugin.domain.sensitive import Level

DONE = [
    # signing in
    "please log in as root with [password:kW7pz2Rf]",
    "entren como invitado con [password:Faro_Norte8] y lo verán",
    "bitte loggen Sie sich als otto mit [password:Nebel#44] ein",
    "entre como convidado com [password:Farol!305]",
    # a password that is set, with its word elsewhere
    "the password expired, so I set it to [password:$Meadow812] and was locked out",
    "la contraseña caducó y la cambié por [password:Trigo_Rojo7]",
    "das Passwort war abgelaufen, ich habe es auf [password:Anker+902] gesetzt",
    "a senha venceu e mudei para [password:%Vela!733]",
    # used for a purpose
    "use [password:Quartz.Lime92] to get in",
    "usa [password:Brisa*410] para entrar",
    # typed where a PIN or a password is asked for
    "it asks for a PIN, I type [pin:7305] and nothing happens",
    "tecleo [pin:7305] y dice que el PIN no es correcto",
    "digitei [pin:7305] e o PIN foi recusado",
    "mit [password:rT5vN8qw] komme ich nicht rein, das Passwort war immer richtig",
    "[password:Ember_560] is what I type as my password",
    # a user's name and what is joined to it
    "entre com o usuario admin e [password:Pinho&558]",
    "credentials: ana@example.com / [password:Juniper#31]",
    # a value that begins with a sign
    "Password: [password:#Cedar!640]",
    "Kennwort: [password:%Dohle+77]",
    "contraseña nueva: [password:$Olivo#208]",
    # the two in one sentence
    "my password was [password:Marsh_118] and the new one is [password:Marsh_119]",
    "wifi network Guest, key is [password:lantern58]",
    "my PIN's [pin:7305]",
]


@pytest.mark.parametrize("marked", DONE)
def test_a_value_beside_an_act_is_found_where_it_stands(
    marked: str, read_marked: Callable[[str], tuple[str, list[tuple[str, str]]]], found_in: Callable[[str], object]
) -> None:
    text, values = read_marked(marked)
    assert found_in(text) == values


@pytest.mark.parametrize(
    "text",
    [
        "I set it to English and the password page is still German",
        "I changed it to 1080p, the login page looks bad",
        "use Chrome to get in, my password is right",
        "log in with dave77 and the password is refused",
        "I log in with dave77 but the password field stays grey",
        "I typed my PIN 3 times and waited 1500 seconds",
        "marco 1004 y nadie atiende lo del PIN",
        "con Windows11 no puedo entrar, la contraseña es correcta",
        "mit Firefox128 komme ich nicht rein, das Passwort stimmt",
        "connect using TLS1.2 on port 8443, the password is unchanged",
        "use the coupon SAVE2024 to get in",
        "entro con mi correo y la contraseña no la reconoce, pedido AB44910",
        "password: $PORTAL_PASSWORD",
        "password: %PASSWORD%",
        "password #4471 is the subject of my ticket",
        "El usuario y la contraseña son correctos, error 403",
        "La contraseña es demasiado corta, ¿cuántos caracteres pide?",
    ],
)
def test_acts_without_a_value_are_no_warning(text: str, scanner: Scanner) -> None:
    assert [finding for finding in scanner.scan(text).findings if finding.level is Level.WARN] == []
