"""The words are data: every language has every list, and all of them are read folded."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from oneclick_sla_plugin.detectors.lexicon import LANGUAGES, alternation, lexicon, phrase_key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("section", ["credentials", "speech", "numbers", "evidence"])
def test_every_language_has_every_list(language: str, section: str) -> None:
    folder = files("oneclick_sla_plugin.detectors").joinpath("lexicons")
    english, other = (
        tomllib.loads(folder.joinpath(f"{name}.toml").read_text(encoding="utf-8"))[section] for name in ("en", language)
    )
    assert other.keys() == english.keys()
    assert all(words for words in other.values())


def test_words_are_read_without_case_and_accents() -> None:
    words = lexicon().credentials
    assert "contrasena" in words["password"]
    assert "prufziffer" in words["cvv"]
    assert all(word.isascii() and word == word.lower() for phrases in words.values() for word in phrases)


@pytest.mark.parametrize("written", ["api key", "api_key", "api-key", "api  key"])
def test_a_phrase_is_the_same_however_it_is_joined(written: str) -> None:
    assert phrase_key(written) == phrase_key("api key")


def test_the_longest_phrase_comes_first() -> None:
    assert alternation(["pin", "pin code"]).split("|")[1] == "pin"
