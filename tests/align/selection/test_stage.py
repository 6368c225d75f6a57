"""Step `select` on small run folders: methods, budgets, what is missing, translations' scores, near-duplicates, several data sets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from align import mix
from align.selection import stage
from kielo.errors import SourceError
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Conversation, Message, read_jsonl, write_jsonl, write_records

RECIPE = """\
language: fi
model: pocket
translate:
  prompt: {{shots: 3, shots_file: pocket}}
  datasets:
    one: {{kind: conversations, pocket: oasst2}}
    two: {{kind: conversations, pocket: oasst2}}
annotate: {annotate}
sft:
  mixes:
    few: {{sources: {sources}, select: {select}}}
"""
ONE = "{one: {shares: {en: 1.0, fi: 1.0}}}"
BOTH = "{one: {shares: {en: 1.0}}, two: {shares: {en: 1.0}}}"
FROM_FILES = "{labels: {kind: file, file: l.jsonl}, scores: {kind: file, file: s.jsonl}}"
SCORES = "{scores: {kind: file, file: s.jsonl}}"
PROMPTS = ("bake bread with rye flour", "name rivers of Lapland", "sum two long numbers", "write a poem on snow")


def row(number: int, language: str, dataset: str = "one", prompt: str | None = None) -> Conversation:
    asked = prompt or f"{PROMPTS[number % 4]} {'abcdefghij'[number] * (3 + number)}"
    turns = (Message("user", asked), Message("assistant", "x" * (number + 1)))
    return Conversation(f"{dataset}/{number:05d}", language, turns)


Place = Callable[..., Workplace]


@pytest.fixture
def place(write_recipe: Callable[..., Path], tmp_path: Path) -> Place:
    """Make the workplace of a recipe's one selection; `known` has what `annotate` leaves of data set -> rows."""

    def make(
        select: str, annotate: str = "{}", sources: str = ONE, known: Mapping[str, Sequence[Mapping[str, Any]]] = {},
        rows: Mapping[str, Sequence[Conversation]] = {}, quality: Mapping[str, float] = {},
    ) -> Workplace:  # fmt: skip
        for file in ("l.jsonl", "s.jsonl"):
            (tmp_path / file).touch()
        recipe = load(write_recipe(text=RECIPE.format(select=select, annotate=annotate, sources=sources)))
        (step,) = (step for step in make_plan(recipe) if step.kind == "select")
        rows = {"one": [row(number, code) for code in ("en", "fi") for number in range(6)], **rows}
        for name, written in rows.items():
            write_records(tmp_path / f"source/{name}/rows.jsonl", [each for each in written if each.language == "en"])
            kept = row(9, "en", name)  # a row whose task a translation would have changed
            finnish = [each for each in written if each.language == "fi"]
            write_records(tmp_path / f"translate/{name}/accepted.jsonl", [*finnish, kept])
            write_jsonl(
                tmp_path / f"translate/{name}/translations.jsonl", [translation(*each) for each in quality.items()]
            )
        for name, of_rows in known.items():
            annotated(tmp_path / f"annotate/{name}", of_rows, name)
        return Workplace(step, recipe, tmp_path / "select/few", {name: tmp_path / name for name in step.inputs})

    return make


def annotated(folder: Path, rows: Sequence[Mapping[str, Any]], dataset: str) -> None:
    """Write what the step `annotate` leaves: each row may have labels, score, ifd, failed and a vector."""
    names = sorted({label for each in rows for label in each.get("labels") or ()})
    ids = [f"{dataset}/{number:05d}" for number in range(len(rows))]
    write_jsonl(
        folder / "annotations.jsonl",
        [
            {"id": own, **{key: value for key, value in each.items() if key != "vector"}}
            for own, each in zip(ids, rows, strict=True)
        ],
    )
    (folder / "label_names.txt").write_text("".join(f"{name}\n" for name in names))
    np.save(folder / "label_vectors.npy", np.eye(max(1, len(names)), dtype=np.float32)[: len(names)])
    vectors = np.array([each.get("vector", (1, 0)) for each in rows], np.float32)
    np.save(folder / "embeddings.npy", vectors)


