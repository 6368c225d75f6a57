"""What language models say around a text rather than in it, per language as data: `recipes/languages/phrases/<code>.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel, ConfigDict, ValidationError

from kielo import strict_yaml
from kielo.errors import RecipeError
from kielo.languages.pack import pack_file
from translate.checks.findings import Evidence
from translate.checks.views import Pair


class Phrases(BaseModel):
    """The phrases of one language, in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    labels: tuple[str, ...] = ()
    """By which a translation is introduced."""
    assistant: tuple[str, ...] = ()
    """By which a model speaks of itself."""


@cache
def phrases(code: str) -> Phrases:
    """Read the phrases of a language; a language without such a file has none.

    Raises:
        RecipeError: the file is malformed.
    """
    path = pack_file(f"phrases/{code}.yaml")
    if not path.is_file():
        return Phrases()
    values, _ = strict_yaml.load(path)
    try:
        return Phrases(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}.") from error


def assistant_talk(pair: Pair) -> Iterator[Evidence]:
    """Note a model that speaks of itself where the source does not; legitimate translations of such talk stay unnoted."""
    after = pair.translation.raw.lower()
    own, other = pair.direction.source.code, pair.direction.target.code
    for phrase in (*phrases(own).assistant, *phrases(other).assistant):
        if phrase in after:
            before = pair.source.raw.lower()
            if not any(said in before for said in phrases(own).assistant):
                yield Evidence("assistant-talk", f"'{phrase}'", 0)
            return
