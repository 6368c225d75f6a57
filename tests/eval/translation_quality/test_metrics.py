"""sacreBLEU's metrics on real and on made-up translations, with signatures and intervals."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sacrebleu

from eval.translation_quality import stage
from eval.translation_quality.metrics import Translated, measure
from kielo.errors import SourceError
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import SentencePair, write_records

PAIRS = [
    SentencePair("held-out/00000", "en", "A cat.", "Kissa."),
    SentencePair("held-out/00001", "en", "The dog runs fast.", "Koira juoksee kovaa."),
    SentencePair("held-out/00002", "en", "Good morning to you.", "Hyvää huomenta sinulle."),
]


def lines(shared_data: Path, name: str) -> list[str]:
    return gzip.decompress((shared_data / "flores200" / f"{name}.devtest.gz").read_bytes()).decode().splitlines()


def test_scores_are_sacrebleus_and_lie_in_their_intervals(shared_data: Path) -> None:
    """Estonian read as a bad translation into Finnish: real sentences, neither right nor wholly strange."""
    sides = zip(*(lines(shared_data, name) for name in ("eng", "fin", "est")), strict=True)
    pairs = [Translated(str(n), *sentences) for n, sentences in enumerate(sides)][:300]
    document = measure(pairs)
    machine, references = [pair.translation for pair in pairs], [[pair.reference for pair in pairs]]
    assert document["chrf"] == round(sacrebleu.corpus_chrf(machine, references).score, 2)
    assert document["chrfpp"] == round(sacrebleu.corpus_chrf(machine, references, word_order=2).score, 2)
    assert document["bleu"] == round(sacrebleu.corpus_bleu(machine, references).score, 2)
    assert document["chrfpp"] < document["chrf"] < document["bleu_char"]
    for name, (low, high) in document["intervals"].items():
        assert 0 <= low < document[name] < high < low + 4, name
    assert "nw:2" in document["signature"]["chrfpp"] and "tok:char" in document["signature"]["bleu_char"]
    assert all("bs:1000|seed:12345" in signature for signature in document["signature"].values())
    assert (document["sentences"], len(document["worst"])) == (300, 10)
    assert measure(pairs) == document


@pytest.mark.parametrize(("translation", "bounds"), [("Kissa istuu matolla.", [100.0, 100.0]), ("xyz", [0.0, 0.0])])
def test_the_ends_of_the_scale(translation: str, bounds: list[float]) -> None:
    document = measure([Translated(str(n), "A cat.", "Kissa istuu matolla.", translation) for n in range(5)])
    assert document["intervals"]["chrf"] == bounds == [document["chrf"]] * 2


def quality_place(tmp_path: Path, write_recipe: Callable[..., Path], translated: list[SentencePair]) -> Workplace:
    held_out = (
        "ifeval: {kind: ifeval, pocket: ifeval, rows: 6}",
        "ifeval: {kind: ifeval, pocket: ifeval, rows: 6}\n    held-out: {kind: sentences, pocket: parallel, rows: 3}",
    )
    recipe = load(write_recipe(held_out, ("ifeval: {languages: [en, fi]}", "translation: held-out")))
    step = next(step for step in make_plan(recipe) if step.kind == "translation-quality")
    write_records(tmp_path / "source/rows.jsonl", PAIRS)
    write_records(tmp_path / "translate/accepted.jsonl", translated)
    inputs = {"source/held-out": tmp_path / "source", "translate/held-out": tmp_path / "translate"}
    return Workplace(step, recipe, tmp_path / step.name, inputs)


def test_exact_matches_are_counted_and_the_worst_come_first(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    machine = [
        dataclasses.replace(PAIRS[2], language="fi"),
        dataclasses.replace(PAIRS[1], language="fi", target="Hevonen nukkuu."),
    ]
    place = quality_place(tmp_path, write_recipe, machine)
    outcome = stage.run(place)
    scores = json.loads((place.folder / "scores.json").read_text("utf-8"))
    assert (scores["exact"], scores["sentences"], len(scores["worst"])) == (1, 2, 1)
    assert scores["worst"][0]["id"] == "held-out/00001" and scores["worst"][0]["translation"] == "Hevonen nukkuu."
    assert "worst" not in outcome.counts and "comet" not in scores
    assert outcome.counts["chrfpp"] == scores["chrfpp"]


def test_a_translation_of_no_known_sentence_is_an_error(tmp_path: Path, write_recipe: Callable[..., Path]) -> None:
    place = quality_place(tmp_path, write_recipe, [SentencePair("held-out/00009", "fi", "A", "B")])
    with pytest.raises(SourceError, match="'held-out/00009' has no reference"):
        stage.run(place)
