"""What is known of licences, and of the terms of data sets, models and translators: `recipes/sharing/licences.yaml`, read and looked up."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kielo import strict_yaml
from kielo.errors import RecipeError

FILE = Path(__file__).resolve().parents[2] / "recipes" / "sharing" / "licences.yaml"


class Terms(BaseModel):
    """What one licence allows, and what it passes on."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    hub: str
    rank: int
    link: str
    adapt: bool = True
    commercial: bool = True
    share_alike: bool = False
    into: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    of_models: str | None = Field(None, description="condition that binds models made of one under it")


class Condition(BaseModel):
    """What binds the users of some texts beside their licence."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    text: str


class Known(BaseModel):
    """What is known of a data set or model of that name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    licence: str | None = None
    conditions: tuple[str, ...] = ()


class Table(BaseModel):
    """The file of licences."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    licences: Mapping[str, Terms]
    conditions: Mapping[str, Condition]
    translators: Mapping[str, str] = Field(description="word in a translator's name -> condition")
    datasets: Mapping[str, Known]
    models: Mapping[str, Known]


@cache
def table() -> Table:
    """Read the file of licences.

    Raises:
        RecipeError: it is malformed.
    """
    values, _ = strict_yaml.load(FILE)
    try:
        found = Table(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"{FILE}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}.") from error
    known = [*found.datasets.values(), *found.models.values()]
    named = {each for one in known for each in one.conditions} | set(found.translators.values())
    named |= {terms.of_models for terms in found.licences.values() if terms.of_models}
    licences = {each.licence for each in known if each.licence} | {e for t in found.licences.values() for e in t.into}
    for wrong in (*sorted(named - set(found.conditions)), *sorted(licences - set(found.licences))):
        raise RecipeError(f"{FILE}: '{wrong}' is named and not described; add it, or mend the name.")
    return found


def spdx(written: str) -> str | None:
    """Find the SPDX id that a licence was meant by; None: no known one."""
    return _names().get(_bare(written))


def known_dataset(hub: str | None) -> Known:
    """Look a data set of the Hub up."""
    return _known(table().datasets, hub)


def known_model(name: str | None) -> Known:
    """Look a model up, by its Hub id or the name on its server."""
    return _known(table().models, name)


def translator_conditions(name: str | None) -> tuple[str, ...]:
    """List the conditions of a translator, by the words of its name."""
    words = re.findall(r"[a-z]+", (name or "").lower())
    return tuple(condition for word, condition in table().translators.items() if word in words)


@cache
def _names() -> Mapping[str, str]:
    return {
        _bare(name): one for one, terms in table().licences.items() for name in (one, terms.hub, *terms.also)
    }  # fmt: skip


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]+", "-", name.strip().lower()).removesuffix("-deed")


def _known(known: Mapping[str, Known], name: str | None) -> Known:
    """Look a name up; of several patterns that fit, the first written one counts, and a full name before any."""
    if name is None:
        return Known()
    folded = name.lower()
    fitting = [value for pattern, value in known.items() if fnmatch.fnmatchcase(folded, pattern.lower())]
    return next(iter(fitting), Known())
