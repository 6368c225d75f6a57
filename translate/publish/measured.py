"""The measured recall of the checks, as `python -m benchmarks.checks` writes it, in the words of a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).with_name("measured.json")
_WEAK = 0.95


def measured() -> dict[str, Any]:
    """Read the figures."""
    value: dict[str, Any] = json.loads(MEASURED.read_text("utf-8"))
    return value


def recall_sentences(profile: str, source: str, target: str) -> list[str]:
    """Say what a profile of checks was measured to catch and to refuse wrongly, and in which languages that was."""
    found = measured()
    faults, real = found["faults"], found["real"]
    if any(profile not in of["caught"] for of in faults.values()):
        return [f"What the profile {profile} catches has not been measured."]
    texts = sum(of["texts"] for of in faults.values())
    caught = sum(of["caught"][profile] for of in faults.values())
    weak = {name: of["caught"][profile] / of["texts"] for name, of in faults.items()}
    missed = [
        f"{name.replace('_', ' ')} {share:.0%}"
        for name, share in sorted(weak.items(), key=lambda each: each[1])
        if share < _WEAK
    ]
    told = [
        f"Faults of {len(faults)} kinds were injected into {texts:,} real translations ({found['on']}): the profile "
        f"{profile} rejects {caught / texts:.1%} of them."
    ]
    if missed:
        told.append(f"Caught in fewer than {_WEAK:.0%} of cases: {', '.join(missed)}.")
    rejected = [f"{name} {of['rejected'][profile] / of['texts']:.2%}" for name, of in real.items()]
    told.append(f"Real translations that it rejects: {', '.join(rejected)}.")
    if [source, target] != found["languages"]:
        told.append(
            f"These figures are of {' to '.join(found['languages'])}; for {source} to {target} nothing was measured."
        )
    return told
