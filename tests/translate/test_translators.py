"""Prompts, the memory and the few-shot translator: what is asked, and what comes of every way an answer can go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kielo import recipe
from kielo.errors import RecipeError, SourceError
from kielo.generation.protocol import Completion, Request
from translate.checks import Direction
from translate.few_shot import LONGEST_PIECE, few_shot_prefix, load_shots, pieces_of
from translate.texts import plain, translate_texts
from translate.translators import Failure, FewShotTranslator, InTurn, Memory, Segment, Translated, read_memory

Write = Callable[..., Path]


def completing(direction: Direction, *texts: str, finish: str = "stop") -> tuple[FewShotTranslator, list[Request]]:
    """A few-shot translator whose model says the given texts, and the requests it is sent."""
    seen: list[Request] = []

    def complete(requests: Sequence[Request]) -> list[Completion]:
        seen.extend(requests)
        return [Completion(text, finish, 9, 9) for text in texts]  # type: ignore[arg-type]

    return FewShotTranslator(complete, "PREFIX\n\n", direction.source, direction.target, 3.0), seen


def test_the_prompt_a_base_model_continues(direction: Direction) -> None:
    translator, requests = completing(direction, " Hei `x`")
    assert translator.translate([Segment("Hello")]) == [Translated("Hei `x`", "engine")]
    assert requests[0].prompt == "PREFIX\n\nEnglish: Hello\nFinnish:"
    assert (requests[0].shared_prefix, requests[0].sampling.stop, requests[0].sampling.temperature) == (8, ("\n",), 0)


def test_masked_spans_and_fixed_words_come_back(direction: Direction) -> None:
    translator, requests = completing(direction, " Sana ⟦2⟧ ja ⟦1⟧!")
    answers = translator.translate([Segment("Run `x` with the word mom", (("mom", "äiti"),))])
    assert requests[0].prompt.endswith("English: Run ⟦1⟧ with the word ⟦2⟧\nFinnish:")  # type: ignore[union-attr]
    assert answers == [Translated("Sana äiti ja `x`!", "engine")]


@pytest.mark.parametrize(
    ("text", "finish", "reason"),
    [
        (" Aja", "stop", "span-lost"),
        (" Aja ⟦1⟧", "length", "truncated"),
        ("  ", "stop", "empty"),
        ("", "error", "engine-error"),
        ("", "refused", "engine-refused"),
    ],
)
def test_every_failure_has_its_reason(direction: Direction, text: str, finish: str, reason: str) -> None:
    translator, _ = completing(direction, text, finish=finish)
    (answer,) = translator.translate([Segment("Run `x` now")])
    assert isinstance(answer, Failure)
    assert answer.reason == reason


def test_a_long_segment_is_cut_at_sentence_ends_and_joined(direction: Direction) -> None:
    text = "This sentence is here to fill the space. " * 60
    pieces = pieces_of(text, direction.source)
    assert "".join(pieces) == text
    assert all(len(piece) <= LONGEST_PIECE and piece.endswith(". ") for piece in pieces)
    translator, requests = completing(direction, *(["Lause."] * len(pieces)))
    assert translator.translate([Segment(text)]) == [Translated("Lause. " * len(pieces), "engine")]
    assert len(requests) == len(pieces) == 2
    assert "".join(pieces_of("x" * 4000, direction.source)) == "x" * 4000


def test_in_turn_asks_each_for_what_is_left(direction: Direction) -> None:
    translator, requests = completing(direction, "Hei")
    memory = Memory({"Known": "Tuttu"})
    asked = [Segment("Hello"), Segment("Known"), Segment("`code`"), Segment("Hello")]
    answers = InTurn((memory, translator)).translate(asked)
    assert [answer.text for answer in answers] == ["Hei", "Tuttu", "`code`", "Hei"]
    assert [answer.origin for answer in answers if isinstance(answer, Translated)] == [
        "engine",
        "memory",
        "copy",
        "engine",
    ]
    assert len(requests) == 1


def test_whole_texts_are_looked_up_before_segments() -> None:
    memory = Memory({"A\nB": "whole", "A": "a", "B": "b"})
    answers = translate_texts(
        [plain("x", "A\nB"), plain("y", "# B\n\n- A"), plain("z", "A\nC")], memory, InTurn((memory,))
    )
    assert [answer.text for answer in answers[:2]] == ["whole", "# b\n\n- a"]
    assert isinstance(answers[2], Failure)
    assert answers[2].reason == "not-in-memory"


def memory_file(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "memory.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def test_of_conflicting_translations_the_first_stays(tmp_path: Path) -> None:
    rows = [{"en": "a", "fi": "1"}, {"en": "a", "fi": "2"}, {"en": "a", "fi": "3"}, {"en": "b", "fi": ""}]
    memory = read_memory(memory_file(tmp_path, *rows), "en", "fi")
    assert (dict(memory.translations), memory.conflicts) == ({"a": "1"}, 1)


def test_a_memory_without_its_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="line 1: columns 'source' and 'target' must hold texts; it has en, fi"):
        read_memory(memory_file(tmp_path, {"en": "a", "fi": "b"}), "source", "target")
    with pytest.raises(SourceError, match="holds no translations"):
        read_memory(memory_file(tmp_path, {"source": "", "target": None}), "source", "target")


def test_shots_take_turns_by_kind_and_are_the_same_every_time(write_recipe: Write, direction: Direction) -> None:
    loaded = recipe.load(write_recipe((", shots_file: pocket", "")))
    shots = load_shots(loaded)
    assert len({shot.kind for shot in shots}) == len(shots) == 3
    prefix = few_shot_prefix(shots, direction.source, direction.target)
    assert prefix == few_shot_prefix(load_shots(loaded), direction.source, direction.target)
    assert prefix.startswith(f"English: {shots[0].source}\nFinnish: {shots[0].target}\n\nEnglish: ")


def test_too_few_shots_is_an_error(write_recipe: Write) -> None:
    with pytest.raises(RecipeError, match="holds 12; write more or ask for fewer"):
        load_shots(recipe.load(write_recipe(("shots: 3, shots_file: pocket", "shots: 32"))))
