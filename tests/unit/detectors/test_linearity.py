"""The work grows no faster than the text: steps of the interpreter are counted, no clock is read."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from oneclick_sla_plugin.detectors.scanner import Scanner

HOSTILE = {
    "spaces": " ",
    "digits": "4",
    "digits one by one": "4 ",
    "groups of digits": "4111 ",
    "quotation marks": '"',
    "nested tags": "<b><div>",
    "open tags": "<div ",
    "quote marks": ">\n",
    "a@a": "a@a@",
    "long word": "a",
    "brackets": "((((",
    "keywords": "password ",
    "keyword and blanks": "password" + " " * 150,
    "sentences without a value": "my password is ",
    "values": "password is Abcd1234 ",
    "acts without a value": "log in as root with 4 ",
    "acts beside a credential": "password, I set it to Abcd1234 ",
    "names of users": "user root and 4 ",
    "values beside one deed": "typed a1b2c3 ",
    "joints": "pin a=1b:2c/ ",
    "one token of joints": "pin=a1:",
    "quotations": 'word "a b ',
    "PINs": "pin 4812. ",
    "accounts": "es91 2100 ",
    "zero width": "4\u200b",
    "entities": "&amp;",
    "identity words": "dni 1234567 ",
}


def steps(scanner: Scanner, text: str) -> int:
    """Lines of Python that a scan runs."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        scanner.scan(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_twice_the_text_is_at_most_twice_the_work(scanner: Scanner, piece: str) -> None:
    size = 4_096
    scanner.scan(piece * 10)  # what is built at the first use
    once, twice = (steps(scanner, (piece * size)[: size * times]) for times in (1, 2))
    assert twice <= 2.05 * once + 500
