"""Training prompts that stand in an evaluated data set: found by their words, then by their characters, for the step `tokens`.

By words: at least half of a benchmark prompt's word triples stand in the training prompt. A triple that several benchmark
prompts share counts for less (1 / how many), or instructions of one wording ("Answer in less than 200 words.") would
make strangers look alike. Measured on IFEval's 541 prompts: of 1,982 prompts of OASST1, MT-Bench and a preference set,
none comes nearer than 0.31 ("the difference between a levee and an embankment" and one "between a sea and an ocean");
of the benchmark's own prompts, each against the other 540, none than 0.46 (two that end with one order to repeat the
request); within the Danish and Spanish sets and Finnish OASST1 none than 0.29. Copies are found whole, inside longer
texts and without punctuation in every case, as are all 73 prompts that IFEval++ rewrote.

By characters: the Jaccard similarity of character 5-grams is 0.6 or more, and so is the share of the benchmark prompt's,
weighted as its words are. Neither finds what the other does. Found by words / by characters / by either, of IFEval's
prompts and (behind) of 298 of Finnish OASST1: inside longer texts 1.00 / 0.69 / 1.00 (0.97 / 0.41 / 0.97); a tenth of
the words replaced 0.95 / 0.90 / 0.96 (0.84 / 0.85 / 0.88); one letter in 20 mistyped 0.54 / 0.87 / 0.88 (0.31 / 0.76 /
0.77); other endings on most long words, as another translator would write them, 0.77 / 0.95 / 0.96 (0.33 / 0.86 / 0.86).
No training prompt above comes nearer to one of IFEval's than 0.3; of its own, two that share their instructions reach
0.54. Not found: the bare task of a benchmark prompt, without the instructions that are scored.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal, TypeVar

from align.selection.near_duplicates.find import against
from align.selection.near_duplicates.shingles import pieces
from kielo.errors import at
from kielo.plan import Workplace
from kielo.records import Conversation, PreferencePair, Prompt, Question, from_json, read_jsonl, read_records
from kielo.schema import Recipe

NEAR = 0.5
SIMILAR = 0.6
_ROWS_AT_ONCE = 8192
_WORDS_AT_ONCE = 3
# Scripts written without spaces: Thai to Tibetan, Burmese, Khmer, kana, Han. Each of their letters counts as a word.
_WORD = re.compile(
    r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)

Row = Conversation | PreferencePair
RowKind = TypeVar("RowKind", bound=Row)
Asked = Prompt | Question
Shingle = tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """The benchmark prompt that a training prompt comes nearest to."""

    benchmark: str
    """Id of the benchmark's row."""
    language: str
    how: Literal["text", "near", "similar", "source"]
    """text: the same words; near: most of its words in their order; similar: most of its characters in their order;
    source: the row is the translation of a row that overlaps."""
    share: float
    """Weighted share (0..1) of the benchmark prompt's word triples that stand in the training prompt; similar: of its character 5-grams."""


class Benchmarks:
    """The prompts that models are evaluated on, by their word triples; `leaked` are training rows known to be among them."""

    def __init__(self, prompts: Iterable[Asked]) -> None:
        self.prompts: list[Asked] = list(
            {(prompt.language, _first_turn(prompt)): prompt for prompt in prompts}.values()
        )
        self.leaked: dict[str, Overlap] = {}
        texts = [_first_turn(prompt) for prompt in self.prompts]
        self._texts, self._characters = texts, _Weighted(map(pieces, texts))
        words = [_words(text) for text in texts]
        self._words, self._whole = _Weighted(map(_shingles, words)), {tuple(each): at for at, each in enumerate(words)}

    def find_each(self, rows: Iterable[RowKind]) -> Iterator[tuple[RowKind, Overlap | None]]:
        """Go through training rows, each with the benchmark prompt that it overlaps with, if any; copies `<id>#2` have one source."""
        remaining = iter(rows)
        while some := list(islice(remaining, _ROWS_AT_ONCE)):
            for row, found in zip(some, self.nearest([list(user_texts(row)) for row in some]), strict=True):
                yield row, found or self.leaked.get(row.id.partition("#")[0])

    def nearest(self, rows: Sequence[Sequence[str]]) -> list[Overlap | None]:
        """Find of each row the benchmark prompt that is nearest to one of its texts, where it is near enough."""
        found = [self._nearest_by_words(texts) for texts in rows]
        rest = [(number, text) for number, texts in enumerate(rows) if found[number] is None for text in texts]
        for match in against([text for _, text in rest], self._texts, SIMILAR):
            number, text = rest[match.row]
            share, before = self._characters.shares(pieces(text))[match.other], found[number]
            if share >= SIMILAR and (before is None or share > before.share):
                found[number] = self._overlap(match.other, "similar", share)
        return found

    def _nearest_by_words(self, texts: Iterable[str]) -> Overlap | None:
        found = [overlap for text in texts if (overlap := self._nearest(_words(text)))]
        return max(found, key=lambda overlap: overlap.share, default=None)

    def _nearest(self, words: list[str]) -> Overlap | None:
        same = self._whole.get(tuple(words)) if words else None
        if same is not None:
            return self._overlap(same, "text", 1.0)
        shares = self._words.shares(_shingles(words))
        number = max(shares, key=lambda each: (shares[each], -each), default=-1)
        return self._overlap(number, "near", shares[number]) if shares and shares[number] >= NEAR else None

    def _overlap(self, number: int, how: Literal["text", "near", "similar"], share: float) -> Overlap:
        prompt = self.prompts[number]
        return Overlap(prompt.id, prompt.language, how, round(min(share, 1.0), 3))


