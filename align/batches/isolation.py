"""Whether a model keeps packed documents apart: measured on the model itself, before anything is trained packed.

BLOOM and MPT do not: their positions come from the distance to the row's beginning, they read no `position_ids`, and TRL
packs them without a word (trl#805). Runs wherever the model lies, sharded over processes or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from align.batches.arrange import Layout
from align.batches.collate import Collator, places

_LENGTHS = (40, 21, 13)  # the second and the third share a row, which has room left for padding
_RELATIVE, _NOISES = 1e-5, 4.0


@dataclass(frozen=True)
class Isolation:
    """Largest differences of log-probabilities, each against the same document alone."""

    packed: float
    """Of documents as they are packed in training."""
    joined: float
    """Of a document that follows another one as its continuation: what a model that mixes them shows."""
    tolerance: float

    @property
    def holds(self) -> bool:
        """Tell whether packed documents are the same as alone."""
        return self.packed <= self.tolerance and self.packed <= self.joined / 2

    def sentence(self, model_type: str) -> str:
        """Say what was found."""
        if self.holds:
            return f"packed documents do not see each other on {model_type} (log-probabilities differ by {self.packed:.1g} at most)"
        return f"packed documents see each other on {model_type} (log-probabilities differ by {self.packed:.1g}), so it is trained unpacked, grouped by length"


def packed_layout(model: Any) -> Layout:
    """Name the layout in which a model is packed: one row where its attention takes the documents' lengths, else rows."""
    return "flat" if "flash" in str(model.config._attn_implementation) else "packed"


def measure(model: Any, layout: Layout) -> Isolation:
    """Compare three packed documents with each of them alone.

    In 32 bits 1e-5 of the largest log-probability is arithmetic. In 16 bits the same document already differs from
    itself when it is padded, since other kernels round otherwise; four times that is no sign of its neighbours yet,
    but at most half of what a document shows that truly follows another.
    """
    import torch

    generator = torch.Generator().manual_seed(0)
    vocabulary = model.config.get_text_config().vocab_size
    documents = [torch.randint(vocabulary, (length,), generator=generator).tolist() for length in _LENGTHS]
    with _evaluating(model):
        alone = [_log_probs(model, [document], "padded")[0] for document in documents]
        packed = _log_probs(model, documents, layout)
        padded = _log_probs(model, documents, "padded")
        joined = _log_probs(model, [documents[1] + documents[2]], "padded")[0][_LENGTHS[1] :]
    noise = max(map(_difference, padded, alone))
    scale = max(float(each.abs().max()) for each in alone)
    return Isolation(
        max(map(_difference, packed, alone)),
        _difference(joined, alone[2]),
        max(_RELATIVE * scale, _NOISES * noise),
    )


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Turn dropout and noise off for a while."""
    import torch

    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def _log_probs(model: Any, documents: Sequence[Sequence[int]], layout: Layout) -> list[Any]:
    """Compute the log-probabilities of every document in a layout, in 32 bits: (tokens, vocabulary) each."""
    import torch

    device = next(model.parameters()).device
    batch = Collator(0, layout)([{"input_ids": document, "labels": document} for document in documents])
    del batch["labels"]
    moved = {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in batch.items()}
    scores = torch.log_softmax(model(**moved, use_cache=False).logits.float(), dim=-1)
    lengths = [len(document) for document in documents]
    found = zip(places(lengths, layout), lengths, strict=True)
    return [scores[row, start : start + length] for (row, start), length in found]


def _difference(one: Any, other: Any) -> float:
    return float((one - other).abs().max())
