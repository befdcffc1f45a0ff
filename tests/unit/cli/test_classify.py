"""``oneclick-sla classify``: a verdict with its rules and places, line by line, and compared with people's."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from rich.cells import cell_len

from oneclick_sla_plugin.classifiers.lexicon import load_lexicons
from oneclick_sla_plugin.cli import cli
from oneclick_sla_plugin.cli.sandbox import write_sandbox_config
from oneclick_sla_plugin.cli.verdict_review import Label, Review
from oneclick_sla_plugin.domain.message import Certainty, Reason, Verdict
from oneclick_sla_plugin.domain.model import Channel
from oneclick_sla_plugin.errors import ConfigError, InputError
from oneclick_sla_plugin.plugins import Plugins
from oneclick_sla_plugin.testing.clock import ManualClock

MARKER = "Xochimilco"
COMPLAINT = f"{MARKER} otra vez: me cobraron dos veces y quiero presentar un reclamo."
QUESTION = f"Hola, ¿a qué hora abre la tienda de {MARKER}?"
INCIDENT = f"The {MARKER} page is not loading."
ABUSE = f"Son unos estafadores de mierda, {MARKER}, me cobraron dos veces."
THRESHOLDS = {"auto": 3.75, "suggested": 1.5}


def classify(*options: str, given: str | bytes | None = None, columns: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, ["classify", *options], input=given)


def document(*options: str, given: str | bytes | None = None) -> dict[str, Any]:
    result = classify(*options, "--json", given=given)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout_bytes)
    return found


def jsonl(*messages: object) -> str:
    return "".join((message if isinstance(message, str) else json.dumps(message)) + "\n" for message in messages)


def labelled(text: str, kind: str, **labels: object) -> dict[str, object]:
    return {"subject": "", "text": text, "kind": kind, **labels}


# --- one message -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "verdict", "type_"),
    [
        (COMPLAINT, "complaint", "auto", "reclamo"),
        (QUESTION, "question", "no", None),
        (INCIDENT, "incident", "no", None),
        ("", "unknown", "no", None),
    ],
)
def test_a_message_has_a_kind_a_verdict_and_a_type(text: str, kind: str, verdict: str, type_: str | None) -> None:
    found = document("--text", text)
    complaint = found["complaint"]
    assert (found["kind"], complaint["verdict"], complaint["type"]) == (kind, verdict, type_)
    assert complaint["thresholds"] == THRESHOLDS
    assert (complaint["score"] >= THRESHOLDS["auto"]) is (verdict == "auto")


def test_flags_and_what_is_missing_are_told() -> None:
    assert document("--text", ABUSE)["flags"]["abusive"] is True
    assert document("--text", INCIDENT)["flags"] == {
        "abusive": False,
        "threat": False,
        "urgent": False,
        "info_missing": ["account_data", "error_message", "description"],
    }


def test_every_rule_points_at_its_place() -> None:
    """The place of the explicit word is where it stands, in characters, also behind ones of several bytes."""
    text = "Ñandú 🙂. Quiero presentar un reclamo."
    rules = {reason["rule"]: reason for reason in document("--text", text)["because"]}
    word = rules["es.complaint.explicit"]
    assert (word["part"], text[word["start"] : word["end"]]) == ("text", "presentar un reclamo")
    assert all(set(reason) == {"rule", "score", "part", "start", "end"} for reason in rules.values())


def test_a_rule_of_the_subject_says_so() -> None:
    because = document("--text", "Adjunto la factura.", "--subject", "Reclamo formal")["because"]
    assert {reason["part"] for reason in because if reason["rule"] == "es.complaint.explicit"} == {"subject"}


def test_a_message_is_read_from_standard_input_or_a_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "message.txt"
    path.write_bytes(b"\xef\xbb\xbf" + COMPLAINT.encode())
    typed = document("--text", COMPLAINT)
    assert document(given=COMPLAINT) == typed
    assert document(str(path)) == typed


@pytest.mark.parametrize("text", [COMPLAINT, QUESTION, INCIDENT, ABUSE, ""])
def test_a_table_tells_the_same_within_80_columns(text: str) -> None:
    found = document("--text", text, "--subject", f"Urgente {MARKER}")
    shown = classify("--text", text, "--subject", f"Urgente {MARKER}")
    assert shown.exit_code == 0
    assert all(cell_len(line) <= 80 for line in shown.stdout.splitlines())
    complaint = found["complaint"]
    assert f"{complaint['verdict']}, score {complaint['score']:g} (suggested from 1.5, auto from 3.75)" in shown.stdout
    for reason in found["because"]:
        row = next(line.split() for line in shown.stdout.splitlines() if line.startswith(reason["rule"] + " "))
        assert row[2:] == [reason["part"], f"{reason['start']}–{reason['end']}"]


def test_a_message_that_is_not_utf_8_is_refused() -> None:
    result = classify(given=b"\xff\xfe")
    assert isinstance(result.exception, InputError)


# --- lexicons ----------------------------------------------------------------------------------


def test_own_lexicons_are_laid_over_the_shipped_ones(tmp_path: Path) -> None:
    rule, scoring = tmp_path / "es.toml", tmp_path / "scoring.toml"
    rule.write_text(f'language = "es"\n[complaint.ours]\nweight = 2.5\npatterns = "{MARKER}"\n', encoding="utf-8")
    scoring.write_text('language = "scoring"\nauto = 1.6\n', encoding="utf-8")
    text = f"La tienda de {MARKER}."
    assert document("--text", text)["complaint"]["verdict"] == "no"
    with_rule = document("--text", text, "--lexicon", str(rule))
    assert with_rule["complaint"]["verdict"] == "suggested"
    assert "es.complaint.ours" in {reason["rule"] for reason in with_rule["because"]}
    with_both = document("--text", text, "--lexicon", str(rule), "--lexicon", str(scoring))
    assert with_both["complaint"]["verdict"] == "auto"
    assert with_both["complaint"]["thresholds"] == {"auto": 1.6, "suggested": 1.5}


def test_a_lexicon_that_cannot_be_used_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "es.toml"
    path.write_text('language = "es"\n[complaint.ours]\nweight = 99\n', encoding="utf-8")
    assert isinstance(classify("--text", "x", "--lexicon", str(path)).exception, ConfigError)


# --- lines -------------------------------------------------------------------------------------


def test_lines_are_answered_in_order_as_single_messages_are() -> None:
    given = jsonl({"subject": "", "text": COMPLAINT, "id": 7}, "", {"text": QUESTION}, {"subject": None, "text": ABUSE})
    result = classify("--jsonl", given=given)
    assert result.exit_code == 0
    answers = [json.loads(line) for line in result.stdout_bytes.splitlines()]
    assert answers == [document("--text", text) for text in (COMPLAINT, QUESTION, ABUSE)]


@pytest.mark.parametrize(
    "line",
    [
        "{" + MARKER,
        f'"{MARKER}"',
        '{"subject": "' + MARKER + '"}',
        '{"text": ["' + MARKER + '"]}',
        '{"text": null, "' + MARKER + '": 1}',
        "[" * 5000,
    ],
)
def test_a_bad_line_is_answered_with_its_number_and_the_others_all_the_same(line: str) -> None:
    result = classify("--jsonl", given=jsonl({"text": QUESTION}, line, {"text": COMPLAINT}))
    assert result.exit_code == 1
    first, bad, last = (json.loads(answer) for answer in result.stdout_bytes.splitlines())
    assert (first["kind"], last["kind"]) == ("question", "complaint")
    assert set(bad) == {"error", "line"}
    assert bad["line"] == 2
    assert MARKER not in result.output


# --- review of a file --------------------------------------------------------------------------


def test_a_review_counts_what_was_right_wrong_and_missed() -> None:
    given = jsonl(
        labelled(COMPLAINT, "complaint", complaint_type="queja", id=1, case="own"),
        labelled(ABUSE, "complaint", complaint_type="reclamo", abusive=True),
        labelled(QUESTION, "complaint", complaint_type="queja"),
        labelled(COMPLAINT, "feedback", abusive=False),
        labelled(QUESTION, "question"),
        labelled(INCIDENT, "incident", abusive=True),
    )
    found = document("--review", given=given)
    assert (found["complaints"], found["others"]) == (3, 3)
    assert found["thresholds"]["suggested"] == {
        "from": 1.5,
        "right": 2,
        "wrong": 1,
        "missed": 1,
        "precision": 0.6667,
        "recall": 0.6667,
    }
    assert found["kinds"] == {"right": 4, "of": 6}
    assert found["types"] == {"right": 1, "of": 2}
    assert found["flags"] == {"abusive": {"right": 1, "wrong": 0, "missed": 1, "precision": 1.0, "recall": 0.5}}
    assert found["refused"] == 0


def test_a_review_tells_in_which_messages_each_rule_spoke() -> None:
    given = jsonl(
        labelled("Quiero presentar un reclamo.", "complaint"),
        labelled("Otra vez: quiero presentar un reclamo.", "complaint"),
        labelled("El cargador no carga.", "complaint"),
        labelled("Quiero presentar un reclamo, es un ejercicio.", "question"),
    )
    rules = {rule["rule"]: rule for rule in document("--review", given=given)["rules"]}
    explicit = rules["es.complaint.explicit"]
    assert (explicit["complaints"], explicit["others"], explicit["precision"]) == (2, 1, 0.6667)
    lexicon = next(one for one in load_lexicons().languages if one.language == "es")
    assert explicit["mean_score"] == lexicon.rules["complaint.explicit"].weight


def test_a_rule_s_share_is_of_the_complaints_that_were_recognised() -> None:
    review = Review()

    def add(certainty: Certainty, *rules: str, complaint: bool) -> None:
        reasons = tuple(Reason(rule, 1.0, 0, 1) for rule in rules)
        review.add(Verdict(complaint=certainty, because=reasons), Label(complaint=complaint))

    add(Certainty.AUTO, "a", "b", complaint=True)
    add(Certainty.SUGGESTED, "a", complaint=True)
    add(Certainty.NO, "b", "c", complaint=True)
    add(Certainty.SUGGESTED, "a", complaint=False)
    shares = {rule: review.share_of_recognised(count) for rule, count in review.rules.items()}
    assert shares == {"a": 1.0, "b": 0.5, "c": 0.0}
    assert (review.auto.precision, review.auto.recall) == (1.0, 1 / 3)
    assert (review.suggested.precision, review.suggested.recall) == (2 / 3, 2 / 3)


def test_what_cannot_be_divided_is_not_told() -> None:
    found = document("--review", given=jsonl(labelled(QUESTION, "question")))
    assert found["thresholds"]["auto"] == {
        "from": 3.75,
        "right": 0,
        "wrong": 0,
        "missed": 0,
        "precision": None,
        "recall": None,
    }
    assert "–" in classify("--review", given=jsonl(labelled(QUESTION, "question"))).stdout


def test_a_review_is_a_table_within_80_columns() -> None:
    labels = {"abusive": False, "threat": False, "urgent": False}
    given = jsonl(*(labelled(text, "complaint", **labels) for text in (COMPLAINT, QUESTION, INCIDENT, ABUSE)))
    result = classify("--review", given=given)
    assert result.exit_code == 0
    assert all(cell_len(line) <= 80 for line in result.stdout.splitlines())
    assert "4 complaints and 0 others" in result.stdout
    for part in ("suggested (from 1.5)", "auto (from 3.75)", "abusive", "threat", "urgent", "es.complaint.explicit"):
        assert part in result.stdout
    assert MARKER not in result.output


def test_bad_lines_of_a_review_are_named_and_bounded() -> None:
    bad = labelled(MARKER, MARKER)
    result = classify("--review", "--json", given=jsonl(labelled(COMPLAINT, "complaint"), *[bad] * 30))
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["complaints"], found["refused"]) == (1, 30)
    assert [error["line"] for error in found["errors"]] == list(range(2, 22))
    assert "line 2: kind" in result.stderr
    assert "and 10 more" in result.stderr
    assert MARKER not in result.output


def test_memory_does_not_grow_with_the_number_of_messages(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"

    def peak(count: int) -> int:
        path.write_text(jsonl(labelled(COMPLAINT, "complaint")) * count, encoding="utf-8")
        tracemalloc.start()
        try:
            assert classify("--review", str(path)).exit_code == 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    assert peak(300) < 1.2 * peak(30)


# --- review of an account ----------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path) -> Iterator[str]:
    """The configuration of a simulated helpdesk with tickets, some of which agents decided."""
    clock = ManualClock(datetime(2026, 11, 17, 15, 0, tzinfo=UTC))
    sandbox = Plugins.load().platforms["zendesk"].sandbox(port=0, clock=clock)

    def ticket(text: str, *tags: str) -> None:
        sandbox.open_ticket(channel=Channel.EMAIL, subject=MARKER, text=text, tags=tags)

    try:
        ticket(COMPLAINT, "sla_is_complaint")
        ticket(QUESTION, "sla_is_complaint", "sla_not_complaint")
        ticket(QUESTION, "sla_not_complaint")
        ticket(ABUSE, "sla_not_complaint")
        ticket(COMPLAINT)
        path = write_sandbox_config(tmp_path, "zendesk", sandbox)
        (tmp_path / "sandbox-webhook-secret").write_text("secret\n", encoding="utf-8")
        yield str(path)
    finally:
        sandbox.close()
        structlog.reset_defaults()


def review_account(config: str, *options: str) -> Result:
    since = ("--since", "2026-11-01T00:00:00Z")
    return classify("--review", "--account", "sandbox", "--config", config, *since, *options)


def test_a_review_of_an_account_takes_the_tickets_that_agents_decided(config: str) -> None:
    result = review_account(config, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["complaints"], found["others"], found["undecided"], found["wordless"]) == (2, 2, 1, 0)
    suggested = found["thresholds"]["suggested"]
    assert (suggested["right"], suggested["wrong"], suggested["missed"]) == (1, 1, 1)
    assert MARKER not in result.output


def test_a_review_of_an_account_as_a_table_tells_what_was_left_out(config: str, tmp_path: Path) -> None:
    silent = tmp_path / "quiet.toml"
    silent.write_text('language = "scoring"\nauto = 500\nsuggested = 400\n', encoding="utf-8")
    result = review_account(config, "--lexicon", str(silent))
    assert result.exit_code == 0, result.output
    assert "Left out: 1 tickets that no agent decided" in result.stdout
    assert "suggested (from 400)" in result.stdout
    assert all(cell_len(line) <= 80 for line in result.stdout.splitlines())
    assert MARKER not in result.output


def test_a_review_of_an_account_uses_its_own_lexicons(config: str, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('language = "scoring"\nauto = 500\nsuggested = 400\n', encoding="utf-8")
    with_own_lexicons(config, own)
    found = json.loads(review_account(config, "--json").stdout)
    assert found["thresholds"]["suggested"]["from"] == 400
    assert found["thresholds"]["suggested"]["missed"] == 2


def with_own_lexicons(config: str, lexicon: Path) -> None:
    path = Path(config)
    settings = path.read_text(encoding="utf-8")
    changed = settings.replace('policy = "en-linea-365"', f'policy = "en-linea-365"\nlexicons = ["{lexicon.name}"]')
    path.write_text(changed, encoding="utf-8")


# --- what never happens ------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(
    "options",
    [
        ("--text", f"{COMPLAINT} {ABUSE} {QUESTION}", "--subject", f"Reclamo {MARKER}"),
        ("--text", f"{COMPLAINT} {ABUSE} {QUESTION}", "--subject", f"Reclamo {MARKER}", "--json"),
    ],
)
def test_no_word_of_a_message_is_printed(options: Sequence[str], columns: int) -> None:
    output = classify(*options, columns=columns).output
    assert output
    for word in (MARKER, "cobraron", "mierda", "tienda"):
        assert word not in output


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--text", "x", "--jsonl"), "not from both"),
        (("--text", "x", "--review"), "not from both"),
        (("--jsonl", "--subject", "x"), "stands beside the text"),
        (("--review", "--since", "2026-11-17T00:00:00Z"), "belong to --account"),
        (("--account", "acme"), "belongs to --review"),
    ],
)
def test_wrong_use_ends_with_status_2(options: tuple[str, ...], part: str) -> None:
    result = classify(*options)
    assert result.exit_code == 2
    assert part in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""