class _Weighted:
    """The shingles of benchmark prompts; each weighs 1 / how many of them have it."""

    def __init__(self, prompts: Iterable[Iterable[Hashable]]) -> None:
        distinct = [dict.fromkeys(shingles) for shingles in prompts]
        self._holders: defaultdict[Hashable, list[int]] = defaultdict(list)
        for number, shingles in enumerate(distinct):
            for shingle in shingles:
                self._holders[shingle].append(number)
        self._whole = [sum(1 / len(self._holders[one]) for one in shingles) for shingles in distinct]

    def shares(self, shingles: Iterable[Hashable]) -> Mapping[int, float]:
        """Say how much (0..1) of which prompts' shingles is among these."""
        shares: defaultdict[int, float] = defaultdict(float)
        for shingle in dict.fromkeys(filter(self._holders.__contains__, shingles)):
            holders = self._holders[shingle]
            for number in holders:
                shares[number] += 1 / len(holders) / self._whole[number]
        return shares


def _first_turn(prompt: Asked) -> str:
    """Give what a model is asked first; later turns ("Make it shorter.") may be anybody's."""
    return prompt.text if isinstance(prompt, Prompt) else prompt.turns[0]


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _shingles(words: list[str]) -> Iterator[Shingle]:
    """Go through the word triples; a shorter text is one shingle, which only the same text has."""
    if len(words) < _WORDS_AT_ONCE:
        return iter([tuple(words)] if words else [])
    return zip(*(words[start:] for start in range(_WORDS_AT_ONCE)), strict=False)


def read_benchmarks(place: Workplace) -> Benchmarks:
    """Read the benchmarks of a `tokens` step, and note which source rows overlap: their translations do too.

    `find_each(rows)` then tells of training rows; with no benchmark in the settings it finds nothing.
    """
    names: list[str] = place.step.settings["eval"]["benchmarks"]
    benchmarks = Benchmarks(prompt for name in names for prompt in _prompts(place, name))
    sources = {
        name: folder for name, folder in place.inputs.items() if name.startswith("source/") and name not in names
    }
    for name, folder in sources.items() if benchmarks.prompts else ():
        kind = place.recipe.translate.datasets[name.partition("/")[2]].kind
        source = (from_json(kind, row, at(folder, number)) for number, row in read_jsonl(folder / "rows.jsonl"))
        leaks = benchmarks.find_each(record for record in source if isinstance(record, Row))
        names_of = _same_prompts(place.recipe, name.partition("/")[2])
        for record, found in leaks:
            number = record.id.rpartition("/")[2]
            if found is not None:
                benchmarks.leaked |= {f"{each}/{number}": replace(found, how="source") for each in names_of}
    return benchmarks


def _same_prompts(recipe: Recipe, dataset: str) -> list[str]:
    """List the data sets whose rows have the prompts of one data set, under the same numbers: itself, and answers made anew."""
    return [dataset, *(name for name, each in recipe.translate.datasets.items() if each.prompts_of == dataset)]


def _prompts(place: Workplace, name: str) -> Iterator[Asked]:
    """Read a benchmark's rows in one language; a translation's rows that were kept stand in the source already."""
    translated = name.startswith("translate/")
    file = place.inputs[name] / ("accepted.jsonl" if translated else "rows.jsonl")
    for row in read_records(place.recipe.translate.datasets[name.partition("/")[2]].kind, file):
        assert isinstance(row, Asked)
        if not (translated and row.language == place.recipe.source_language):
            yield row


def user_texts(row: Row) -> Iterator[str]:
    """Go through what the user says in a training row."""
    turns = row.messages if isinstance(row, Conversation) else row.prompt
    return (turn.content for turn in turns if turn.role == "user")
