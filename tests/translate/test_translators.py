"""The language model and the memory as translators: what is asked, and what comes of every way an answer can go wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from kielo.errors import SourceError
from kielo.generation.protocol import Completion, Request
from kielo.languages.pack import Shot
from translate.answers import Failure, Segment, Translated
from translate.checks import Direction, make_checker
from translate.prompting import Prompter, pieces_of
from translate.repair import Ladder
from translate.texts import Assembly, Cutting, plain
from translate.translators.language_model import LanguageModel, Way
from translate.translators.memory import Memory, read_memory

SHOTS = (Shot(source="Good morning.", target="Hyvää huomenta."), Shot(source="Thank you!", target="Kiitos!"))


def completing(
    direction: Direction, *texts: str, finish: str = "stop", copies_sentinels: bool = True
) -> tuple[LanguageModel, list[Request]]:
    """A language model that says the given texts, and the requests it is sent."""
    seen: list[Request] = []

    def complete(requests: Sequence[Request]) -> list[Completion]:
        seen.extend(requests)
        return [Completion(text, finish, 9, 9, logprob=-0.5) for text in texts]  # type: ignore[arg-type]

    prompter = Prompter("names", SHOTS, 2, direction.source, direction.target, 3.0)
    return LanguageModel("model", complete, prompter, copies_sentinels), seen


def asked(request: Request) -> str:
    assert isinstance(request.prompt, str)
    return request.prompt.rpartition("English: ")[2]


def test_masked_spans_and_fixed_words_come_back(direction: Direction) -> None:
    model, requests = completing(direction, " Sana ⟦2⟧ ja ⟦1⟧!")
    answers = model.translate([Segment("Run `x` with the word mom", (("mom", "äiti"),))])
    assert asked(requests[0]) == "Run ⟦1⟧ with the word ⟦2⟧\nFinnish:"
    assert requests[0].sampling.temperature == 0 and requests[0].logprob
    assert answers == [Translated("Sana äiti ja `x`!", "model", logprob=-0.5)]


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
    model, _ = completing(direction, text, finish=finish)
    (answer,) = model.translate([Segment("Run `x` now")])
    assert isinstance(answer, Failure)
    assert answer.reason == reason


def test_a_model_that_copies_no_sentinel_is_asked_around_the_spans(direction: Direction) -> None:
    model, requests = completing(direction, " Aja", " nyt heti", copies_sentinels=False)
    (answer,) = model.translate([Segment("Run `x` right now")])
    assert [asked(request) for request in requests] == ["Run\nFinnish:", "right now\nFinnish:"]
    assert answer.text == "Aja `x` nyt heti"


def test_samples_are_candidates_of_their_own(direction: Direction) -> None:
    model, requests = completing(direction, " Yksi", " Kaksi", " Kolme")
    ((*offers,),) = model.candidates([Segment("A word")], Way(samples=3, temperature=0.7))
    assert [offer.text for offer in offers] == ["Yksi", "Kaksi", "Kolme"]
    assert [request.replicate for request in requests] == [0, 1, 2]
    assert {request.sampling.temperature for request in requests} == {0.7}


def test_a_long_segment_is_cut_at_sentence_ends_and_joined(direction: Direction) -> None:
    text = "This sentence is here to fill the space. " * 60
    pieces = pieces_of(text, direction.source)
    model, requests = completing(direction, *(["Lause."] * len(pieces)))
    (answer,) = model.translate([Segment(text)])
    assert answer.text == "Lause. " * len(pieces)
    assert len(requests) == len(pieces) == 2


def test_whole_texts_are_looked_up_before_segments(direction: Direction) -> None:
    memory = Memory({"A\nB": "whole", "A": "a", "B": "b"})
    texts = [plain("x", "A\nB"), plain("y", "# B\n\n- A"), plain("z", "A\nC")]
    made = Assembly(Ladder(memory, (), make_checker(direction)), Cutting()).translate(texts, calibrate=False)
    assert [made[text].translation for text in texts[:2]] == ["whole", "# b\n\n- a"]
    failure = made[texts[2]].failure
    assert failure is not None and failure.reason == "not-in-memory"


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
