"""Requests that a translation would change: the labelled fixture, what is left alone in them, and the rules' own file."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kielo.errors import RecipeError
from kielo.records import read_jsonl
from translate.protect import protect, restore
from translate.segments import render, split
from translate.tasks.changes import HEAD, TAIL, TaskChange, classify, strictest
from translate.tasks.given_text import echoes, literals
from translate.tasks.rules import Rule, actions, read_rules, read_rules_file

LABELLED = Path(__file__).with_name("labelled.jsonl")
RULES = read_rules("en")
LEAST = {"precision": 0.95, "recall": 0.85}
"""What the rules must reach on the labelled requests."""

Labels = dict[str, str | None]
"""Text or id -> the kind of task that a translation would change, None where it would change none."""


def labels(column: str) -> Labels:
    return {row[column]: row["task"] for _, row in read_jsonl(LABELLED) if column in row}


def real_turns(shared_data: Path) -> Iterator[tuple[str, str]]:
    """Yield (id, text) of every user's turn that was read and labelled; those the fixture does not list change nothing."""
    for _, row in read_jsonl(shared_data / "oasst" / "oasst1_validation_en_fi.jsonl.gz"):
        if row["role"] == "prompter":
            yield f"oasst-validation/{row['message_id']}", row["text_en"]
    for _, row in read_jsonl(shared_data / "oasst" / "en_100_tree.jsonl.gz"):
        waiting: list[dict[str, Any]] = [row["prompt"]]
        while waiting:
            message = waiting.pop()
            waiting += message.get("replies", [])
            if message["role"] == "prompter":
                yield f"oasst-trees/{message['message_id']}", message["text"]
    pairs = json.loads(gzip.decompress((shared_data / "preferences" / "dpo_en_demo.json.gz").read_bytes()))
    for row_number, pair in enumerate(pairs):
        for turn_number, turn in enumerate(pair["conversations"]):
            if turn["from"] == "human":
                yield f"dpo/{row_number}/{turn_number}", turn["value"]
    for _, row in read_jsonl(shared_data / "mt_bench_fi" / "question.jsonl"):
        for turn_number, text in enumerate(row["turns"]):
            yield f"mtbench/{row['question_id']}/{turn_number}", text
    for number, row in read_jsonl(shared_data / "ifeval" / "input_data.jsonl"):
        if number % 3 == 2:  # a third of it was labelled
            yield f"ifeval/{row['key']}", row["prompt"]


def confusion(judged: Iterator[tuple[bool, bool]]) -> dict[str, float]:
    """Count (labelled, hit) pairs into the confusion matrix, precision and recall."""
    counts = Counter(judged)
    hit, missed, wrong = counts[True, True], counts[True, False], counts[False, True]
    matrix = {"hit": hit, "wrong": wrong, "missed": missed, "passed": counts[False, False]}
    return {**matrix, "precision": hit / (hit + wrong), "recall": hit / (hit + missed)}


def found(text: str, *answers: str) -> TaskChange:
    change = classify(text, RULES, answers)
    assert change is not None, text
    return change


def test_own_sentences_are_told_apart() -> None:
    known = labels("text")
    matrix = confusion((task is not None, classify(text, RULES) is not None) for text, task in known.items())
    print(matrix)
    assert sum(task is None for task in known.values()) > 200
    assert matrix["precision"] >= LEAST["precision"] and matrix["recall"] >= LEAST["recall"]


def test_real_prompts_are_told_apart(shared_data: Path) -> None:
    known, turns = labels("id"), dict(real_turns(shared_data))
    assert set(known) <= set(turns)
    matrix = confusion((key in known, classify(text, RULES) is not None) for key, text in turns.items())
    print(matrix)
    assert len(turns) > 2000
    assert matrix["precision"] >= LEAST["precision"] and matrix["recall"] >= LEAST["recall"]


