"""The argument table: one form for each argument of a data set, letters chosen, a file that people correct."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import RecipeError, SourceError
from kielo.languages.pack import Language, language
from kielo.records import Prompt
from translate.answers import Answer, Failure, Translated
from translate.checks import Direction
from translate.ifeval import PromptPlan, arguments_tsv, plan_prompts
from translate.ifeval.arguments import Entry, fault, fitted
from translate.ifeval.glossary_file import COLUMNS, read_tsv, to_tsv
from translate.ifeval.letters import choose_letter

WORDS = {
    "story": "tarina",
    "mom": "äiti",
    "mother": "äiti",
    "Section": "osio.",
    "night": "yö",
    "good night": "hyvää yötä",
}


class Dictionary:
    """Translates by a list of words, and remembers what it was asked."""

    def __init__(self, words: dict[str, str] = WORDS) -> None:
        self.words, self.asked = words, list[str]()

    def __call__(self, texts: Sequence[str]) -> list[Answer]:
        self.asked += texts
        known = self.words
        return [Translated(known[text], "test") if text in known else Failure("unknown", text) for text in texts]


def prompt(key: int, text: str, *instructions: tuple[str, dict[str, Any]]) -> Prompt:
    ids, arguments = zip(*instructions, strict=True)
    return Prompt(f"ifeval/{key:05d}", "en", key, text, ids, arguments)


def keywords(key: int, *words: str) -> Prompt:
    return prompt(key, f"Use {' and '.join(words)}.", ("keywords:existence", {"keywords": list(words)}))


def sections(key: int, word: str) -> Prompt:
    return prompt(
        key, f"{word} X", ("detectable_format:multiple_sections", {"section_spliter": word, "num_sections": 2})
    )


def plans(
    direction: Direction, prompts: Sequence[Prompt], table: Path | None = None
) -> tuple[list[PromptPlan], list[str]]:
    ask = Dictionary()
    return plan_prompts(prompts, direction, ask, table), ask.asked


def test_each_argument_is_asked_for_once_and_capitals_make_no_new_word(direction: Direction) -> None:
    made, asked = plans(
        direction, [sections(1, "SECTION"), keywords(2, "story"), sections(3, "Section"), keywords(4, "story")]
    )
    assert asked == ["Section", "story"]
    assert [plan.forms for plan in made] == [
        {"SECTION": "OSIO"},
        {"story": "tarina"},
        {"Section": "Osio"},
        {"story": "tarina"},
    ]


def test_two_words_of_a_prompt_that_became_one_reject_it_and_the_file_says_so(direction: Direction) -> None:
    made, _ = plans(direction, [keywords(1139, "mom", "mother"), keywords(2, "mom")])
    assert made[0].failure == Failure("argument-ambiguous", "'mom' and 'mother' both became 'äiti'")
    assert made[1].failure is None
    line = arguments_tsv(made).splitlines()[1].split("\t")
    assert line[:5] == ["mom", "äiti", "keywords", "1139, 2", "machine"]
    assert "prompt 1139: argument-ambiguous" in line[5]


def test_an_argument_without_translation_rejects_its_prompts_and_leaves_its_line_empty(direction: Direction) -> None:
    made, _ = plans(direction, [keywords(1, "story", "zebra")])
    assert made[0].failure == Failure("unknown", "argument 'zebra': zebra")
    assert arguments_tsv(made).splitlines()[2] == "zebra\t\tkeywords\t1\tmachine\tunknown: zebra"


def test_a_forbidden_word_that_became_part_of_a_wanted_phrase_rejects_the_prompt(direction: Direction) -> None:
    words = {"dusk": "ilta", "good evening": "hyvää ilta"}
    record = prompt(
        1, 'No "dusk". End with "good evening".', ("keywords:forbidden_words", {"forbidden_words": ["dusk"]}),
        ("startend:end_checker", {"end_phrase": "good evening"}),
    )  # fmt: skip
    (plan,) = plan_prompts([record], direction, Dictionary(words))
    assert plan.failure == Failure("argument-conflict", "end_phrase 'hyvää ilta' against forbidden 'ilta'")


@pytest.mark.parametrize(
    ("source", "target", "names", "problem"),
    [("story", "", ("keyword",), "empty"), ("story", "tarina\nEnglish: dog", ("keyword",), "more lines"),
     ("story", "tarina on kertomus jostakin mitä joskus tapahtui", ("keyword",), "many more words"),
     ("story", "(tarina)", ("keyword",), "does not find itself"), ("story", "(tarina", ("keyword",), "does not find itself"),
     ("q", "qu", ("letter",), "not one letter"), ("Bye (now)", "Hei (nyt)", ("end_phrase",), None), ("Sarah", "Sarah", ("keyword",), None)],
)  # fmt: skip
def test_what_cannot_stand_for_an_argument(
    source: str, target: str, names: tuple[str, ...], problem: str | None
) -> None:
    found = fault(source, target, names)
    assert (found is None) if problem is None else (found is not None and problem in found)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [("story", " Tarina.", "tarina"), ("SECTION", "Osio", "OSIO"), ("Section", "osio", "Osio"),
     ("Is that all?", "Siinäkö kaikki?", "Siinäkö kaikki?"), ("story", "USA", "USA"), ("x", "y", "y"),
     ("story", "”tarina”", "tarina"), ("story", "po\u0308yta\u0308", "pöytä")],
)  # fmt: skip
def test_an_argument_is_written_as_it_was(source: str, target: str, expected: str) -> None:
    assert fitted(source, target) == expected


def test_letters_stay_where_the_target_writes_them_and_give_way_where_it_does_not() -> None:
    finnish, english = language("fi"), language("en")
    chosen = {letter: choose_letter(letter, english, finnish) for letter in "aeinoptyjqcwbQ#"}
    assert {letter for letter, form in chosen.items() if letter == form} == set("aeinoptyj#")
    assert all("a" <= form.lower() <= "z" for letter, form in chosen.items() if letter != "#")
    assert chosen["Q"] == chosen["q"].upper()
    shares = finnish.ifeval["letters"]
    assert all(shares[chosen[letter]] > 10 * shares[letter] for letter in "qcw")


def other(**ifeval: Any) -> Language:
    pack = language("fi").model_dump() | {"code": "xx", "native_name": "中文"}
    return Language(**(pack | {"ifeval": dict(pack["ifeval"]) | ifeval}))


def test_a_script_without_a_to_z_gets_its_own_letters() -> None:
    assert choose_letter("e", language("en"), other(letters={"а": 12.0, "о": 11.0, "ф": 0.3})) == "а"
    assert choose_letter("q", language("en"), other(letters={"а": 12.0, "о": 11.0, "ф": 0.3})) == "ф"
    assert choose_letter("b", language("en"), other(letters={"å": 1.5, "y": 9.0, "ж": 1.5})) == "y"
    assert choose_letter("q", language("en"), other(letters={})) == "q"
    with pytest.raises(RecipeError, match=r"xx\.yaml: ifeval\.letters must give"):
        choose_letter("q", language("en"), other(letters={"ab": 3}))


@pytest.mark.parametrize(
    ("ifeval", "reason"),
    [({"letters": {}}, "written without capitals"), ({"case": "caseless"}, "written without capitals"), ({"unusable": {"change_case:english_capital": "no such thing"}}, "no such thing")],
)  # fmt: skip
def test_an_instruction_that_the_language_cannot_mean_rejects_the_prompt(ifeval: dict[str, Any], reason: str) -> None:
    record = prompt(1, "Shout.", ("change_case:english_capital", {}))
    (plan,) = plan_prompts([record], Direction(language("en"), other(**ifeval)), Dictionary())
    assert plan.failure is not None
    assert (plan.failure.reason, reason in plan.failure.detail) == ("instruction-unusable", True)


def test_a_table_reads_back_as_it_was_written(tmp_path: Path) -> None:
    entries = (
        Entry("a\tb\n\\n", "c\nd \\ e", ("end_phrase",), (1, 2)), Entry('"x"', "", ("keywords", "first_word"), (), "reviewed", "why"),
    )  # fmt: skip
    path = tmp_path / "arguments.tsv"
    path.write_text(to_tsv(entries), "utf-8")
    assert tuple(line.entry for line in read_tsv(path)) == entries
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert tuple(line.entry for line in read_tsv(path)) == entries


def table(path: Path, *rows: str) -> Path:
    path.write_text("\t".join(COLUMNS) + "\n" + "".join(row.replace("|", "\t") + "\n" for row in rows), "utf-8")
    return path


def test_what_a_person_wrote_wins_and_its_other_capitals_follow(direction: Direction, tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.tsv",
        "Section|Jakso|section_spliter|3|reviewed|",
        "story||keywords|2|machine|",
        "moon|kuu|keywords|77|reviewed|",
    )
    made, asked = plans(direction, [sections(1, "SECTION"), keywords(2, "story"), sections(3, "Section")], path)
    assert asked == ["story"]
    assert [plan.forms for plan in made] == [{"SECTION": "JAKSO"}, {"story": "tarina"}, {"Section": "Jakso"}]
    lines = arguments_tsv(made).splitlines()
    assert "Section\tJakso\tsection_spliter\t3\treviewed\t" in lines
    (tmp_path / "b.tsv").write_text("\n".join(lines), "utf-8")
    again, asked = plans(
        direction, [sections(1, "SECTION"), keywords(2, "story"), sections(3, "Section")], tmp_path / "b.tsv"
    )
    assert (asked, [plan.forms for plan in again]) == ([], [plan.forms for plan in made])


def test_a_chosen_letter_can_be_overruled(direction: Direction, tmp_path: Path) -> None:
    record = prompt(
        1, 'Use the letter "q" 3 times.',
        ("keywords:letter_frequency", {"letter": "q", "let_frequency": 3, "let_relation": "at least"}),
    )  # fmt: skip
    made, _ = plans(direction, [record], table(tmp_path / "a.tsv", "q|ä|letter|1|reviewed|"))
    assert made[0].glossary == (('"q"', '"ä"'),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [(["story|tarina|keywords|2|machine"], "line 2: 5 columns, 6 expected"), (["story|tarina|keywords|2|done|"], "line 2: status 'done' is none of"),
     (["story|tarina|keywords|2|machine|", "story|juttu|keywords|2|machine|"], r"line 3: 'story' is there twice, first at .* line 2"),
     (["|x|keywords|2|machine|"], "line 2: the source is empty"), (["story|tarina|keyword list|2|machine|"], "'keyword list' is no argument"),
     (["story|tarina|keywords|two|machine|"], "'two' is no key"), (["stroy|tarina|keywords|2|machine|"], "line 2: 'stroy' is no argument of these"),
     (["stroy|tarina|keywords||machine|"], "line 2: 'stroy' is no argument of these"), (["story|(tarina|keyword|2|reviewed|"], r"line 2: '\(tarina' cannot stand for")],
)  # fmt: skip
def test_a_line_that_cannot_be_used_is_named(
    direction: Direction, tmp_path: Path, rows: list[str], message: str
) -> None:
    with pytest.raises(SourceError, match=rf"a\.tsv.*{message}"):
        plans(direction, [keywords(2, "story")], table(tmp_path / "a.tsv", *rows))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"source\ttarget\n", "line 1: the first line must name"), (b"\xff\xfe", "not UTF-8"), (b"", "line 1: the first"), (None, "no such file")],
)  # fmt: skip
def test_a_file_that_is_no_table_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_tsv(tmp_path / "a.tsv")


def test_the_table_of_the_real_prompts_is_one_to_one(shared_data: Path, direction: Direction) -> None:
    rows = [json.loads(line) for line in (shared_data / "ifeval" / "input_data.jsonl").read_text("utf-8").splitlines()]
    prompts = [
        Prompt("x", "en", row["key"], row["prompt"], tuple(row["instruction_id_list"]), tuple(row["kwargs"]))
        for row in rows
    ]
    made = plan_prompts(
        prompts, direction, lambda texts: [Translated(f"sana{re.sub(' .*', '', text)}", "test") for text in texts]
    )
    forms: dict[str, set[str]] = {}
    for plan in made:
        for entry in plan.entries:
            forms.setdefault(entry.source, set()).add(entry.target)
    assert len(forms) > 250
    assert all(len(targets) == 1 for targets in forms.values())
