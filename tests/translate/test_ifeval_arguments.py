"""Arguments of IFEval prompts stay in their prompts, whatever the translator does to the words around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kielo.records import Prompt, read_jsonl
from translate.checks import Direction
from translate.ifeval_arguments import fitted, lost_argument
from translate.record_texts import plan_work, rebuild
from translate.row_formats import Source, read_rows
from translate.texts import translate_texts
from translate.translators import Failure, InTurn, Memory, Translator


def prompt(text: str, *instructions: tuple[str, dict[str, Any]]) -> Prompt:
    ids, arguments = zip(*instructions, strict=True)
    return Prompt("ifeval/00000", "en", 1, text, ids, arguments)


def translate(record: Prompt, translator: Translator, direction: Direction) -> Prompt | Failure:
    chain = InTurn((translator,))
    (work,) = plan_work([record], direction, None, chain)
    if work.failure is not None:
        return work.failure
    answers = translate_texts(work.texts, None, chain)
    made = rebuild(work, "fi", {text.where: answer.text for text, answer in zip(work.texts, answers, strict=True)})
    assert isinstance(made, Prompt | Failure)
    return made


def test_every_argument_of_all_541_prompts_stays_in_its_prompt(
    shared_data: Path, backwards_translator: Translator, direction: Direction
) -> None:
    rows = list(read_jsonl(shared_data / "ifeval" / "input_data.jsonl"))
    for record in read_rows("ifeval", Source("ifeval", rows, "en")):
        assert isinstance(record, Prompt)
        made = translate(record, backwards_translator, direction)
        assert isinstance(made, Prompt), made
        assert lost_argument(record, made) is None
        assert made.instruction_ids == record.instruction_ids


def test_keywords_keep_their_capitals_and_inflected_words_are_found(
    backwards_translator: Translator, direction: Direction
) -> None:
    record = prompt(
        'Use "Mom". MOM likes sneakers, moments too.', ("keywords:existence", {"keywords": ["mom", "sneaker"]})
    )
    made = translate(record, backwards_translator, direction)
    assert isinstance(made, Prompt)
    assert made.arguments == ({"keywords": ["mom", "rekaens"]},)
    assert made.text == 'esU "Mom". MOM sekil rekaens, stnemom oot.'


def test_where_a_word_is_quoted_its_other_occurrences_are_left_to_the_translator(
    backwards_translator: Translator, direction: Direction
) -> None:
    record = prompt('Tell about the dog. Use the word "dog".', ("keywords:existence", {"keywords": ["dog"]}))
    (work,) = plan_work([record], direction, None, InTurn((Memory({"dog": "koira"}),)))
    assert work.texts[0].pieces[0].glossary == (("dog", "koira"),)
    (answer,) = backwards_translator.translate(work.texts[0].pieces)
    assert answer.text == 'lleT tuoba eht god. esU eht drow "koira".'


def test_the_repeated_request_is_cut_from_the_translated_prompt(
    backwards_translator: Translator, direction: Direction
) -> None:
    request = "Write a poem.\nUse the word sea."
    arguments = {"keywords": ["sea"]}
    record = prompt(
        f"{request}\nFirst repeat it: {request}",
        ("combination:repeat_prompt", {"prompt_to_repeat": request}),
        ("keywords:existence", arguments),
    )
    made = translate(record, backwards_translator, direction)
    assert isinstance(made, Prompt)
    repeated = made.arguments[0]["prompt_to_repeat"]
    assert repeated == "etirW a meop.\nesU eht drow aes."
    assert made.text.count(repeated) == 2


def test_options_are_the_language_packs_and_markers_and_letters_stay(
    backwards_translator: Translator, direction: Direction
) -> None:
    record = prompt(
        "Say “My answer is yes.” or My answer is no. Add a note starting with P.P.S, less than 2 letters b.",
        ("detectable_format:constrained_response", {}), ("detectable_content:postscript", {"postscript_marker": "P.P.S"}),
        ("keywords:letter_frequency", {"letter": "b", "let_frequency": 2, "let_relation": "less than"}),
    )  # fmt: skip
    made = translate(record, backwards_translator, direction)
    assert isinstance(made, Prompt)
    assert "“Vastaukseni on kyllä.”" in made.text
    assert "Vastaukseni on ei." in made.text
    assert "P.P.S" in made.text
    assert made.arguments == record.arguments


def test_two_words_that_become_one_are_rejected(direction: Direction) -> None:
    memory = Memory({"mom": "äiti", "mother": "äiti"})
    record = prompt("Use mom and mother", ("keywords:existence", {"keywords": ["mom", "mother"]}))
    made = translate(record, memory, direction)
    assert isinstance(made, Failure)
    assert made.reason == "argument-ambiguous"


def test_an_argument_lost_is_found() -> None:
    source = prompt("End with Bye now", ("startend:end_checker", {"end_phrase": "bye now"}))
    made = prompt("Lopuksi hei", ("startend:end_checker", {"end_phrase": "hei hei"}))
    failure = lost_argument(source, made)
    assert failure is not None
    assert (failure.reason, failure.detail) == (
        "argument-lost",
        "end_phrase 'hei hei' (for 'bye now') is not in the prompt",
    )


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [("story", " Tarina.", "tarina"), ("SECTION", "Osio", "OSIO"), ("Section", "osio", "Osio"), ("Is that all?", "Siinäkö kaikki?", "Siinäkö kaikki?"),
     ("story", "USA", "USA"), ("x", "y", "y")],
)  # fmt: skip
def test_an_argument_is_written_as_it_was(source: str, target: str, expected: str) -> None:
    assert fitted(source, target) == expected
