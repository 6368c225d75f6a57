"""A run folder with all that the step `select` reads of 4,400 Finnish-like rows, for the benchmark of whole selections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from align.selection.pool import Floats
from kielo.plan import Workplace, make_plan
from kielo.recipe.reading import load
from kielo.records import Conversation, Message, write_jsonl, write_records
from kielo.schema.selection import Method

ROWS = 4_400
LABELS, DIMENSIONS = 141, 384
_RECIPE = """\
language: fi
model: pocket
translate:
  prompt: {{shots: 3, shots_file: pocket}}
  datasets: {{pool: {{kind: conversations, pocket: oasst2}}}}
sft:
  mixes:
    few: {{shares: {{fi: 1.0}}, select: {{method: {method}, size: {size}{near_duplicates}}}}}
"""
_LETTERS = np.array(list("aeiouyäöklmnprstvhj"))


def write_inputs(folder: Path) -> None:
    """Write the translation and the annotations of the rows; every tenth prompt is nearly another one."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(_LETTERS, size)) for size in random.integers(3, 13, 4_000)]
    ids = [f"pool/{number:05d}" for number in range(ROWS)]
    prompts = [_text(words, random, 29) for _ in ids]
    prompts[1::10] = [f"{prompt} {words[0]}" for prompt in prompts[::10]]
    answers = [_text(words, random, size) for size in random.integers(20, 200, ROWS)]
    rows = zip(ids, prompts, answers, strict=True)
    write_records(
        folder / "translate/pool/accepted.jsonl",
        (
            Conversation(own, "fi", (Message("user", prompt), Message("assistant", answer)))
            for own, prompt, answer in rows
        ),
    )
    quality = zip(ids, random.uniform(-0.4, 0, ROWS).tolist(), strict=True)
    write_jsonl(
        folder / "translate/pool/translations.jsonl",
        (
            {"id": own, "source": "x" * 200, "accepted": True, "logprob": value, "findings": []}
            for own, value in quality
        ),
    )
    _annotate(folder / "annotate/pool", ids, random)


def _text(words: list[str], random: np.random.Generator, size: int) -> str:
    return " ".join(words[number] for number in random.integers(0, len(words), size))


def _annotate(folder: Path, ids: list[str], random: np.random.Generator) -> None:
    names = [f"c{number:03d}" for number in range(LABELS)]
    write_jsonl(folder / "annotations.jsonl", _annotations(ids, names, random))
    (folder / "label_names.txt").write_text("".join(f"{name}\n" for name in names), "utf-8")
    centres = _unit(random.normal(size=(LABELS, DIMENSIONS)))
    np.save(folder / "label_vectors.npy", centres)
    near = centres[random.integers(0, LABELS, ROWS)] + random.normal(scale=0.04, size=(ROWS, DIMENSIONS))
    np.save(folder / "embeddings.npy", _unit(near))


def _annotations(ids: list[str], names: list[str], random: np.random.Generator) -> Iterator[dict[str, object]]:
    for own in ids:
        score, difficulty = random.uniform(1, 36), random.uniform(0.2, 1.1)
        labels = [names[number] for number in np.sort(random.choice(LABELS, 6, replace=False))]
        yield {"id": own, "labels": labels, "score": score, "ifd": difficulty}


def _unit(vectors: Floats) -> NDArray[np.float32]:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)


def workplace(folder: Path, method: Method, size: int, thinned: bool) -> Workplace:
    """Make the step of one method, of a recipe that is written into the folder."""
    written = folder / f"{method}.yaml"
    near_duplicates = ", near_duplicates: {}" if thinned else ""
    written.write_text(_RECIPE.format(method=method, size=size, near_duplicates=near_duplicates), "utf-8")
    recipe = load(written)
    (step,) = (step for step in make_plan(recipe) if step.kind == "select")
    return Workplace(step, recipe, folder / "select" / method, {name: folder / name for name in step.inputs})
