"""International bank account numbers: country, length and check digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from oneclick_sla_plugin.domain.plain_text import PlainText
from oneclick_sla_plugin.domain.sensitive import IBAN, Candidate

_CANDIDATE = re.compile(r"(?<![a-z0-9])([a-z]{2}[ .\-]?[0-9]{2})((?:[ .\-\n]{0,2}[a-z0-9]){10,45})")


class IbanDetector:
    """Finds account numbers in any grouping; the longest reading that passes its check wins."""

    name = "iban"
    types = frozenset({IBAN})
    # In most countries digits come first, in some a bank's letters.
    trigger = (
        r"(?:^|[^a-z0-9])(?:[a-z]{2}[ .\-]?[0-9]{2}(?:[ .\-\n]{0,2}[0-9]){4}"
        r"|[abgijklmnpqrsv][a-z][ .\-]?[0-9]{2}[ .\-]?[a-z]{1,4}[ .\-]?[0-9a-z]{2,4}[ .\-]?[0-9]{2})"
    )

    def find(self, text: PlainText) -> Iterator[Candidate]:
        folded = text.folded
        position = 0
        while found := _CANDIDATE.search(folded, position):
            end = _valid_end(folded, found.start(), found.end())
            if end:
                yield Candidate(
                    IBAN, found.start(), end, 0.97, prefix=text.text[found.start() : found.start() + 2], shown=4
                )
            position = end or found.end(1)


def _valid_end(folded: str, start: int, end: int) -> int:
    """Where the account number that begins at ``start`` ends; 0 when there is none."""
    length = _lengths().get(folded[start : start + 2], 0)
    if not length:
        return 0
    # Imported here: the module reads its table of countries at import.
    from stdnum import iban
    from stdnum.iso7064 import mod_97_10

    places = [at for at in range(start, end) if folded[at].isalnum()][:length]
    last = places[-1]
    if len(places) < length or folded[last + 1 : last + 2].isalnum():
        return 0
    compact = "".join(folded[at] for at in places)
    if not mod_97_10.is_valid(compact[4:] + compact[:4]):
        return 0
    # National check digits are the country's own business: a bank's slip in them is an account all the same.
    return last + 1 if iban.is_valid(compact, check_country=False) else 0


@cache
def _lengths() -> dict[str, int]:
    """Lengths by country code in lower case, from the registry that python-stdnum carries."""
    from stdnum import numdb

    registry = numdb.get("iban")
    letters = "abcdefghijklmnopqrstuvwxyz"
    lengths = {}
    for country in (first + second for first in letters for second in letters):
        structure = registry.info(country.upper())[0][1].get("bban", "")
        if structure:
            lengths[country] = 4 + sum(map(int, re.findall("[0-9]+", structure)))
    return lengths
