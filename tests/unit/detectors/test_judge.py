"""What a judge has learned: values that no word for a credential has to stand beside, and harmless messages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oneclick_sla_plugin.detectors.judge import Weights, shipped_weights
from oneclick_sla_plugin.detectors.scanner import Scanner
from oneclick_sla_plugin.domain.sensitive import POSSIBLE_FROM, WARN_FROM, Level

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


HARMLESS = [
    "I moved to 2291 Birch Lane and the form still shows the old street",
    "the order from 3 March, number 7781240, arrived without the charger",
    "my profile name is blue_whale7, I want to hide it",
    "I switched to Mobile300 and the bill went up",
    "the gate 4 camera is offline, serial CAM20931",
    "my parking spot 1187 is taken every day",
    "the code of the product is 88213-B",
    "enter the building through door 12 and ask for Paul",
    "I tried paying 1500 with PayPal and it failed",
    "use promo FALL30 before Sunday",
    "my password expired after 90 days, policy 4.2 says 180",
    "access to report 5502 is denied",
    "I typed the IBAN and it says 22 characters needed",
    "the tablet TB310FU does not start",
    "console shows error WS-37403-7",
    "the reset link points to http://localhost:3000",
    "my date of birth is 04/05/1985 and I cannot log in",
    "PIN letters take 10 days, mine was sent 12 May",
    "is the back camera 48 or 50 megapixels?",
    "signed contract 2025/118 on page 3",
    "me mudé a la calle Olmo 2291 y sale la dirección vieja",
    "el pedido 7781240 llegó sin cargador",
    "mi perfil es ballena_azul7 y quiero ocultarlo",
    "me pasé a Movil300 y subió la factura",
    "la cámara de la puerta 4 está caída, serie CAM20931",
    "mi plaza 1187 está ocupada siempre",
    "el código del producto es 88213-B",
    "entren por la puerta 12 y pregunten por Pablo",
    "intenté pagar 1500 con PayPal y falló",
    "usen la promo OTONO30 antes del domingo",
    "la clave caducó a los 90 días y la norma 4.2 dice 180",
    "acceso denegado al informe 5502",
    "la consola da error WS-37403-7",
    "nací el 04/05/1985 y no puedo entrar",
    "la carta del PIN tarda 10 días, salió el 12 de mayo",
    "ich bin in den Birkenweg 229 gezogen",
    "die Bestellung 7781240 kam ohne Ladegerät",
    "mein Profil heißt blauwal_7",
    "ich bin zu Mobil300 gewechselt",
    "die Kamera am Tor 4 ist aus, Serie CAM20931",
    "mein Parkplatz 1187 ist immer besetzt",
    "Zugriff auf Bericht 5502 verweigert",
    "Passwort nach 90 Tagen abgelaufen, Richtlinie 4.2 sagt 180",
    "der PIN-Brief dauert 10 Tage",
    "mudei para a Rua das Acácias 2291",
    "o pedido 7781240 veio sem carregador",
    "meu perfil é baleia_azul7",
    "mudei para o Movel300 e a conta subiu",
    "minha vaga 1187 está sempre ocupada",
    "acesso negado ao relatório 5502",
    "a carta do PIN demora 10 dias",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_an_ordinary_question_is_no_warning(text: str, scanner: Scanner) -> None:
    assert [finding for finding in scanner.scan(text).findings if finding.level is Level.WARN] == []


def test_signs_add_up_to_the_chance_of_each_type_and_unknown_ones_do_not_count() -> None:
    judge = Weights(0.4, 0.8, {"number": {"": (0.0, 0.0, 0.0), "+1 pin": (-40.0, 0.0, -40.0)}})
    assert judge.probabilities("number", []) == pytest.approx((0.25, 0.25, 0.25))
    assert judge.probabilities("number", ["+1 pin", "never seen"]) == pytest.approx((0.0, 0.5, 0.0))


@pytest.mark.parametrize(
    ("chance", "confidence"),
    [(0.0, 0.0), (0.39, 0.0), (0.4, POSSIBLE_FROM), (0.6, 0.65), (0.8, WARN_FROM), (1.0, 0.97)],
)
def test_chances_become_confidences_by_the_learned_limits(chance: float, confidence: float) -> None:
    assert Weights(0.4, 0.8, {}).confidence(chance) == pytest.approx(confidence)


def test_a_chance_just_below_the_limit_is_no_warning() -> None:
    assert Weights(0.4, 0.8, {}).confidence(0.7999999) < WARN_FROM


def test_the_shipped_weights_know_every_family() -> None:
    weights = shipped_weights().weights
    assert weights.keys() == {"number", "word", "mixture"}
    assert all(len(weight) == 3 for signs in weights.values() for weight in signs.values())
    assert all("" in signs for signs in weights.values())
