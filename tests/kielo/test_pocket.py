"""The pocket world: its Finnish, its row formats, what is held out from what, and its base model."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any

import pytest
import sacrebleu

from align.tokens.overlap import Benchmarks
from kielo.errors import SourceError
from kielo.pocket import BASE, datasets, demands
from kielo.pocket.corpus import documents, sentences_of
from kielo.pocket.datasets import SOURCE, TARGET
from kielo.pocket.grammar import held_out, literal, say, sentence, world
from kielo.records import Question

TEXT_ARGUMENTS = ("keywords", "forbidden_words", "keyword", "end_phrase", "postscript_marker")

INFLECTED = [
    ("cat", "ela", "kissasta"), ("horse", "gen", "hevosen"), ("horse", "ela", "hevosesta"), ("bird", "ade", "linnulla"),
    ("mouse", "ela", "hiirestä"), ("sheep", "npl", "lampaat"), ("wolf", "par", "sutta"), ("wolf", "all", "sudelle"),
    ("pig", "npl", "siat"), ("doctor", "all", "lääkärille"), ("farmer", "ela", "maanviljelijästä"), ("boy", "all", "pojalle"),
    ("grandmother", "ade", "isoäidillä"), ("child", "par", "lasta"), ("king", "ela", "kuninkaasta"), ("sailor", "ade", "merimiehellä"),
    ("key", "par", "avainta"), ("letter", "npl", "kirjeet"), ("knife", "ela", "veitsestä"), ("candle", "ela", "kynttilästä"),
    ("kitchen", "at", "keittiössä"), ("forest", "from", "metsästä"), ("city", "at", "kaupungissa"), ("hotel", "at", "hotellissa"),
    ("table", "at", "pöydällä"), ("hill", "from", "mäeltä"), ("island", "at", "saarella"), ("bread", "ela", "leivästä"),
    ("water", "par", "vettä"), ("beautiful", "gen", "kauniin"), ("clean", "ppar", "puhtaita"),
]  # fmt: skip


@pytest.mark.parametrize(("english", "form", "finnish"), INFLECTED)
def test_finnish_forms(english: str, form: str, finnish: str) -> None:
    words = {word.forms[SOURCE][""]: word for category in world().words.values() for word in category}
    assert words[english].forms[TARGET][form] == finnish


@pytest.mark.parametrize(("base", "form", "written"), [("mouse", "pl", "mice"), ("knife", "pl", "knives"), ("sheep", "pl", "sheep"),
    ("fox", "pl", "foxes"), ("library", "pl", "libraries"), ("child", "pl", "children"), ("office", "a", "an office")])  # fmt: skip
def test_english_forms(base: str, form: str, written: str) -> None:
    words = {word.forms[SOURCE][""]: word for category in world().words.values() for word in category}
    assert words[base].forms[SOURCE][form] == written


def test_every_pattern_can_be_said_in_both_languages() -> None:
    rng = Random(0)
    for section, kinds in world().patterns.items():
        for kind, patterns in kinds.items():
            for pattern in patterns:
                texts = say(rng, section, kind, only=pattern)
                assert set(texts) == {SOURCE, TARGET}
                assert all(text and not set("{}") & set(text) for text in texts.values())


@pytest.mark.parametrize("name", ["oasst2", "helpsteer2", "ifeval", "parallel", "questions", "shots"])
def test_rows_are_the_same_for_a_seed_and_others_for_another(name: str) -> None:
    assert datasets.rows(name, 20, 3) == datasets.rows(name, 20, 3)
    assert datasets.rows(name, 20, 3) != datasets.rows(name, 20, 4)
    json.dumps(datasets.rows(name, 20, 3))


def test_unknown_data_set_is_a_users_mistake() -> None:
    with pytest.raises(SourceError, match="oasst2"):
        datasets.rows("oasst3", 1, 1)


def test_a_language_the_world_does_not_speak_is_a_users_mistake() -> None:
    with pytest.raises(SourceError, match="the pocket world speaks en and fi, not sv"):
        datasets.rows("questions", 1, 1, "sv")


@pytest.mark.parametrize("language", [SOURCE, TARGET])
def test_questions_are_of_every_category_and_in_one_language(language: str) -> None:
    rows = datasets.rows("questions", 24, 1, language)
    assert [row["question_id"] for row in rows] == list(range(1, 25))
    assert len({row["turns"][0] for row in rows}) == 24
    by_category = Counter(row["category"] for row in rows)
    assert len(by_category) == 4 and set(by_category.values()) == {6}
    assert Counter(len(row["turns"]) for row in rows) == {1: 12, 2: 12}
    assert any("ä" in turn for row in rows for turn in row["turns"]) == (language == TARGET)


@pytest.mark.parametrize("language", [SOURCE, TARGET])
def test_questions_are_no_training_prompts(language: str) -> None:
    rows = datasets.rows("questions", 24, 1, language)
    benchmark = Benchmarks(
        Question(f"q/{row['question_id']}", language, row["question_id"], row["category"], tuple(row["turns"]))
        for row in rows
    )
    prompts = [row["text"] for row in datasets.oasst_rows(600, 1, language) if row["role"] == "prompter"]
    assert [found for found in benchmark.nearest([[prompt] for prompt in prompts]) if found] == []


def test_no_word_is_forbidden_that_stands_in_the_topic() -> None:
    """No answer about a teacher does without "tea": looking for one would never end (seed 3 came to it)."""
    teacher = next(word for word in world().words["topic"] if word.forms[SOURCE][""] == "teacher")
    rng = Random(0)
    for _ in range(300):
        (demand,) = demands.make(rng, teacher, ["keywords:forbidden_words"])
        assert not [word for word in demand.kwargs["forbidden_words"] if word[SOURCE] in "teacher"]


def test_oasst_trees() -> None:
    rows = datasets.oasst_rows(120, 1)
    by_id = {row["message_id"]: row for row in rows}
    assert len(by_id) == len(rows)
    roots = [row for row in rows if row["parent_id"] is None]
    assert len(roots) == 120
    assert all(root["message_tree_id"] == root["message_id"] and root["role"] == "prompter" for root in roots)
    for row in rows:
        if row["parent_id"]:
            parent = by_id[row["parent_id"]]
            assert parent["message_tree_id"] == row["message_tree_id"]
            assert parent["role"] != row["role"]
    ranks = Counter(row["rank"] for row in rows)
    assert ranks[0] == ranks[1] == ranks[None]
    assert 0.2 < len(rows) / 3 / 120 - 1 < 0.5
    assert all(row["text"].strip() and "⟦" not in row["text"] for row in rows)


def test_oasst_has_markdown_for_the_segmenter() -> None:
    text = "\n".join(row["text"] for row in datasets.oasst_rows(200, 1))
    assert all(
        part in text for part in ("\n* ", "## ", "**", "```\n", "https://", "`git status`", "[name]", "\n\n", "<<")
    )


def test_helpsteer_pairs() -> None:
    rows = datasets.helpsteer_rows(300, 1)
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    assert all(
        first["prompt"] == second["prompt"] and first["response"] != second["response"] for first, second in pairs
    )
    assert all(
        0 <= row[name] <= 4
        for row in rows
        for name in ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
    )
    ties = sum(first["helpfulness"] == second["helpfulness"] for first, second in pairs)
    assert 0.05 < ties / len(pairs) < 0.16


@pytest.mark.parametrize("language", [SOURCE, TARGET])
def test_ifeval_text_arguments_stand_in_their_prompts(language: str) -> None:
    rows = datasets.ifeval_rows(200, 1, language)
    assert len({row["prompt"] for row in rows}) == 200
    assert len({name for row in rows for name in row["instruction_id_list"]}) >= 15
    assert {len(row["instruction_id_list"]) for row in rows} == {1, 2}
    for row in rows:
        assert len(row["kwargs"]) == len(row["instruction_id_list"])
        for arguments in row["kwargs"]:
            for name in set(arguments) & set(TEXT_ARGUMENTS):
                value = arguments[name]
                assert all(text in row["prompt"] for text in (value if isinstance(value, list) else [value])), row


def test_good_answers_obey_their_instructions() -> None:
    rng = Random(2)
    for _ in range(200):
        item = datasets.exchange(rng, demanding=1.0)
        for demand in item.demands:
            for language, text in item.good.items():
                assert _obeys(demand, language, text), (demand.id, item.prompt[language], text)


def _obeys(demand: demands.Demand, language: str, text: str) -> bool:
    wanted = {name: demands.resolve(value, language) for name, value in demand.kwargs.items()}
    checks: dict[str, Callable[[], bool]] = {
        "punctuation:no_comma": lambda: "," not in text,
        "keywords:existence": lambda: all(word in text.lower() for word in wanted["keywords"]),
        "keywords:forbidden_words": lambda: not any(word in text.lower() for word in wanted["forbidden_words"]),
        "keywords:frequency": lambda: text.lower().count(wanted["keyword"]) >= wanted["frequency"],
        "length_constraints:number_paragraphs": lambda: len(text.split("***")) == wanted["num_paragraphs"],
        "detectable_format:number_bullet_lists": lambda: (
            sum(line.startswith("* ") for line in text.split("\n")) == wanted["num_bullets"]
        ),
        "detectable_format:number_highlighted_sections": lambda: text.count("*") >= 2 * wanted["num_highlights"],
        "detectable_format:title": lambda: text.startswith("<<") and ">>" in text,
        "detectable_content:number_placeholders": lambda: text.count("[") >= wanted["num_placeholders"],
        "detectable_content:postscript": lambda: wanted["postscript_marker"] in text,
        "startend:end_checker": lambda: text.endswith(wanted["end_phrase"]),
        "startend:quotation": lambda: text[0] == text[-1] == '"',
        "change_case:english_lowercase": lambda: text == text.lower(),
        "change_case:english_capital": lambda: text == text.upper(),
    }
    return bool(checks.get(demand.id, lambda: True)())


def test_benchmark_prompts_are_disjoint_from_training_prompts() -> None:
    training = {row["text"] for row in datasets.oasst_rows(1500, 1)} | {
        row["prompt"] for row in datasets.helpsteer_rows(1500, 1)
    }
    assert not training & {row["prompt"] for row in datasets.ifeval_rows(300, 1)}


def test_parallel_sentences_never_occur_in_pretraining() -> None:
    rows = datasets.parallel_rows(200, 1)
    assert all(held_out({SOURCE: row["source"]}) for row in rows)
    held = {row["source"] for row in rows} | {row["target"] for row in rows}
    seen = {part for document in islice(documents(7), 1500) for line in document.text.split("\n")
            for part in sentences_of(line.removeprefix("English: ").removeprefix("Finnish: "))}  # fmt: skip
    assert len(seen) > 5000
    assert not held & seen


def test_shots_are_of_every_kind() -> None:
    assert {row["kind"] for row in datasets.shots_rows(5, 1)} == {
        "sentence",
        "instruction",
        "question",
        "list_item",
        "paragraph",
    }


def test_topic_can_be_marked_where_it_stands() -> None:
    topic = next(word for word in world().words["animal"] if word.forms[SOURCE]["sg"] == "cat")
    text = sentence(Random(1), topic, mark="*{}*")
    assert text[SOURCE].count("*") == text[TARGET].count("*") == 2
    assert literal("x").forms[TARGET][""] == "x"


def test_base_is_what_build_json_says() -> None:
    record = json.loads((BASE / "build.json").read_text("utf-8"))
    assert {name: hashlib.sha256((BASE / name).read_bytes()).hexdigest() for name in record["sha256"]} == record[
        "sha256"
    ]
    assert sum(path.stat().st_size for path in BASE.iterdir()) < 6_000_000


def test_base_translates_held_out_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from kielo.pocket.build import translate

    model: Any = AutoModelForCausalLM.from_pretrained(BASE, dtype="float32")
    tokenizer: Any = AutoTokenizer.from_pretrained(BASE)
    rows = datasets.parallel_rows(40, seed=1)
    targets = [row["target"] for row in rows]
    assert sacrebleu.corpus_chrf(translate(model, tokenizer, [row["source"] for row in rows]), [targets]).score >= 90
    assert translate(model, tokenizer, ["Use the command ⟦1⟧."]) == ["Käytä komentoa ⟦1⟧."]
