"""Classifying messages: what one costs, and what its length costs.

There is no rival to measure against: no library finds complaints in four languages
without a model of its own. So the figures are absolute, on the machine named above the
tables. One thread; the first call, which compiles the lexicons, is shown by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from time import perf_counter

from rich.table import Table

from oneclick_sla_plugin.classifiers.signals import SignalClassifier

_ROUNDS = 50
_MICROSECONDS = 1e6

_MESSAGES = {
    "es": (
        "Llevo tres semanas esperando la devolución y cada vez que llamo me dicen una cosa distinta.",
        "Buenas tardes, ¿me pueden enviar la factura de marzo? La necesito para un trámite.",
        "Desde la actualización de ayer la aplicación se cierra al abrir la cámara.",
    ),
    "en": (
        "I was promised a call back on Monday. It is Thursday and nobody has been in touch.",
        "Could you tell me where I can change the billing address of my account?",
        "The export comes out blank when the report has more than twenty pages.",
    ),
    "de": (
        "Trotz Kündigung wird weiter abgebucht, und auf meine Mails reagiert niemand.",
        "Wie kann ich meine Lieferadresse ändern? Danke für die Hilfe.",
    ),
    "pt": (
        "Paguei o frete expresso, já se passaram vinte dias e o produto não chegou.",
        "Gostaria de saber como emitir a segunda via do boleto.",
    ),
}
_LENGTHS = (100, 1_000, 10_000, 100_000)


def tables() -> Iterator[Table]:
    """The cost by language, then by length, for ordinary text and for text made to be costly."""
    began = perf_counter()
    classifier = SignalClassifier()
    classifier.classify("", "compiled now")
    compiled = perf_counter() - began
    yield _by_language(classifier, compiled)
    yield _by_length(classifier)


def _by_language(classifier: SignalClassifier, compiled: float) -> Table:
    table = Table(title=f"Classifying a short message (lexicons compiled in {compiled:.2f} s)")
    table.add_column("language")
    for heading in ("p50 µs", "p95 µs", "messages/s"):
        table.add_column(heading, justify="right")
    for language, messages in [*_MESSAGES.items(), ("all", [text for group in _MESSAGES.values() for text in group])]:
        times = _times(classifier, messages)
        table.add_row(
            language,
            f"{median(times) * _MICROSECONDS:,.0f}",
            f"{quantiles(times, n=20)[-1] * _MICROSECONDS:,.0f}",
            f"{len(times) / sum(times):,.0f}",
        )
    return table


def _by_length(classifier: SignalClassifier) -> Table:
    ordinary = " ".join(text for group in _MESSAGES.values() for text in group) + " "
    table = Table(title="What the length of a message costs")
    table.add_column("characters", justify="right")
    for heading in ("ordinary ms", "µs a character", "one endless sentence ms", "µs a character"):
        table.add_column(heading, justify="right")
    for length in _LENGTHS:
        row = [f"{length:,}"]
        for unit in (ordinary, "nobody never answers and no refund but still nothing "):
            text = (unit * (length // len(unit) + 1))[:length]
            best = min(_times(classifier, [text], rounds=3))
            row += [f"{best * 1_000:,.2f}", f"{best / length * _MICROSECONDS:.2f}"]
        table.add_row(*row)
    return table


def _times(classifier: SignalClassifier, messages: Sequence[str], rounds: int = _ROUNDS) -> list[float]:
    """Seconds of every single call."""
    times = []
    for _ in range(rounds):
        for text in messages:
            began = perf_counter()
            classifier.classify("", text)
            times.append(perf_counter() - began)
    return times
