"""`kielo doctor --deep`: starts Python as jobs do, with modules and container, and looks at its packages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from kielo.cluster.doctor.file_checks import filled
from kielo.cluster.doctor.findings import Finding, Keyed
from kielo.cluster.profiles.profile import Keys, Profile
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


def deep_findings(profile: Profile, keyed: Keyed) -> Iterator[Finding]:
    """Start Python as jobs do, with modules and container, and see whether it has Kielo's packages."""
    keys: Keys = ("container",) if profile.container else ("python",)
    command = [*_python(profile), "-m", "kielo.cluster.doctor.packages"]
    modules = profile.modules
    if modules:
        counts = ["yes" if modules.purge else "no", str(len(modules.use)), str(len(modules.load))]
        command = ["bash", "-lc", _LOAD, "kielo-doctor", *counts, *modules.use, *modules.load, *command]
    try:
        done = subprocess.run(
            command, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=_SECONDS,
        )  # fmt: skip
    except (FileNotFoundError, PermissionError) as error:
        yield keyed.wrong(keys, f"{command[0]} cannot be run here ({error.strerror})")
        return
    except subprocess.TimeoutExpired:
        yield keyed.wrong(keys, f"Python gave no answer in {_SECONDS:.0f} s")
        return
    if done.returncode == 0:
        yield keyed.ok(keys, "Python starts there and has Kielo's packages")
        return
    failure = done.stderr.strip().splitlines()[-1:] or [f"Python ended with exit code {done.returncode}"]
    for line in done.stdout.strip().splitlines() or failure:
        yield keyed.wrong(keys, line)


def _python(profile: Profile) -> list[str]:
    box = profile.container
    if box is None:
        return [profile.python or sys.executable]
    binds = [part for bind in box.binds for part in (box.bind_option, filled(profile, bind) or bind)]
    options = [filled(profile, option) or option for option in box.options]
    return [*box.command, *binds, *options, filled(profile, box.image) or box.image, profile.python or "python"]
