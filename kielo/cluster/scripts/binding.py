"""Which cores the processes and servers of a job are bound to, for its script."""

from __future__ import annotations

from collections.abc import Sequence

from kielo.cluster.jobs.job import Resources
from kielo.cluster.profiles.profile import Profile

_OPTION = "--numa-binding"


def masks_of(profile: Profile, resources: Resources, processes: int) -> tuple[str, ...]:
    """Give the masks of a job that has all of each node, and on each device a process or a part of a server; else none."""
    node = profile.partitions[resources.partition].node
    whole = (resources.devices, resources.cores, processes) == (node.devices, node.cores, node.devices)
    return node.cpu_masks if whole else ()


def torchrun_options(profile: Profile, masks: Sequence[str]) -> tuple[str, ...]:
    """Give the profile's options of torchrun, beside masks without its own binding: the two would undo each other."""
    options = profile.torchrun
    if not masks:
        return options
    binds = [option.replace("_", "-").startswith(_OPTION) for option in options]
    values = [place > 0 and options[place - 1].replace("_", "-") == _OPTION for place in range(len(options))]
    return tuple(option for option, *is_binding in zip(options, binds, values, strict=True) if not any(is_binding))
