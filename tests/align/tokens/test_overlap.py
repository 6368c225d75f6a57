"""Overlap with benchmarks: copies, near copies and translations are found, other prompts are not, on real prompts too."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from align.selection.near_duplicates.shingles import jaccard
from align.tokens.overlap import NEAR, Benchmarks, Overlap, read_benchmarks
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import (
    Conversation,
    Message,
    PreferencePair,
    Prompt,
    Question,
    write_records,
)

RIDDLE = "Write a riddle about Camilla that doesn't use commas and answer it in one sentence."
ARVOITUS = "Kirjoita Camillasta arvoitus, jossa ei ole pilkkuja, ja vastaa siihen yhdellä lauseella."


def prompt(number: int, text: str, language: str = "en") -> Prompt:
    return Prompt(f"ifeval/{number:05d}", language, number, text, ("punctuation:no_comma",), ({},))


def asks(*texts: str, id: str = "oasst2/00001", language: str = "en") -> Conversation:  # noqa: A002
    turns = [turn for text in texts for turn in (Message("user", text), Message("assistant", "Very well."))]
    return Conversation(id, language, tuple(turns))


def find(benchmarks: Benchmarks, row: Conversation | PreferencePair) -> Overlap | None:
    ((same, found),) = benchmarks.find_each([row])
    assert same is row
    return found


@pytest.fixture
def benchmarks() -> Benchmarks:
    others = ["Answer with a haiku.", "Name three rivers.", "日本の首都について短い詩を書いてください。"]
    return Benchmarks([prompt(0, RIDDLE), prompt(0, ARVOITUS, "fi"), *(prompt(i, t) for i, t in enumerate(others, 1))])


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (RIDDLE, "text"),
        ("WRITE A RIDDLE ABOUT CAMILLA THAT DOESN'T USE COMMAS AND ANSWER IT IN ONE SENTENCE", "text"),
        (f"Hello! I have something for you: {RIDDLE} Thank you in advance!", "near"),
        ("Write a riddle about Camilla that doesn't use commas, and please answer it in two.", "near"),
        (RIDDLE.replace("Camilla", "\u200bＣamilla"), "text"),
    ],
)
def test_copies_are_found(benchmarks: Benchmarks, text: str, how: str) -> None:
    found = find(benchmarks, asks("What is a river?", text))
    assert found is not None and (found.benchmark, found.language, found.how) == ("ifeval/00000", "en", how)
    assert NEAR <= found.share <= 1 and (found.share == 1) == (how == "text" or RIDDLE in text)


def test_a_translated_prompt_is_found_in_its_language(benchmarks: Benchmarks) -> None:
    found = find(benchmarks, asks(ARVOITUS, language="fi"))
    assert found == Overlap("ifeval/00000", "fi", "text", 1.0)


def test_scripts_without_spaces_are_compared_by_letters(benchmarks: Benchmarks) -> None:
    found = find(benchmarks, asks("日本の首都について長い詩を書いてください。よろしく！"))
    assert found is not None and (found.benchmark, found.how) == ("ifeval/00003", "near")
    assert find(benchmarks, asks("日本の食べ物について教えてください。")) is None


@pytest.mark.parametrize("text", ["", "?!", "Write a riddle about Camilla.", "Rivers", "Name a river and answer it."])
def test_other_prompts_are_not(benchmarks: Benchmarks, text: str) -> None:
    assert find(benchmarks, asks(text)) is None


def test_very_short_benchmarks_are_found_as_a_whole_only() -> None:
    short = Benchmarks([prompt(0, "Thank you!")])
    assert find(short, asks("thank you")) == Overlap("ifeval/00000", "en", "text", 1.0)
    assert find(short, asks("I thank you for this answer.")) is None


def test_answers_do_not_count(benchmarks: Benchmarks) -> None:
    turns = (Message("user", "Give me a prompt."), Message("assistant", RIDDLE))
    assert find(benchmarks, Conversation("oasst2/00001", "en", turns)) is None
    pair = PreferencePair("p/00001", "en", (Message("user", RIDDLE),), "a", "b")
    assert find(benchmarks, pair) == Overlap("ifeval/00000", "en", "text", 1.0)


def test_instructions_of_one_wording_make_no_overlap() -> None:
    rule = "First repeat the request word for word without change, then give your answer."
    tasks = [
        "Describe a cat.",
        "Is ballistics a science?",
        "Write a haiku about moms.",
        "Name a new kind of ice cream.",
    ]
    benchmarks = Benchmarks([prompt(i, f"{task} {rule}") for i, task in enumerate(tasks)])
    assert find(benchmarks, asks(f"Compare two cars of your choice in some detail. {rule}")) is None
    assert find(benchmarks, asks(f"Describe a cat. {rule}")) == Overlap("ifeval/00000", "en", "text", 1.0)


def test_the_first_turn_of_a_question_counts() -> None:
    question = Question("mt/00000", "en", 81, "writing", (RIDDLE, "Now make it much shorter than before."))
    benchmarks = Benchmarks([question])
    assert find(benchmarks, asks(RIDDLE)) == Overlap("mt/00000", "en", "text", 1.0)
    assert find(benchmarks, asks("Name a river.", "Now make it much shorter than before.")) is None


def test_questions_are_read_as_benchmarks(write_recipe: Callable[..., Path], tmp_path: Path) -> None:
    questions = ("sft:", "    open: {kind: questions, pocket: questions, language: fi}\nsft:")
    recipe = load(write_recipe(questions, ("ifeval: {languages: [en, fi]}", "questions: {open: {}}")))
    step = next(step for step in make_plan(recipe) if step.name == "tokens/sft/en-fi-100pct")
    assert step.settings["eval"]["benchmarks"] == ["source/open"]
    inputs = {name: tmp_path / name for name in step.inputs}
    write_records(inputs["source/oasst2"] / "rows.jsonl", [asks("Hi there, how are you?")])
    write_records(inputs["source/open"] / "rows.jsonl", [Question("open/00000", "fi", 1, "x", (ARVOITUS, "Lisää!"))])
    benchmarks = read_benchmarks(Workplace(step, recipe, tmp_path / "tokens", inputs))
    assert find(benchmarks, asks(ARVOITUS, language="fi")) == Overlap("open/00000", "fi", "text", 1.0)


@pytest.fixture
def place(write_recipe: Callable[..., Path], tmp_path: Path) -> Workplace:
    """The place of a tokens step: row 3 of the data stands in the English benchmark; its translation is worded freely."""
    recipe = load(write_recipe(("languages: [en, fi]", "languages: [fi]")))
    step = next(step for step in make_plan(recipe) if step.name == "tokens/sft/en-fi-100pct")
    inputs = {name: tmp_path / name for name in step.inputs}
    rows = [asks(f"Tell me about the number {i}.", id=f"oasst2/{i:05d}") for i in range(3)]
    write_records(inputs["source/oasst2"] / "rows.jsonl", [*rows, asks(RIDDLE, id="oasst2/00003")])
    write_records(inputs["source/ifeval"] / "rows.jsonl", [prompt(0, RIDDLE), prompt(1, "Name three rivers.")])
    write_records(
        inputs["translate/ifeval"] / "accepted.jsonl", [prompt(0, ARVOITUS, "fi"), prompt(1, "Name three rivers.")]
    )
    return Workplace(step, recipe, tmp_path / "tokens", inputs)


def test_a_translation_leaks_through_its_source(place: Workplace) -> None:
    benchmarks = read_benchmarks(place)
    free = "Keksi pilkuton arvoitus, jonka aihe on Camilla."
    for copy in ("", "#2"):
        found = find(benchmarks, asks(free, id=f"oasst2/00003{copy}", language="fi"))
        assert found == Overlap("ifeval/00000", "en", "source", 1.0)
    assert find(benchmarks, asks(free, id="oasst2/00002", language="fi")) is None
    assert find(benchmarks, asks(RIDDLE, id="oasst2/00003")) == Overlap("ifeval/00000", "en", "text", 1.0)


def test_answers_made_anew_leak_through_the_row_of_their_prompts(
    write_recipe: Callable[..., Path], place: Workplace
) -> None:
    anew = "    anew: {kind: conversations, prompts_of: oasst2, engine: {kind: hf}}\nsft:\n"
    recipe = load(write_recipe(("languages: [en, fi]", "languages: [fi]"), ("sft:\n", anew)))
    benchmarks = read_benchmarks(dataclasses.replace(place, recipe=recipe))
    free = "Keksi pilkuton arvoitus, jonka aihe on Camilla."
    found = find(benchmarks, asks(free, id="anew/00003", language="fi"))
    assert found == Overlap("ifeval/00000", "en", "source", 1.0)
    assert find(benchmarks, asks(free, id="anew/00002", language="fi")) is None


def test_rows_kept_by_the_translation_are_no_second_benchmark(place: Workplace) -> None:
    assert [(each.id, each.language) for each in read_benchmarks(place).prompts] == [
        ("ifeval/00000", "en"), ("ifeval/00001", "en"), ("ifeval/00000", "fi"),
    ]  # fmt: skip


def test_without_a_benchmark_nothing_is_read_or_found(place: Workplace) -> None:
    settings = {**place.step.settings, "eval": {"overlap": "report", "benchmarks": []}}
    none = Workplace(type(place.step)("tokens/x", "tokens", settings), place.recipe, place.folder, {})
    assert find(read_benchmarks(none), asks(RIDDLE)) is None


def rows_of(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def ifeval(shared_data: Path) -> Benchmarks:
    rows = rows_of(shared_data / "ifeval/input_data.jsonl")
    return Benchmarks([prompt(row["key"], row["prompt"]) for row in rows])


def test_no_real_training_prompt_is_taken_for_a_benchmark(ifeval: Benchmarks, shared_data: Path) -> None:
    messages = rows_of(shared_data / "oasst/oasst1_validation_en_fi.jsonl.gz")
    texts = [row["text_en"] for row in messages if row["role"] == "prompter"]
    texts += [turn for row in rows_of(shared_data / "mt_bench_fi/question.jsonl") for turn in row["turns"]]
    assert len(texts) > 900
    assert [row for row, found in ifeval.find_each(map(asks, texts)) if found] == []


def test_no_benchmark_prompt_is_taken_for_another(ifeval: Benchmarks) -> None:
    """Every instruction of the benchmark behind another task, as a training set of the same instructions would have it."""
    for number, each in enumerate(ifeval.prompts):
        rest = [other for at, other in enumerate(ifeval.prompts) if at != number]
        if number % 60 == 0:
            assert find(Benchmarks(rest), asks(each.text)) is None, each.text


def test_rewritten_benchmarks_are_found(ifeval: Benchmarks, shared_data: Path) -> None:
    own = {each.key: each.text for each in ifeval.prompts}
    corrected = rows_of(shared_data / "ifeval/ifeval_original_fix_ifevalpp.jsonl")
    changed = [row for row in corrected if row["key"] in own and row["prompt"] != own[row["key"]]]
    found = ifeval.nearest([[row["prompt"]] for row in changed])
    assert len(changed) > 60
    assert [each and each.benchmark for each in found] == [f"ifeval/{row['key']:05d}" for row in changed]


def test_most_survive_a_tenth_of_their_words_replaced(ifeval: Benchmarks) -> None:
    rng, words = random.Random(0), "green house river table seven walk under quickly".split()

    def replaced(text: str) -> str:
        return " ".join(rng.choice(words) if rng.random() < 0.1 else word for word in text.split())

    found = ifeval.nearest([[replaced(each.text)] for each in ifeval.prompts])
    share = sum(one is not None and one.benchmark == each.id for one, each in zip(found, ifeval.prompts, strict=True))
    assert share / len(found) > 0.93


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Write a ridlde about Camilla that doesn't use comas and anwser it in one sentence.", "en"),
        ("Wriet a riddle about Camila that doesn't uses commas and answer it in just one sentence.", "en"),
        ("Kirjoita Camillasta arvoitus, jossa ei olisi pilkkua, ja vastatkaa siihen yhdellä lauseella.", "fi"),
    ],
)
def test_slips_of_the_pen_and_other_endings_are_found_by_characters(
    benchmarks: Benchmarks, text: str, language: str
) -> None:
    found = find(benchmarks, asks("Hello!", text))
    assert found is not None
    assert (found.benchmark, found.language, found.how) == ("ifeval/00000", language, "similar")
    assert 0.6 <= found.share < 1


def test_a_template_with_another_topic_is_no_overlap() -> None:
    rule = "Put your whole answer in double quotation marks, use lowercase letters only, and be polite to the reader."
    tasks = ["Describe the old grey wolf of the north.", "Name five strong horses by their colours.",
             "Explain how a good clock is made by hand.", "Who was the second king of this island?"]  # fmt: skip
    benchmarks = Benchmarks([prompt(number, f"{task} {rule}") for number, task in enumerate(tasks)])
    stranger = f"Compare our boats and carts. {rule}"
    assert max(jaccard(stranger, each.text) for each in benchmarks.prompts if isinstance(each, Prompt)) >= 0.6
    assert find(benchmarks, asks(stranger)) is None
    found = find(benchmarks, asks(f"Descrbie the old grey wofl of the nroth. {rule}".replace("polite", "ploite")))
    assert found is not None and found.benchmark == "ifeval/00000"


def test_rows_come_out_as_they_went_in_over_several_blocks(
    benchmarks: Benchmarks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("align.tokens.overlap._ROWS_AT_ONCE", 4)
    rows = [asks(RIDDLE if number % 5 == 2 else f"How many legs has animal {number}?") for number in range(11)]
    found = list(benchmarks.find_each(iter(rows)))
    assert [row for row, _ in found] == rows
    assert [number for number, (_, overlap) in enumerate(found) if overlap] == [2, 7]
