"""TRL's DPOTrainer on pairs that are tokenised already and bring the reference's log-probabilities; it tells metrics by language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from trl import DPOTrainer
from trl.trainer import dpo_trainer

from align.batches.arranged import Arranged, WeighsPairs, lengths_of
from align.preferences.metrics import NO_GROUP, GroupRewards

GROUP, CHOSEN, REJECTED = "group", "ref_chosen_logps", "ref_rejected_logps"


@dataclass(frozen=True)
class _Collate:
    """TRL's collator, and beside it the place of each pair's group."""

    pairs: Any
    groups: Sequence[str]

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        import torch

        places = [self.groups.index(row[GROUP]) if row[GROUP] else NO_GROUP for row in rows]
        return {**self.pairs(rows), GROUP: torch.tensor(places)}


class PairTrainer(WeighsPairs, Arranged, DPOTrainer):  # type: ignore[misc]
    """DPOTrainer whose pairs are tokenised, counted and scored by the reference before; TRL 1.16 would do all of it again.

    Without a column of reference log-probabilities (`sync_ref_model`) TRL's own reference makes them, batch by batch.
    """

    loss_weights: list[float]

    def __init__(self, train_dataset: Any, **given: Any) -> None:
        scored = CHOSEN in train_dataset.column_names
        with no_reference_model() if scored else nullcontext():
            super().__init__(train_dataset=train_dataset, **given)
        self.precompute_ref_logps = True  # the loss reads them from the batch in either case
        self._written_weights, self._chosen_tokens = self.loss_weights, lengths_of(train_dataset, "chosen_ids")
        groups = sorted(set(train_dataset[GROUP]))
        self.rewards = GroupRewards(groups)
        self.data_collator = _Collate(self.data_collator, groups)

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        return dataset

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        if GROUP not in self._signature_columns:
            self._signature_columns.append(GROUP)

    def blank_row(self, first: dict[str, Any]) -> dict[str, Any]:
        """Take any pair: its weight is 0, and its metrics are nobody's."""
        return {**first, GROUP: ""}

    def get_batch_samples(self, *given: Any) -> Any:
        """Take the micro-batches of a step, and the length of its chosen answers."""
        rows = self.batches.rows(*self.step_at_hand())
        self._chosen_length = sum(self._chosen_tokens[row] for row in rows) / len(rows)
        return super().get_batch_samples(*given)

    def _weigh_tokens(self, completion_mask: Any) -> None:
        """Weigh the loss `sft`, a mean over a micro-batch's tokens, so that it is the mean over all tokens of the step."""
        if "sft" in self.loss_types:
            chosen = completion_mask.chunk(2)[0]
            share = float(chosen.sum()) / len(chosen) / self._chosen_length
            weights = zip(self.loss_types, self._written_weights, strict=True)
            self.loss_weights = [weight * (share if name == "sft" else 1) for name, weight in weights]

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        self._weigh_tokens(inputs["completion_mask"])
        numbers, outputs = inputs.pop(GROUP), []
        if CHOSEN not in inputs:
            inputs[CHOSEN], inputs[REJECTED] = self.compute_ref_log_probs(self.ref_model or self.model, inputs)

        def watched(**batch: Any) -> Any:
            outputs.append(model(**batch))
            return outputs[-1]

        loss = super()._compute_loss(watched, inputs, return_outputs)
        chosen, rejected = self._summed(outputs[0], inputs)
        self.rewards.add(numbers, self.beta * ((chosen - inputs[CHOSEN]) - (rejected - inputs[REJECTED])))
        return loss

    def _summed(self, outputs: Any, inputs: dict[str, Any]) -> Any:
        """Add up what the model has just said of each answer's tokens, as the loss does."""
        if self.ld_alpha is None:
            return outputs.log_probs.detach().sum(dim=1).chunk(2)
        return self.compute_ref_log_probs(lambda **_: outputs, inputs)  # TRL's own weighted sum, of the same output

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Add the metrics by language to TRL's, whose own go before what it is handed."""
        means = self.rewards.means(self.accelerator)
        for name in means:
            self._metrics["train"].pop(name, None)
        super().log({**logs, **means}, start_time)


@contextmanager
def no_reference_model() -> Iterator[None]:
    """Keep DPOTrainer from loading a model that nothing would ask.

    TRL 1.16 leaves it out for adapters and for its own precomputation alone; the latter hashes all weights first, and
    still loads the model under FSDP.
    """
    load = dpo_trainer.create_model_from_path
    dpo_trainer.create_model_from_path = lambda *_, **__: None
    try:
        yield
    finally:
        dpo_trainer.create_model_from_path = load
