"""The report on documents as the steps of evaluation write them: judges over HTTP, measured answers, IFEval scores of an unusual script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eval.judge.cases import Case
from eval.judge.gate import Gate
from eval.judge.judging import judge
from eval.judge.trial import Trial
from eval.questions.stage import score_answers
from eval.questions.turns import Asked
from eval.report.collect import Answered, Run
from eval.report.document import Items, Table
from eval.report.judge_tables import judge_tables
from eval.report.question_tables import question_tables
from eval.report.size_chart import draw_judged_sizes
from eval.response_language import usual_identifier
from kielo.languages.pack import language
from kielo.records import QuestionResponse
from tests.eval.judge.conftest import opened
from tests.eval.judge.judge_server import by_rule, longer
from tests.eval.report.conftest import cell_of
from tests.kielo.generation.http_server import Server

BASE, TUNED, ENGLISH = "sft/en-fi-100pct", "dpo/dpo-both", "sft/en-fi-0pct"


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    by_length = by_rule(lambda *answers: longer(*answers) if len(answers) == 2 else f"[[{len(answers[0]) // 50}]]")
    started = [Server(by_length), Server(by_rule(lambda *answers: "[[C]]" if len(answers) == 2 else "[[5]]"))]
    yield started
    for server in started:
        server.http.shutdown()
        server.http.server_close()


@pytest.fixture
def judged(servers: list[Server], tmp_path: Path) -> dict[str, Any]:
    """What two judges, one for length and one for ties, make of answers to thirty questions."""
    cases = [Case(key, "writing", (f"Kysymys {key}?",)) for key in range(30)]
    said = {
        BASE: "Järven rannalla seisoo vanha punainen talo.",
        TUNED: "Järven rannalla seisoo vanha punainen talo, jossa asuu kaksi kalastajaa ja heidän koiransa.",
        ENGLISH: "There is an old red house on the shore of the lake where two old fishermen live.",
    }
    answers = {
        model: {key: (f"{' '.join([text] * 5)} Numero {key}.",) for key in range(30)} for model, text in said.items()
    }
    gate = Gate("lose", language("fi"), language("en"))
    trial = Trial("mt-bench", cases, answers, BASE, gate, ("pairwise", "single"), 64)
    judges = {f"judge-{number}": partial(opened, server, f"judge-{number}") for number, server in enumerate(servers)}
    return judge(trial, judges, tmp_path / "judge")


def test_what_judges_write_is_read(run: Run, judged: dict[str, Any]) -> None:
    pairwise, ratings, agreement = judge_tables(replace(run, judged={"judge/mt-bench-fi": judged}))
    assert isinstance(pairwise, Table) and isinstance(ratings, Table) and isinstance(agreement, Items)
    gated = [cell.text for cell in next(row for row in pairwise.rows if row[0].text == "en-fi-0pct")]
    assert gated[2:7] == ["0.0", "0", "30", "0", "30"]
    tied = [cell.text for cell in next(row for row in pairwise.rows if row[0].text == "dpo-both")]
    assert tied[1:7] == ["none", "50.0", "0", "0", "30", "0"]
    assert cell_of(pairwise, "en-fi-0pct", "Win rate, %").verdict == "lower"
    assert cell_of(pairwise, "dpo-both", "Win rate, %").verdict == "no difference shown"
    assert float(cell_of(ratings, "dpo-both", "Rating").text) > float(cell_of(ratings, "en-fi-100pct", "Rating").text)
    assert cell_of(ratings, "dpo-both", "Rating").verdict == "higher"
    assert "The 2 judges agree on 0.0% of 30 comparisons" in agreement.sentences[0]
    # Of the mixes, only two are judged, and only one of these against the other.
    names = [figure.name for figure in draw_judged_sizes(replace(run, judged={"judge/mt-bench-fi": judged}))]
    assert names == ["sizes-rating-mt-bench-fi"]


def test_what_is_measured_of_answers_is_read(run: Run) -> None:
    answers = [
        QuestionResponse(f"q/{key}", key, "fi", "writing", ("Kysymys?",), (text,), ("stop",))
        for key, text in enumerate(
            ["Talvi tuli hiljaa, ja lumi peitti pihan.", "", "the same the same the same the same"]
        )
    ]
    document = score_answers(answers, Asked(language("fi"), language("en"), usual_identifier()), False)
    one = Answered(
        "sft/neftune", "mt-bench", "fi", Path(), Path(), {"model": "sft/neftune", "benchmark": "mt-bench", **document}
    )
    measures, spoken = question_tables(replace(run, questions=(one,)))
    assert cell_of(measures, "neftune", "Empty, %").text == "33.3"
    assert dict(cell_of(measures, "neftune", "Empty, %").numbers)["k"] == 1
    counts = [cell.small.partition(",")[0] for cell in spoken.rows[0][2:]]
    assert sum(int(count.partition("/")[0]) for count in counts[2:]) == 3
