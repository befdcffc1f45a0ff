"""Values that a test plants in messages, and the search for any six characters in a row of them."""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Iterable
from pathlib import Path

from stdnum import luhn
from stdnum.iban import calc_check_digits

RUN = 6
"""So many characters in a row of a planted value are too many."""

_RANDOM_IDS = re.compile(rb"\b[0-9a-f]{32}(?:[0-9a-f]{32})?\b|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Made by chance: leases and the chain of the register. Six digits of a card may stand in one by chance too."""
_CREATED = re.compile(rb"^\S+_created\{.*$", re.MULTILINE)
"""When a counter began, in microseconds: likewise."""


class Values:
    """What is planted, made at run time, so that nothing that looks for secrets in source code stops here."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - samples, not secrets
        self._runs: set[bytes] = set()

    def text(self) -> str:
        """A message with one of each kind, and with words that stand nowhere else."""
        lines = [
            f"{self._plant(self._letters(14))}: mi tarjeta es {self._card()} y el cvv 731.",
            f"Mi contraseña es {self._plant(self._letters(5) + '7!' + self._letters(5) + 'Q')}, gracias.",
            f"password={self._plant(self._letters(4) + '9#' + self._letters(6) + 'Z')}",
            f"La clave de la API: {self._token('ghp_', 36)} y {self._token('sk_live_', 24)}",
            f"IBAN {self._iban()}",
            self._key(),
            f"{self._plant(self._letters(14))} {self._plant(self._letters(9))}",
        ]
        return "\n".join(lines)

    def word(self) -> str:
        return self._plant(self._letters(14))

    def found_in(self, content: bytes) -> list[str]:
        """The runs that stand there, in either case."""
        content = _CREATED.sub(b"", _RANDOM_IDS.sub(b"", content)).lower()
        return sorted(run.decode() for run in self._runs if run in content)

    def _plant(self, value: str, public: str = "") -> str:
        """Runs that lie in the ``public`` beginning may be shown; four digits between blanks are any mask's."""
        for at in range(max(len(public) - RUN + 1, 0), len(value) - RUN + 1):
            run = value[at : at + RUN]
            if len(run.strip()) > 4:
                self._runs.add(run.lower().encode())
        return value

    def _card(self) -> str:
        start = "4539" + "".join(self._chance.choices(string.digits, k=11))
        number = self._plant(start + luhn.calc_check_digit(start))
        return self._plant(" ".join(number[at : at + 4] for at in range(0, 16, 4)))

    def _iban(self) -> str:
        account = "ES00" + "".join(self._chance.choices(string.digits, k=20))
        return self._plant("ES" + calc_check_digits(account) + account[4:])

    def _token(self, prefix: str, length: int) -> str:
        return self._plant(
            prefix + "".join(self._chance.choices(string.ascii_letters + string.digits, k=length)), prefix
        )

    def _key(self) -> str:
        body = [self._plant(base64.b64encode(self._chance.randbytes(45)).decode()) for _ in range(4)]
        name = "PRIVATE" + " KEY-----"
        return "\n".join([f"-----BEGIN {name}", *body, f"-----END {name}"])

    def _letters(self, count: int) -> str:
        return "".join(self._chance.choices("bcdfghjkmnpqrstvwxz", k=count))


def files_in(folder: Path) -> Iterable[tuple[str, bytes]]:
    """All files of a folder, by their paths."""
    return ((str(path), path.read_bytes()) for path in folder.rglob("*") if path.is_file())