def translation(own_id: str, factor: float) -> dict[str, Any]:
    """Write a translation of that quality: its mean log-probability."""
    return {"id": own_id, "source": "abc", "accepted": True, "logprob": float(np.log(factor)), "findings": []}


def scored(*scores: float | None) -> list[dict[str, Any]]:
    return [{"score": score} for score in scores]


def selected(here: Workplace) -> list[tuple[int, str]]:
    return [(int(each["id"][-5:]), each["language"]) for _, each in read_jsonl(here.folder / mix.SELECTED)]


def test_random_rows_need_no_annotations_and_fewer_are_part_of_more(place):
    few, more = place("{method: random, size: 3}"), place("{method: random, size: 8}")
    assert not any(name.startswith("annotate/") for name in few.inputs)
    outcome = stage.run(few)
    taken = selected(few)
    stage.run(more)
    assert selected(more)[:3] == taken and len(set(selected(more))) == 8
    assert outcome.outputs == ("selected.jsonl",) and outcome.counts["shared_with_random"] == 1
    assert outcome.counts["languages"]["fi"]["available"] == 6, "the English row in the translated file is none of them"


def test_lengths_are_those_of_the_answers(place):
    here = place("{method: longest, size: 3, languages: [fi]}")
    outcome = stage.run(here)
    assert selected(here) == [(5, "fi"), (4, "fi"), (3, "fi")]
    assert outcome.counts["languages"] == {"fi": {"available": 6, "pool": 6, "selected": 3}}


def test_a_translation_has_its_sources_score_times_its_own_quality(place):
    scores, quality = scored(5, 4, 3, 2, 1, 0), {f"one/{number:05d}": 0.5 for number in range(6)}
    here = place("{method: score, size: 5}", SCORES, known={"one": scores}, quality=quality)
    stage.run(here)
    assert selected(here) == [(0, "en"), (1, "en"), (2, "en"), (0, "fi"), (3, "en")], (
        "5, 4, 3, 2.5; of 2 and 2 the first"
    )
    quality["one/00005"] = 1.0
    budgets = "{method: score, size: 4, budgets: {en: 0.25, fi: 0.75}}"
    here = place(budgets, SCORES, known={"one": scores}, quality=quality)
    counts = stage.run(here).counts
    assert counts["languages"]["fi"]["selected"] == 3
    assert selected(here) == [(0, "en"), (0, "fi"), (1, "fi"), (2, "fi")]
    assert counts["translation_quality"]["selected"] == pytest.approx(0.5, abs=1e-3)
    assert counts["translation_quality"]["pool"] == pytest.approx((5 * 0.5 + 1) / 6, abs=1e-3)


GAPPY = [{"score": 2}, {"score": None, "failed": "unread"}, {"score": 7}, {"score": None}, {"score": 5}]  # and no row 5


@pytest.mark.parametrize("policy", ["refuse", "skip", "minimum"])
def test_rows_without_scores(place, policy):
    select = f"{{method: score, size: 3, languages: [en], missing: {policy}}}"
    here = place(select, SCORES, known={"one": GAPPY})
    if policy == "refuse":
        sentence = r"mix few, select: too little is known of 3 of 6 rows \(1 x unread, 1 x no scores, 1 x not annotated; the first is one/00001\)"
        with pytest.raises(SourceError, match=sentence):
            stage.run(here)
        return
    outcome = stage.run(here)
    assert selected(here) == [(2, "en"), (4, "en"), (0, "en")]
    assert outcome.counts["missing"] == {"unread": 1, "no scores": 1, "not annotated": 1}
    assert outcome.counts["languages"]["en"]["pool"] == {"skip": 3, "minimum": 6}[policy]


def test_the_minimum_is_the_lowest_score_there_is(place):
    here = place("{method: score, size: 6, languages: [en], missing: minimum}", SCORES, known={"one": GAPPY})
    stage.run(here)
    assert selected(here) == [(2, "en"), (4, "en"), (0, "en"), (1, "en"), (3, "en"), (5, "en")]


