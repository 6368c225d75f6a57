"""The model answers translated questions itself: as a chat, or behind native examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kielo.errors import RecipeError, SourceError
from kielo.languages.pack import answers_of
from kielo.recipe import reading as recipe
from kielo.records import Message
from kielo.schema import Recipe
from translate.prompting.answering import FEWEST_ANSWER_TOKENS, make_answerer, read_examples
from translate.prompting.trial import Complete

Write = Callable[..., Path]
ASKED = (Message("user", "Kuka?"), Message("assistant", "Minä.\n\nEn muu."), Message("user", "Miksi?"))


@pytest.fixture
def loaded(write_recipe: Write) -> Recipe:
    return recipe.load(write_recipe())


def test_the_pack_has_native_answers_of_several_shapes() -> None:
    examples = read_examples(answers_of("fi"), "fi")
    assert 4 <= len(examples) <= 5
    assert any("\n1. " in example.answer for example in examples)
    assert any("```" in example.answer for example in examples)
    assert any("\n" not in example.answer for example in examples)


def test_a_chat_model_is_sent_the_conversation(loaded: Recipe) -> None:
    answerer = make_answerer(loaded, "chat")
    assert answerer.request(ASKED).prompt == ASKED
    assert answerer.answer(" Siksi.\n") == "Siksi."


@pytest.mark.parametrize("form", ["names", "tags"])
def test_a_base_model_continues_native_examples(loaded: Recipe, form: str) -> None:
    request = make_answerer(loaded, form).request(ASKED)
    assert isinstance(request.prompt, str)
    assert request.prompt.startswith("<|user|>Miten keitän pehmeän kananmunan?\n<|assistant|>Laita")
    assert request.prompt[request.shared_prefix :] == (
        "<|user|>Kuka?\n<|assistant|>Minä.\n\nEn muu.\nEND\n<|user|>Miksi?\n<|assistant|>"
    )
    assert "\nEND" in request.sampling.stop


def test_a_system_turn_stands_above_the_first_question(loaded: Recipe) -> None:
    request = make_answerer(loaded, "tags").request([Message("system", "Lyhyesti."), *ASKED])
    assert "\nEND\n<|user|>Lyhyesti.\n\nKuka?\n" in request.prompt


def test_the_limit_grows_with_the_answer_that_is_replaced(loaded: Recipe) -> None:
    answerer = make_answerer(loaded, "chat")
    assert answerer.request(ASKED).sampling.max_tokens == FEWEST_ANSWER_TOKENS
    assert answerer.request(ASKED, "word " * 400).sampling.max_tokens == 2000


def test_without_examples_it_is_said_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r'fi\.answers\.jsonl holds no examples; write 3 to 5 lines {"question"'):
        read_examples(tmp_path / "fi.answers.jsonl", "fi")


def test_a_malformed_example_is_named(tmp_path: Path) -> None:
    (tmp_path / "fi.answers.jsonl").write_text('{"question": "Kuka?", "answer": "Minä."}\n{"question": "Mikä?"}\n')
    with pytest.raises(SourceError, match=r"fi\.answers\.jsonl, line 2: answer: field required"):
        read_examples(tmp_path / "fi.answers.jsonl", "fi")


def test_the_pocket_model_answers_in_its_target_language(loaded: Recipe, pocket_complete: Complete) -> None:
    answerer = make_answerer(loaded, "names", pocket=True)
    questions = ["Kuvaile venettä.", "Kirjoita lyhyt tarina siasta.", "Kerro minulle linnusta.", "Onko kuva koulussa?"]
    made = pocket_complete([answerer.request([Message("user", question)]) for question in questions])
    answers = [answerer.answer(completion.text) for completion in made]
    assert all(completion.finish_reason == "stop" for completion in made)
    assert all(answer.endswith(".") and "\n\n" not in answer for answer in answers)
    assert sum(" on " in f" {answer} " for answer in answers) >= 2
    assert not any(question in answer for answer in answers for question in questions)
