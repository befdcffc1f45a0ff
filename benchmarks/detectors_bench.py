"""Scanning ordinary support messages, against Presidio with its pattern recognisers.

Presidio is measured twice: its recognisers called directly, and its engine with a
blank language model, as one would run it without downloading models. It is asked for
cards, accounts and three national numbers only; we look for all types that ship, so
the comparison leans towards the rival. The same messages in the same order, one
thread; a rate is the best of several rounds, and the rivals' rounds alternate.
Further tables: hostile texts of growing length, and the time of an import in a fresh
process.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle, islice
from statistics import median
from time import perf_counter

import spacy
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EsNieRecognizer,
    EsNifRecognizer,
    IbanRecognizer,
    UsSsnRecognizer,
)
from rich.table import Table

from oneclick_sla_plugin.detectors import register_detectors
from oneclick_sla_plugin.detectors.scanner import Scanner
from oneclick_sla_plugin.domain.sensitive import Detector

_ROUNDS = 7
_MESSAGES = 1_000
_LANGUAGE = "en"  # Presidio runs the recognisers of one language; ours needs none

_ORDINARY = (
    "Hello, my order {order} has not arrived yet. The tracking page has shown the same status for a week.",
    "I forgot my password and the reset link never reaches my inbox. Could you send it again, please?",
    "Can I change the delivery address of order {order}? I have moved, the new street is Mill Lane 14.",
    "How do I cancel my subscription? I cannot find the button in the settings of my account.",
    "The invoice INV-{order} shows the wrong amount: it says 129.90 EUR, we agreed on 99.00 EUR.",
    "The app crashes when I open the camera, version 4.11.2 on Android 14. It worked before the update.",
    "My card ending in 4242 was declined, although there is enough money on it. What can I do?",
    "Please call me back on +34 612 345 678 after five, I have questions about the offer you sent.",
    "Hola, quisiera saber cuándo llega mi pedido {order}; lo compré el 12/03/2025 y sigue en tránsito.",
    "No puedo entrar en mi cuenta desde ayer, dice que el usuario no existe. ¿Me pueden ayudar?",
    "Buenos días, necesito una copia de la factura de marzo a nombre de mi empresa, por favor.",
    "¿Cuál es el horario de atención los sábados? Quiero pasar a recoger un paquete.",
    "Guten Tag, ich möchte meine Bestellung {order} zurückgeben, das Gerät ist leider defekt.",
    "Wie kann ich die Rechnungsanschrift ändern? Im Kundenkonto finde ich den Punkt nicht.",
    "Olá, o produto chegou danificado e gostaria de trocar. O pedido é o {order}, obrigado.",
    "Gostaria de saber se a garantia cobre a bateria do aparelho comprado em janeiro.",
    "Thanks a lot for the quick help yesterday, everything works again. Have a nice week!",
    "We would like to talk about a partnership. Who in your team takes care of resellers in Portugal?",
    "The package was left at the wrong door, number 38 instead of 83. The neighbour is on holiday.",
    "Where can I download the manual? The link https://example.com/manuals/x200.pdf gives an error 404.",
)
_SENSITIVE = (
    "My card is 4111 1111 1111 1111, valid until 09/27, please charge it again.",
    "mi contraseña es Primavera2031 y no puedo entrar",
    "Bitte überweisen Sie auf DE89 3704 0044 0532 0130 00, vielen Dank.",
)
_EVERY = 20
"""One message in so many holds a value."""


@dataclass(frozen=True)
class Contender:
    name: str
    scan: Callable[[str], object]


def tables() -> Iterator[Table]:
    """The rivals on short and long messages; hostile texts; the import."""
    ours = Contender("oneclick-sla-plugin", our_scanner().scan)
    contenders = [ours, *_presidio()]
    yield _comparison("Messages as they come in", contenders, ordinary_messages(1))
    yield _comparison("The same, four in one", contenders, ordinary_messages(4))
    yield _hostile(ours)
    yield _start()


def our_scanner() -> Scanner:
    detectors: list[Detector] = []
    register_detectors(detectors.append)
    return Scanner(detectors)


def ordinary_messages(joined: int) -> list[str]:
    """Messages of a support desk, ``joined`` of them in each; numbers differ from one to the next."""
    texts = []
    ordinary, sensitive = cycle(_ORDINARY), cycle(_SENSITIVE)
    for position in range(_MESSAGES):
        parts = [part.format(order=48_210_000 + position) for part in islice(ordinary, joined)]
        if position % _EVERY == 0:
            parts[0] = next(sensitive)
        texts.append("\n".join(parts))
    return texts


def _presidio() -> list[Contender]:
    recognisers: list[EntityRecognizer] = [
        CreditCardRecognizer(supported_language=_LANGUAGE),
        IbanRecognizer(supported_language=_LANGUAGE),
        UsSsnRecognizer(supported_language=_LANGUAGE),
        EsNifRecognizer(supported_language=_LANGUAGE),
        EsNieRecognizer(supported_language=_LANGUAGE),
    ]
    model = SpacyNlpEngine(models=[{"lang_code": _LANGUAGE, "model_name": "blank"}])
    vars(model)["nlp"] = {_LANGUAGE: spacy.blank(_LANGUAGE)}  # what load() would fill with a downloaded model
    registry = RecognizerRegistry(recognizers=recognisers, supported_languages=[_LANGUAGE])
    engine = AnalyzerEngine(registry=registry, nlp_engine=model, supported_languages=[_LANGUAGE])
    nothing = NlpArtifacts([], spacy.blank(_LANGUAGE)(""), [], [], model, _LANGUAGE)
    name = f"presidio-analyzer {version('presidio-analyzer')}"

    def directly(text: str) -> object:
        return [recogniser.analyze(text, recogniser.supported_entities, nothing) for recogniser in recognisers]

    def through_engine(text: str) -> object:
        return engine.analyze(text, language=_LANGUAGE)

    return [Contender(f"{name}, recognisers", directly), Contender(f"{name}, engine", through_engine)]


def _comparison(title: str, contenders: Sequence[Contender], messages: Sequence[str]) -> Table:
    length = sum(map(len, messages)) / len(messages)
    table = Table(title=f"Sensitive data: {title} ({length:.0f} characters on average)")
    table.add_column("scanner", no_wrap=True)
    for heading in ("messages/s", "p50 µs", "p99 µs", "ours"):
        table.add_column(heading, justify="right")
    seconds = {contender.name: [_seconds(contender, messages)] for contender in contenders}
    for _ in range(_ROUNDS - 1):
        for contender in contenders:
            seconds[contender.name].append(_seconds(contender, messages))
    best = min(seconds[contenders[0].name])
    for contender in contenders:
        each = sorted(_each(contender, messages))
        fastest = min(seconds[contender.name])
        table.add_row(
            contender.name,
            f"{len(messages) / fastest:,.0f}",
            f"{median(each):,.1f}",
            f"{each[len(each) * 99 // 100]:,.1f}",
            f"{fastest / best:,.1f}x",
        )
    return table


def _seconds(contender: Contender, messages: Sequence[str]) -> float:
    began = perf_counter()
    for message in messages:
        contender.scan(message)
    return perf_counter() - began


def _each(contender: Contender, messages: Sequence[str]) -> Iterator[float]:
    for message in messages:
        began = perf_counter()
        contender.scan(message)
        yield (perf_counter() - began) * 1e6


_HOSTILE = {
    "spaces": " ",
    "digits": "4",
    "digits, one by one": "4 ",
    "quotation marks": '"',
    "nested tags": "<div><b>",
    "a@a@": "a@a@",
    "opening brackets": "(",
    "one long word": "a",
    "keywords": "my password is ",
    "zero-width characters": "4\u200b",
}


def _hostile(ours: Contender) -> Table:
    table = Table(title="Sensitive data: hostile texts, seconds by length")
    table.add_column("text of nothing but")
    lengths = (64, 128, 256)
    for kib in lengths:
        table.add_column(f"{kib} KiB", justify="right")
    totals = [0.0] * len(lengths)
    for name, piece in _HOSTILE.items():
        row = []
        for column, kib in enumerate(lengths):
            text = (piece * (kib * 1024 // len(piece) + 1))[: kib * 1024]
            taken = min(_seconds(ours, [text]) for _ in range(3))
            totals[column] += taken
            row.append(f"{taken:.3f}")
        table.add_row(name, *row)
    table.add_row("together", *(f"{total:.3f}" for total in totals))
    return table


def _start() -> Table:
    table = Table(title="Sensitive data: starting, in a process of its own, milliseconds")
    table.add_column("step")
    table.add_column("best of 5", justify="right")
    for name, statement in (
        ("import of the detectors", "import oneclick_sla_plugin.detectors.scanner"),
        ("import of Presidio", "import presidio_analyzer"),
    ):
        table.add_row(name, f"{min(_import_time(statement) for _ in range(5)) * 1000:,.0f}")
    return table


def _import_time(statement: str) -> float:
    script = f"from time import perf_counter as now; began = now(); {statement}; print(now() - began)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)  # noqa: S603
    return float(done.stdout)
