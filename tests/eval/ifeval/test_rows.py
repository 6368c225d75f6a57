"""Prompts and responses that are malformed, null, twice there or without a partner: each has its say, none is lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval.document import count_responses, score_document
from eval.ifeval.rows import Answer, read_prompts, read_responses
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import matched, score
from eval.ifeval.score_table import totals_table
from kielo.errors import SourceError, UsageError
from kielo.languages.pack import language
from kielo.records import Prompt, to_json

RULES = LanguageRules("en", "en", ("My answer is yes.",))


def documented(prompts: list[Prompt], answers: list[Answer]) -> dict[str, Any]:
    return score_document(prompts, answers, language("en"), None, "sentencex")


def prompt(key: int, text: str, *instructions: tuple[str, dict[str, Any]]) -> Prompt:
    ids, arguments = zip(*(instructions or (("punctuation:no_comma", {}),)), strict=True)
    return Prompt(f"ifeval/{key}", "en", key, text, ids, arguments)


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def google(**changes: Any) -> dict[str, Any]:
    row = {"key": 7, "prompt": "Say.", "instruction_id_list": ["keywords:frequency"],
           "kwargs": [{"keyword": "a", "frequency": 2, "relation": "at least"}]}  # fmt: skip
    return row | changes


def test_null_and_missing_answers_count_as_nothing_said() -> None:
    prompts = [prompt(1, "a"), prompt(2, "b"), prompt(3, "c"), prompt(4, "d")]
    document = documented(prompts, [Answer("a", None), Answer("b", " \n"), Answer("c", "Yes.")])
    for mode in ("compat", "fair"):
        assert [row[mode]["strict"] for row in document["prompts"]] == [(False,), (False,), (True,), (False,)]
        assert document["modes"][mode]["totals"]["prompts"] == 4
    counts = document["responses"]
    assert (counts["scored"], counts["null"], counts["blank"], counts["missing_keys"]) == (3, 1, 1, [4])


def test_the_first_of_two_answers_counts_and_the_second_is_listed() -> None:
    answers = [Answer("a", "one", line=1), Answer("a", "one, two", line=2), Answer("x", "who?", line=3)]
    document = documented([prompt(1, "a")], answers)
    assert document["prompts"][0]["compat"]["strict"] == (True,)
    counts = document["responses"]
    assert (counts["double"], counts["unmatched"]) == (1, 1)
    assert [row["line"] for row in counts["double_rows"] + counts["unmatched_rows"]] == [2, 3]
    assert "1 scored, 0 null, 0 blank, 0 missing, 1 double, 1 unmatched" in totals_table(document)


def test_equal_prompts_take_their_answers_in_order() -> None:
    scores = score([prompt(1, "a"), prompt(2, "a")], [Answer("a", "one"), Answer("a", "one, two")], RULES)
    assert [verdict.strict for verdict in scores.verdicts] == [(True,), (False,)]


def test_a_key_goes_before_the_text_and_another_text_is_reported() -> None:
    answers = [Answer("b", "one", key=1), Answer("a", "one, two", key=2), Answer("a", "z", key=99)]
    document = documented([prompt(1, "a"), prompt(2, "b")], answers)
    assert [row["compat"]["strict"] for row in document["prompts"]] == [(True,), (False,)]
    assert document["responses"]["other_prompt_text"] == [1, 2]
    assert "2 answers were given to another wording of their prompt (keys 1, 2)" in totals_table(document)
    assert document["responses"]["unmatched_rows"][0]["key"] == 99


def test_files_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(SourceError, match="none of the 1 responses"):
        score([prompt(1, "a")], [Answer("b", "one")], RULES)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="no scoring mode 'unfair'; it has: compat, fair"):
        score([prompt(1, "a")], [Answer("a", "one")], RULES, mode="unfair")


def test_kielo_s_own_prompts_and_padded_hub_rows_read_alike(tmp_path: Path) -> None:
    padded = google(kwargs=[{"keyword": "a", "frequency": 2.0, "relation": "at least", "letter": None, "num_words": 0}])
    ours = to_json(prompt(7, "Say.", ("keywords:frequency", google()["kwargs"][0])))
    answers = write(tmp_path / "answers.jsonl", {"prompt": "Say.", "response": "a a", "key": None, "id": "x"})
    scores = [
        score(read_prompts(write(tmp_path / "prompts.jsonl", row), "en"), read_responses(answers), RULES)
        for row in (google(), padded, ours)
    ]
    assert scores[0].totals.inst_strict == 1
    assert scores[0].verdicts == scores[1].verdicts == scores[2].verdicts


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"instruction_id_list": ["es:keywords:frequency"]}, "key 7: unknown instruction 'es:keywords:frequency'"),
        ({"kwargs": [{"keyword": "a", "frequency": 2}]}, "key 7, keywords:frequency: kwargs field 'relation' is missing"),
        ({"kwargs": [{"keyword": "a", "frequency": 2, "relation": "vähintään"}]}, "'relation' must be 'less than' or"),
        ({"kwargs": [{"keyword": "a", "frequency": "2", "relation": "at least"}]}, "'frequency' must be a whole number"),
        ({"kwargs": [{"keyword": "a", "frequency": -1, "relation": "at least"}]}, "'frequency' must be a whole number"),
        ({"kwargs": [{"keyword": "a", "frequency": True, "relation": "at least"}]}, "'frequency' must be a whole"),
        ({"kwargs": [{"keyword": "", "frequency": 2, "relation": "at least"}]}, "'keyword' must be a text"),
        ({"kwargs": [{"keyword": "(", "frequency": 2, "relation": "at least"}]}, "'keyword' is not a regular expression"),
        ({"kwargs": [{"keyword": " +x", "frequency": 2, "relation": "at least"}]}, "(nothing to repeat at position 0)"),
        ({"kwargs": [{"keyword": "a{99999999999}", "frequency": 2, "relation": "at least"}]}, "'keyword' is not a regular"),
        ({"kwargs": [{"keyword": "(" * 3000 + ")" * 3000, "frequency": 2, "relation": "at least"}]}, "'keyword' is not a regular"),
        ({"instruction_id_list": ["keywords:forbidden_words"], "kwargs": [{"forbidden_words": ["a", "(?i)b"]}]}, "(global flags not at the start"),
        ({"instruction_id_list": ["detectable_format:multiple_sections"], "kwargs": [{"section_spliter": " *x", "num_sections": 1}]}, "(multiple repeat"),
        ({"instruction_id_list": ["detectable_content:postscript"], "kwargs": [{"postscript_marker": " *x"}]}, "(nothing to repeat"),
        ({"kwargs": [google()["kwargs"][0] | {"letter": "a"}]}, "'letter' is not one of this instruction"),
        ({"kwargs": []}, "key 7: 1 instructions but 0 kwargs"),
        ({"kwargs": [None]}, "line 1: every item of the kwargs"),
        ({"kwargs": {}}, "line 1: `kwargs` must be a list"),
        ({"key": "7"}, "line 1: `key` must be a whole number"),
        ({"prompt": None}, "line 1: the prompt must be a text"),
        ({"instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": "talo"}]}, "'keywords' must be a list"),
        ({"instruction_id_list": ["keywords:letter_frequency"],
          "kwargs": [{"letter": "ab", "let_frequency": 1, "let_relation": "at least"}]}, "'letter' must be one character"),
    ],
)  # fmt: skip
def test_a_malformed_prompt_is_named(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_prompts(write(tmp_path / "prompts.jsonl", google(**changes)), "en")
    assert named in str(caught.value)
    assert "prompts.jsonl" in str(caught.value)


def test_a_prompt_without_a_field_and_a_key_that_is_there_twice(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="line 2: has no `kwargs`"):
        read_prompts(write(tmp_path / "p.jsonl", google(), {"key": 1, "prompt": "", "instruction_id_list": []}), "en")
    with pytest.raises(SourceError, match="key 7 is there more than once"):
        read_prompts(write(tmp_path / "p.jsonl", google(), google()), "en")


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"prompt": "a"}, "line 1: no answer: has none of `response`"),
        ({"prompt": "a", "response": 3}, "line 1: an answer must be a text or null; this is a int"),
        ({"prompt": "a", "response": ["b", "c"]}, "line 1: answers to 2 turns; an IFEval prompt has one answer"),
        ({"prompt": 1, "response": "b"}, "line 1: an answer needs a `key`"),
        ({"prompt": "a", "response": "b", "key": [1]}, "line 1: the question's key must be"),
        (["a"], "line 1"),
    ],
)
def test_a_malformed_response_is_named(tmp_path: Path, row: Any, named: str) -> None:
    with pytest.raises(SourceError, match=named):
        read_responses(write(tmp_path / "r.jsonl", row))


def test_answers_of_every_format_come_to_their_prompts(tmp_path: Path) -> None:
    prompts = [prompt(1000, "a"), prompt(1001, "b")]
    rows = [
        {"question_id": 1000, "choices": [{"turns": ["one"]}]},
        {"instruction": "b", "output": "one, two", "id": 1000},
    ]
    answers = read_responses(write(tmp_path / "r.jsonl", *rows))
    assert answers == [Answer("", "one", 1000, 1), Answer("b", "one, two", None, 2)]
    document = documented(prompts, answers)
    assert [row["compat"]["strict"] for row in document["prompts"]] == [(True,), (False,)]
    assert document["responses"]["other_prompt_text"] == []


@pytest.mark.parametrize("line", [b'{"prompt": "a", "resp', b'{"prompt": "\xe4", "response": "b"}', b"  \n"])
def test_bad_json_bad_utf8_and_an_empty_file_are_refused(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "r.jsonl.gz").write_bytes(gzip.compress(line))
    with pytest.raises(SourceError, match=r"r\.jsonl\.gz"):
        read_responses(tmp_path / "r.jsonl.gz")


def test_targets_that_the_harness_draws_at_random_are_taken_as_written_and_marked() -> None:
    letter = {"let_frequency": 2, "let_relation": "at least"}
    first = {"num_paragraphs": 1, "nth_paragraph": 2, "first_word": "a"}
    prompts = [
        prompt(1, "a", ("keywords:letter_frequency", letter | {"letter": "ä"})),
        prompt(2, "b", ("keywords:letter_frequency", letter | {"letter": "E"})),
        prompt(3, "c", ("detectable_format:number_bullet_lists", {"num_bullets": 0})),
        prompt(4, "d", ("length_constraints:nth_paragraph_first_word", first)),
    ]
    scores = score(prompts, [Answer(text, "ääkköset") for text in "abcd"], RULES)
    assert [verdict.strict for verdict in scores.verdicts] == [(True,), (False,), (True,), (False,)]
    assert [verdict.unstable for verdict in scores.verdicts] == [(True,), (False,), (True,), (True,)]


def test_the_table_for_the_terminal_says_what_was_not_scored() -> None:
    language_prompt = prompt(2, "b", ("language:response_language", {"language": "fi"}))
    lines = totals_table(documented([prompt(1, "a"), language_prompt], [Answer("a", "one"), Answer("x", "who?")]))
    table = lines.splitlines()
    assert table[1] == "compat: lm-evaluation-harness 0.4.13, letter case in 'en', sentences by sentencex"
    assert table[2].startswith("fair: pack 'en', keywords by prefix")
    assert table[4] == "Of all 2 prompts"
    assert table[6].split() == ["compat", "the", "model's", *["1/2", "50.00%", "[9.5,", "90.5]"] * 4]
    assert table[9] == "Of the 1 prompts that ask for no response language"
    assert table[11].split() == ["compat", "the", "model's", *["1/1", "100.00%", "[20.7,", "100.0]"] * 4]
    assert [line.split()[:2] for line in table[13:16]] == [["compat", "floor:"]] * 3
    assert table[-2] == "responses: 1 scored, 0 null, 0 blank, 1 missing, 0 double, 1 unmatched"
    assert (
        table[-1].startswith("1 answers are to no prompt of the file")
        and "1 of its prompts have none (the first: key 2)" in table[-1]
    )


def test_a_set_that_only_asks_for_languages_has_an_empty_subset() -> None:
    only = prompt(2, "b", ("language:response_language", {"language": "fi"}))
    document = documented([only], [Answer("b", "Tämä on suomea, ja siinä kaikki.")])
    assert document["modes"]["fair"]["totals"]["inst_strict"] == 1
    assert document["modes"]["fair"]["paper_subset"]["instructions"] == 0
    assert document["response_language"]["total"] == 0
    assert "0/0 -" in totals_table(document)


def test_a_language_code_that_no_identifier_knows_is_counted_not_guessed() -> None:
    asked = prompt(2, "b", ("language:response_language", {"language": "cz"}))
    document = documented([asked], [Answer("b", "Toto je česká věta o počasí a o ničem jiném.")])
    assert document["unknown_languages"] == {"cz": 1}
    assert document["prompts"][0]["fair"]["strict"] == (False,)
    assert "language 'cz': asked for by 1 prompts, and no identifier knows it" in totals_table(document)


def test_key_2785_of_another_version_is_said(shared_data: Path) -> None:
    newer = read_prompts(shared_data / "ifeval/input_data.jsonl", "en")
    answers = read_responses(shared_data / "ifeval/responses/gpt4-2023-11-07.jsonl.gz")
    matching = matched(newer, answers)
    counts = count_responses(newer, matching)
    assert (counts["scored"], counts["missing_keys"], counts["unmatched"]) == (540, [2785], 1)


def test_half_a_character_in_an_answer_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", {"prompt": "a", "response": "b"}, {"prompt": "a", "response": "Kissa \ud83d"})
    with pytest.raises(SourceError, match="line 2: the row holds half a character"):
        read_responses(path)


def test_what_can_be_a_pattern_for_its_checker_alone_is_taken(tmp_path: Path) -> None:
    row = google(instruction_id_list=["keywords:existence"], kwargs=[{"keywords": ["(?i)b"]}])
    assert len(read_prompts(write(tmp_path / "prompts.jsonl", row), "en")) == 1


def test_a_prompt_of_another_language_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "prompts.jsonl", to_json(prompt(1, "a")))
    assert len(read_prompts(path, "en")) == 1
    with pytest.raises(SourceError, match="line 1: the prompt is in language 'en', and 'fi' is asked for"):
        read_prompts(path, "fi")
