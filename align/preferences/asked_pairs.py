"""The preference pairs that a run asks for: rows of its data sets and languages, unusual ones refused, response-language pairs added."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from align.preferences.answer_language import AnswerLanguage, tell_apart
from align.preferences.language_pairs import Maker
from align.tokens.tally import Tally
from kielo.errors import SourceError, at
from kielo.languages.pack import language
from kielo.plan import Workplace
from kielo.plan.steps import rows_step
from kielo.records import PreferencePair, from_json, read_jsonl


@dataclass(frozen=True)
class AskedPairs:
    """The pairs of one `tokens` step, read as they are asked for; what is refused goes into the tally."""

    place: Workplace
    tally: Tally

    def __iter__(self) -> Iterator[PreferencePair]:
        """Go through the pairs.

        Raises:
            SourceError: a data set has no row in a language that is asked for.
        """
        recipe, settings = self.place.recipe, self.place.step.settings
        both = language(recipe.source_language), language(recipe.language)
        judge = tell_apart(*both)
        if judge is None:
            print(
                f"{self.place.step.name}: py3langid does not know both '{both[0].code}' and '{both[1].code}', so pairs with an answer in the wrong language are not looked for.",
                file=sys.stderr,
            )
        maker = Maker(both, judge, settings["seed"])
        for dataset, codes in settings["dpo"]["data"].items():
            for code in codes:
                usual = 0
                for pair in self._usual(dataset, code, judge):
                    usual += 1
                    yield pair
                yield from self._of_both(dataset, code, maker, round(settings["dpo"]["language_pairs"] * usual))

    def _usual(self, dataset: str, code: str, judge: AnswerLanguage | None) -> Iterator[PreferencePair]:
        """Go through the rows of a data set in a language, but for those that are refused."""
        accept, rows = self.place.step.settings["dpo"]["accept"], 0
        for pair in self._read(dataset, code):
            rows += 1
            found = unusual(pair, judge)
            if found is None or found in accept:
                yield pair
            else:
                self.tally.drop(pair, found.replace("-", "_"))
        if not rows:
            raise SourceError(
                f"{self.place.inputs[rows_step(self.place.recipe, dataset, code)]}: no '{code}' pairs, which {self.place.step.name} asks for; look into the rejected rows."
            )

    def _of_both(self, dataset: str, code: str, maker: Maker, asked: int) -> Iterator[PreferencePair]:
        if not asked:
            return
        other = next(each.code for each in maker.languages if each.code != code)
        others = {pair.id: pair for pair in self._read(dataset, other)}
        pairs, made = maker.make(self._read(dataset, code), others, asked)
        if made.made < asked:
            print(
                f"{self.place.step.name}: {made.made} of {asked} response-language pairs could be made of '{dataset}' in '{code}' ({', '.join(f'{reason} {count}' for reason, count in made.unfit.items())}).",
                file=sys.stderr,
            )
        self.tally.language_pairs.setdefault(dataset, {})[code] = made.plain()
        yield from pairs

    def _read(self, dataset: str, code: str) -> Iterator[PreferencePair]:
        """Read the rows of a data set in a language; a translated file also holds rows kept in the source language."""
        recipe = self.place.recipe
        name = "rows.jsonl" if code == recipe.source_language else "accepted.jsonl"
        file = self.place.inputs[rows_step(recipe, dataset, code)] / name
        for number, row in read_jsonl(file):
            pair = from_json("preferences", row, at(file, number))
            if isinstance(pair, PreferencePair) and pair.language == code:
                yield pair


def unusual(pair: PreferencePair, judge: AnswerLanguage | None) -> str | None:
    """Say what is unusual about a pair, in the words of `dpo.accept`."""
    if pair.chosen == pair.rejected:
        return "identical"
    if pair.margin == 0:
        return "tied"
    if judge and any(_in_another(answer, pair.language, judge) for answer in (pair.chosen, pair.rejected)):
        return "cross-language"
    return None


def _in_another(answer: str, code: str, judge: AnswerLanguage) -> bool:
    return any(judge.is_in(answer, other) for other in judge.labels if other != code)
