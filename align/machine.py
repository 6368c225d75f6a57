"""What a training runs on: processes, device and number formats, as far as its arguments and batches depend on them."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Processes, their device, and whether it computes in bfloat16."""

    processes: int
    device: str
    bf16: bool


def this_machine() -> Machine:
    """Look at the devices, and at the launcher's environment for the number of processes."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    return Machine(processes, device, device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))
