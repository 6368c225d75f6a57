"""The verbs that hand a recipe to a cluster and look after it there."""

from __future__ import annotations

from typing import Any


def add_cluster_verbs(verbs: Any) -> None:
    """Add them to the command line."""
