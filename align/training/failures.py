"""What ends a training that is no mistake of ours: full memory, a full disk, another process that is gone; each in its own words."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from align.training.job import Job
from kielo.errors import RecipeError

_ALMOST_FULL_BYTES = 8 << 20
_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
# torch, then safetensors: file size, disk, quota
_FULL = ("unexpected pos", "file write failed", "(os error 27)", "(os error 28)", "(os error 122)")
_PEER = ("connection closed by peer", "connection reset by peer", "remote process has terminated", "peer closed")


@contextmanager
def told_apart(job: Job) -> Iterator[None]:
    """Give full memory and a full disk sentences of their own: torch, safetensors and ROCm tell of them as RuntimeError.

    Raises:
        RecipeError: the training does not fit into memory.
        OSError: the disk is full.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (RuntimeError, SafetensorError, MemoryError) as error:
        if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _MEMORY):
            raise RecipeError(_out_of_memory(job)) from error
        full = any(words in str(error).lower() for words in _FULL)
        if not full and shutil.disk_usage(job.folder).free >= _ALMOST_FULL_BYTES:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(job.folder)) from error


def _out_of_memory(job: Job) -> str:
    """Say what would take less memory, of what is not done already."""
    trainer, lora = job.trainer, job.lora
    lower = {
        "per_device_train_batch_size 1": trainer.get("per_device_train_batch_size") != 1,
        "gradient_checkpointing true": trainer.get("gradient_checkpointing") is not True,
        f"a max_length below {job.longest_row}": True,
        "parallel fsdp2": trainer.get("parallel") == "ddp",
        "lora": lora is None,
        "lora.quantise 4bit": lora is not None and not lora.get("quantise"),
        "more devices": True,
    }
    ways = ", ".join(way for way, helps in lower.items() if helps)
    return f"{job.folder}: out of memory; try these of {job.kind}.trainer, one after the other: {ways}."


def is_lost_peer(error: BaseException) -> bool:
    """Tell whether an error only says that another process of the training is gone; that one has said why."""
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _PEER)
