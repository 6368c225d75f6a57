"""From a profile's name to the profile: a file of slurm/, or one's own, over the one it is based on, read as strictly as a recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kielo import strict_yaml
from kielo.cluster.profiles.links import broken_links
from kielo.cluster.profiles.profile import Profile
from kielo.errors import RecipeError, UsageError, at
from kielo.provenance import CHECKOUT
from kielo.recipe.reading import nearest, sentence_of

PROFILES = CHECKOUT / "slurm"
DEVICES = PROFILES / "devices.yaml"
Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class ProfileFiles:
    """The files that a profile is read from, the one that was asked for first, and what the command line changed."""

    files: tuple[tuple[Path, strict_yaml.Lines], ...]
    changes: Mapping[Keys, str]

    def place(self, keys: Keys) -> str:
        """Name the place of a key, or of its nearest parent: `slurm/lumi.yaml, line 12`, or the option that set it."""
        source, lines = self._source(keys)
        return at(source, strict_yaml.line_of(keys, lines))

    def sentence(self, error: ValidationError) -> str:
        """Say the first mistake that the schema found, in the file that it stands in."""
        # As `sentence_of` chooses: a misspelt key before the right spelling that is then missing.
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        source, lines = self._source(first["loc"])
        return sentence_of(error, Path(source), lines, Profile)

    def _source(self, keys: Keys) -> tuple[str, strict_yaml.Lines]:
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.changes:
                return self.changes[keys[:length]], {}
            for path, lines in self.files:
                if keys[:length] in lines:
                    return str(path), lines
        return str(self.files[0][0]), self.files[0][1]


def known_profiles() -> list[str]:
    """List the profiles that ship with Kielo."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml") if path != DEVICES)


def known_devices() -> list[str]:
    """List the devices of slurm/devices.yaml."""
    return list(strict_yaml.load(DEVICES)[0])


def load_profile(name: str, changes: Sequence[str] = (), account: str | None = None) -> Profile:
    """Read a profile by its name or its file; `changes` are `key.key=value` of the command line.

    The account is that of the command line, else the profile's, else SBATCH_ACCOUNT's.

    Raises:
        UsageError: there is no such profile, or a change is not `key=value`.
        RecipeError: one sentence with the file, the line and the fix.
    """
    return load_with_files(name, changes, account)[0]


def load_with_files(name: str, changes: Sequence[str] = (), account: str | None = None) -> tuple[Profile, ProfileFiles]:
    """Read a profile as `load_profile` does, and where its keys stand."""
    path = _file(name)
    values, read = _read(path)
    changed = {_apply(values, change): f"--set {change}" for change in changes}
    if account is not None:
        values["account"], changed["account",] = account, f"--account {account}"
    elif values.get("account") is None and os.environ.get("SBATCH_ACCOUNT"):
        values["account"], changed["account",] = os.environ["SBATCH_ACCOUNT"], "SBATCH_ACCOUNT"
    files = ProfileFiles(tuple(read), changed)
    values.setdefault("name", path.stem)
    try:
        profile = Profile.model_validate(values)
    except ValidationError as error:
        raise RecipeError(files.sentence(error)) from error
    for keys, sentence in broken_links(profile, known_devices()):
        raise RecipeError(f"{files.place(keys)}: {'.'.join(map(str, keys))}: {sentence}.")
    return profile, files


def _file(name: str) -> Path:
    if name in known_profiles():
        return PROFILES / f"{name}.yaml"
    if Path(name).suffix not in (".yaml", ".yml"):
        raise UsageError(
            f"--profile {name}: no such profile; {nearest(name, known_profiles())} Or give the path of a .yaml file."
        )
    if not Path(name).exists():
        raise UsageError(f"--profile {name}: no such file; kielo profile new writes one.")
    return Path(name)


def _read(path: Path, seen: tuple[Path, ...] = ()) -> tuple[dict[str, Any], list[tuple[Path, strict_yaml.Lines]]]:
    """Read a file over the one that its `based_on` names."""
    values, lines = strict_yaml.load(path)
    base = values.pop("based_on", None)
    if base is None:
        return values, [(path, lines)]
    place, seen = at(path, lines["based_on",]), (*seen, path.resolve())
    if not isinstance(base, str):
        raise RecipeError(f"{place}: based_on must name another profile.")
    below = PROFILES / f"{base}.yaml" if base in known_profiles() else path.parent / base
    if below.resolve() in seen:
        raise RecipeError(f"{place}: based_on goes round in a circle; one of the profiles must stand by itself.")
    if not below.is_file():
        raise RecipeError(
            f"{place}: based_on: no profile '{base}'; {nearest(base, known_profiles())} Or a file beside this one."
        )
    values_below, read = _read(below, seen)
    values_below.pop("name", None)
    return _over(values_below, values), [(path, lines), *read]


def _over(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Lay nested mappings over one another; lists are replaced."""
    merged = dict(base)
    for key, value in values.items():
        below = base.get(key)
        merged[key] = _over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _apply(values: dict[str, Any], change: str) -> Keys:
    written, equals, value = change.partition("=")
    keys = written.split(".")
    if not equals or not all(keys):
        raise UsageError(f"--set {change}: write key.key=value, such as jobs.train.nodes=8.")
    inner: Any = values
    for key in keys[:-1]:
        below = inner.get(key)
        if below is not None and not isinstance(below, dict):
            raise UsageError(f"--set {change}: '{key}' of the profile holds no keys.")
        inner[key] = below or {}
        inner = inner[key]
    inner[keys[-1]] = strict_yaml.read_value(value)
    return tuple(keys)
