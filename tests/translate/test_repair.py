"""The repair ladder: who climbs, which rung helps, what is chosen among candidates, and what the counts say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from translate.answers import Answer, Failure, Segment, Translated
from translate.checks import Checker, Direction, make_checker
from translate.repair import Candidates, Judge, Ladder, Rung
from translate.texts import Assembly, Cutting, plain
from translate.translators.memory import Memory

GOOD = {
    "Cats are small animals that sleep a lot.": "Kissat ovat pieniä eläimiä, jotka nukkuvat paljon.",
    "The lake is deep and very cold in June.": "Järvi on syvä ja hyvin kylmä kesäkuussa.",
}
CATS, LAKE = map(Segment, GOOD)
LOOP = "Kissat ovat pieniä eläimiä. " + "Kissat ovat pieniä eläimiä. " * 8


@pytest.fixture
def checker(direction: Direction) -> Checker:
    return make_checker(direction)


def says(name: str, *offers: Mapping[str, Answer]) -> Rung:
    """A rung that offers, for every segment, its answer in each mapping that has one."""

    def ask(segments: Sequence[Segment], judge: Judge) -> Candidates:
        return [[offer[segment.text] for offer in offers if segment.text in offer] for segment in segments]

    return Rung(name, ask)


def translated(texts: Mapping[str, str], logprob: float | None = None) -> dict[str, Answer]:
    return {source: Translated(text, "model", logprob=logprob) for source, text in texts.items()}


def test_only_what_fails_climbs(checker: Checker) -> None:
    bad = {**GOOD, CATS.text: LOOP}
    ladder = Ladder(None, (says("first", translated(bad)), says("shots", translated(GOOD))), checker)
    outcomes = ladder.translate([CATS, LAKE])
    assert {segment: (outcome.answer.text, outcome.passed) for segment, outcome in outcomes.items()} == {
        CATS: (GOOD[CATS.text], True),
        LAKE: (GOOD[LAKE.text], True),
    }
    rungs = {
        segment: outcome.answer.rung for segment, outcome in outcomes.items() if isinstance(outcome.answer, Translated)
    }
    assert rungs == {CATS: "shots", LAKE: "first"}
    assert ladder.tally.rows() == {"first": {"asked": 2, "passed": 1}, "shots": {"asked": 1, "passed": 1}}
    assert list(ladder.failed_first) == [CATS]


def test_the_reason_is_that_of_the_first_translation_where_no_rung_helps(checker: Checker) -> None:
    nothing = Failure("truncated", "ends with: ...")
    ladder = Ladder(None, (says("first", translated({CATS.text: LOOP})), says("shots", {CATS.text: nothing})), checker)
    outcome = ladder.translate([CATS])[CATS]
    assert not outcome.passed
    assert outcome.failure is not None and outcome.failure.reason in ("repetition", "length-ratio")
    assert ladder.tally.rows()["shots"] == {"asked": 1, "passed": 0}


def test_among_candidates_that_pass_the_likeliest_is_taken(checker: Checker) -> None:
    other = "Kissat ovat pieniä eläimiä, jotka nukkuvat kovin paljon."
    offers = (
        translated({CATS.text: LOOP}, -0.01), translated({CATS.text: other}, -1.5), translated({CATS.text: GOOD[CATS.text]}, -0.2),
    )  # fmt: skip
    ladder = Ladder(None, (says("first", translated({CATS.text: ""})), says("samples", *offers)), checker)
    assert ladder.translate([CATS])[CATS].answer.text == GOOD[CATS.text]


def test_memory_comes_first_and_its_failures_go_to_the_engine(checker: Checker) -> None:
    memory = Memory({CATS.text: CATS.text, LAKE.text: GOOD[LAKE.text]})
    outcomes = Ladder(memory, (says("first", translated(GOOD)),), checker).translate([CATS, LAKE])
    engines = {
        segment: outcome.answer.engine
        for segment, outcome in outcomes.items()
        if isinstance(outcome.answer, Translated)
    }
    assert engines == {CATS: "model", LAKE: "memory"}


def test_without_an_engine_what_the_memory_lacks_fails(checker: Checker) -> None:
    outcome = Ladder(Memory({"x": "y"}), (), checker).translate([CATS])[CATS]
    assert outcome.failure is not None and outcome.failure.reason == "not-in-memory"


def test_source_kept_where_the_recipe_allows_needs_no_check(checker: Checker) -> None:
    keep = says("source", {CATS.text: Translated(CATS.text, "source", "source")})
    ladder = Ladder(None, (says("first", translated({CATS.text: LOOP, LAKE.text: GOOD[LAKE.text]})), keep), checker)
    text = plain("answer", f"{CATS.text}\n\n{LAKE.text}")
    made = Assembly(ladder, Cutting()).translate([text], calibrate=True)[text]
    assert made.failure is None
    assert made.translation == f"{CATS.text}\n\n{GOOD[LAKE.text]}"
    assert [answer.engine for answer in made.answers] == ["source", "model"]


def test_a_segment_without_letters_is_never_asked_for(checker: Checker) -> None:
    def refuse(segments: Sequence[Segment], judge: Judge) -> Candidates:
        raise AssertionError("nothing to ask for")

    ladder = Ladder(None, (Rung("first", refuse),), checker)
    segments = [Segment("`print(x)`"), Segment("12 + 7 = 19"), Segment('"Yes"', (("Yes", "Kyllä"),))]
    outcomes = ladder.translate(segments)
    assert [outcomes[segment].answer.text for segment in segments] == ["`print(x)`", "12 + 7 = 19", '"Kyllä"']


def test_a_text_that_fails_as_a_whole_is_asked_for_again(checker: Checker) -> None:
    """Short lines are too short to tell a language by; together they are not."""
    english = ["Bring the bread", "Wash the dishes", "Feed the cats", "Call your mother", "Lock the front door"]
    finnish = [
        "Tuo leipä kotiin",
        "Pese likaiset astiat",
        "Syötä nälkäiset kissat",
        "Soita äidillesi",
        "Lukitse ulko-ovi",
    ]
    first = translated({line: line for line in english})
    right = translated(dict(zip(english, finnish, strict=True)))
    ladder = Ladder(None, (says("first", first), says("shots", right)), checker)
    assert all(outcome.passed for outcome in ladder.translate(map(Segment, english)).values()), (
        "no line fails by itself"
    )
    text = plain("answer", "\n".join(english))
    made = Assembly(ladder, Cutting()).translate([text], calibrate=False)[text]
    assert made.translation == "\n".join(finnish)
    assert made.failure is None


def test_equal_segments_are_asked_for_once_in_all_texts(checker: Checker) -> None:
    asked: list[Segment] = []

    def ask(segments: Sequence[Segment], judge: Judge) -> Candidates:
        asked.extend(segments)
        return [[Translated(GOOD[segment.text], "model")] for segment in segments]

    texts = [plain("a", f"- {CATS.text}"), plain("b", f"{CATS.text}\n{LAKE.text}"), plain("c", f"# {LAKE.text}")]
    Assembly(Ladder(None, (Rung("first", ask),), checker), Cutting()).translate(texts, calibrate=True)
    assert len(asked) == len({(segment.text, segment.kind) for segment in asked})
    assert {segment.text for segment in asked} == set(GOOD)


def test_numbers_come_through_where_the_recipe_protects_them(checker: Checker) -> None:
    seen: list[Segment] = []

    def ask(segments: Sequence[Segment], judge: Judge) -> Candidates:
        seen.extend(segments)
        return [[Failure("truncated", "")] for _ in segments]

    for numbers in (True, False):
        text = plain("a", "Add 250 ml of milk.")
        Assembly(Ladder(None, (Rung("first", ask),), checker), Cutting(numbers=numbers)).translate(
            [text], calibrate=False
        )
    assert [segment.glossary for segment in seen] == [(("250 ml", "250 ml"),), ()]
