"""A cluster profile to start tests from: nodes of eight devices, in parts and whole, and nodes without any."""

from __future__ import annotations

from typing import Any

from kielo.cluster.profiles.profile import Profile

GPU_NODE = {"devices": 8, "cores": 56, "memory_gb": 480}


def profile_with(jobs: dict[str, dict[str, Any]] | None = None, **changes: Any) -> Profile:
    """Make the profile, with keys of its uses (`jobs`) and of itself changed."""
    uses: dict[str, dict[str, Any]] = {
        "cpu": {"partition": "cpu", "hours": 1, "cores": 4, "memory_gb": 8},
        "translate": {"partition": "parts", "hours": 2},
        "train": {"partition": "whole", "hours": 2},
        "evaluate": {"partition": "parts", "hours": 2},
    }
    for name, keys in (jobs or {}).items():
        uses[name] = uses[name] | keys
    values = {
        "name": "plain",
        "device": "mi250x-gcd",
        "partitions": {
            "whole": {"allocation": "node", "node": GPU_NODE, "hours": 48, "nodes": 16},
            "parts": {"node": GPU_NODE, "hours": 48, "nodes": 4},
            "cpu": {"node": {"cores": 128, "memory_gb": 224}, "hours": 72},
        },
        "jobs": uses,
        "node_local": [],
    }
    return Profile.model_validate(values | changes)
