"""The sheet that the step `annotate` fills: what was found of every row, why something was not, and the files that come of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from align.annotations.asking import Askers, Unread
from align.annotations.difficulty import ask_difficulty
from align.annotations.embedder import Vectors, embed_names, make_embedder
from align.annotations.known import ANNOTATIONS
from align.annotations.rows import Row
from kielo.errors import SourceError
from kielo.plan import Outcome, Workplace
from kielo.records import replacing, write_jsonl
from kielo.schema import Engine


@dataclass
class Sheet:
    """The annotations as they come: a row of the file for each row, and why something is not known of it."""

    place: Workplace
    rows: list[Row]
    askers: Askers
    found: list[dict[str, Any]] = field(init=False)
    outputs: list[str] = field(default_factory=lambda: [ANNOTATIONS])
    counts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.found = [{"id": row.id} for row in self.rows]
        self.failed: list[list[str]] = [[] for _ in self.rows]

    @property
    def ids(self) -> list[str]:
        """List the rows' ids."""
        return [row.id for row in self.rows]

    @cached_property
    def embed(self) -> Callable[[Sequence[str]], Vectors]:
        """Embed texts by the recipe's embedder."""
        return make_embedder(self.place.recipe, "embeddings")

    def embed_names(self, names: Sequence[str]) -> Vectors:
        """Embed the names of labels."""
        return embed_names(names, self.embed, self.place.recipe)

    @cached_property
    def vectors(self) -> Vectors:
        """Embed the rows' prompts."""
        vectors = self.embed([row.prompt for row in self.rows])
        for reasons, vector in zip(self.failed, vectors, strict=True):
            if not vector.any():
                reasons.append("embedding: no text to embed")
        return vectors

    @cached_property
    def difficulties(self) -> list[float | Unread]:
        """Measure the rows' difficulty by the base model."""
        recipe = self.place.recipe
        engine = recipe.annotate.scores.engine if recipe.annotate.scores.kind == "ifd" else None
        asker = self.askers.of(engine or Engine())
        return ask_difficulty(asker.generator, asker.store, self.rows)

    def note(self, key: str, values: Sequence[Any]) -> None:
        """Write what was found of every row under a key; what is Unread is null, and its reason noted.

        Raises:
            SourceError: nothing was found of any row.
        """
        if all(isinstance(value, Unread) for value in values):
            told = ", ".join(f"{count} x {reason}" for reason, count in Counter(each.reason for each in values).items())
            raise SourceError(
                f"{self.place.step.name}: {key} of no row is known ({told}); look at annotate in the recipe."
            )
        for row, reasons, value in zip(self.found, self.failed, values, strict=True):
            row[key] = None if isinstance(value, Unread) else value
            if isinstance(value, Unread):
                reasons.append(f"{key}: {value.reason}")

    def add(self, key: str, values: Sequence[Any]) -> None:
        """Write what goes with another key, whose reason is noted already."""
        for row, value in zip(self.found, values, strict=True):
            row[key] = value

    def write_vectors(self, name: str, vectors: Vectors) -> None:
        """Write vectors as one of the step's outputs."""
        with replacing(self.place.folder / name) as stream:
            np.save(stream, vectors, allow_pickle=False)
        self.outputs.append(name)

    def write_lines(self, name: str, lines: Sequence[str]) -> None:
        """Write lines of text as one of the step's outputs."""
        with replacing(self.place.folder / name) as stream:
            stream.write("".join(f"{line}\n" for line in lines).encode())
        self.outputs.append(name)

    def finish(self) -> Outcome:
        """Write annotations.jsonl, and count the reasons for what is not known."""
        reasons = dict(sorted(Counter(reason for each in self.failed for reason in each).items()))
        rows = [
            {**row, **({"failed": "; ".join(why)} if why else {})}
            for row, why in zip(self.found, self.failed, strict=True)
        ]
        write_jsonl(self.place.folder / ANNOTATIONS, rows)
        counts = {"rows": len(rows), "failed_rows": sum(map(bool, self.failed)), "failed": reasons, **self.counts}
        return Outcome(tuple(self.outputs), counts)
