"""Training prompts that stand in an evaluated data set: found by their words, in any language, for the step `tokens`.

A prompt overlaps when at least half of a benchmark prompt's word triples stand in it. A triple that several benchmark
prompts share counts for less (1 / how many), or instructions of one wording ("Answer in less than 200 words.") would
make strangers look alike. Measured on IFEval's 541 prompts: of 1,982 prompts of OASST1, MT-Bench and a preference set,
none comes nearer than 0.31 ("the difference between a levee and an embankment" and one "between a sea and an ocean");
of the benchmark's own prompts, each against the other 540, none than 0.46 (two that end with one order to repeat the
request); within the Danish and Spanish sets and Finnish OASST1 none than 0.29. Copies are found whole, inside longer
texts and without punctuation in every case, with a tenth of their words replaced in 93%; so are all 73 prompts that
IFEval++ rewrote. Not found: the bare task of a benchmark prompt, without the instructions that are scored.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kielo.plan import Workplace
from kielo.records import Conversation, PreferencePair, Prompt, Question, from_json, read_jsonl, read_records

NEAR = 0.5
_WORDS_AT_ONCE = 3
# Scripts written without spaces: Thai to Tibetan, Burmese, Khmer, kana, Han. Each of their letters counts as a word.
_WORD = re.compile(
    r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+"
)

Row = Conversation | PreferencePair
Asked = Prompt | Question
Shingle = tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """The benchmark prompt that a training prompt comes nearest to."""

    benchmark: str
    """Id of the benchmark's row."""
    language: str
    how: Literal["text", "near", "source"]
    """text: the same words; near: most of its words in their order; source: the row is the translation of such a one."""
    share: float
    """Weighted share (0..1) of the benchmark prompt's word triples that stand in the training prompt."""


class Benchmarks:
    """The prompts that models are evaluated on, by their word triples; `leaked` are training rows known to be among them."""

    def __init__(self, prompts: Iterable[Asked]) -> None:
        self.prompts: list[Asked] = list(
            {(prompt.language, _first_turn(prompt)): prompt for prompt in prompts}.values()
        )
        self.leaked: dict[str, Overlap] = {}
        self._holders: defaultdict[Shingle, list[int]] = defaultdict(list)
        words = [_words(_first_turn(prompt)) for prompt in self.prompts]
        for number, each in enumerate(words):
            for shingle in dict.fromkeys(_shingles(each)):
                self._holders[shingle].append(number)
        self._weights = [sum(1 / len(self._holders[one]) for one in dict.fromkeys(_shingles(each))) for each in words]
        self._whole = {tuple(each): number for number, each in enumerate(words)}

    def find(self, row: Row) -> Overlap | None:
        """Find the benchmark prompt that a training row overlaps with, if any; copies `<id>#2` have one source."""
        return self.nearest(user_texts(row)) or self.leaked.get(row.id.partition("#")[0])

    def nearest(self, texts: Iterable[str]) -> Overlap | None:
        """Find the benchmark prompt that is nearest to one of some texts, where it is near enough."""
        found = [overlap for text in texts if (overlap := self._nearest(_words(text)))]
        return max(found, key=lambda overlap: overlap.share, default=None)

    def _nearest(self, words: list[str]) -> Overlap | None:
        same = self._whole.get(tuple(words)) if words else None
        if same is not None:
            return self._overlap(same, "text", 1.0)
        shares: defaultdict[int, float] = defaultdict(float)
        for shingle in dict.fromkeys(filter(self._holders.__contains__, _shingles(words))):
            holders = self._holders[shingle]
            for number in holders:
                shares[number] += 1 / len(holders) / self._weights[number]
        number = max(shares, key=lambda each: (shares[each], -each), default=-1)
        return self._overlap(number, "near", shares[number]) if shares and shares[number] >= NEAR else None

    def _overlap(self, number: int, how: Literal["text", "near"], share: float) -> Overlap:
        prompt = self.prompts[number]
        return Overlap(prompt.id, prompt.language, how, round(min(share, 1.0), 3))


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

    `find(row)` then tells of one training row; with no benchmark in the settings it finds nothing.
    """
    names: list[str] = place.step.settings["eval"]["benchmarks"]
    benchmarks = Benchmarks(prompt for name in names for prompt in _prompts(place, name))
    sources = {
        name: folder for name, folder in place.inputs.items() if name.startswith("source/") and name not in names
    }
    for name, folder in sources.items() if benchmarks.prompts else ():
        kind = place.recipe.translate.datasets[name.partition("/")[2]].kind
        benchmarks.leaked.update(_leaks(benchmarks, kind, folder / "rows.jsonl"))
    return benchmarks


def _prompts(place: Workplace, name: str) -> Iterator[Asked]:
    """Read a benchmark's rows in one language; a translation's rows that were kept stand in the source already."""
    translated = name.startswith("translate/")
    file = place.inputs[name] / ("accepted.jsonl" if translated else "rows.jsonl")
    for row in read_records(place.recipe.translate.datasets[name.partition("/")[2]].kind, file):
        assert isinstance(row, Asked)
        if not (translated and row.language == place.recipe.source_language):
            yield row


def _leaks(benchmarks: Benchmarks, kind: str, file: Path) -> Mapping[str, Overlap]:
    leaks = {}
    for number, row in read_jsonl(file):
        record = from_json(kind, row, f"{file}, line {number}")
        found = benchmarks.nearest(user_texts(record)) if isinstance(record, Row) else None
        if found:
            leaks[record.id] = Overlap(found.benchmark, found.language, "source", found.share)
    return leaks


def user_texts(row: Row) -> Iterator[str]:
    """Go through what the user says in a training row."""
    turns = row.messages if isinstance(row, Conversation) else row.prompt
    return (turn.content for turn in turns if turn.role == "user")
