"""Computes the licence of a published thing from those of its parts (`recipes/sharing/licences.yaml`), or says why there is none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kielo.errors import UsageError
from kielo.sharing.licence_table import Condition, spdx, table

LICENCE_FILE = "LICENSE.md"


@dataclass(frozen=True)
class Part:
    """One origin of what is published: rows, a translation memory, a model's answers."""

    what: str
    licence: str | None = None
    """As the recipe writes it, or an SPDX id; None: unknown."""
    conditions: tuple[str, ...] = ()
    how_to_say: str = ""
    """Where its licence can be written, for the sentence that refuses an unknown one."""
    needs_licence: bool = True
    """False: the outputs of a model or service, whose terms are told as conditions; `licence` is then the model's own."""


@dataclass(frozen=True)
class Licence:
    """The licence of the whole."""

    name: str
    """For people: `Apache-2.0 with DeepL's clause`."""
    metadata: Mapping[str, str]
    """The Hub's keys: license, and where that is `other`, license_name and license_link."""
    parts: tuple[Part, ...]
    conditions: tuple[Condition, ...]
    allowed: str | None = None
    """Why it is published although its licence is not settled."""

    def file_text(self) -> str:
        """Write LICENSE.md."""
        lines = [f"# Licence: {self.name}\n"]
        if self.allowed:
            lines.append(f"Its licence is not settled; published because: {_one_line(self.allowed)}\n")
        for part in self.parts:
            lines.append(f"- {_one_line(part.what)}: {described(part)}")
        lines += [
            "",
            *(f"{condition.name[0].upper()}{condition.name[1:]}. {condition.text}\n" for condition in self.conditions),
        ]
        return "\n".join(lines).rstrip("\n") + "\n"


def combined(parts: Sequence[Part], allowed: str | None = None) -> Licence:
    """Compute the licence of a whole from its parts'; `allowed`: why to publish it even where there is none.

    Raises:
        UsageError: a part's licence is unknown, forbids adaptations, or fits no other's; the sentence says which and the fix.
    """
    kept = tuple(dict.fromkeys(parts))
    ids = dict.fromkeys(condition for part in kept for condition in part.conditions)
    conditions = tuple(table().conditions[each] for each in ids)
    try:
        found = _settled(kept)
    except UsageError as error:
        if allowed is None:
            raise UsageError(f"{error} Or publish with --allow-licence and the reason why you may.") from error
        name, metadata = (
            "not settled",
            {"license": "other", "license_name": "not-settled", "license_link": LICENCE_FILE},
        )
        return Licence(_with(name, conditions), metadata, kept, conditions, allowed)
    if allowed is not None:
        raise UsageError(f"the licence is settled ({found}); leave --allow-licence out.")
    if not conditions:
        return Licence(found, {"license": table().licences[found].hub}, kept, ())
    slug = "-".join([table().licences[found].hub, "with", *ids])
    metadata = {"license": "other", "license_name": slug, "license_link": LICENCE_FILE}
    return Licence(_with(found, conditions), metadata, kept, conditions)


def _settled(parts: Sequence[Part]) -> str:
    """Find the licence that all parts can be under, or raise UsageError with the first reason why there is none."""
    licences = table().licences
    named: dict[str, str] = {}
    for part in parts:
        if not part.needs_licence:
            continue
        for written in _each(part):
            named[_sure(part, written)] = part.what
    for one, what in named.items():
        if not licences[one].adapt:
            raise UsageError(f"{what}: {one} forbids to pass adaptations on, and translations are such; leave it out.")
    sharing = [one for one in named if licences[one].share_alike]
    if not sharing:
        limited = [one for one in named if not licences[one].commercial]
        return max(limited or named, key=lambda one: licences[one].rank)
    whole = [one for one in _reachable(sharing) if all(one == each or one in licences[each].into for each in sharing)]
    if not whole:
        raise _conflict(named, sharing[0], next(each for each in sharing if each != sharing[0]))
    whole.sort(key=lambda one: (one not in sharing, licences[one].rank))
    for one in named:
        if licences[whole[0]].commercial and not licences[one].commercial:
            raise _conflict(named, whole[0], one)
    return whole[0]


def _reachable(sharing: Sequence[str]) -> list[str]:
    licences = table().licences
    return list(dict.fromkeys([*sharing, *(each for one in sharing for each in licences[one].into)]))


def _conflict(named: Mapping[str, str], one: str, other: str) -> UsageError:
    return UsageError(
        f"licence conflict: {named.get(one, 'a part')} is under {one}, which must stay, {named[other]} under {other}; they "
        "cannot be published as one, so leave one of them out of the recipe."
    )


def _each(part: Part) -> list[str]:
    """Take `A AND B` apart."""
    return re.split(r"\s+AND\s+", part.licence) if part.licence else [""]


def _sure(part: Part, written: str) -> str:
    found = spdx(written) if written else None
    if found is not None:
        return found
    hint = part.how_to_say or "say it in the recipe."
    if not written:
        raise UsageError(f"{part.what}: its licence is unknown; {hint}")
    near = difflib.get_close_matches(written, list(table().licences), 1, cutoff=0.5)
    meant = f"did you mean '{near[0]}'? {hint}" if near else hint
    raise UsageError(
        f"{part.what}: '{_one_line(written)}' is no licence that recipes/sharing/licences.yaml knows; {meant}"
    )


def _with(name: str, conditions: Sequence[Condition]) -> str:
    return f"{name} with {' and '.join(each.name for each in conditions)}" if conditions else name


def described(part: Part) -> str:
    """Say what is known of a part's licence and conditions."""
    said = []
    for written in _each(part) if part.licence else []:
        one = spdx(written)
        said.append(f"{one} ({table().licences[one].link})" if one else _one_line(written))
    known = " and ".join(said)
    if not part.needs_licence:
        known = f"outputs; who made them is under {known}" if known else "outputs, under the terms of who made them"
    conditions = [f"with {table().conditions[each].name}" for each in part.conditions]
    return ", ".join([known or "licence unknown", *conditions])


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
