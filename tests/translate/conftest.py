"""Fixtures of the translation tests: real sentence pairs, a step run as the plan has it, a translator that changes every word."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from kielo.generation.protocol import Completion, Request
from kielo.languages.pack import language
from kielo.plan import Workplace, make_plan
from kielo.recipe import reading as recipe
from kielo.records import read_jsonl
from translate import stage
from translate.answers import Answer, Segment, Translated
from translate.checks import Direction
from translate.masks import mask
from translate.protect import restore
from translate.rows import sources

RunSteps = Callable[..., dict[str, Mapping[str, Any]]]
Pairs = Callable[[str], list[tuple[str, str]]]
FILES = {
    "flores": ("flores200/eng.devtest.gz", "flores200/fin.devtest.gz"),
    "newstest": ("parallel/newstest2017.eng.gz", "parallel/newstest2017.fin.gz"),
}


def pocket_recipe(*datasets: str) -> str:
    """Write a recipe that the pocket model translates; `datasets` are lines such as `talks: {kind: ..., pocket: ...}`."""
    lines = "".join(f"    {dataset}\n" for dataset in datasets)
    return (
        "language: fi\nmodel: pocket\ntranslate:\n  prompt: {shots: 3, shots_file: pocket}\n"
        f"  datasets:\n{lines}sft: {{mixes: {{all: {{shares: {{en: 1.0}}}}}}}}\n"
    )


@pytest.fixture(scope="session")
def direction() -> Direction:
    return Direction(language("en"), language("fi"))


@pytest.fixture(scope="session")
def oasst_file(shared_data: Path) -> Path:
    return shared_data / "oasst" / "oasst1_validation_en_fi.jsonl.gz"


@pytest.fixture(scope="session")
def real_pairs(shared_data: Path, oasst_file: Path) -> Pairs:
    """Real English texts and their Finnish translations: by people (flores, newstest) or DeepL (oasst)."""

    def read(name: str) -> list[tuple[str, str]]:
        if name == "oasst":
            return [(row["text_en"], row["text_fi"]) for _, row in read_jsonl(oasst_file)]
        sides = [gzip.decompress((shared_data / file).read_bytes()).decode().splitlines() for file in FILES[name]]
        return list(zip(*sides, strict=True))

    return read


@pytest.fixture
def run_steps(tmp_path: Path) -> RunSteps:
    """Run the source and translate steps of a recipe under tmp_path; returns the counts of each."""

    def run(path: Path, limit: int | None = None) -> dict[str, Mapping[str, Any]]:
        loaded = recipe.load(path)
        counts = {}
        for step in make_plan(loaded, limit):
            if step.kind in ("source", "translate"):
                (tmp_path / step.name).mkdir(parents=True, exist_ok=True)
                place = Workplace(step, loaded, tmp_path / step.name, {name: tmp_path / name for name in step.inputs})
                counts[step.name] = (sources if step.kind == "source" else stage).run(place).counts
        return counts

    return run


class Backwards:
    """Writes every word backwards and leaves everything else as it is: what it misses shows."""

    def translate(self, segments: Sequence[Segment]) -> list[Answer]:
        return [Translated(self._one(segment), "engine") for segment in segments]

    def _one(self, segment: Segment) -> str:
        masked = mask(segment)
        restored = restore(backwards(masked.text), masked)
        assert restored is not None
        return restored


def backwards(text: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda word: word.group()[::-1], text)


@pytest.fixture
def backwards_translator() -> Backwards:
    return Backwards()


class BackwardsGenerator:
    """An engine that says words backwards, last request first; `cut` makes every completion run into its limit."""

    model = "backwards"

    def __init__(self, cut: bool = False, reverse: bool = True) -> None:
        self.cut, self.reverse, self.asked = cut, reverse, 0

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Completion]]:
        self.asked += len(requests)
        for index in reversed(range(len(requests))) if self.reverse else range(len(requests)):
            prompt = requests[index].prompt
            assert isinstance(prompt, str)
            line = prompt.splitlines()[-2].partition(": ")[2]
            yield index, Completion(" " + backwards(line), "length" if self.cut else "stop", 9, 9)

    def close(self) -> None:
        pass


@pytest.fixture
def use_generator(monkeypatch: pytest.MonkeyPatch) -> Callable[[BackwardsGenerator], BackwardsGenerator]:
    """Let the stage open this generator instead of the recipe's engine."""

    def use(generator: BackwardsGenerator) -> BackwardsGenerator:
        monkeypatch.setattr("kielo.generation.engines.open_generator", lambda *_: nullcontext(generator))
        return generator

    return use
