"""Turns texts into vectors of length 1, of rows and of the names of labels: by character n-grams alone, or by an embedding model."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kielo.errors import MissingExtraError, RecipeError
from kielo.models import loading
from kielo.progress import progress
from kielo.schema import Embedder, Recipe

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""N texts -> N x D; a text without any content has zeros."""
_CHUNK = 1024  # texts between two looks at the progress
_FEATURES = 65_536  # most frequent n-grams that count
_HASHES = 2048
_ROUNDS = 5  # of the decomposition


def make_embedder(recipe: Recipe, label: str) -> Embed:
    """Make the recipe's embedder; its model is loaded at the first text, once. `label` names it in the progress.

    Raises:
        MissingExtraError: its library is not installed.
        RecipeError: its model is not at hand.
    """
    embedder = recipe.annotate.embedder
    if embedder.kind == "characters":
        return lambda texts: by_characters(texts, embedder.dimensions, recipe.seed)
    assert embedder.model is not None
    encode = _ENCODERS[embedder.kind](recipe.named_model(embedder.model), embedder)
    return lambda texts: _in_chunks(encode, [embedder.prefix + text for text in texts], label)


def embed_names(names: Sequence[str], embed: Embed, recipe: Recipe) -> Vectors:
    """Embed the names of labels: by the recipe's model, or by their spelling where it has none."""
    return by_spelling(names) if recipe.annotate.embedder.kind == "characters" else embed(names)


def by_spelling(names: Sequence[str]) -> Vectors:
    """Embed short names by their character 2- to 4-grams, hashed: vectors of all calls compare.

    In the few dimensions of a decomposition names would seem near that have nothing in common but to be rare.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), n_features=_HASHES, dtype=np.float32)
    return unit(hashed.transform([_plain(name) for name in names]).toarray())


def by_characters(texts: Sequence[str], dimensions: int, seed: int) -> Vectors:
    """Embed texts by TF-IDF of their character 3- to 5-grams, in the first dimensions of its singular value decomposition.

    The same texts, dimensions and seed give the same vectors; vectors of two calls do not compare. Few texts have fewer dimensions.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    plain = list(map(_plain, texts))
    if not any(text.strip() for text in plain):
        return np.zeros((len(plain), 1), np.float32)
    counted = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), max_features=_FEATURES, sublinear_tf=True)
    grams = counted.fit_transform(plain)
    rows, strengths, _ = randomized_svd(grams, min(dimensions, *grams.shape), n_iter=_ROUNDS, random_state=seed)
    return unit(rows * strengths)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Bring rows to length 1; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-12).astype(np.float32)
    return scaled


def _in_chunks(encode: Embed, texts: Sequence[str], label: str) -> Vectors:
    parts = []
    with progress(len(texts), label, "texts") as bar:
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            parts.append(encode(chunk))
            bar.update(len(chunk))
    vectors = unit(np.concatenate(parts)) if parts else np.zeros((0, 1), np.float32)
    if not np.isfinite(vectors).all():
        raise RecipeError("annotate.embedder: the model gives vectors that are no numbers; name another one.")
    return vectors


def _sentence_transformers(model: str, embedder: Embedder) -> Embed:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise _no_library(embedder.kind) from error
    with loading(model):
        network = SentenceTransformer(model, revision=embedder.revision, trust_remote_code=False)
    return lambda texts: np.asarray(network.encode(list(texts), convert_to_numpy=True, show_progress_bar=False))


def _model2vec(model: str, embedder: Embedder) -> Embed:
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise _no_library(embedder.kind) from error
    with loading(model):
        folder = model if model.startswith("/") else _fetched(model, embedder.revision)
        network = StaticModel.from_pretrained(folder, force_download=False)
    return lambda texts: np.asarray(network.encode(list(texts), use_multiprocessing=False))


def _fetched(model: str, revision: str | None) -> str:
    """Name the folder of a model of the Hub: what was fetched, where there is no network."""
    from huggingface_hub import snapshot_download

    return snapshot_download(model, revision=revision, allow_patterns=["*.json", "*.safetensors"])


def _no_library(kind: str) -> MissingExtraError:
    return MissingExtraError(
        f"annotate.embedder kind {kind} needs the package {kind}: pip install -e '.[embed]', or take kind characters."
    )


_ENCODERS = {"sentence-transformers": _sentence_transformers, "model2vec": _model2vec}
