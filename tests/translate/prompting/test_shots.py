"""Which shots a text is shown: the pool, the buckets, and that a bucket's prompts begin alike to the byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from kielo.errors import RecipeError
from kielo.languages.pack import Shot
from kielo.recipe import reading as recipe
from kielo.schema import FewShot
from translate.answers import Kind
from translate.prompting.prompter import Prompter
from translate.prompting.shots import Bucket, bucket_of, chosen, in_turn, load_shots, openings_of, ranked

Write = Callable[..., Path]
MakePrompter = Callable[..., Prompter]
FEWEST = {"sentence": 8, "instruction": 8, "question": 6, "list-item": 6, "code-adjacent": 4, "heading": 3, "cell": 3}
TEXTS: list[tuple[str, Kind, Bucket]] = [
    ("What is the tallest tree in the world?", "text", "question"),
    ("**Is it open?**", "list-item", "question"),
    ("Explain how a sail works.", "text", "instruction"),
    ("Write it anew", "text", "instruction"),
    ("The sail turns the boat.", "text", "sentence"),
    ("Here they are:", "text", "sentence"),
    ("Hello", "text", "mixed"),
    ("Two eggs", "list-item", "list-item"),
    ("Write it down.", "list-item", "list-item"),
    ("Prices", "heading", "label"),
    ("Ten euros", "cell", "label"),
    ("Call ⟦1⟧ first.", "text", "code"),
    ("Is `x` set?", "comment", "code"),
    ("The wind blows. " * 10, "text", "long"),
    ("", "text", "mixed"),
]


def test_the_pack_has_shots_of_every_kind_and_length(pack: tuple[Shot, ...]) -> None:
    counts = Counter(shot.kind for shot in pack)
    assert all(counts[kind] >= fewest for kind, fewest in FEWEST.items())
    for kind in ("sentence", "instruction", "question"):
        lengths = [len(shot.source) for shot in pack if shot.kind == kind]
        assert min(lengths) < 40 and max(lengths) > 150


def test_code_shots_hold_the_same_spans_on_both_sides(prompter_of: MakePrompter, pack: tuple[Shot, ...]) -> None:
    prompter = prompter_of(pack)
    for shot in (shot for shot in pack if shot.kind == "code-adjacent"):
        masked = prompter.masked(shot)
        assert "⟦1⟧" in masked.source and "⟦1⟧" in masked.target
        assert sorted(_sentinels(masked.source)) == sorted(_sentinels(masked.target))


def _sentinels(text: str) -> list[str]:
    return [part[:2] for part in text.split("⟦")[1:]]


def test_some_code_shot_has_its_spans_in_another_order(prompter_of: MakePrompter, pack: tuple[Shot, ...]) -> None:
    masked = [prompter_of(pack).masked(shot) for shot in pack]
    assert any(_sentinels(shot.source) != _sentinels(shot.target) for shot in masked)


@pytest.mark.parametrize(("text", "kind", "bucket"), TEXTS)
def test_a_text_is_sorted_by_its_marks_its_place_and_its_first_word(
    pack: tuple[Shot, ...], text: str, kind: Kind, bucket: Bucket
) -> None:
    assert bucket_of(text, kind, openings_of(pack), lambda text: "⟦" in text) == bucket


def test_requests_of_a_bucket_share_their_prefix_to_the_byte(prompter_of: MakePrompter, pack: tuple[Shot, ...]) -> None:
    prompter = prompter_of(pack)
    texts = [(text, kind) for text, kind, _ in TEXTS] + [("Who came?", "text"), ("Give me two.", "text")]
    requests = [prompter.request(text, kind, context) for text, kind in texts for context in ("", "Said before.")]
    prefixes = {request.prompt[: request.shared_prefix] for request in requests}
    assert len(prefixes) == len({bucket for _, _, bucket in TEXTS}) <= 8
    assert prefixes == {
        request.prompt[: request.shared_prefix] for request in map(prompter_of(pack).request, *zip(*texts, strict=True))
    }


def test_a_bucket_shows_its_own_kind_next_to_the_text(prompter_of: MakePrompter, pack: tuple[Shot, ...]) -> None:
    prompter = prompter_of(pack)
    questions = {shot.source for shot in pack if shot.kind == "question"}
    shown = [line[9:] for line in prompter.request("Who came?").prompt.splitlines() if line.startswith("English: ")][
        :-1
    ]
    assert len(shown) == 5 and set(shown) <= questions


def test_without_shots_of_a_kind_the_others_stand_in(pocket_pool: tuple[Shot, ...]) -> None:
    assert len(chosen(ranked(pocket_pool, "code"), 3, 0)) == 3
    assert len({shot.kind for shot in chosen(ranked(pocket_pool, "mixed"), 5, 0)}) == 5


def test_alternatives_show_other_shots_until_the_pool_has_come_round(pack: tuple[Shot, ...]) -> None:
    ranking = ranked(pack, "question")
    sets = [chosen(ranking, 5, alternative) for alternative in range(len(pack) // 5)]
    assert len({shot for shots in sets for shot in shots}) == 5 * len(sets)
    few = ranked(pack[:5], "mixed")
    assert len({chosen(few, 5, alternative) for alternative in range(5)}) == 5
    assert chosen(few, 9, 0) == few[::-1]


def test_kinds_take_turns(pack: tuple[Shot, ...]) -> None:
    assert len({shot.kind for shot in in_turn(pack)[: len(FEWEST)]}) == len(FEWEST)
    assert sorted(in_turn(pack), key=repr) == sorted(pack, key=repr)


def test_words_that_open_instructions_come_from_the_shots(pack: tuple[Shot, ...]) -> None:
    openings = openings_of(pack)
    assert {"explain", "write", "give", "summarize"} <= openings
    assert not openings & {"what", "can", "the", "use", "check"}


def test_a_recipe_loads_the_whole_pool(write_recipe: Write, pack: tuple[Shot, ...]) -> None:
    assert load_shots(recipe.load(write_recipe((", shots_file: pocket", "")))) == pack
    pool = load_shots(recipe.load(write_recipe()))
    assert {"sentence", "instruction", "question", "list-item", "paragraph"} == {shot.kind for shot in pool}


def test_an_engines_own_shots_must_be_enough(write_recipe: Write, tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text('{"source": "Yes", "target": "Kyllä"}\n')
    loaded = recipe.load(write_recipe())
    assert [shot.target for shot in load_shots(loaded, FewShot(shots=1, shots_file="own.jsonl"))] == ["Kyllä"]
    with pytest.raises(RecipeError, match=r"own\.jsonl holds 1 shots and the prompt asks for 2"):
        load_shots(loaded, FewShot(shots=2, shots_file="own.jsonl"))
