"""Names of jobs: short and plain, for they become names of files and stand in Slurm's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kielo.cluster.jobs.grouping import Group
from kielo.plan import Step

_LONGEST = 60
_WORDS = {"ifeval-scores": "scores", "question-scores": "scores"}
_SAY_LITTLE = ("source", "translate", "reference")
"""Kinds of steps that other jobs have, too: a job is told from its like by another of its steps."""


def names_of(groups: Sequence[Group], steps: Sequence[Step]) -> list[str]:
    """Name each group by what it makes; of several that make the same, the largest keeps the plain name, if one is."""
    kinds = {step.name: step.kind for step in steps}
    arrays = {group.family for group in groups}
    plain = [_plain(group, kinds, arrays) for group in groups]
    names = [
        name if _stands_out(place, plain, groups) else _with_own(name, _own(groups[place], kinds))
        for place, name in enumerate(plain)
    ]
    return [_unique(names, place) for place in range(len(names))]


def _stands_out(place: int, plain: Sequence[str], groups: Sequence[Group]) -> bool:
    """Tell whether a group makes more than every other of its name."""
    others = [group for other, group in enumerate(groups) if plain[other] == plain[place] and other != place]
    return all(len(groups[place].steps) > len(group.steps) for group in others)


def _plain(group: Group, kinds: Mapping[str, str], arrays: set[str]) -> str:
    if "/" in group.family:  # a data set's own shards
        return group.family.replace("/", "-")[:_LONGEST]
    if group.family == "responses":
        asked = (step.split("/")[1] for step in group.steps if kinds[step] == "responses")
        return "-".join(("responses", *dict.fromkeys(asked)))
    if group.family != "cpu":
        return group.family
    made = [kinds[step] for step in group.steps if step not in arrays]
    return "-".join(dict.fromkeys(_WORDS.get(kind, kind) for kind in made)) or "merge"


def _own(group: Group, kinds: Mapping[str, str]) -> str:
    telling = (step for step in group.steps if kinds[step] not in _SAY_LITTLE)
    return next(telling, group.steps[0]).rpartition("/")[2]


def _with_own(name: str, own: str) -> str:
    """Put a step's own name behind a job's, without saying a word twice: `responses-dpo` and `dpo-en` are `responses-dpo-en`."""
    return f"{name}-{own.removeprefix(name.rpartition('-')[2] + '-')}"[:_LONGEST]


def _unique(names: Sequence[str], place: int) -> str:
    """Number a name that stands there before; names are cut, so two long ones may have become one."""
    name, earlier = names[place], names[:place].count(names[place])
    free = [f"{name}-{number}" for number in range(2, 2 * len(names) + 2)]
    return [name, *(each for each in free if each not in names)][earlier]
