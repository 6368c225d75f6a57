"""The step question-scores: real answers in, scores.json out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.questions import stage
from eval.questions.turns import Asked
from eval.response_language import usual_identifier
from kielo.errors import SourceError
from kielo.languages.pack import language
from kielo.plan import Step, Workplace
from kielo.recipe.reading import load
from kielo.records import QuestionResponse, write_records

FINNISH = "Tämä on suomenkielinen vastaus, jossa kerrotaan pohjoisen säästä ja meren jäästä."
ENGLISH = "This is an English answer that talks about the weather in the north."
LOOP = "Sää on kylmä tänään. " * 12


def answer(key: int, category: str, *texts: str, reasons: Sequence[str] = ()) -> QuestionResponse:
    turns = ("Kerro pohjoisen säästä ja meren jäästä lyhyesti.", "Kerro lisää.")[: len(texts)]
    return QuestionResponse(f"q/{key}", key, "fi", category, turns, texts, tuple(reasons) or ("stop",) * len(texts))


ANSWERS = [
    answer(3, "writing", FINNISH, FINNISH),
    answer(1, "writing", ENGLISH, f"<think>{ENGLISH}</think>\n{FINNISH}"),
    answer(2, "math", LOOP, "", reasons=("length", "stop")),
]


@pytest.fixture
def make_place(tmp_path: Path, write_recipe: Callable[..., Path]) -> Callable[..., Workplace]:
    """Lay the answers of a model out as the step before this one leaves them."""

    def make(answers: Sequence[QuestionResponse], code: str = "fi", strip: bool = True) -> Workplace:
        settings = {
            "language": code,
            "source_language": "en",
            "benchmark": "asked",
            "strip_thinking": strip,
            "identifier": "py3langid",
        }
        step = Step(
            f"eval/sft/one/asked-{code}", "question-scores", {"eval": settings}, ("responses/sft/one", "source/asked")
        )
        write_records(tmp_path / f"responses/asked-{code}.jsonl", answers)
        inputs = {"responses/sft/one": tmp_path / "responses", "source/asked": tmp_path}
        return Workplace(step, load(write_recipe()), tmp_path / "scores", inputs)

    return make


def scores_of(place: Workplace) -> dict[str, Any]:
    outcome = stage.run(place)
    assert outcome.outputs == ("scores.json",)
    found: dict[str, Any] = json.loads((place.folder / "scores.json").read_text("utf-8"))
    return found


def test_scores_of_known_answers(make_place: Callable[..., Workplace]) -> None:
    scores = scores_of(make_place(ANSWERS))
    assert (scores["model"], scores["benchmark"], scores["language"]) == ("sft/one", "asked", "fi")
    assert (scores["answers"], [each["key"] for each in scores["questions"]]) == (6, [3, 1, 2])
    assert scores["verdicts"] == {"target": 4, "source": 1, "none": 1}
    assert scores["response_language"]["by_prompt"]["1/2"]["lines"] == "target", "thoughts are no answer"
    assert scores["in_language"]["share"] == pytest.approx(4 / 6, abs=1e-6)
    low, high = scores["in_language"]["interval"]
    assert 0 < low < 4 / 6 < high < 1
    assert scores["repetition"]["loop"]["count"] == 1
    assert scores["lengths"]["empty"]["count"] == 1 and scores["lengths"]["cut"]["count"] == 1
    assert scores["finish_reasons"] == {"length": 1, "stop": 5}
    first, second = scores["questions"][0]["turns"]
    assert (first["earlier_answer"], second["earlier_answer"]) == (None, 1.0)
    assert scores["repetition"]["earlier_answer"]["answers"] == 2, "an empty answer says nothing again"
    assert list(scores["by_category"]) == ["writing", "math"]
    assert (
        scores["by_category"]["math"]["prompts"] == 1
        and scores["by_category"]["writing"]["repetition"]["loop"]["count"] == 0
    )


def test_thoughts_count_unless_they_are_stripped(make_place: Callable[..., Workplace]) -> None:
    scores = scores_of(make_place(ANSWERS, strip=False))
    assert scores["response_language"]["by_prompt"]["1/2"]["lines"] == "mixed"


def test_the_source_language_s_own_benchmark_has_no_source(make_place: Callable[..., Workplace]) -> None:
    scores = scores_of(make_place([answer(1, "writing", ENGLISH), answer(2, "writing", FINNISH)], code="en"))
    assert scores["verdicts"] == {"target": 1, "other": 1}
    assert scores["response_language"]["source"] is None


def test_two_runs_give_the_same_bytes(make_place: Callable[..., Workplace]) -> None:
    place = make_place(ANSWERS)
    scores_of(place)
    before = (place.folder / "scores.json").read_bytes()
    scores_of(place)
    assert (place.folder / "scores.json").read_bytes() == before


def test_no_answers_are_said(make_place: Callable[..., Workplace]) -> None:
    with pytest.raises(SourceError, match=r"asked-fi\.jsonl: holds no answers to questions"):
        stage.run(make_place([]))


@pytest.mark.parametrize("model, loops, repeated", [("base", 24, 0.23), ("chat", 1, 0.03)])
def test_a_base_model_loops_and_a_chat_model_does_not(
    model: str, loops: int, repeated: float, shared_data: Path
) -> None:
    folder = shared_data / "mt_bench_fi"
    questions = {
        row["question_id"]: row
        for row in map(json.loads, (folder / "question_fi.jsonl").read_text("utf-8").splitlines())
    }
    with gzip.open(folder / f"answers/Poro-34B-{model}-finnish.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    answers = [
        QuestionResponse(
            str(key), key, "fi", questions[key]["category"], tuple(questions[key]["turns"]), tuple(turns), ("stop",) * 2
        )
        for key, turns in ((row["question_id"], row["choices"][0]["turns"]) for row in rows)
    ]
    scores = stage.score_answers(answers, Asked(language("fi"), language("en"), usual_identifier()), False)
    assert scores["repetition"]["loop"]["count"] == loops
    assert scores["repetition"]["repeated_ngrams"]["mean"] == pytest.approx(repeated, abs=0.005)
    assert len(scores["by_category"]) == 8 and scores["lengths"]["empty"]["count"] == 0
