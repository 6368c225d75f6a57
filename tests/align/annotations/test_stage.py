"""Step `annotate` as the plan makes it: every kind of labels and scores, rows of which something is not known, and a second run."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from align.annotations import stage
from kielo.errors import RecipeError, SourceError
from kielo.models import POCKET
from kielo.records import Conversation, Message, write_jsonl
from tests.align.annotations.conftest import MakePlace, annotated, talk, talks

EMBEDDINGS = "{method: car, size: 3}"


def test_clusters_label_rows_of_one_topic_alike(make_place: MakePlace) -> None:
    outcome, known, rows = annotated(make_place("{labels: {clusters: [4], nearest: 1}}"))
    assert outcome.outputs == ("annotations.jsonl", "label_names.txt", "label_vectors.npy")
    assert known.label_names == ("c4-0", "c4-1", "c4-2", "c4-3")
    assert len({known.labels[number] for number in range(4)}) == 4
    assert all(known.labels[number] == known.labels[number % 4] for number in range(24))
    assert known.scores == (1.0,) * 24 and known.failed == (None,) * 24
    assert [row["id"] for row in rows] == list(known.ids) == [f"one/{number:05d}" for number in range(24)]
    assert known.label_vectors is not None and known.embeddings is None
    np.testing.assert_allclose(np.linalg.norm(known.label_vectors, axis=1), 1, rtol=1e-5)
    assert outcome.counts["labels"] == {"names": 4, "of_rows": 24, "rows_without": 0}


def test_the_same_step_makes_the_same_bytes(make_place: MakePlace) -> None:
    place = make_place("{embedder: {dimensions: 6}}", EMBEDDINGS)
    outcome = stage.run(place)
    first = {name: (place.folder / name).read_bytes() for name in outcome.outputs}
    stage.run(place)
    assert {name: (place.folder / name).read_bytes() for name in outcome.outputs} == first
    assert set(first) == {"annotations.jsonl", "embeddings.npy"}
    assert np.load(place.folder / "embeddings.npy").shape == (24, 6)


def test_a_row_without_text_stays_with_its_reason(make_place: MakePlace) -> None:
    outcome, known, rows = annotated(make_place("{labels: {clusters: [3]}}", rows=[*talks(9), talk(9, "  \n ")]))
    assert known.labels[9] is None and all(known.labels[:9])
    assert rows[9]["failed"] == "embedding: no text to embed; labels: no text to embed"
    assert outcome.counts["failed_rows"] == 1 and outcome.counts["rows"] == 10


def test_more_clusters_than_rows_are_refused(make_place: MakePlace) -> None:
    with pytest.raises(RecipeError, match=r"labels\.clusters: 40 clusters of 24 rows .* ask for 24 or fewer"):
        stage.run(make_place("{labels: {clusters: [40]}}"))


def test_a_trial_of_few_rows_makes_as_many_clusters_as_fit(make_place: MakePlace) -> None:
    place = make_place("{labels: {clusters: [40]}}")
    settings = {**place.step.settings, "limit": 24}
    _, known, _ = annotated(dataclasses.replace(place, step=dataclasses.replace(place.step, settings=settings)))
    assert len(known.label_names) == 3 + 6 and all(known.labels)


def test_rows_of_another_language_are_no_source_rows(make_place: MakePlace) -> None:
    finnish = Conversation("one/00099", "fi", (Message("user", "Hei"), Message("assistant", "Hei hei")))
    _, known, _ = annotated(make_place("{}", rows=[*talks(8), finnish]))
    assert "one/00099" not in known.ids and len(known.ids) == 8
    with pytest.raises(SourceError, match="holds no conversations in 'en'"):
        stage.run(make_place("{}", rows=[finnish]))


def write(path: Path, *rows: dict[str, Any]) -> None:
    write_jsonl(path, rows)


def labels_file(tmp_path: Path) -> None:
    rows = [
        {"id": f"one/{number:05d}", "labels": [f"topic {number % 4}", "How-to", f"rare {number}"]}
        for number in range(23)
    ]
    write(tmp_path / "tags.jsonl", *rows, {"id": "two/00001", "labels": ["of another"]})


def test_labels_of_a_file_stay_as_they_are_but_for_rare_ones(make_place: MakePlace, tmp_path: Path) -> None:
    labels_file(tmp_path)
    place = make_place("{labels: {kind: file, file: ./tags.jsonl}}")
    outcome, known, rows = annotated(place)
    assert known.label_names == ("How-to", "topic 0", "topic 1", "topic 2", "topic 3")
    assert known.labels[5] == ("topic 1", "How-to")
    assert known.labels[23] is None and rows[23]["failed"] == "labels: not in the file"
    assert outcome.counts["failed"] == {"labels: not in the file": 1}
    told = (place.folder / "tags.tsv").read_text("utf-8").splitlines()
    assert told[:2] == ["tag\trows\tbecame\twhy", "How-to\t23\tHow-to\t"]
    assert "rare 5\t1\t\ttoo few rows" in told


def test_labels_that_are_all_rare_are_refused(make_place: MakePlace, tmp_path: Path) -> None:
    labels_file(tmp_path)
    with pytest.raises(
        SourceError, match=r"annotate/one: every label has fewer rows than annotate\.labels\.least \(30\)"
    ):
        stage.run(make_place("{labels: {kind: file, file: ./tags.jsonl, least: 30}}"))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (
            {"id": "two/00001", "labels": ["a"]},
            r"none of its 1 ids is one of this data set, whose first is 'one/00000'",
        ),
        ({"id": "one/00001", "labels": "a"}, r"line 1: labels must be a list of texts"),
        ({"id": "one/00001", "labels": ["a\nb"]}, r"line 1: labels must be a list of texts of one line"),
        ({"labels": ["a"]}, r"line 1: a row needs an id"),
    ],
)
def test_a_label_file_that_cannot_be_used_is_one_sentence(
    row: dict[str, Any], sentence: str, make_place: MakePlace, tmp_path: Path
) -> None:
    labels_file(tmp_path)
    place = make_place("{labels: {kind: file, file: ./tags.jsonl}}")
    write(tmp_path / "tags.jsonl", row)
    with pytest.raises(SourceError, match=sentence):
        stage.run(place)


def test_scores_of_a_file_are_scores_or_products(make_place: MakePlace, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": f"one/{number:05d}", "score": number / 2} for number in range(23)]
    write(tmp_path / "scores.jsonl", *rows, {"id": "one/00023", "quality": 4, "complexity": 2.5})
    _, known, lines = annotated(make_place("{scores: {kind: file, file: ./scores.jsonl}}", "{method: score, size: 3}"))
    assert known.scores[:3] == (0.0, 0.5, 1.0) and known.scores[23] == 10.0
    assert lines[23] == {"id": "one/00023", "score": 10.0, "quality": 4.0, "complexity": 2.5}


@pytest.mark.parametrize("score", ["NaN", "-1", "true", '"4"', "Infinity", "null"])
def test_a_score_that_is_no_number_is_refused_where_it_stands(
    score: str, make_place: MakePlace, tmp_path: Path
) -> None:
    (tmp_path / "scores.jsonl").write_text(f'{{"id": "one/00000", "score": {score}}}\n', "utf-8")
    with pytest.raises(SourceError, match=r"scores\.jsonl, line 1: score is .*; a row needs a score"):
        stage.run(make_place("{scores: {kind: file, file: ./scores.jsonl}}", "{method: score, size: 3}"))


def directly(conversation: Conversation) -> float:
    """IFD by transformers alone: one text at a time, losses averaged over the tokens of all answers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(POCKET)
    model = AutoModelForCausalLM.from_pretrained(POCKET, dtype=torch.float32)

    def losses(before: str, answer: str) -> list[float]:
        start = tokenizer(before)["input_ids"]
        tokens = tokenizer(answer, add_special_tokens=False)["input_ids"]
        first = max(1, len(start))
        whole = torch.tensor([start + tokens])
        with torch.no_grad():
            shares = model(whole).logits.log_softmax(-1)[0, first - 1 : -1]
        return (-shares.gather(-1, whole[0, first:, None])[:, 0]).tolist()

    after: list[float] = []
    alone: list[float] = []
    before = ""
    for turn in conversation.messages:
        if turn.role == "assistant":
            after += losses(before, turn.content)
            alone += losses("", turn.content)
        before += f"{turn.content}\n\n"
    return (math.fsum(after) / len(after)) / (math.fsum(alone) / len(alone))


