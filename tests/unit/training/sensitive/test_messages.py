"""The messages that the judge learns from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oneclick_sla_plugin.detectors.tokens import TokenDetector
from oneclick_sla_plugin.domain.plain_text import PlainText
from training.sensitive.messages import MESSAGES, Mark, read_messages

FILES = sorted(MESSAGES.glob("*.jsonl"))


def written(folder: Path, text: str) -> Path:
    path = folder / "few.jsonl"
    path.write_text(json.dumps({"lang": "en", "text": text}) + "\n", encoding="utf-8")
    return path


def test_marks_are_taken_out_and_their_places_are_kept(tmp_path: Path) -> None:
    (message,) = read_messages(written(tmp_path, "my PIN ⟦PIN:4812⟧ and ⟦PASSWORD:Otter_1⟧."))
    assert message.text == "my PIN 4812 and Otter_1."
    assert message.marks == (Mark("pin", 7, 11), Mark("password", 16, 23))


def test_blanks_are_filled_alike_each_time(tmp_path: Path) -> None:
    path = written(tmp_path, "card {{CARD:dashes}}, order {{LUHN16}}, key {{SECRET:hex32}}")
    (first,), (second,) = read_messages(path), read_messages(path)
    assert first == second
    assert [mark.type for mark in first.marks] == ["card", "secret"]
    assert "{{" not in first.text


@pytest.mark.parametrize(
    ("start", "end", "covered"), [(10, 20, True), (12, 20, True), (10, 14, False), (0, 30, False), (20, 30, False)]
)
def test_a_mark_covers_what_is_at_least_half_of_it_and_no_more_than_twice(start: int, end: int, covered: bool) -> None:
    assert Mark("pin", 10, 20).covers(start, end) is covered


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_messages_can_be_read_and_hold_no_token(path: Path) -> None:
    assert list(read_messages(path))
    raw = path.read_text(encoding="utf-8")
    assert "⟦SECRET:" not in raw
    assert "⟦CARD:" not in raw
    found = [candidate for candidate in TokenDetector().find(PlainText(raw)) if candidate.type == "secret"]
    assert found == []