def test_texts_that_ask_for_nothing_hit_nothing(shared_data: Path) -> None:
    news = gzip.decompress((shared_data / "parallel" / "newstest2017.eng.gz").read_bytes()).decode().splitlines()
    wiki = gzip.decompress((shared_data / "flores200" / "eng.devtest.gz").read_bytes()).decode().splitlines()
    assert [line for line in (*news, *wiki) if classify(line, RULES)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_tells_its_own_kind(rule: Rule) -> None:
    texts = [text for text, task in labels("text").items() if task == rule.name]
    hits = [change.rule for text in texts if (change := classify(text, RULES))]
    assert len(texts) >= 8 and hits.count(rule.name) >= 0.8 * len(texts)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Fix the grammar in “He go home.” please.", ("He go home.",)),
        ('Proofread this sentence: She said "hello" to I.', ('She said "hello" to I.',)),
        ("Correct the spelling in the text below.\n\nTeh cat.\nTeh dog.", ("Teh cat.\nTeh dog.",)),
        ("I has a apple.\n\nPlease fix the grammar.", ("I has a apple.",)),
        ("Check my grammar:\n> He go.\n> She go.", ("> He go.\n> She go.",)),
        ("Fix the grammar.\nInput: He go home", ("He go home",)),
        ("What does the word gregarious mean?", ("gregarious",)),
        ("How many r's are in 'strawberry'?", ("strawberry",)),
        ("How do you pronounce ‘th’ in “three” and «breathe»?", ("th", "three", "breathe")),
        ("What's the difference between the words 'it's' and 'its'?", ("it's", "its")),
        ("Say: `hello`", ("hello",)),
    ],
)
def test_around_names_the_text_to_leave_alone(text: str, quoted: tuple[str, ...]) -> None:
    change = found(text)
    assert (change.action, change.quoted) == ("around", quoted)
    assert all(span in text for span in change.quoted)


def test_around_without_a_text_to_leave_alone_rejects() -> None:
    assert found("Can you fix my grammar from now on?").action == "skip"
    assert found("Recite the Gettysburg Address word for word.").quoted == ()


def test_around_keeps_what_the_answer_gives_back() -> None:
    request = 'Fix the grammar: "He don\'t know nothing about it."'
    answer = (
        'Here is the corrected sentence:\n\n**"He doesn\'t know anything about it."**\n\nI removed the double negative.'
    )
    change = found(request, answer)
    assert change.action == "around"
    assert change.quoted == ("He don't know nothing about it.", "He doesn't know anything about it.")


def test_around_rejects_where_an_answer_cannot_be_told_from_the_text() -> None:
    request = 'Fix the grammar: "He don\'t know nothing about it."'
    assert found(request, "He doesn't know anything about it.").action == "around"
    assert found(request, "He doesn't know anything about it.", "It seems fine to me!").action == "skip"


def test_the_strictest_of_a_record_s_turns_counts() -> None:
    spelling, meaning, rhyme = map(
        found, ("Correct this sentence: He go.", 'Define the word "gist".', "What rhymes with cat?")
    )
    assert strictest([None, spelling, rhyme, meaning]) == rhyme
    joined = strictest([spelling, None, meaning])
    assert joined is not None and (joined.rule, joined.quoted) == ("grammar", ("He go.", "gist"))
    assert strictest([]) is strictest([None]) is None


def test_echoes_are_quotations_or_sentences() -> None:
    given = ("the cats sits on the mat", "it rain")
    answer = "Sure! Here you go: The cat sits on the mat.\n- It rains; it rain.\nAnything else?"
    assert echoes(answer, given) == ("The cat sits on the mat.", "It rains; it rain.")
    assert echoes("", given) == echoes("...", given) == ()


def test_given_lines_come_through_a_translation_untouched() -> None:
    poem = "> Roses is red,\n> violets is *blue*,\n\n1. sugar are sweet\n2. and so is you."
    request = f"Please correct the grammar of this poem:\n\n{poem}\n"
    document = split(request)
    masked = [protect(segment, literals(found(request).quoted)) for segment in document.segments]
    shouted = [restore(each.text.upper(), each) for each in masked]
    assert render(document, [text or "" for text in shouted]) == f"PLEASE CORRECT THE GRAMMAR OF THIS POEM:\n\n{poem}\n"


