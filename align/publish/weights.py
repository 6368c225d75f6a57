"""Writes a model's weights in 16 bits and in files that the Hub takes, one such file in memory at a time."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from align.training.job import CARD, MODEL_RECORD
from kielo.errors import RunFolderError
from kielo.records import read_json, write_json
from kielo.sharing.folder import link_or_copy

MOST_BYTES = 5_000_000_000
"""Of one file: what the Hub recommends for weights, and what a slow line can send in one go."""
INDEX = "model.safetensors.index.json"
_NOT_PASSED_ON = frozenset({CARD, MODEL_RECORD, INDEX})
_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
_TO_16_BITS = ("F64", "F32")


@dataclass(frozen=True)
class Tensor:
    """One tensor of a model: the file it lies in, and its bytes as it is published."""

    name: str
    file: str
    bytes: int
    cast: bool


@dataclass(frozen=True)
class Weights:
    """The files that will hold the weights, each with its tensors, in the model's order."""

    shards: Mapping[str, tuple[Tensor, ...]]
    as_they_are: bool
    """Whether the files of the run are published without a change."""

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of every file, without its header."""
        return {name: sum(tensor.bytes for tensor in tensors) for name, tensors in self.shards.items()}


def plan_weights(folder: Path, most_bytes: int = MOST_BYTES) -> Weights:
    """Plan the files; only their headers are read.

    Raises:
        RunFolderError: there are no weights.
    """
    files = sorted(path.name for path in folder.glob("*.safetensors"))
    if not files:
        raise RunFolderError(f"{folder}: holds no weights (*.safetensors); make its training again (--redo).")
    tensors = {name: _tensors(folder / name) for name in files}
    whole = {name: tuple(found) for name, found in tensors.items()}
    if not any(tensor.cast for found in whole.values() for tensor in found) and all(
        (folder / name).stat().st_size <= most_bytes for name in files
    ):
        return Weights(whole, True)
    shards = _split([tensor for found in tensors.values() for tensor in found], most_bytes)
    if len(shards) == 1:
        return Weights({"model.safetensors": tuple(shards[0])}, False)
    names = (f"model-{place:05d}-of-{len(shards):05d}.safetensors" for place in range(1, len(shards) + 1))
    return Weights({name: tuple(shard) for name, shard in zip(names, shards, strict=True)}, False)


def write_model(source: Path, target: Path, weights: Weights) -> None:
    """Write a model folder: weights as planned, everything else as it is but for the number format in its configuration."""
    for name in weights.shards if weights.as_they_are else ():
        link_or_copy(source / name, target / name)
    for name in passed_on(source):
        shutil.copy2(source / name, target / name)
    for name, tensors in () if weights.as_they_are else weights.shards.items():
        _write_shard(source, target / name, tensors)
    if len(weights.shards) > 1:
        places = {tensor.name: name for name, tensors in weights.shards.items() for tensor in tensors}
        write_json(target / INDEX, {"metadata": {"total_size": sum(weights.sizes.values())}, "weight_map": places})
    if any(tensor.cast for tensors in weights.shards.values() for tensor in tensors):
        _say_16_bits(target / "config.json")


def passed_on(folder: Path) -> list[str]:
    """List the files of a model folder that are published as they are, but for its weights."""
    files = (path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".safetensors")
    return [path.name for path in files if path.name not in _NOT_PASSED_ON]


def _tensors(file: Path) -> list[Tensor]:
    from safetensors import safe_open

    found = []
    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118 - no mapping
            part = opened.get_slice(name)
            kind = part.get_dtype()
            cast = kind in _TO_16_BITS
            found.append(
                Tensor(name, file.name, math.prod(part.get_shape()) * (2 if cast else _BYTES.get(kind, 1)), cast)
            )
    return found


def _split(tensors: Sequence[Tensor], most_bytes: int) -> list[list[Tensor]]:
    shards: list[list[Tensor]] = [[]]
    for tensor in tensors:
        if shards[-1] and sum(each.bytes for each in shards[-1]) + tensor.bytes > most_bytes:
            shards.append([])
        shards[-1].append(tensor)
    return shards


def _write_shard(source: Path, target: Path, tensors: Sequence[Tensor]) -> None:
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    values: dict[str, Any] = {}
    for file in dict.fromkeys(tensor.file for tensor in tensors):
        with safe_open(source / file, framework="pt") as opened:
            for tensor in tensors:
                if tensor.file == file:
                    value = opened.get_tensor(tensor.name)
                    values[tensor.name] = value.to(torch.bfloat16) if tensor.cast else value
    save_file(values, target, metadata={"format": "pt"})


def _say_16_bits(file: Path) -> None:
    """Name the new number format where the configuration names one."""
    config = read_json(file)
    if config is None:
        return
    text = json.dumps({**config, **{key: "bfloat16" for key in ("dtype", "torch_dtype") if key in config}}, indent=2)
    file.write_text(f"{text}\n", "utf-8")