def test_difficulty_is_that_of_the_model_itself_also_over_several_turns(make_place: MakePlace) -> None:
    rows = [
        talk(0, "Is the picture in the school?", "The picture is green. The cook buys the picture from the school."),
        talk(1, "Who sleeps?", "The singer sleeps, but the king lives.", "The king."),
        talk(2, "x", "The frog sees the bag in the school, and the student fetched a bag from the sofa yesterday."),
    ]
    place = make_place("{}", "{method: ifd, size: 2}", rows)
    outcome, known, _ = annotated(place)
    assert known.ifd == pytest.approx([directly(row) for row in rows], abs=1e-3)
    kept = sorted((place.folder / "completions").glob("*.jsonl"))
    before = [shard.read_bytes() for shard in kept]
    stage.run(place)
    assert [shard.read_bytes() for shard in kept] == before, "nothing is measured twice"
    assert outcome.outputs == ("annotations.jsonl",)


def test_a_score_by_difficulty_is_nothing_where_the_prompt_does_not_help(make_place: MakePlace) -> None:
    rows = [
        talk(n, "The singer sleeps.", answer) for n, answer in enumerate(("The singer sleeps.", "Koira haukkuu.", "x"))
    ]
    place = make_place("{scores: {kind: ifd}}", "{method: score, size: 2}", rows)
    _, known, lines = annotated(place)
    difficulties = [directly(row) for row in rows[:2]]
    wanted = [0.0 if value > 1 else value for value in difficulties]
    assert known.scores[:2] == pytest.approx(wanted, abs=1e-3)
    assert "ifd" not in lines[0]