def test_short_words_stay_only_where_they_are_quoted() -> None:
    kept = literals(("the", "serendipity"))
    assert protect('Does "the" begin the word serendipity?', kept).spans == ('"the"', "serendipity")


def test_code_is_left_out() -> None:
    assert classify("Explain this.\n```\nTranslate this to French: hello\n```\n", RULES) is None
    assert classify("~~~\nwhat rhymes\n```\nwith cat\n", RULES) is None
    assert found("```\nx = 1\n```\nTranslate this to French: hello").rule == "translation"


def test_requests_stand_at_either_end() -> None:
    request, story = "Translate this into French.", "The old man went to sea again. " * 100
    assert found(f"{request}\n{story}").rule == found(f"{story}\n{request}").rule == "translation"
    assert classify(f"{story[:HEAD]}\n{request}\n{story[-TAIL:]}", RULES) is None


@pytest.mark.parametrize(
    "unit",
    ["a ", "translate ", '"', " 'a", "“", "`", "\n", "```\n", "fix the grammar: ", "how many letters are in the ", "\x00\ud800",
     "please also just now ", "write in english and ", 'is "a" or "b ', "nursery rhyme ", "> - 1. "],
)  # fmt: skip
def test_long_turns_are_read_to_their_end(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    change = classify(text, RULES, (text,))
    assert change is None or all(span in text for span in change.quoted)


def test_actions_come_from_the_recipe() -> None:
    chosen = {rule.name: rule.action for rule in actions(RULES, {"all": "keep", "grammar": "skip"})}
    assert chosen.pop("grammar") == "skip" and set(chosen.values()) == {"keep"}
    assert actions(RULES, {}) == RULES


def test_a_rule_that_translates_leaves_its_texts_to_the_others() -> None:
    text = "Write a haiku in Spanish about the sea."
    change = classify(text, actions(RULES, {"language": "translate"}))
    assert found(text).rule == "language" and change is not None and change.rule == "rhyme"
    assert classify(text, actions(RULES, {"all": "translate"})) is None


def test_an_unknown_rule_is_named_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no rule 'grammer'; did you mean 'grammar'\?"):
        actions(RULES, {"grammer": "skip"})
    with pytest.raises(RecipeError, match="the source language has no rules"):
        actions((), {"grammar": "skip"})


def test_a_language_without_a_file_has_no_rules() -> None:
    assert read_rules("fi") == () and actions((), {"all": "skip"}) == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("'{verb} me'", "'{verbs} me'", r"line 7: \{verbs\}: no such words above this line; did you mean 'verb'\?"),
        ("'{verb} me'", "'teach(me'", "line 7: teach.me: not a regular expression"),
        ("'{verb} me'", r"'teach \w+'", "line 7: .* have no limit"),
        ("'{verb} me'", "'teach .{2,}'", "line 7: .* have no limit"),
        ("action: skip", "action: drop", "line 5: rules.lesson.action: input should be"),
        ("about: a lesson", "abuot: a lesson", "line 4: rules.lesson.abuot: extra inputs"),
        ("cues: [teach]", "cues: []", "line 6: rules.lesson.cues"),
    ],
)
def test_a_malformed_file_is_one_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    file = tmp_path / "xx.yaml"
    text = (
        "words:\n  verb: [teach, show]\nrules:\n  lesson: {about: a lesson,\n    action: skip,\n    cues: [teach],\n"
        "    patterns: ['{verb} me']}\n"
    )
    file.write_text(text, "utf-8")
    assert read_rules_file(file)[0].patterns[0].search("Please TEACH\nme!")
    file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(RecipeError, match=sentence):
        read_rules_file(file)
