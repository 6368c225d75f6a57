"""Arguments and literals of IFEval prompts stay in their prompts, whatever the translator does to the words around them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.ifeval.lint import lint_file
from kielo.records import Prompt, read_jsonl
from translate.answers import Failure, Segment, Translated
from translate.checks import Direction
from translate.ifeval import PromptPlan, cut_around, localise, plan_prompts
from translate.masks import mask
from translate.protect import restore
from translate.rows.formats import Source, read_rows
from translate.segments import render, split

Say = Callable[[str], str]


def prompt(text: str, *instructions: tuple[str, dict[str, Any]]) -> Prompt:
    ids, arguments = zip(*instructions, strict=True)
    return Prompt("ifeval/00000", "en", 1, text, ids, arguments)


def backwards(text: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda word: word.group()[::-1], text)


def plan(record: Prompt, direction: Direction, say: Say = backwards) -> PromptPlan:
    (made,) = plan_prompts([record], direction, lambda texts: [Translated(say(text), "test") for text in texts])
    return made


def finish(made: PromptPlan, say: Say = backwards) -> Prompt | Failure:
    """Translate the texts of a plan as the stage does: segment by segment, around what is fixed."""
    texts = {text.where: "".join(_piece(piece, say) for piece in text.pieces) for text in made.texts}
    return made.failure or localise(made, "fi", texts)


def _piece(piece: Segment, say: Say) -> str:
    document = split(piece.text)
    return render(document, [_segment(Segment(text, piece.glossary), say) for text in document.segments])


def _segment(segment: Segment, say: Say) -> str:
    masked = mask(segment)
    restored = restore(say(masked.text), masked)
    assert restored is not None, segment
    return restored


def in_finnish(record: Prompt, direction: Direction, say: Say = backwards) -> Prompt:
    made = finish(plan(record, direction, say), say)
    assert isinstance(made, Prompt), made
    return made


@pytest.fixture(scope="module")
def english(shared_data: Path) -> list[Prompt]:
    rows = list(read_jsonl(shared_data / "ifeval" / "input_data.jsonl"))
    return [record for record in read_rows("ifeval", Source("ifeval", rows, "en")) if isinstance(record, Prompt)]


@pytest.mark.parametrize("around", [False, True])
def test_all_541_prompts_are_localised_and_the_linter_misses_no_literal(
    english: list[Prompt], direction: Direction, shared_data: Path, tmp_path: Path, around: bool
) -> None:
    made = plan_prompts(english, direction, lambda texts: [Translated(backwards(text), "test") for text in texts])
    prompts = [finish(cut_around(each) if around else each) for each in made]
    assert [each for each in prompts if not isinstance(each, Prompt)] == []
    rows = [
        {"key": each.key, "prompt": each.text, "instruction_id_list": each.instruction_ids, "kwargs": each.arguments}
        for each in prompts if isinstance(each, Prompt)
    ]  # fmt: skip
    path = tmp_path / "fi.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    report = lint_file(path, "fi", shared_data / "ifeval" / "input_data.jsonl", tokenizer="sentencex")
    checks = {finding.check for finding in report.findings}
    assert not checks & {
        "literal-missing",
        "literal-lost",
        "instructions-changed",
        "letter-rare",
        "letter-trivial",
        "english-options",
    }
    assert report.arguments == 282
    # The five prompts that exclude themselves in English, and three lower-case sentences that sencentex does not tell apart.
    assert sum(row.feasible == "proved" for row in report.rows) >= 535


def test_an_argument_stands_as_it_is_where_it_is_quoted_and_elsewhere_is_a_word(direction: Direction) -> None:
    record = prompt('Tell about the dog. Use the word "dog".', ("keywords:existence", {"keywords": ["dog"]}))
    assert plan(record, direction).glossary == (('"dog"', '"god"'),)
    assert in_finnish(record, direction).text == 'lleT tuoba eht god. esU eht drow "god".'


def test_keywords_keep_their_capitals_and_inflected_words_are_found(direction: Direction) -> None:
    record = prompt(
        'Use "Mom". He likes sneakers, moments too.', ("keywords:existence", {"keywords": ["momo", "sneaker"]})
    )
    made = finish(plan(record, direction))
    assert isinstance(made, Failure)
    record = prompt('Use "Word". He likes sneakers.', ("keywords:existence", {"keywords": ["word", "sneaker"]}))
    assert in_finnish(record, direction).text == 'esU "Drow". eH sekil rekaens.'
    assert in_finnish(record, direction).arguments == ({"keywords": ["drow", "rekaens"]},)


def test_the_repeated_request_is_cut_from_the_translated_prompt(direction: Direction) -> None:
    request = "Write a poem.\nUse the word sea."
    record = prompt(
        f"{request}\nFirst repeat it: {request}", ("combination:repeat_prompt", {"prompt_to_repeat": request}),
        ("keywords:existence", {"keywords": ["sea"]}),
    )  # fmt: skip
    made = in_finnish(record, direction)
    repeated = made.arguments[0]["prompt_to_repeat"]
    assert repeated == "etirW a meop.\nesU eht drow aes."
    assert made.text.count(str(repeated)) == 2


def test_options_are_the_packs_and_markers_stay(direction: Direction) -> None:
    record = prompt(
        'Say ”My answer is yes." or My answer is no. Add a note starting with P.P.S, a title in <<double angles>>, [address] and ******.',
        ("detectable_format:constrained_response", {}), ("detectable_content:postscript", {"postscript_marker": "P.P.S"}),
    )  # fmt: skip
    made = in_finnish(record, direction)
    for literal in (
        '”Vastaukseni on kyllä."',
        "Vastaukseni on ei.",
        "P.P.S",
        "<<double angles>>",
        "[address]",
        "******",
    ):
        assert literal in made.text
    assert made.arguments == record.arguments


def test_a_rare_letter_is_exchanged_in_prompt_and_argument(direction: Direction) -> None:
    def counted(text: str, letter: str) -> Prompt:
        return prompt(
            text, ("keywords:letter_frequency", {"letter": letter, "let_frequency": 4, "let_relation": "at least"})
        )

    made = in_finnish(counted("Quote a quiz. The letter q should appear, yes, Q.", "q"), direction)
    letter = str(made.arguments[0]["letter"])
    assert letter != "q"
    assert made.text == f"etouQ a ziuq. ehT rettel {letter} dluohs raeppa, sey, {letter.upper()}."
    kept = in_finnish(counted('Write a song. Use the letter "a" often.', "a"), direction)
    assert (kept.arguments[0]["letter"], '"a"' in kept.text) == ("a", True)


def test_a_word_in_brackets_is_fixed_though_brackets_are(direction: Direction) -> None:
    record = prompt(
        "No keywords ['bad', 'dull'], sign as [name].",
        ("keywords:forbidden_words", {"forbidden_words": ["bad", "dull"]}),
    )
    assert in_finnish(record, direction).text == "oN sdrowyek ['dab', 'llud'], ngis sa [name]."


def test_typographic_quotes_of_a_translator_become_what_the_checkers_know(direction: Direction) -> None:
    record = prompt('Start and end with ". Say "so be it" too.', ("startend:quotation", {}))

    def typographic(text: str) -> str:
        return backwards(text).replace('"', "”")

    assert in_finnish(record, direction, typographic).text == 'tratS dna dne htiw ". yaS "os eb ti" oot.'


def test_quotes_that_a_translator_adds_around_an_argument_go(direction: Direction) -> None:
    record = prompt("No \"dog\". No 'cat'!", ("keywords:forbidden_words", {"forbidden_words": ["dog", "cat"]}))
    made = localise(plan(record, direction), "fi", {"text": """Ei ”"god"”. Ei "'tac'"!"""})
    assert isinstance(made, Prompt)
    assert made.text == """Ei "god". Ei 'tac'!"""


def test_a_translator_that_loses_an_argument_is_found_out_and_cutting_around_it_helps(direction: Direction) -> None:
    record = prompt(
        "Write a story and use the word mind twice. End.",
        ("keywords:frequency", {"keyword": "mind", "frequency": 2, "relation": "at least"}),
    )
    made = plan(record, direction)
    lost = localise(made, "fi", {"text": "Kirjoita tarina."})
    assert lost == Failure("argument-lost", "keyword 'dnim' (for 'mind') is not in the prompt")
    pieces = cut_around(made).texts[0].pieces
    assert [piece.text for piece in pieces] == ["Write a story and use the word ", "mind", " twice. End."]
    cut = finish(cut_around(made), lambda text: text.replace("use the word", ""))
    assert isinstance(cut, Prompt)
    assert "dnim" in cut.text


@pytest.mark.parametrize(
    ("text", "translation", "literal"),
    [("Add <<title>>.", "Lisää «otsikko».", "<<title>>"), ("Add [name].", "Lisää nimi.", "[name]"), ("Split by ***.", "Jaa **.", "***"),
     ('Wrap in ".', "Kääri.", '"')],
)  # fmt: skip
def test_a_lost_literal_rejects_the_prompt(direction: Direction, text: str, translation: str, literal: str) -> None:
    made = localise(plan(prompt(text, ("punctuation:no_comma", {})), direction), "fi", {"text": translation})
    assert made == Failure("literal-lost", f"{literal} is not in the prompt")


def test_a_request_that_became_nothing_rejects_the_prompt(direction: Direction) -> None:
    record = prompt("Say it. Do.", ("combination:repeat_prompt", {"prompt_to_repeat": "Say it."}))
    made = localise(plan(record, direction), "fi", {"text": "Sano.", "prompt_to_repeat": " "})
    assert made == Failure("empty", "nothing for: Say it. Do.")


@pytest.mark.parametrize(
    ("instruction", "before", "after", "detail"),
    [(("punctuation:no_comma", {}), "Say it.", "Sano, jos.", "no commas"),
     (("keywords:forbidden_words", {"forbidden_words": ["eno"]}), "Say it.", "One se.", "forbidden 'one'"),
     (("keywords:letter_frequency", {"letter": "e", "let_frequency": 2, "let_relation": "less than"}), "Go on.", "Mene.", "'e' less than 2 times"),
     (("keywords:frequency", {"keyword": "on", "frequency": 2, "relation": "less than"}), "Go on.", "No no.", "'no' less than 2 times")],
)  # fmt: skip
def test_a_request_that_translation_made_impossible_to_repeat_rejects_the_prompt(
    direction: Direction, instruction: tuple[str, dict[str, Any]], before: str, after: str, detail: str
) -> None:
    held = "eno 'e' 'on'"
    record = prompt(f"{held} {before}", ("combination:repeat_prompt", {"prompt_to_repeat": before}), instruction)
    text = f"one 'e' no {after}"
    made = localise(plan(record, direction), "fi", {"text": text, "prompt_to_repeat": after})
    assert made == Failure("argument-conflict", f"prompt_to_repeat '{after}' against {detail}")
    impossible = prompt(f"{held} {after}", ("combination:repeat_prompt", {"prompt_to_repeat": after}), instruction)
    if instruction[0] == "punctuation:no_comma":  # so it was in the source: the row stays, as in every published set
        assert isinstance(
            localise(plan(impossible, direction), "fi", {"text": text, "prompt_to_repeat": after}), Prompt
        )


def test_hostile_prompts_take_no_time(direction: Direction) -> None:
    for text in ("a" * 100_000, '"' * 100_000, "[" * 100_000, "<<" * 50_000, "*" * 100_000, "a " * 50_000):
        record = prompt(f"{text} dog", ("keywords:existence", {"keywords": ["og", "zz"]}))
        assert plan(record, direction).prompt is record
