"""What a result was made from: fingerprints, versions, git state, and the fields in which two makings differ."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
_ABSENT = "(absent)"
_UNKNOWN = "unknown"


def canonical(value: Any) -> str:
    """Write a value as JSON in one way only.

    Raises:
        TypeError: a part of the value has no single spelling (a set, an object, NaN); our bug, never the user's.
    """
    _refuse(value, "value")
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":"))


def _refuse(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: key {key!r} is no text, its JSON spelling would be ambiguous")
            _refuse(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse(item, f"{where}[{index}]")
    elif value is not None and not isinstance(value, str | int | float | bool):
        raise TypeError(f"{where}: a {type(value).__name__} cannot be fingerprinted")


def fingerprint(fields: Mapping[str, Any]) -> str:
    """Hash the fields that determine a result."""
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yield one line per differing field: `sft.trainer.learning_rate: 2e-05 -> 1e-05`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(
                old.get(key, _ABSENT), new.get(key, _ABSENT), f"{where}.{key}" if where else str(key)
            )
    elif old != new:
        yield f"{where}: {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    text = value if value == _ABSENT else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def digest(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """List the installed versions of packages; an absent one is listed as absent."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def surroundings() -> dict[str, str]:
    """Describe where and by what code a step was made, for people: it is recorded, never compared."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted": _git("status", "--porcelain", "--untracked-files=no"),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def code_state() -> dict[str, str]:
    """Tell one state of Kielo's code from another: its commit, and a digest of what is not committed (nothing: empty)."""
    changes = _git("diff", "HEAD", "--no-ext-diff", "--no-textconv")
    digested = changes if changes in ("", _UNKNOWN) else hashlib.sha256(changes.encode()).hexdigest()[:16]
    return {"commit": _git("rev-parse", "HEAD"), "changes": digested}


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(CHECKOUT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="backslashreplace", timeout=10)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return _UNKNOWN
    return done.stdout.strip() if done.returncode == 0 else _UNKNOWN
