"""What must agree between the parts of a cluster profile, once the schema has read each by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kielo.cluster.profiles.parts import OTHER_CACHES, Node, Use
from kielo.cluster.profiles.profile import Profile
from kielo.recipe.reading import nearest

Link = tuple[tuple[str | int, ...], str]
_IDLE = {
    "cpu": {"nodes", "processes", "shards", "at_once", "models"},
    "translate": {"processes", "models"},
    "train": {"shards", "models"},
    "evaluate": {"nodes", "processes", "shards"},
    "preflight": {"shards", "at_once", "models"},
}
"""Keys that the jobs of a use do not read."""
_SECRET = re.compile("(TOKEN|_KEY|PASSWORD|SECRET)$", re.IGNORECASE)
"""Names such as HF_TOKEN and DEEPL_AUTH_KEY."""


def broken_links(profile: Profile, devices: Sequence[str]) -> Iterator[Link]:
    """Yield each disagreement: the keys it stands at, and a sentence without its full stop."""
    if profile.generation is not None and profile.generation not in profile.environments:
        known = ", ".join(profile.environments) or "none there"
        yield ("generation",), f"{profile.generation!r} is none of `environments` ({known})"
    if profile.device is not None and profile.device not in devices:
        yield ("device",), f"{profile.device!r} is not in slurm/devices.yaml; {_near(profile.device, devices)}"
    for keys, variables in (
        (("environment",), profile.environment),
        *((("environments", generation), each) for generation, each in profile.environments.items()),
    ):
        for name in sorted({"HF_HOME", *OTHER_CACHES} & set(variables)):
            yield (
                (*keys, name),
                "would lead jobs away from the cache that kielo prefetch fills; write hub_cache instead",
            )
        for name in filter(_SECRET.search, variables):
            yield (
                (*keys, name),
                "a secret would stand in every script; set it where you submit, jobs inherit it, and leave it out here",
            )
    for name, partition in profile.partitions.items():
        for key, sentence in _of_node(partition.node):
            yield ("partitions", name, "node", key), sentence
    for name, idle in _IDLE.items():
        use: Use | None = getattr(profile.jobs, name)
        if use is not None:
            yield from _of_use(name, use, idle, list(profile.partitions))


def _of_node(node: Node) -> Iterator[tuple[str, str]]:
    if node.gres is not None and not node.devices:
        yield "gres", "a node without devices has no type of them; leave it out, or write devices"
    if node.cpu_masks and len(node.cpu_masks) != node.devices:
        yield "cpu_masks", f"{len(node.cpu_masks)} masks for {node.devices} devices; give one for each"


def _of_use(name: str, use: Use, idle: set[str], partitions: Sequence[str]) -> Iterator[Link]:
    if use.partition not in partitions:
        yield ("jobs", name, "partition"), f"unknown partition {use.partition!r}; {_near(use.partition, partitions)}"
    for key in sorted(use.model_fields_set & idle):
        yield ("jobs", name, key), f"does nothing for jobs.{name}; leave it out"


def _near(word: str, known: Sequence[str]) -> str:
    return nearest(word, list(known)).rstrip(".")
