"""Packs a training where that is asked for or cheaper, and only where the model, as it is trained, keeps documents apart."""

from __future__ import annotations

import sys
from typing import Any

from transformers import TrainerCallback

from align.batches.collate import Collator
from align.batches.isolation import Isolation, measure
from align.batches.steps import MicroBatches


class ChooseLayout(TrainerCallback):
    """Looks at the model as it is trained, on its devices and in its parts, before the first batch is made."""

    def __init__(self, batches: MicroBatches, collate: Collator) -> None:
        self.batches, self.collate = batches, collate

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Pack if the model keeps documents apart; else say that it is trained unpacked."""
        wanted = self.batches.wanted
        if wanted == "padded":
            return
        found = measure(model, wanted)
        if _all_agree(found, args.device):
            self.batches.layout = self.collate.layout = wanted
        elif args.process_index == 0:
            print(f"{found.sentence(model.config.model_type)}.", file=sys.stderr, flush=True)


def _all_agree(found: Isolation, device: Any) -> bool:
    """Let one process that sees a difference decide for all."""
    import torch
    from torch import distributed

    holds = torch.tensor(int(found.holds), device=device)
    if distributed.is_initialized():
        distributed.all_reduce(holds, distributed.ReduceOp.MIN)
    return bool(holds)
