"""What metrics.jsonl tells of the pairs since the last log, all and by language: margins and accuracies, response-language pairs by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

NO_GROUP = -1
"""The number of a row that only fills a batch."""


class GroupRewards:
    """Sums of one process since the last log; `means` adds those of all processes up."""

    def __init__(self, groups: Sequence[str]) -> None:
        self.groups = tuple(groups)
        self._sums: Any = None

    def add(self, numbers: Any, margins: Any) -> None:
        """Take in the reward margins of some pairs; numbers: (pairs,), places in `groups`; margins: (pairs,)."""
        import torch

        known = numbers != NO_GROUP
        numbers, margins = numbers[known], margins.detach()[known].float()
        rows = torch.stack([torch.ones_like(margins), margins, (margins > 0).float()], dim=1)
        sums = torch.zeros(len(self.groups), 3, device=margins.device).index_add(0, numbers, rows)
        self._sums = sums if self._sums is None else self._sums + sums

    def means(self, accelerator: Any) -> dict[str, float]:
        """Give the mean margin and the accuracy of all pairs and of every group that had some, and begin again; all processes must call it.

        Those of all pairs go by TRL's names: its own are means over micro-batches, whatever these hold.
        """
        import torch

        if self._sums is None:
            self._sums = torch.zeros(len(self.groups), 3, device=accelerator.device)
        totals = accelerator.reduce(self._sums, reduction="sum").tolist()
        self._sums = None
        found = [(f"/{group}", row) for group, row in zip(self.groups, totals, strict=True) if row[0]]
        every = [("", [sum(column) for column in zip(*totals, strict=True)])] if found else []
        return {
            f"{names[not group]}{group}": row[place] / row[0]
            for place, names in ((1, ("margin", "rewards/margins")), (2, ("accuracy", "rewards/accuracies")))
            for group, row in (*every, *found)
        }
