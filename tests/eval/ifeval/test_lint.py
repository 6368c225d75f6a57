"""The linter of localised IFEval sets: what it finds in published sets, each kind of defect by itself, and the proofs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from eval.ifeval.lint import LintReport, lint_file, report_text
from eval.ifeval.registry import COMPAT
from eval.ifeval.rows import Answer, read_prompts
from eval.ifeval.rules import LanguageRules
from eval.ifeval.score import score
from kielo.errors import RecipeError, SourceError
from kielo.languages.pack import language

Instruction = tuple[str, dict[str, Any]]


def lint(
    folder: Path, text: str, *instructions: Instruction, code: str = "en", source: str | None = None
) -> LintReport:
    """Lint one prompt with these instructions, against a source prompt with the same ones if there is one."""

    def write(name: str, prompt: str) -> Path:
        ids, kwargs = [name for name, _ in instructions], [kwargs for _, kwargs in instructions]
        row = {"key": 1, "prompt": prompt, "instruction_id_list": ids, "kwargs": kwargs}
        (folder / name).write_text(json.dumps(row) + "\n", "utf-8")
        return folder / name

    source_path = write("source.jsonl", source) if source is not None else None
    return lint_file(write("set.jsonl", text), code, source_path, tokenizer="sentencex")


def found(report: LintReport) -> set[tuple[str, str]]:
    return {(finding.check, finding.severity) for finding in report.findings}


def existence(*words: str) -> Instruction:
    return "keywords:existence", {"keywords": list(words)}


def counted(kind: str, field: str, relation: str, number: int, **more: Any) -> Instruction:
    return kind, {field: number, "relation": relation, **more}


def letter(character: str, relation: str, number: int) -> Instruction:
    return "keywords:letter_frequency", {"letter": character, "let_relation": relation, "let_frequency": number}


def repeated(text: str) -> Instruction:
    return "combination:repeat_prompt", {"prompt_to_repeat": text}


def ending(text: str) -> Instruction:
    return "startend:end_checker", {"end_phrase": text}


NO_COMMA: Instruction = ("punctuation:no_comma", {})
LOWER: Instruction = ("change_case:english_lowercase", {})
UPPER: Instruction = ("change_case:english_capital", {})
JSON: Instruction = ("detectable_format:json_format", {})
QUOTED: Instruction = ("startend:quotation", {})
TWO: Instruction = ("combination:two_responses", {})


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "ifeval"


@pytest.fixture(scope="module")
def english(folder: Path) -> LintReport:
    return lint_file(folder / "input_data.jsonl", "en", tokenizer="sentencex")


def test_every_english_literal_is_in_its_prompt_and_every_prompt_is_proved_or_excludes_itself(
    english: LintReport,
) -> None:
    document = english.to_json()
    assert document["literal"] == {"arguments": 282, "missing": 0}
    assert document["feasible"] == {"proved": 536, "not proved": 5, "not tried": 0}
    excluded = {key for key, each in document["keys"].items() if any(one["check"] == "contradiction" for one in each)}
    assert excluded == {1627, 3369, 3371, 3718, 374}
    assert document["checks"] == {"contradiction": 8, "letter-rare": 2, "random-target": 2}
    assert english.errors == 8


def test_the_proofs_are_answers_that_the_scorer_takes(english: LintReport, folder: Path) -> None:
    prompts = {prompt.key: prompt for prompt in read_prompts(folder / "input_data.jsonl", "en")}
    proofs = {key: answer for key, answer in english.to_json()["answers"].items()}
    answers = [Answer(prompts[key].text, answer, key) for key, answer in proofs.items()]
    rules = LanguageRules.from_pack("en", language("en").ifeval)
    scores = score([prompts[key] for key in proofs], answers, rules, sentences="sentencex")
    assert scores.totals.prompt_strict == len(proofs) == 536
    kinds = {name for key in proofs for name in prompts[key].instruction_ids}
    assert kinds == set(COMPAT)


def test_instructions_thrown_together_are_proved_or_excluded_but_never_both(folder: Path, tmp_path: Path) -> None:
    prompts = read_prompts(folder / "input_data.jsonl", "en")
    pool = [each for prompt in prompts for each in zip(prompt.instruction_ids, prompt.arguments, strict=True)]
    draw, counts = Random(0), Counter[tuple[str, bool]]()
    for _ in range(300):
        report = lint(tmp_path, "x", *draw.sample(pool, draw.choice((2, 2, 3))))
        counts[report.rows[0].feasible, ("contradiction", "error") in found(report)] += 1
    assert counts["proved", True] == 0
    assert counts["not proved", True] >= 10
    assert counts["not proved", False] <= 6


def test_the_corrected_english_set_has_no_contradiction_left(folder: Path) -> None:
    report = lint_file(
        folder / "ifeval_original_fix_ifevalpp.jsonl", "en", folder / "input_data.jsonl", tokenizer="sentencex"
    )
    document = report.to_json()
    assert document["feasible"] == {"proved": 540, "not proved": 0, "not tried": 1}
    assert [each["check"] for each in document["keys"][1217]] == ["arguments"]  # its relation is 'at most'
    assert document["checks"]["instructions-changed"] == 15


def test_the_danish_set_has_26_of_281_arguments_outside_their_prompts(folder: Path) -> None:
    report = lint_file(folder / "languages" / "da.jsonl", "da", tokenizer="sentencex")
    document = report.to_json()
    assert document["literal"] == {"arguments": 281, "missing": 26}
    missing = [each for row in report.rows for each in row.findings if each.check == "literal-missing"]
    assert Counter(each.argument for each in missing) == {
        "prompt_to_repeat": 11, "keyword": 8, "forbidden_words": 3, "end_phrase": 2, "first_word": 1, "keywords": 1,
    }  # fmt: skip
    assert {each.severity for each in missing} == {"error"}
    languages = {
        each["detail"].split("'")[1]
        for row in document["keys"].values()
        for each in row
        if each["check"] == "language-unknown"
    }
    assert languages == {"fo", "is", "cz", "gr"}
    unexplained = [row.key for row in report.rows if any(each.check == "not-proved" for each in row.findings)]
    assert unexplained == []


def test_a_set_of_other_instructions_is_reported_and_its_literals_are_looked_for(folder: Path) -> None:
    document = lint_file(folder / "languages" / "es_m_ifeval.jsonl", "es", tokenizer="sentencex").to_json()
    assert document["literal"] == {"arguments": 36, "missing": 0}
    assert document["checks"] == {"unknown-instruction": 137}
    assert document["feasible"]["not tried"] == 115
    assert "it knows 'startend:end_checker'" in json.dumps(document["keys"][104])


def test_a_clean_set_says_so(tmp_path: Path) -> None:
    report = lint(tmp_path, 'Write about "cats".', existence("cats"), NO_COMMA)
    assert (report.errors, report.findings) == (0, [])
    assert report_text(report).splitlines() == [
        "0 of 1 text arguments are not in their prompts",
        "1 rows proved, 0 rows not proved, 0 rows not tried (mode compat, sentences by sentencex)",
        "0 errors, 0 warnings: nothing found",
    ]


def test_a_finding_names_file_key_instruction_and_argument(tmp_path: Path) -> None:
    report = lint(tmp_path, "Repeat: say , hello!", repeated("Say, hello"), existence("dog", "hello"))
    first, second, *_ = report_text(report).splitlines()
    assert first == (
        f"{tmp_path}/set.jsonl, key 1: error: literal-missing: combination:repeat_prompt prompt_to_repeat: "
        "'Say, hello' is not in the prompt; it differs in blanks or punctuation alone"
    )
    assert second.endswith("keywords:existence keywords: 'dog' is not in the prompt")


@pytest.mark.parametrize(
    "instructions",
    [(NO_COMMA, ending("Yes, sir")), (NO_COMMA, repeated("Well, hello")), (NO_COMMA, existence("a,b")),
     (("keywords:forbidden_words", {"forbidden_words": ["cat"]}), existence("cat")),
     (("keywords:forbidden_words", {"forbidden_words": ["cat"]}), counted("keywords:frequency", "frequency", "at least", 1, keyword="cat")),
     (LOWER, UPPER), (LOWER, ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"})),
     (LOWER, ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2})),
     (UPPER, ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2})),
     (UPPER, ("detectable_format:constrained_response", {})), (UPPER, ("change_case:capital_word_frequency", {"capital_frequency": 1, "capital_relation": "less than"})),
     (counted("length_constraints:number_words", "num_words", "at least", 9), counted("length_constraints:number_words", "num_words", "less than", 9)),
     (counted("length_constraints:number_sentences", "num_sentences", "less than", 1),),
     (counted("length_constraints:number_words", "num_words", "less than", 3), ending("one two three")),
     (letter("e", "less than", 2), ending("see")), (letter("e", "less than", 2), letter("e", "at least", 2)),
     (counted("keywords:frequency", "frequency", "less than", 2, keyword="cat"), repeated("cat cat")),
     (existence("cat"), counted("keywords:frequency", "frequency", "less than", 1, keyword="cat")),
     (("length_constraints:number_paragraphs", {"num_paragraphs": 2}), ("length_constraints:number_paragraphs", {"num_paragraphs": 3})),
     (("detectable_format:number_bullet_lists", {"num_bullets": 2}), ("detectable_format:number_bullet_lists", {"num_bullets": 3})),
     (("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"}),),
     (("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "a"}), repeated("The cat")),
     (("length_constraints:number_paragraphs", {"num_paragraphs": 2}), TWO), (QUOTED, repeated("The cat")), (JSON, repeated("The cat")),
     (ending("this"), ending("that")), (repeated("this"), repeated("that")), (UPPER, ("language:response_language", {"language": "fi"})),
     (("language:response_language", {"language": "en"}), ("language:response_language", {"language": "fi"}))],
)  # fmt: skip
def test_instructions_that_exclude_each_other(tmp_path: Path, instructions: tuple[Instruction, ...]) -> None:
    report = lint(tmp_path, json.dumps(instructions), *instructions)
    assert ("contradiction", "error") in found(report)
    assert report.rows[0].feasible == "not proved"


@pytest.mark.parametrize(
    "instructions",
    [(JSON, QUOTED, ending("So long.")), (repeated("say"), repeated("Say it"), ending("it"), ending("does it")), (TWO, QUOTED, NO_COMMA), (LOWER, existence("Cat"), ending("Bye")), (UPPER, repeated("Say the word.")),
     (("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 3, "nth_paragraph": 1, "first_word": "The"}), repeated("The cat")),
     (counted("length_constraints:number_words", "num_words", "less than", 3), ("detectable_content:number_placeholders", {"num_placeholders": 9}), ("detectable_format:title", {})),
     (letter("e", "less than", 1), letter("z", "at least", 9), counted("length_constraints:number_sentences", "num_sentences", "at least", 30)),
     (("length_constraints:number_paragraphs", {"num_paragraphs": 4}), ("detectable_format:number_bullet_lists", {"num_bullets": 5}), ("detectable_content:postscript", {"postscript_marker": "P.P.S"})),
     (("keywords:forbidden_words", {"forbidden_words": ["the", "and", "ing"]}), counted("keywords:frequency", "frequency", "less than", 1, keyword="ion"), LOWER),
     (("language:response_language", {"language": "hi"}), NO_COMMA), (("language:response_language", {"language": "th"}), TWO)],
)  # fmt: skip
def test_instructions_that_an_answer_can_follow_together(tmp_path: Path, instructions: tuple[Instruction, ...]) -> None:
    report = lint(tmp_path, json.dumps(instructions), *instructions)
    assert report.rows[0].feasible == "proved", report.findings


@pytest.mark.parametrize(
    ("instruction", "check", "severity"),
    [(letter("ñ", "at least", 3), "letter-impossible", "error"), (letter("ñ", "less than", 3), "letter-trivial", "warning"),
     (letter("å", "less than", 3), "letter-trivial", "warning"), (letter("c", "at least", 60), "letter-rare", "warning"),
     (letter("å", "at least", 1), "letter-rare", "warning"), (letter("a", "at least", 0), "letter-trivial", "warning"), (letter("#", "at least", 3), "random-target", "warning"),
     (LOWER, "english-only", "warning"), (("detectable_format:constrained_response", {}), "english-options", "error"),
     (("language:response_language", {"language": "gr"}), "language-unknown", "error"),
     (("detectable_content:postscript", {"postscript_marker": "PS:"}), "postscript-marker", "warning"),
     (existence("po\u0308yta\u0308"), "unicode-form", "error"), (existence(), "arguments", "error"),
     (counted("length_constraints:number_words", "num_words", "vähintään", 3), "arguments", "error"), (("fi:keywords:existence", {"keywords": ["x"]}), "unknown-instruction", "error")],
)  # fmt: skip
def test_each_defect_of_a_finnish_row(tmp_path: Path, instruction: Instruction, check: str, severity: str) -> None:
    report = lint(tmp_path, f"PS: po\u0308yta\u0308 {instruction[1]}", instruction, code="fi")
    assert (check, severity) in found(report)
    assert (report.errors > 0) == (severity == "error")


@pytest.mark.parametrize(
    "letter_kept", [letter("a", "at least", 20), letter("k", "less than", 5), letter("ä", "at least", 4)]
)
def test_usual_letters_are_no_finding(tmp_path: Path, letter_kept: Instruction) -> None:
    report = lint(tmp_path, f"Käytä {letter_kept[1]['letter']}", letter_kept, code="fi")
    assert {check for check, _ in found(report)} <= {"random-target"}


@pytest.mark.parametrize(
    ("source", "text", "detail"),
    [("Add <<title>>.", "Lisää «otsikko».", "<<title>>"), ("Sign [name], [date].", "Allekirjoita [nimi].", "2 of [placeholder]"),
     ("Use ******.", "Käytä ***.", "******"), ("Use ***.", "Käytä.", "***"), ("Add a P.S.", "Lisää jälkikirjoitus.", "P.S."),
     ('Wrap in "s.', "Kääri ”.", '"')],
)  # fmt: skip
def test_literals_that_the_source_had(tmp_path: Path, source: str, text: str, detail: str) -> None:
    (finding,) = lint(tmp_path, text, NO_COMMA, code="fi", source=source).findings
    assert (finding.check, finding.severity, detail in finding.detail) == ("literal-lost", "warning", True)
    assert found(lint(tmp_path, source, NO_COMMA, code="fi", source=source)) == {("untranslated", "warning")}
    assert lint(tmp_path, source, NO_COMMA, code="en", source=source).findings == []


def test_more_kwargs_than_instructions_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(
        json.dumps({"key": 1, "prompt": "x", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}, {}]})
    )
    (finding,) = lint_file(path, "en").findings
    assert (finding.check, finding.detail) == ("arguments", "1 instructions but 2 kwargs")


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "holds no prompts"), ("{}", "has no `key`"), ("nonsense", "line 1"), ('{"key": 1, "prompt": 2, "instruction_id_list": ["x"], "kwargs": [{}]}', "must be a text")],
)  # fmt: skip
def test_what_is_no_set_of_prompts_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(content)
    with pytest.raises(SourceError, match=message):
        lint_file(path, "en")


def test_a_language_without_a_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no language pack"):
        lint_file(tmp_path / "set.jsonl", "xx")


def test_an_argument_that_repeats_as_a_pattern_is_not_tried(tmp_path: Path) -> None:
    assert lint(tmp_path, "(a+)+$", existence("(a+)+$")).rows[0].feasible == "not tried"


def test_hostile_rows_take_no_time(tmp_path: Path) -> None:
    long = "a" * 100_000
    for text, instruction in (
        (long, existence("(a+)+$")), (long, repeated(long)), ("[" * 100_000, ending("[" * 100_000)), ("<<" * 50_000, existence("zz")),
        ("x", counted("length_constraints:number_words", "num_words", "at least", 10**12)),
        ("x", ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 10**12, "nth_paragraph": 1, "first_word": "x"})),
    ):  # fmt: skip
        report = lint(tmp_path, text, instruction, source="<<" * 50_000 + "P." * 50_000)
        assert len(report.rows) == 1


@pytest.mark.parametrize(
    ("instruction", "check"),
    [(LOWER, "english-only"), (letter("#", "at least", 3), "random-target"),
     (("detectable_content:postscript", {"postscript_marker": "PS:"}), "postscript-marker")],
)  # fmt: skip
def test_fair_mode_is_linted_by_its_own_checkers(tmp_path: Path, instruction: Instruction, check: str) -> None:
    text = f"PS: {instruction[1]}"
    compat = lint(tmp_path, text, instruction, code="fi")
    assert check in {name for name, _ in found(compat)}
    fair = lint_file(tmp_path / "set.jsonl", "fi", mode="fair")
    assert fair.findings == [] and fair.rows[0].feasible == "proved"
    assert fair.to_json()["mode"] == "fair"
    assert "(mode fair, sentences by sentencex)" in report_text(fair)


def test_fair_mode_takes_no_keyword_for_a_regular_expression(tmp_path: Path) -> None:
    keyword = existence("mitä+")
    assert lint(tmp_path, f"Käytä {keyword[1]}", keyword, code="fi").rows[0].feasible == "not tried"
    assert lint_file(tmp_path / "set.jsonl", "fi", mode="fair").rows[0].feasible == "proved"
