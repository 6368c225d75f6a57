"""Every layout trains the same: equal loss and gradients on real TRL, the first token of a packed document is not trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from align.batches.arrange import Layout
from align.batches.collate import Collator, places
from align.training import cpu_head
from tests.align.architectures import ARCHITECTURES, ISOLATING, conversations, make

LENGTH_GROUPED = ((4, 0), (3, 2), (1, 5))
TOGETHER = (tuple(range(6)),)


def gradients(
    architecture: str, layout: Layout, micro_batches: Sequence[Sequence[int]], rows: Sequence[Any], ours: bool = False
) -> tuple[float, dict[str, Any]]:
    """Train one step as SFTTrainer does: the sum over trained tokens by the trained tokens of the whole step."""
    from trl.trainer.utils import add_fused_lm_head

    model = make(architecture)
    add_fused_lm_head(model, outputs=("log_probs", "entropy", "is_top1"))
    if ours:
        cpu_head.attach(model)
    batches = [Collator(0, layout)([rows[place] for place in held]) for held in micro_batches]
    count = sum(int((batch["labels"][:, 1:] != -100).sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        loss = -model(**batch, fused_lm_head=True).log_probs.sum() / count
        loss.backward()
        total += loss.item()
    return total, {name: value.grad for name, value in model.named_parameters()}


@pytest.mark.parametrize("answers_only", [False, True])
@pytest.mark.parametrize(
    ("architecture", "layout", "micro_batches"),
    [(architecture, "packed", batches) for architecture in ISOLATING for batches in (TOGETHER, ((0, 1, 2), (3, 4, 5)))]
    + [(architecture, "padded", LENGTH_GROUPED) for architecture in ARCHITECTURES],
)
def test_the_same_loss_and_gradients(
    architecture: str, layout: Layout, micro_batches: Sequence[Sequence[int]], answers_only: bool
) -> None:
    rows = conversations(answers_only=answers_only)
    loss, expected = gradients(architecture, "padded", TOGETHER, rows)
    for ours in (False, True):
        found, grads = gradients(architecture, layout, micro_batches, rows, ours)
        assert found == pytest.approx(loss, abs=1e-5)
        for name, gradient in expected.items():
            assert (grads[name] - gradient).abs().max() < 1e-5, name


def test_packing_is_what_bloom_must_not_do() -> None:
    rows = conversations()
    assert gradients("bloom", "packed", TOGETHER, rows)[0] != pytest.approx(
        gradients("bloom", "padded", TOGETHER, rows)[0], abs=1e-3
    )


def test_masking_changes_the_loss() -> None:
    losses = [gradients("llama", "packed", TOGETHER, conversations(answers_only=only))[0] for only in (False, True)]
    assert abs(losses[0] - losses[1]) > 1e-3


def test_packed_rows_are_as_long_as_the_longest_and_padding_stands_alone() -> None:
    rows = conversations((6, 3, 2, 4))
    batch = Collator(0, "packed")(rows)
    assert batch["position_ids"].tolist() == [
        [0, 1, 2, 3, 4, 5],
        [0, 1, 2, 3, 0, 1],
        [0, 1, 2, 0, 0, 0],
    ]
    assert [[label == -100 for label in row] for row in batch["labels"].tolist()] == [
        [True, False, False, False, False, False],
        [True, False, False, False, True, False],
        [True, False, False, True, True, True],
    ]
    for (row, start), tokens in zip(places([6, 3, 2, 4], "packed"), rows, strict=True):
        assert batch["input_ids"][row, start : start + len(tokens["input_ids"])].tolist() == tokens["input_ids"]


def test_a_flat_row_tells_the_kernel_where_documents_end() -> None:
    batch = Collator(0, "flat")(conversations((6, 3, 4)))
    assert batch["input_ids"].shape == (1, 13) and batch["cu_seq_lens_q"].tolist() == [0, 6, 9, 13]
    assert places([6, 3, 4], "flat") == [(0, 0), (0, 6), (0, 9)]
    assert (batch["labels"][0, [0, 6, 9]] == -100).all() and "attention_mask" not in batch


@pytest.mark.parametrize("architecture", ISOLATING)
def test_a_flat_row_without_such_a_kernel_is_right_too(architecture: str) -> None:
    rows = conversations()
    expected = gradients(architecture, "padded", TOGETHER, rows)[0]
    assert gradients(architecture, "flat", TOGETHER, rows)[0] == pytest.approx(expected, abs=1e-5)


def test_packed_training_is_padded_training(sft_place: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from align import sft
    from tests.align.training.test_course import metrics, weights

    runs = {name: sft_place(name, rows=21, trainer=trainer) for name, trainer in (
        ("padded", {"num_train_epochs": 2, "packing": False}), ("packed", {"num_train_epochs": 2, "packing": True}),
    )}  # fmt: skip
    counts = [sft.run(place).counts for place in runs.values()]
    assert counts[0]["steps"] == counts[1]["steps"] == 6, "steps are conversations, packed or not"
    for one, other in zip(*(metrics(Path(place.folder)) for place in runs.values()), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-5) and one["tokens"] == other["tokens"]
    trained = [weights(place.folder) for place in runs.values()]
    assert max((trained[0][name] - trained[1][name]).abs().max().item() for name in trained[0]) < 1e-4
