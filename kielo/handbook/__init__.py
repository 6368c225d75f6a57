"""`kielo import`: an alignment-handbook or TRL file, or one of each training, as a recipe; every key is kept or accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import RecipeError, UsageError
from kielo.handbook.adapters import adapters
from kielo.handbook.data import Source, datasets, sources
from kielo.handbook.model import base_model, chat_template
from kielo.handbook.reading import Note, Reading, plain_name, read
from kielo.handbook.training import loss_on, preference_loss, trainer
from kielo.languages.pack import language
from kielo.schema import Recipe

__all__ = ["Imported", "Note", "convert"]
MIX, PLACE_HOLDER = "imported", "your-name/your-conversations"


@dataclass(frozen=True)
class Imported:
    """A recipe's values, the chat template that a file held, and what became of every key."""

    values: dict[str, Any]
    template: str | None
    notes: tuple[Note, ...]


def convert(files: Sequence[Path], code: str, devices: int | None) -> Imported:
    """Turn a file of SFT, of DPO, or one of each into a recipe for a target language.

    Raises:
        UsageError: two files of one training.
        RecipeError: a file cannot be read, or there is no language of that code.
    """
    code = language(code).code
    readings: Mapping[str, Reading] = {reading.task: reading for reading in map(read, files)}
    if len(readings) < len(files):
        raise UsageError(f"two files train by {next(iter(readings))}; give one of sft, one of dpo, or one of each.")
    ordered = [readings[task] for task in ("sft", "dpo") if task in readings]
    values: dict[str, Any] = {"language": code, **base_model(ordered)}
    named, template = chat_template(ordered)
    values |= {"chat_template": named, "translate": {"datasets": {}}}
    if "sft" not in readings:
        values["sft"] = _place_holder(ordered[0], values)
    for reading in ordered:
        part = _sft if reading.task == "sft" else _dpo
        values[reading.task] = part(reading, values, devices)
    return Imported(values, template, tuple(note for reading in ordered for note in _in_order(reading)))


def _in_order(reading: Reading) -> list[Note]:
    """Put the notes into the order of the file, what was added last."""
    lines = {str(keys[0]): line for keys, line in reading.lines.items() if len(keys) == 1}
    end = max(lines.values(), default=0) + 1
    place = {note: end if note.fate == "added" else lines.get(note.top, end) for note in reading.notes}
    return sorted(reading.notes, key=place.__getitem__)


def _source_language() -> str:
    return str(Recipe.model_fields["source_language"].default)


def _sft(reading: Reading, values: dict[str, Any], devices: int | None) -> dict[str, Any]:
    lora, found = adapters(reading), _data(reading)
    noise = reading.take("neftune_noise_alpha")
    part: dict[str, Any] = {"loss_on": loss_on(reading), "lora": lora, "mixes": {MIX: _mix(reading, found, values)}}
    if noise:
        part["runs"] = {"neftune": {"mix": MIX, "neftune_noise_alpha": noise}}
        reading.renamed(
            "neftune_noise_alpha", "sft.runs.neftune.neftune_noise_alpha", noise, f"sft/{MIX} trains without"
        )
    elif noise is not None:
        reading.note("dropped", "neftune_noise_alpha", "no noise")
    part = {"trainer": trainer(reading, devices, lora), **part}
    return {key: value for key, value in part.items() if value is not None}


def _data(reading: Reading) -> list[Source]:
    written = sources(reading)
    found = [source for source in written if source.share]
    for source in written:
        if not source.share:
            reading.note("dropped", source.place, "a share of 0: nothing is taken of it")
    if not found:
        raise RecipeError(
            f"{reading.path}: no data set of which anything is taken (dataset_mixer, dataset_mixture, datasets, dataset_name); name one."
        )
    return found


def _mix(reading: Reading, found: list[Source], values: dict[str, Any]) -> dict[str, Any]:
    """Write what the file mixes: all rows are taken for those of the source language, as nothing says otherwise."""
    code = _source_language()
    named = datasets(found, "conversations", values["translate"]["datasets"])
    values["translate"]["datasets"] |= named
    reading.note(
        "added", "translate", f"every data set is read as '{code}' rows and trained on untranslated, as the file does; without translate: false, and with {values['language']} beside {code} in the mix, its translation is trained on, too",
    )  # fmt: skip
    shares = {name: source.share for name, source in zip(named, found, strict=True)}
    if len(set(shares.values())) == 1:
        return {"shares": {code: found[0].share}}
    return {"sources": {name: {"shares": {code: share}} for name, share in shares.items()}}


def _dpo(reading: Reading, values: dict[str, Any], devices: int | None) -> dict[str, Any]:
    lora, found = adapters(reading), _data(reading)
    named = datasets(found, "preferences", values["translate"]["datasets"])
    values["translate"]["datasets"] |= named
    for name, source in zip(named, found, strict=True):
        if source.share != 1:
            reading.note("added", name, f"a share of {source.share:g} of pairs cannot be written; all of them are used")
    if reading.take("neftune_noise_alpha") is not None:
        reading.note("dropped", "neftune_noise_alpha", "noise is for fine-tuning (sft.runs)")
    keys: dict[str, Any] = {}
    preference_loss(reading, keys)
    beta = reading.take("beta")
    if beta is not None:
        reading.note("kept", "beta", f"{beta}")
    reading.note(
        "added",
        "dpo.accept",
        "pairs that teach nothing, mix languages or are over-long are refused and counted, unless it names them",
    )
    part = {
        "start": f"sft/{MIX}", "beta": beta, "trainer": {**trainer(reading, devices, lora), **keys}, "lora": lora,
        "runs": {plain_name("dpo", ()): {"data": {name: [_source_language()] for name in named}}},
    }  # fmt: skip
    return {key: value for key, value in part.items() if value is not None}


def _place_holder(reading: Reading, values: dict[str, Any]) -> dict[str, Any]:
    """Make the fine-tuning that a preference tuning starts from in Kielo, and that a DPO file takes for granted."""
    name = plain_name(PLACE_HOLDER, values["translate"]["datasets"])
    values["translate"]["datasets"][name] = {"kind": "conversations", "hub": PLACE_HOLDER, "translate": False}
    reading.note(
        "added", "sft", f"a PLACE-HOLDER ({PLACE_HOLDER}): Kielo tunes preferences of a model that it fine-tuned; put the base model into model: and its data here, or import the SFT file with this one",
    )  # fmt: skip
    return {"mixes": {MIX: {"shares": {_source_language(): 1.0}}}}
