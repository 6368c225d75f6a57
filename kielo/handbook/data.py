"""The data sets of an alignment-handbook or TRL file, in each of the four ways of writing them, as data sets of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kielo.errors import RecipeError
from kielo.handbook.reading import Reading, plain_name, short

LOCAL = (".jsonl", ".jsonl.gz")
_ENTRY = {"id", "path", "name", "config", "split", "weight", "fraction", "columns", "data_files", "data_dir"}


@dataclass(frozen=True)
class Source:
    """One data set as the file asks for it."""

    place: str
    config: str | None
    split: str
    share: float
    """Of its rows."""


def sources(reading: Reading) -> list[Source]:
    """Take the data sets out of a file.

    Raises:
        RecipeError: they are not written in a way that is known.
    """
    return [*_mixer(reading), *_mixture(reading), *_single(reading)]


def datasets(found: list[Source], kind: str, taken: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name the data sets and write them as a recipe does; their rows are trained on as they are."""
    written: dict[str, dict[str, Any]] = {}
    for source in found:
        name = plain_name(source.place, [*taken, *written])
        path = Path(source.place)
        if path.name.endswith(LOCAL) and path.is_file():
            written[name] = {"kind": kind, "local": str(path.resolve()), "translate": False}
            continue
        written[name] = {"kind": kind, "hub": source.place, "config": source.config, "split": source.split}
        written[name] = {key: value for key, value in written[name].items() if value is not None}
        if source.split == "train":
            del written[name]["split"]
        written[name]["translate"] = False
    return written


def _mixer(reading: Reading) -> Iterator[Source]:
    """Read the handbook's first way: id -> share of the first rows, with splits and configurations apart."""
    splits, configs = reading.take("dataset_splits"), reading.take("dataset_configs")
    mixer = reading.take("dataset_mixer")
    if mixer is None:
        for key, value in (("dataset_splits", splits), ("dataset_configs", configs)):
            if value is not None:
                reading.note("dropped", key, "it belongs to dataset_mixer, which is not there")
        return
    if not isinstance(mixer, dict) or not mixer:
        raise RecipeError(
            f"{reading.where('dataset_mixer')}: dataset_mixer: data sets with shares (id: 1.0) are needed."
        )
    trained = _train_splits(reading, splits)
    given = _listed(configs)
    if configs is not None:
        reading.renamed("dataset_configs", "translate.datasets.*.config", configs)
    for number, (place, share) in enumerate(mixer.items()):
        config = given[number] if number < len(given) else None
        for split in trained:
            yield Source(str(place), _config(config), split, _share(reading, share, "dataset_mixer", str(place)))
    reading.renamed(
        "dataset_mixer", "translate.datasets, with shares in the mix", list(mixer),
        "the first rows of a file there, a seeded draw here",
    )  # fmt: skip


def _train_splits(reading: Reading, splits: Any) -> list[str]:
    listed = [str(split) for split in _listed(splits)]
    trained = [split for split in listed if "test" not in split and "val" not in split] or ["train"]
    if listed:
        held = [split for split in listed if split not in trained]
        more = f"; {', '.join(held)} left out: Kielo evaluates on benchmarks" if held else ""
        reading.note("renamed", "dataset_splits", f"translate.datasets.*.split: {', '.join(trained)}{more}")
    return trained


def _mixture(reading: Reading) -> Iterator[Source]:
    """Read the handbook's second way, and TRL's: a list of data sets, each with its own keys."""
    for key in ("dataset_mixture", "datasets"):
        mixture = reading.take(key)
        if mixture is None:
            continue
        entries = mixture.pop("datasets", None) if isinstance(mixture, dict) else mixture
        where = f"{key}.datasets" if isinstance(mixture, dict) else key
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            raise RecipeError(
                f"{reading.where(key)}: {where}: a list of data sets is needed, each with an id or a path."
            )
        for name, value in mixture.items() if isinstance(mixture, dict) else ():
            _of_mixture(reading, f"{key}.{name}", name, value)
        for entry in entries:
            yield _entry(reading, where, entry)
        _note_entries(reading, where, entries)


def _of_mixture(reading: Reading, key: str, name: str, value: Any) -> None:
    if name == "seed":
        reading.note("dropped", key, "the recipe's seed draws the shares")
    elif name == "test_split_size":
        reading.note("dropped", key, f"no training rows are held out; here {short(value)} would have been")
    else:
        reading.note("unknown", key, "no key of a mixture that Kielo knows")


def _entry(reading: Reading, where: str, entry: Mapping[str, Any]) -> Source:
    place = entry.get("id") or entry.get("path")
    files = _listed(entry.get("data_files"))
    if len(files) == 1 and str(files[0]).endswith(LOCAL):
        place = files[0]
    if not isinstance(place, str):
        raise RecipeError(f"{reading.path}: {where}: a data set without id or path; name it.")
    written = entry.get("weight", entry.get("fraction"))
    share = _share(reading, 1.0 if written is None else written, where, place)
    config = entry.get("config") if "id" in entry else entry.get("name")
    return Source(place, _config(config), str(entry.get("split") or "train"), share)


def _note_entries(reading: Reading, where: str, entries: list[Mapping[str, Any]]) -> None:
    """Say once for each key of the entries what became of it."""
    places = {
        "id": "hub", "path": "hub", "config": "config", "name": "config", "split": "split", "data_files": "local",
        "weight": "share in the mix", "fraction": "share in the mix (of the data set's rows; TRL's is of the mixture)",
    }  # fmt: skip
    for key in dict.fromkeys(key for entry in entries for key in entry):
        values = list(dict.fromkeys(short(entry[key]) for entry in entries if key in entry))
        told = ", ".join(values[:3]) + (", ..." if len(values) > 3 else "")
        if key in places:
            reading.note("renamed", f"{where}[].{key}", f"{places[key]}: {told}")
        elif key in _ENTRY:
            reading.note("dropped", f"{where}[].{key}", f"Kielo finds the columns of a row itself; here {told}")
        else:
            reading.note("unknown", f"{where}[].{key}", "no key of a data set that Kielo knows")


def _single(reading: Reading) -> Iterator[Source]:
    """Read TRL's way for one data set."""
    place, config, split = (reading.take(key) for key in ("dataset_name", "dataset_config", "dataset_train_split"))
    if place is not None:
        yield Source(str(place), _config(config), str(split or "train"), 1.0)
    for key, value, now in (
        ("dataset_name", place, "hub"),
        ("dataset_config", config, "config"),
        ("dataset_train_split", split, "split"),
    ):
        if value is not None:
            reading.renamed(key, f"translate.datasets.*.{now}", value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _config(value: Any) -> str | None:
    return None if value in (None, "default") else str(value)


def _share(reading: Reading, value: Any, where: str, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise RecipeError(
            f"{reading.path}: {where}: the share of {place} is {short(value)}; a number from 0 is needed."
        )
    return float(value)
