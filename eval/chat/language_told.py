"""The language of an answer in a few words, by the same identifier and the same rule as the scores of response language."""

from __future__ import annotations

from dataclasses import dataclass

from eval.response_language.identifiers import Identifier, open_identifier
from eval.response_language.verdicts import OPEN, labels_of, line_verdict
from kielo.errors import RecipeError
from kielo.languages.pack import Language, language
from kielo.schema import Recipe

UNKNOWN = "language not told: the identifier {} does not know {}"


@dataclass(frozen=True)
class Teller:
    """Tells the languages of a recipe apart."""

    target: Language
    source: Language
    identifier: Identifier
    knows_target: bool

    def told(self, text: str) -> str:
        """Say which language an answer is in, with the share of its letters in each."""
        if not self.knows_target:
            return UNKNOWN.format(self.identifier.name, self.target.name)
        found = line_verdict(text, self.target, self.source, self.identifier)
        letters = {name: count for name, count in found.lines.items() if name != OPEN}
        total = sum(letters.values())
        shares = ", ".join(f"{name} {count / total:.0%}" for name, count in letters.items())
        words = {"target": self.target.name, "source": self.source.name, "mixed": "mixed", "other": "another language"}
        return f"{words[found.verdict]} ({shares})" if found.verdict in words else "too short to tell its language"


def teller_of(recipe: Recipe) -> Teller:
    """Open the identifier of a recipe.

    Raises:
        MissingExtraError: its package is not installed.
        RecipeError: its model file or a language pack is missing.
    """
    file = recipe.eval.identifier_file
    identifier = open_identifier(recipe.eval.identifier, recipe.path(str(file)) if file else None)
    target, source = language(recipe.language), language(recipe.source_language)
    try:
        labels_of(target, source, identifier)
    except RecipeError:
        return Teller(target, source, identifier, False)
    return Teller(target, source, identifier, True)