def test_a_row_too_long_for_the_model_stays_with_its_reason(make_place: MakePlace) -> None:
    rows = [talk(0, "Who sleeps?", "The singer."), talk(1, "Who sleeps? " * 900, "The king.")]
    outcome, known, lines = annotated(make_place("{}", "{method: ifd, size: 1}", rows))
    assert known.ifd[0] is not None and known.ifd[1] is None
    assert lines[1]["failed"] == "ifd: longer than the model's context"
    assert outcome.counts["failed"] == {"ifd: longer than the model's context": 1}


def test_where_nothing_is_known_of_any_row_the_step_says_why(make_place: MakePlace) -> None:
    place = make_place("{}", "{method: ifd, size: 1}", [talk(0, "Who sleeps? " * 900, "The king.")])
    with pytest.raises(
        SourceError, match=r"annotate/one: ifd of no row is known \(1 x longer than the model's context\)"
    ):
        stage.run(place)


def test_the_pocket_model_is_asked_for_tags_and_grades_and_what_it_says_is_kept(make_place: MakePlace) -> None:
    """It knows nothing of tags, so that rows fail; the replies are real, and a second run asks for none of them."""
    place = make_place("{labels: {kind: llm, engine: {kind: hf}, least: 1}}", "{method: instag, size: 1}", talks(3))
    with pytest.raises(SourceError, match=r"labels of no row is known \(3 x the reply cannot be read\)"):
        stage.run(place)
    shards = sorted((place.folder / "completions").glob("*.jsonl"))
    replies = [json.loads(line) for shard in shards for line in shard.read_text("utf-8").splitlines()]
    assert len(replies) == 6, "each row is asked once, and once more"
    before = [shard.read_bytes() for shard in shards]
    with pytest.raises(SourceError):
        stage.run(place)
    assert [shard.read_bytes() for shard in shards] == before
