"""Tensors of a micro-batch in each layout: rows with padding, rows that hold several conversations, or one row of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from align.batches.arrange import Layout, pack
from align.tokens.masks import IGNORED


@dataclass
class Collator:
    """Makes a batch of rows with `input_ids` and `labels`; the layout may be set until training begins."""

    pad_token_id: int
    layout: Layout = "padded"

    def __call__(self, rows: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Any]:
        """Build the tensors that the model is called with."""
        if self.layout == "packed":
            return self._packed(rows)
        from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

        made: dict[str, Any] = DataCollatorForLanguageModeling(self.pad_token_id, padding_free=self.layout == "flat")(
            rows
        )
        return made

    def _packed(self, rows: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Any]:
        """Pack conversations; transformers makes the mask that keeps them apart from positions that begin anew.

        The first token of each has no label: its predecessor belongs to another one. A padding token has position 0,
        so that it is a document of its own.
        """
        import torch

        lengths = [len(row["input_ids"]) for row in rows]
        found = places(lengths, "packed")
        shape = (1 + max(row for row, _ in found), max(lengths))
        input_ids, labels = torch.full(shape, self.pad_token_id), torch.full(shape, IGNORED)
        position_ids = torch.zeros(shape, dtype=torch.long)
        for (row, start), length, tokens in zip(found, lengths, rows, strict=True):
            end = start + length
            input_ids[row, start:end] = torch.tensor(tokens["input_ids"])
            labels[row, start + 1 : end] = torch.tensor(tokens["labels"][1:], dtype=torch.long)
            position_ids[row, start:end] = torch.arange(length)
        return {"input_ids": input_ids, "labels": labels, "position_ids": position_ids}


def places(lengths: Sequence[int], layout: Layout) -> list[tuple[int, int]]:
    """Tell in which row and from which token on each conversation stands."""
    if layout == "padded":
        return [(row, 0) for row in range(len(lengths))]
    rows = [list(range(len(lengths)))] if layout == "flat" else pack(lengths, max(lengths))
    found: dict[int, tuple[int, int]] = {}
    for row, held in enumerate(rows):
        start = 0
        for place in held:
            found[place] = (row, start)
            start += lengths[place]
    return [found[place] for place in range(len(lengths))]
