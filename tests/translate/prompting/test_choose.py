"""What a model is prompted with is chosen by what it does: format and shots by chrF, sentinels by how many it copies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from kielo.errors import GenerationError, RecipeError
from kielo.generation.protocol import Completion, Request
from kielo.languages.pack import Shot
from kielo.schema import FewShot
from translate.checks import Direction
from translate.prompting.choose import choose_prompt, held_out
from translate.prompting.probe import PROBES, choose_sentinels, probe_shots, with_spans
from translate.prompting.prompter import Format, Prompter
from translate.prompting.trial import Complete
from translate.protect import STYLES, protect

MakePrompter = Callable[..., Prompter]
AUTO = FewShot(format="auto", shots=4)


def text_of(request: Request) -> tuple[Format, str]:
    """Find the format and the text of a request, as a model that knows all three formats would."""
    if not isinstance(request.prompt, str):
        return "chat", request.prompt[-1].content.splitlines()[-1]
    *_, asked, label = request.prompt.splitlines()
    return ("names", asked.partition(": ")[2]) if label == "Finnish:" else ("tags", asked.removeprefix("<|user|>"))


def engine(answer: Callable[[Format, str], str], asked: list[Request] | None = None) -> Complete:
    """Make an engine that answers by a rule."""

    def complete(requests: Sequence[Request]) -> list[Completion]:
        if asked is not None:
            asked.extend(requests)
        return [Completion(answer(*text_of(request)), "stop", 9, 9) for request in requests]

    return complete


def test_a_named_format_is_taken_as_it_is(pack: tuple[Shot, ...], en_fi: Direction, no_model: Complete) -> None:
    prompter, record = choose_prompt(FewShot(format="tags", shots=4), pack, en_fi, 3.0, no_model)
    assert (prompter.form, prompter.count, prompter.shots) == ("tags", 4, pack)
    assert record == {"format": "tags", "shots": 4}


@pytest.mark.parametrize("best", ["names", "tags", "chat"])
def test_auto_takes_the_format_that_translates_best(pack: tuple[Shot, ...], en_fi: Direction, best: Format) -> None:
    known = {shot.source: shot.target for shot in pack}
    asked: list[Request] = []
    complete = engine(lambda form, text: known.get(text, "") if form == best else text, asked)
    prompter, record = choose_prompt(AUTO, pack, en_fi, 3.0, complete, ("names", "tags", "chat"))
    assert (prompter.form, prompter.count, prompter.shots) == (best, 4, pack)
    assert [(row["format"], row["shots"]) for row in record["tried"]] == [
        (form, count) for form in ("names", "tags", "chat") for count in (4, 2)
    ]
    assert len(asked) == 6 * record["tried"][0]["trials"]


def test_equal_prompts_leave_the_first(pack: tuple[Shot, ...], en_fi: Direction) -> None:
    prompter, _ = choose_prompt(AUTO, pack, en_fi, 3.0, engine(lambda form, text: text), ("tags", "names"))
    assert (prompter.form, prompter.count) == ("tags", 4)


def test_what_is_tried_is_in_no_prompt(pack: tuple[Shot, ...], en_fi: Direction) -> None:
    asked: list[Request] = []
    choose_prompt(AUTO, pack, en_fi, 3.0, engine(lambda form, text: text, asked))
    trials = {shot.source for shot in held_out(pack)}
    assert len({shot.kind for shot in held_out(pack)}) == 7
    for request in asked:
        assert isinstance(request.prompt, str)
        shots = request.prompt[: request.shared_prefix]
        assert not any(source in shots for source in trials)


def test_auto_needs_shots_to_hold_out(pack: tuple[Shot, ...], en_fi: Direction, no_model: Complete) -> None:
    with pytest.raises(RecipeError, match="tries prompts on held-out shots and there are only 2"):
        choose_prompt(AUTO, pack[:2], en_fi, 3.0, no_model)


def test_a_choice_is_not_made_on_half_the_answers(pack: tuple[Shot, ...], en_fi: Direction) -> None:
    def fails_once(requests: Sequence[Request]) -> list[Completion]:
        return [Completion("", "stop" if place else "error", 0, 0, "lost") for place in range(len(requests))]

    with pytest.raises(GenerationError, match=r"1 of \d+ trial translations got no answer \(the first: lost\)"):
        choose_prompt(AUTO, pack, en_fi, 3.0, fails_once)


def test_the_pocket_model_chooses_the_format_it_was_taught(
    pocket_pool: tuple[Shot, ...], en_fi: Direction, pocket_complete: Complete, pocket_model: object
) -> None:
    prompter, record = choose_prompt(FewShot(format="auto", shots=3), pocket_pool, en_fi, 3.0, pocket_complete)
    assert prompter.form == "names"
    assert max(row["chrf"] for row in record["tried"] if row["format"] == "names") > 95
    again = choose_prompt(FewShot(format="auto", shots=3), pocket_pool, en_fi, 3.0, pocket_complete)
    assert again[1] == record


def test_probes_are_whole_sentences_that_no_prompt_shows(pack: tuple[Shot, ...], prompter_of: MakePrompter) -> None:
    asked: list[Request] = []
    _, record = choose_sentinels(engine(lambda form, text: text, asked), prompter_of(pack))
    probed = probe_shots(pack)
    assert len(probed) == record["probes"] == PROBES
    assert len(asked) == PROBES * len(STYLES)
    assert all("`" not in shot.source for shot in probed)
    shown = [request.prompt[: request.shared_prefix] for request in asked if isinstance(request.prompt, str)]
    assert not any(shot.source in prefix for shot in probed for prefix in shown)


def test_the_style_copied_best_is_chosen_and_the_first_of_equals(
    pack: tuple[Shot, ...], prompter_of: MakePrompter
) -> None:
    everything = choose_sentinels(engine(lambda form, text: text), prompter_of(pack))
    assert everything == ("brackets", {"sentinels": "brackets", "probes": 12, "whole": dict.fromkeys(STYLES, 12)})
    name, record = choose_sentinels(engine(lambda form, text: re.sub("[⟦⟧]", "", text)), prompter_of(pack))
    assert (name, record["whole"]["brackets"]) == ("tags", 0)


def test_a_model_that_copies_no_sentinel_is_told_apart(pack: tuple[Shot, ...], prompter_of: MakePrompter) -> None:
    name, record = choose_sentinels(engine(lambda form, text: "Ei."), prompter_of(pack))
    assert name is None
    assert record == {"sentinels": None, "probes": 12, "whole": dict.fromkeys(STYLES, 0)}


def test_the_pocket_model_copies_the_brackets_it_was_taught(
    pocket_pool: tuple[Shot, ...], prompter_of: MakePrompter, pocket_complete: Complete
) -> None:
    name, record = choose_sentinels(pocket_complete, prompter_of(pocket_pool, count=3))
    assert name == "brackets", record
    assert record["whole"]["brackets"] > record["whole"]["tags"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "The boat has a `a1` sail."),
        (2, "The boat has a `a1`yellow`a2` sail."),
        (3, "The `a3` has a `a1`yellow`a2` sail."),
    ],
)
def test_spans_stand_for_words_and_around_them(count: int, text: str) -> None:
    assert with_spans("The boat has a yellow sail.", count) == text
    assert len(protect(text).spans) == count