def test_a_size_over_the_pool_names_all_numbers(place):
    here = place("{method: score, size: 4, languages: [en], missing: skip}", SCORES, known={"one": GAPPY})
    sentence = r"select: score from 3 rows \(of 6: .*\): 4 rows are to be selected and there are 3; ask for fewer"
    with pytest.raises(SourceError, match=sentence):
        stage.run(here)
    with pytest.raises(SourceError, match=r"random from 12 rows: 7 'fi' rows are to be selected and there are 6"):
        stage.run(place("{method: random, size: 7, budgets: {en: 0, fi: 1.0}}"))


def test_near_duplicates_are_thinned_out_within_a_language_first(place):
    texts = ["how do I bake rye bread at home?", "name three long rivers", "how do I bake rye bread at home"]
    rows = [row(number, code, prompt=text) for code in ("en", "fi") for number, text in enumerate(texts)]
    known = scored(1, 2, 3)
    here = place(
        "{method: score, size: 4, near_duplicates: {threshold: 0.8}}", SCORES, known={"one": known}, rows={"one": rows}
    )
    outcome = stage.run(here)
    assert outcome.outputs == ("selected.jsonl", "near_duplicates.jsonl")
    assert sorted(selected(here)) == [(1, "en"), (1, "fi"), (2, "en"), (2, "fi")], (
        "the better one of each language stays"
    )
    left_out = [each for _, each in read_jsonl(here.folder / "near_duplicates.jsonl")]
    assert [(each["id"], each["language"], each["kept"]) for each in left_out] == [
        ("one/00000", "en", "one/00002"), ("one/00000", "fi", "one/00002"),
    ]  # fmt: skip
    shingles = [{text[at : at + 5] for at in range(len(text) - 4)} for text in (texts[0], texts[2])]
    assert left_out[0]["jaccard"] == round(len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1]), 4)
    assert outcome.counts["languages"]["fi"] == {"available": 3, "pool": 2, "selected": 2}
    assert outcome.counts["near_duplicates"]["left_out"] == {"en": 1, "fi": 1}


@pytest.mark.parametrize("method", ["instag", "mig", "deita", "car", "qdit", "ifd"])
def test_every_method_selects_and_the_same_bytes_again(place, method):
    if method == "car":
        pytest.importorskip("sklearn", reason="extra select: scikit-learn")
    vectors = [(np.cos(angle), np.sin(angle)) for angle in np.arange(6) * 1.1]
    known = [
        {
            "labels": [f"t{number % 3}"] + ["t9"] * (number == 4),
            "score": 1 + number,
            "ifd": 0.9 - number / 10,
            "vector": vector,
        }
        for number, vector in enumerate(vectors)
    ]
    annotate = {
        "instag": "{labels: {kind: file, file: l.jsonl}}", "mig": FROM_FILES, "ifd": "{}",
    }.get(method, SCORES)  # fmt: skip
    here = place(f"{{method: {method}, size: 3, languages: [en]}}", annotate, known={"one": known})
    outcome = stage.run(here)
    taken = [number for number, _ in selected(here)]
    assert len(set(taken)) == 3 == outcome.counts["rows"] and outcome.counts["method"] == method
    first = {"instag": 4, "mig": 4, "deita": 5, "car": 5, "ifd": 0}
    assert taken[0] == first.get(method, taken[0])
    before = (here.folder / "selected.jsonl").read_bytes()
    assert stage.run(here).counts == outcome.counts and (here.folder / "selected.jsonl").read_bytes() == before


CLUSTERS = [{"labels": ["c2-0"], "vector": (1, 0)}, {"labels": ["c2-1"], "vector": (0, 1)}]


@pytest.mark.parametrize(("kind", "names"), [("clusters", 4), ("file", 2)])
def test_clusters_of_two_data_sets_are_different_labels_and_tags_are_the_same(place, monkeypatch, kind, names):
    labels = {"clusters": "{labels: {kind: clusters}}", "file": "{labels: {kind: file, file: l.jsonl}}"}[kind]
    rows = {name: [row(number, "en", name) for number in range(2)] for name in ("one", "two")}
    here = place("{method: instag, size: 3}", labels, BOTH, {"one": CLUSTERS, "two": CLUSTERS}, rows)
    pools = []
    monkeypatch.setattr(stage, "find_method", lambda name: lambda pool, *_: pools.append(pool) or stop())
    with pytest.raises(StopIteration):
        stage.run(here)
    assert len(pools[0].labels.names) == names
    cosines = pools[0].labels.vectors @ pools[0].labels.vectors.T
    np.testing.assert_allclose(cosines, np.eye(names), atol=1e-6)


