"""From numbers to a verdict by stage: each number against its limits in thresholds.yaml, the worst of a stage decides it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from kielo import strict_yaml
from translate.probe.measures import Measure

Verdict = Literal["can", "with care", "cannot"]
Stage = Literal["translate", "sft", "evaluation"]
STAGES: tuple[Stage, ...] = get_args(Stage)
ORDER: tuple[Verdict, ...] = get_args(Verdict)
THRESHOLDS = Path(__file__).with_name("thresholds.yaml")


class Threshold(BaseModel):
    """The limits of one number, the stages that they decide, and what they stand on."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    better: Literal["lower", "higher"]
    can: float
    care: float | None
    stages: tuple[Stage, ...]
    says: str
    means: str
    reason: str
    judged: Literal["interval", "value"] = "interval"
    needed: bool = False

    def verdict(self, low: float, high: float) -> Verdict:
        """Judge a number that lies between `low` and `high`."""
        sign = 1 if self.better == "higher" else -1
        worst, best = sorted((sign * low, sign * high))
        if worst >= sign * self.can:
            return "can"
        return "cannot" if self.care is not None and best < sign * self.care else "with care"


@dataclass(frozen=True)
class StageVerdict:
    """What a model can do in one stage, the numbers that decide it, and those that are missing."""

    stage: Stage
    verdict: Verdict
    decided_by: tuple[str, ...]
    not_measured: tuple[str, ...]


@cache
def thresholds() -> Mapping[str, Threshold]:
    """Read the limits of every number, in their order."""
    return {name: Threshold.model_validate(value) for name, value in strict_yaml.load(THRESHOLDS)[0].items()}


def verdict_of(measure: Measure) -> Verdict | None:
    """Judge one number; None where it was not measured."""
    bounds, limits = measure.bounds, thresholds()[measure.name]
    if bounds is None or measure.value is None:
        return None
    return limits.verdict(*bounds) if limits.judged == "interval" else limits.verdict(measure.value, measure.value)


def stage_verdicts(measures: Sequence[Measure]) -> list[StageVerdict]:
    """Judge every stage by the worst of its numbers; what was not measured is named, and decides nothing unless it is needed."""
    return [_stage(stage, [each for each in measures if stage in thresholds()[each.name].stages]) for stage in STAGES]


def _stage(stage: Stage, measures: Sequence[Measure]) -> StageVerdict:
    judged = {each.name: found for each in measures if (found := verdict_of(each)) is not None}
    missing = tuple(each.name for each in measures if each.name not in judged)
    if not judged:
        return StageVerdict(stage, "with care", (), missing)
    judged |= {name: "with care" for name in missing if thresholds()[name].needed}
    worst = max(judged.values(), key=ORDER.index)
    decided = tuple(name for name, found in judged.items() if found == worst and worst != "can")
    return StageVerdict(stage, worst, decided, missing)
