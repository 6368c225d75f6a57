"""One model on one benchmark, as its scores.json has it: verdicts by prompt in both modes, floors, the language of the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from eval.ifeval.registry import MODES, Mode
from eval.ifeval.scores_file import Level, ScoresFile, Way
from eval.report.numbers import Ratio
from eval.statistics import Outcomes

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """One model on one IFEval set in one language; only prompts that ask for no response language are counted."""

    model: str
    benchmark: str
    language: str
    folder: Path
    responses: Path
    document: Document
    """The scores file as JSON, and"""
    scores: ScoresFile
    """the verdicts in it, checked."""

    def outcomes(self, mode: Mode = "compat", level: Level = "instruction", way: Way = "strict") -> Outcomes:
        """Give by prompt how much was followed of how much: instructions, or the prompt as a whole."""
        if (mode, level, way) not in self._outcomes:
            self._outcomes[mode, level, way] = self.scores.outcomes(mode, level, way)
        return self._outcomes[mode, level, way]

    @cached_property
    def _outcomes(self) -> dict[tuple[Mode, Level, Way], Outcomes]:
        return {}

    def normalised(self, mode: Mode) -> Outcomes:
        """Give outcomes by which an instruction counts only if its answer is in the prompt's language; empty where no language was told."""
        if not self.lines():
            return {}
        return self.scores.outcomes(mode, "instruction", "strict", normalised=True)

    def accuracy(self, mode: Mode = "compat", level: Level = "instruction", way: Way = "strict") -> Ratio:
        """Add the outcomes up; as they stand by default, this is the number of the paper's tables."""
        return total(self.outcomes(mode, level, way))

    def by_type(self, mode: Mode = "compat") -> Mapping[str, Ratio]:
        """Count followed instructions (strict) by instruction id."""
        return self._by_type[mode]

    def by_category(self, mode: Mode = "compat") -> Mapping[str, Ratio]:
        """Count followed instructions (strict) by the part of the id before the colon."""
        return self._by_category[mode]

    @cached_property
    def _by_type(self) -> Mapping[Mode, Mapping[str, Ratio]]:
        return {mode: _counted(self._instructions(mode)) for mode in MODES}

    @cached_property
    def _by_category(self) -> Mapping[Mode, Mapping[str, Ratio]]:
        return {
            mode: _counted((name.partition(":")[0], passed) for name, passed in self._instructions(mode))
            for mode in MODES
        }

    def _instructions(self, mode: Mode) -> Iterator[tuple[str, bool]]:
        for prompt in self.scores.counted:
            yield from zip(prompt.instruction_id_list, prompt.verdicts(mode).strict, strict=True)

    @property
    def spoken(self) -> Document | None:
        """The languages of the answers, by three ways to tell; None where no identifier knows the language."""
        found: Document | None = self.document["response_language"]
        return found

    @property
    def detected(self) -> Ratio | None:
        """The share of answers in the language as the paper measures it, by langdetect."""
        found = self.spoken["langdetect"] if self.spoken else None
        return Ratio(int(found["in_target"]), int(self.document["response_language"]["total"])) if found else None

    def in_language(self, way: Literal["langdetect", "lines"]) -> dict[int, bool]:
        """Say by prompt whether its answer is in the language; empty where that way does not know the language."""
        if self.spoken is None or self.spoken[way] is None:
            return {}
        own = "target" if way == "lines" else self.spoken["langdetect"]["asked"]
        return {int(key): found[way] == own for key, found in self.spoken["by_prompt"].items()}

    def lines(self) -> dict[str, int]:
        """Count the answers by their verdict line by line, as the file orders them; empty where no language was told."""
        found = self.spoken["lines"] if self.spoken else None
        return {name: int(count) for name, count in found.items() if name != "identifier"} if found else {}


def total(outcomes: Outcomes) -> Ratio:
    """Add up what was followed of how much."""
    return Ratio(round(sum(k for k, _ in outcomes.values())), round(sum(n for _, n in outcomes.values())))


def _counted(instructions: Iterator[tuple[str, bool]]) -> dict[str, Ratio]:
    passed: dict[str, list[bool]] = defaultdict(list)
    for name, verdict in instructions:
        passed[name].append(verdict)
    return {name: Ratio(sum(verdicts), len(verdicts)) for name, verdicts in sorted(passed.items())}