@pytest.mark.parametrize(("kind", "near"), [("clusters", False), ("file", True)])
def test_tags_of_two_data_sets_that_are_spelled_alike_are_near(place, monkeypatch, kind, near):
    labels = {"clusters": "{labels: {kind: clusters}}", "file": "{labels: {kind: file, file: l.jsonl}}"}[kind]
    rows = {name: [row(0, "en", name)] for name in ("one", "two")}
    known = {name: [{"labels": [label]}] for name, label in (("one", "rhyme"), ("two", "rhymes"))}
    pools = []
    monkeypatch.setattr(stage, "find_method", lambda name: lambda pool, *_: pools.append(pool) or stop())
    with pytest.raises(StopIteration):
        stage.run(place("{method: instag, size: 2}", labels, BOTH, known, rows))
    first, second = pools[0].labels.vectors
    assert bool(first @ second == 1) is near, (
        "the fixture gives both the same vector, which is of one space for names alone"
    )


def stop() -> None:
    raise StopIteration


def test_vectors_of_n_grams_compare_within_a_data_set_alone(place):
    rows = {name: [row(number, "en", name) for number in range(2)] for name in ("one", "two")}
    known = [{"score": 5, "vector": (1, 0)}, {"score": 1, "vector": (1, 0)}]
    here = place("{method: deita, size: 2}", SCORES, BOTH, {"one": known, "two": known}, rows)
    stage.run(here)
    assert [each["id"] for _, each in read_jsonl(here.folder / mix.SELECTED)] == ["one/00000", "two/00000"]
    model = "{scores: {kind: file, file: s.jsonl}, embedder: {kind: model2vec, model: some/model}}"
    here = place("{method: deita, size: 2}", model, BOTH, {"one": known, "two": known}, rows)
    with pytest.raises(SourceError, match="only 1 are apart"):
        stage.run(here)


def test_an_id_that_stands_twice_is_refused(place):
    here = place("{method: random, size: 2}", rows={"one": [row(1, "en"), row(1, "en")]})
    with pytest.raises(SourceError, match="id 'one/00001' occurs twice in language 'en'"):
        stage.run(here)


def test_the_selected_rows_are_what_the_mix_takes(place):
    here = place("{method: longest, size: 2, languages: [fi]}")
    stage.run(here)
    assert json.loads((here.folder / mix.SELECTED).read_text().splitlines()[0]) == {"id": "one/00005", "language": "fi"}


@pytest.mark.parametrize(
    ("select", "taken"),
    [
        ("{method: random, size: 400, languages: [fi]}", {"fi": 3}),
        ("{method: random, size: 400, budgets: {en: 0.01, fi: 0.99}}", {"en": 3, "fi": 3}),
        ("{method: random, size: 2, languages: [fi]}", {"fi": 2}),
    ],
)
def test_a_trial_of_few_rows_selects_half_of_them_at_most(place, select, taken):
    here = place(select)
    few = dataclasses.replace(here, step=dataclasses.replace(here.step, settings={**here.step.settings, "limit": 6}))
    outcome = stage.run(few)
    assert {code: each["selected"] for code, each in outcome.counts["languages"].items()} == taken
    assert outcome.counts["asked"] == (2 if "size: 2," in select else 400)


def test_a_limit_is_in_the_plan_of_selections_and_changes_nothing_without(place):
    recipe = place("{method: score, size: 400}", SCORES).recipe
    whole, few = ({step.name: step.settings for step in make_plan(recipe, limit)} for limit in (None, 6))
    for name in ("annotate/one", "select/few"):
        assert few[name] == {**whole[name], "limit": 6} and "limit" not in whole[name]


def test_no_rows_at_all_is_refused(place):
    with pytest.raises(SourceError, match="mix few, select: there are no rows in fi; look into"):
        stage.run(place("{method: deita, size: 2, languages: [fi]}", SCORES, known={"one": []}, rows={"one": []}))
