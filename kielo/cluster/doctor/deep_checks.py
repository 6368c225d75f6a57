"""`kielo doctor --deep`: starts Python as jobs do, with modules and container, and looks at its packages and at the folders inside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kielo.cluster.doctor.file_checks import existing, filled
from kielo.cluster.doctor.findings import Finding, Keyed
from kielo.cluster.hub.needs import usual_cache
from kielo.cluster.hub.prefetch import hub_cache
from kielo.cluster.profiles.profile import Profile
from kielo.cluster.profiles.reading import Keys
from kielo.errors import UsageError
from kielo.provenance import CHECKOUT

_SECONDS = 600.0
# `module` is a function of the login shell; what it is given stands in arguments, so that nothing of it is evaluated.
_LOAD = """
purge=$1 uses=$2 loads=$3; shift 3
[ "$purge" = no ] || module purge
for (( ; uses > 0; uses-- )); do module use "$1"; shift; done
for (( ; loads > 0; loads-- )); do module load "$1"; shift; done
exec "$@"
"""
_LOOK = 'for each; do if [ ! -d "$each" ]; then echo absent; elif [ -w "$each" ]; then echo there; else echo closed; fi; done'


def deep_findings(profile: Profile, run: Path, keyed: Keyed) -> Iterator[Finding]:
    """Start what jobs start, with modules and container: are the folders there, and has Python Kielo's packages?"""
    keys: Keys = ("container",) if profile.container else ("python",)
    try:
        if profile.container:
            yield from _folders(profile, run.absolute(), keyed)
        python = profile.python or ("python" if profile.container else sys.executable)
        done = _called(profile, run, [python, "-m", "kielo.cluster.doctor.packages"])
    except (FileNotFoundError, PermissionError) as error:
        yield keyed.wrong(keys, f"{error.filename} cannot be run here ({error.strerror})")
        return
    except subprocess.TimeoutExpired:
        yield keyed.wrong(keys, f"there was no answer in {_SECONDS:.0f} s")
        return
    if done.returncode == 0:
        yield keyed.ok(keys, "Python starts there and has Kielo's packages")
        return
    failure = done.stderr.strip().splitlines()[-1:] or [f"Python ended with exit code {done.returncode}"]
    for line in done.stdout.strip().splitlines() or failure:
        yield keyed.wrong(keys, line)


def _folders(profile: Profile, run: Path, keyed: Keyed) -> Iterator[Finding]:
    """Look from inside the container for what every job reads or writes; what is yet to be made, for the folder it will lie in."""
    asked = {"this checkout": CHECKOUT, "the run folder": existing(run)}
    if cache := _cache(profile):
        asked["the Hub's cache"] = existing(cache)
    done = _called(profile, run, ["sh", "-c", _LOOK, "kielo-doctor", *map(str, asked.values())])
    answers = done.stdout.split()[-len(asked) :]
    if done.returncode != 0 or not set(answers) <= {"there", "closed", "absent"}:
        return  # the image does not start: the next question says why
    keys: Keys = ("container", "binds")
    for (what, path), answer in zip(asked.items(), answers, strict=True):
        if answer == "absent":
            yield keyed.wrong(keys, f"{what} is not seen inside: {path}; add '{path}:{path}'")
        elif answer == "closed" and path != CHECKOUT:
            yield keyed.wrong(keys, f"{what} cannot be written inside: {path}; bind it without `:ro`, '{path}:{path}'")
        else:
            yield keyed.ok(keys, f"{what} is seen inside: {path}")


def _cache(profile: Profile) -> Path | None:
    try:
        return hub_cache(profile) or usual_cache()
    except UsageError:  # said already, of the key hub_cache
        return None


def _called(profile: Profile, run: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command as jobs run theirs.

    Raises:
        FileNotFoundError, PermissionError: what starts it is no program here.
        subprocess.TimeoutExpired: it gives no answer.
    """
    whole, modules = [*_box(profile, run), *command], profile.modules
    if modules:
        counts = ["yes" if modules.purge else "no", str(len(modules.use)), str(len(modules.load))]
        whole = ["bash", "-lc", _LOAD, "kielo-doctor", *counts, *modules.use, *modules.load, *whole]
    return subprocess.run(
        whole, cwd=CHECKOUT, env={**os.environ, **_variables(profile)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace", timeout=_SECONDS,
    )  # fmt: skip


def _variables(profile: Profile) -> dict[str, str]:
    """Give a job's variables, but for those that only a job knows; some decide which packages Python finds."""
    known = {name: filled(profile, written) for name, written in profile.variables().items()}
    return {name: value for name, value in known.items() if value is not None} | {"PYTHONPATH": str(CHECKOUT)}


def _box(profile: Profile, run: Path) -> list[str]:
    """Spell out how the container is started, up to what runs inside."""
    box = profile.container
    if box is None:
        return []
    inside = [part for bind in box.binds for part in (box.bind_option, bind)] + list(box.options) + [box.image]
    known = [written.replace("{run}", str(run)) for written in inside]
    return [*box.command, *(filled(profile, written) or written for written in known)]
