"""Prompts from real Finnish articles: spelled out, followed by a known answer in both modes, not by an echo, the same every time."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest

from eval.ifeval.lint import lint_prompt
from eval.ifeval.score import Scorer
from eval.make_prompts.combinations import counts_of_rows, go_together, largest
from eval.make_prompts.documents import Documents
from eval.make_prompts.files import row
from eval.make_prompts.make import MadeSet, make_prompts
from eval.make_prompts.summary import summary
from eval.make_prompts.trial import ECHOED, Tryer
from kielo.errors import SourceError, UsageError
from kielo.languages.pack import language
from kielo.records import Prompt, dump_row

FINNISH = language("fi")
ENGLISH_CASE = {"change_case:english_capital", "change_case:english_lowercase"}


def prompts(made: MadeSet) -> list[Prompt]:
    return [each.candidate.prompt for each in made.rows]


@pytest.mark.parametrize("mode", ["compat", "fair"])
def test_every_prompt_is_followed_by_its_proof_in_both_modes(made: MadeSet, mode: str) -> None:
    scorer = Scorer(prompts(made), made.tryer.contexts["fair"].rules, mode, "sentencex")
    verdicts = scorer.verdicts([each.answer for each in made.rows])
    assert [verdict.key for verdict in verdicts if not all(verdict.strict)] == []


def test_the_linter_finds_nothing(made: MadeSet) -> None:
    reports = [lint_prompt(prompt, None, FINNISH, made.tryer.contexts["compat"]) for prompt in prompts(made)]
    assert [report for report in reports if report.findings or report.feasible != "proved"] == []


def test_kinds_are_balanced_and_sizes_are_those_of_ifeval(made: MadeSet) -> None:
    kinds = Counter(name for prompt in prompts(made) for name in prompt.instruction_ids)
    assert set(kinds) == set(made.asked)
    assert len(kinds) == 22 and max(kinds.values()) - min(kinds.values()) <= 1
    assert Counter(len(prompt.instruction_ids) for prompt in prompts(made)) == {1: 68, 2: 40, 3: 12}


def test_no_two_prompts_are_the_same(made: MadeSet) -> None:
    assert len({prompt.text for prompt in prompts(made)}) == len(prompts(made)) == 120
    pairs = Counter((each.candidate.document.id, each.candidate.task) for each in made.rows)
    assert max(pairs.values()) == 1


def test_an_echo_follows_only_what_must_stand_in_the_prompt(made: MadeSet) -> None:
    scorer = Scorer(prompts(made), made.tryer.contexts["fair"].rules, "fair")
    verdicts = scorer.verdicts([prompt.text for prompt in prompts(made)])
    echoed = {
        name
        for verdict in verdicts
        for name, followed in zip(verdict.instruction_id_list, verdict.strict, strict=True)
        if followed
    }
    assert echoed <= set(ECHOED)


def test_floors_are_below_those_of_ifeval(made: MadeSet, finnish: Documents) -> None:
    for floors in summary(made, finnish, 3)["floors"].values():
        share = {name: totals["inst_strict"] / totals["instructions"] for name, totals in floors.items()}
        assert share["echo"] < 0.2 and share["constant"] < 0.236 and share["empty"] == 0  # IFEval: 37.4%, 23.6%


def test_case_in_finnish_is_asked_for_fair_mode_alone(made: MadeSet, finnish: Documents) -> None:
    assert set(made.left_out) == {*ENGLISH_CASE, "language:response_language"}
    fair = make_prompts(finnish, FINNISH, rows=40, made_for="fair")
    assert set(fair.asked) >= ENGLISH_CASE
    markers = {k["postscript_marker"] for p in prompts(fair) for k in p.arguments if "postscript_marker" in k}
    assert markers


def test_the_same_seed_gives_the_same_bytes_and_another_others(finnish: Documents) -> None:
    def lines(seed: int) -> list[str]:
        return [dump_row(row(each)) for each in make_prompts(finnish, FINNISH, rows=15, seed=seed).rows]

    assert lines(1) == lines(1)
    assert not set(lines(1)) & set(lines(2))


def test_literals_are_no_defects_by_chance_of_the_document(finnish: Documents) -> None:
    tryer = Tryer.open(FINNISH, "both")
    text = "Kirjoita aiheesta ”Järvi”, mutta älä käytä sanaa ”mylly”."
    good = Prompt("ifeval/1", "fi", 1, text, ("keywords:forbidden_words",), ({"forbidden_words": ["mylly"]},))
    assert tryer(good).answer
    assert (
        tryer(replace(good, text=text.replace("mylly", "ranta"))).reason == "an echo follows keywords:forbidden_words"
    )
    both = replace(
        good,
        text=text + " Käytä sanaa ”mylly” vähintään 3 kertaa.",
        instruction_ids=("keywords:forbidden_words", "keywords:frequency"),
        arguments=({"forbidden_words": ["mylly"]}, {"keyword": "mylly", "frequency": 3, "relation": "at least"}),
    )
    assert tryer(both).reason == "linter: contradiction"


def test_types_limit_what_is_asked_and_how_much_of_it(finnish: Documents) -> None:
    made = make_prompts(finnish, FINNISH, rows=10, types=["startend:quotation"])
    assert {prompt.instruction_ids for prompt in prompts(made)} == {("startend:quotation",)}


def test_documents_without_titles_make_prompts_that_show_their_text(finnish: Documents) -> None:
    untitled = replace(finnish, documents=tuple(replace(each, title=None) for each in finnish.documents))
    made = make_prompts(untitled, FINNISH, rows=30)
    assert made.left_out["combination:repeat_prompt"] == "no document has a title"
    assert all("{text}" in each.candidate.task for each in made.rows)
    assert all(each.candidate.document.text[:40] in each.candidate.prompt.text for each in made.rows)


def test_a_document_without_words_or_sentences_to_show_stops_nothing(finnish: Documents) -> None:
    poor = replace(finnish.documents[0], id="poor", title=None, paragraphs=("sana " * 300 + "loppuu.",))
    made = make_prompts(replace(finnish, documents=(poor, *finnish.documents[:20])), FINNISH, rows=60)
    assert {"the document's first sentence is too long to show"} <= set(made.rejected)
    assert "poor" not in {each.candidate.document.id for each in made.rows}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rows": 0}, "--rows 0: a number from 1"),
        ({"rows": 1, "types": ["startend:quote"]}, "IFEval has no instruction 'startend:quote'"),
        ({"rows": 1, "types": ["language:response_language"]}, "no kind of instruction is left"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said(finnish: Documents, options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_prompts(finnish, FINNISH, **options)  # type: ignore[arg-type]


def test_too_few_documents_are_said(finnish: Documents) -> None:
    one = replace(finnish, documents=finnish.documents[:1])
    with pytest.raises(SourceError, match="only .* of 60 prompts could be made .*no document is left"):
        make_prompts(one, FINNISH, rows=60)


def test_what_goes_together_is_no_matter_of_order(made: MadeSet) -> None:
    for one, other in combinations(made.asked, 2):
        assert go_together(one, other) == go_together(other, one)
    for prompt in prompts(made):
        assert all(go_together(one, other) for one, other in combinations(prompt.instruction_ids, 2))
    assert largest(["startend:quotation", "punctuation:no_comma"]) == 2


@pytest.mark.parametrize("rows", [1, 2, 7, 510])
def test_rows_are_counted_out_whole(rows: int) -> None:
    counts = counts_of_rows(rows, Random(0))
    assert len(counts) == rows
    if rows == 510:
        assert Counter(counts) == {1: 288, 2: 171, 3: 51}
