"""An installation's own lexicon files: what they may change, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from oneclick_sla_plugin.classifiers.lexicon import LANGUAGES, load_lexicons
from oneclick_sla_plugin.classifiers.signals import SignalClassifier
from oneclick_sla_plugin.domain.message import Certainty
from oneclick_sla_plugin.errors import ConfigError

COMPLAINT = "Quiero presentar un reclamo."


def file(folder: Path, text: str, name: str = "own.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def score(text: str, *paths: Path) -> float:
    return SignalClassifier.with_overrides(paths).classify("", text).complaint_score


def test_every_language_ships_with_rules_for_every_kind_and_flag() -> None:
    groups = [{rule.group for rule in lexicon.rules.values()} for lexicon in load_lexicons().languages]
    assert len(groups) == len(LANGUAGES)
    assert all(found == groups[0] for found in groups)


def test_ids_of_rules_are_unique_and_name_their_language() -> None:
    ids = [rule.id for lexicon in load_lexicons().languages for rule in lexicon.rules.values()]
    assert len(ids) == len(set(ids))
    assert {rule.partition(".")[0] for rule in ids} == set(LANGUAGES)


def test_a_weight_is_changed_without_its_patterns(tmp_path: Path) -> None:
    own = file(tmp_path, 'language = "es"\n[complaint.explicit]\nweight = 6.5')
    assert score(COMPLAINT, own) == pytest.approx(score(COMPLAINT) + 1.5)


def test_a_weight_of_zero_switches_a_rule_off(tmp_path: Path) -> None:
    own = file(tmp_path, 'language = "es"\n[complaint.explicit]\nweight = 0')
    verdict = SignalClassifier.with_overrides([own]).classify("", COMPLAINT)
    assert "es.complaint.explicit" not in [reason.rule for reason in verdict.because]


def test_patterns_are_added_or_replaced_and_rules_and_classes_may_be_new(tmp_path: Path) -> None:
    own = file(
        tmp_path,
        """
        language = "es"
        [classes]
        gadget = "cachivache, chisme"
        [complaint.explicit]
        more_patterns = "zarabanda"
        [complaint.gadget]
        weight = 2
        patterns = '''
        // what our customers call the router
        @gadget .. kaputt
        '''
        """,
    )
    before = score("Hola, el chisme está kaputt.")
    assert score("Hola, el chisme está kaputt.", own) == pytest.approx(before + 2)
    assert score("Hola, zarabanda.", own) == pytest.approx(score("Hola, zarabanda.") + 5)
    assert score(COMPLAINT, own) == pytest.approx(score(COMPLAINT))


def test_thresholds_are_changed_in_a_file_for_scoring(tmp_path: Path) -> None:
    own = file(tmp_path, 'language = "scoring"\nauto = 9\nsuggested = 8.5')
    assert SignalClassifier.with_overrides([own]).classify("", COMPLAINT).complaint is Certainty.NO


def test_a_later_file_wins(tmp_path: Path) -> None:
    first = file(tmp_path, 'language = "es"\n[complaint.explicit]\nweight = 1', "a.toml")
    second = file(tmp_path, 'language = "es"\n[complaint.explicit]\nweight = 5', "b.toml")
    assert score(COMPLAINT, first, second) == pytest.approx(score(COMPLAINT))


def test_all_problems_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    paths = [
        file(tmp_path, 'language = "es"\n[complaint.explicit]\nwait = 3', "a.toml"),
        file(tmp_path, 'language = "fr"', "b.toml"),
        file(tmp_path, "this is not TOML", "c.toml"),
        tmp_path / "missing.toml",
        file(tmp_path, 'language = "en"\n[praise.nothing]\nweight = 1', "d.toml"),
        file(tmp_path, 'language = "de"\n[complaint.new]\nweight = 1', "e.toml"),
        file(
            tmp_path, 'language = "pt"\n[complaint.word]\npatterns = "(a"\n[complaint.bad]\npatterns = "@b"', "f.toml"
        ),
        file(tmp_path, 'language = "scoring"\nsuggested = 4\nauto = 3', "g.toml"),
        file(tmp_path, 'language = "es"\nclasses = 1\n[complaint.new]\nweight = "x"', "h.toml"),
    ]
    with pytest.raises(ConfigError) as caught:
        load_lexicons(paths)
    told = "\n".join(map(str, caught.value.problems))
    for part in (
        "es.complaint.explicit.wait: unknown key",
        "b.toml: language",
        "c.toml: is not TOML",
        "missing.toml",
        "en.praise: is not a group",
        "de.complaint.new.patterns: there is no pattern",
        "pt.complaint.word",
        "pt.complaint.bad",
        "scoring.auto",
        "h.toml: classes: is a table in one file and a value in the other",
        "es.complaint.new.weight",
    ):
        assert part in told
