"""Reads a scores file of `kielo eval score --json` or of a run, checked at the door: `kielo eval compare` stands on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.ifeval.registry import MODES, RESPONSE_LANGUAGE, Mode
from eval.statistics import Outcomes
from kielo.errors import SourceError

Level = Literal["instruction", "prompt"]
Way = Literal["strict", "loose"]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)  # what else stands in the file is for other readers


class Floor(_Part):
    """What a reply without any model scores, on the prompts that ask for no response language."""

    reply: str
    prompts: Count
    instructions: Count
    prompt_strict: Count
    inst_strict: Count
    prompt_loose: Count
    inst_loose: Count

    def followed(self, level: Level, way: Way) -> tuple[int, int]:
        """Give how much is followed of how much."""
        counts = {
            ("prompt", "strict"): self.prompt_strict, ("prompt", "loose"): self.prompt_loose,
            ("instruction", "strict"): self.inst_strict, ("instruction", "loose"): self.inst_loose,
        }  # fmt: skip
        return counts[level, way], self.prompts if level == "prompt" else self.instructions


class Verdicts(_Part):
    """Which instructions of a prompt are followed, in its order."""

    strict: list[bool]
    loose: list[bool]


class Difference(_Part):
    """An instruction, by its place, that one mode alone takes for followed, and why."""

    instruction: Count
    compat: bool
    fair: bool
    why: str


class ScoredPrompt(_Part):
    """One prompt's verdicts in both modes, and where they differ."""

    key: int
    instruction_id_list: list[str] = Field(min_length=1)
    compat: Verdicts
    fair: Verdicts
    language: str | None
    """Whether the answer is in the prompt's language ("target"), line by line; None where no identifier knows it."""
    differences: list[Difference] = []

    def verdicts(self, mode: Mode) -> Verdicts:
        """Give the verdicts of a mode."""
        return self.compat if mode == "compat" else self.fair


class How(_Part):
    """How a mode was scored: by whose rules, with sentences counted by what."""

    rules: str
    tokenizer: str


class Answers(_Part):
    """Counts of answers that said nothing."""

    null: Count
    blank: Count
    missing: Count


class Lines(_Part):
    """The languages of the answers, line by line."""

    identifier: str


class Spoken(_Part):
    """The languages of the answers, by several ways to tell."""

    lines: Lines | None


class ScoresFile(_Part):
    """What one model was found to follow."""

    model: str | None = None
    language: str
    modes: Mapping[Mode, How]
    floors: Mapping[Mode, Mapping[str, Floor]]
    responses: Answers
    response_language: Spoken | None = None
    prompts: list[ScoredPrompt] = Field(min_length=1)

    @property
    def identifier(self) -> str | None:
        """Name who told the languages of the answers apart; None where nobody knows the language."""
        spoken = self.response_language
        return spoken.lines.identifier if spoken and spoken.lines else None

    @property
    def counted(self) -> list[ScoredPrompt]:
        """List the prompts that ask for no response language: what the paper's tables count."""
        return [prompt for prompt in self.prompts if RESPONSE_LANGUAGE not in prompt.instruction_id_list]

    def outcomes(self, mode: Mode, level: Level, way: Way, normalised: bool = False) -> Outcomes:
        """Give by prompt how much was followed of how much: instructions, or the prompt as a whole.

        `normalised` lets only answers in the prompt's language follow anything.
        """
        found = {prompt.key: _followed(prompt, mode, way, normalised) for prompt in self.counted}
        if level == "prompt":
            return {key: (float(all(followed)), 1.0) for key, followed in found.items()}
        return {key: (float(sum(followed)), float(len(followed))) for key, followed in found.items()}


def _followed(prompt: ScoredPrompt, mode: Mode, way: Way, normalised: bool) -> list[bool]:
    verdicts = prompt.verdicts(mode)
    followed = verdicts.strict if way == "strict" else verdicts.loose
    return [each and (not normalised or prompt.language == "target") for each in followed]


def read_scores(path: Path) -> ScoresFile:
    """Read a scores file.

    Raises:
        SourceError: it is missing, or not a scores file of both modes.
    """
    if not path.is_file():
        raise SourceError(f"{path}: no such file; `kielo eval score --json` writes scores, and so does a run.")
    return _checked(lambda: ScoresFile.model_validate_json(path.read_bytes()), path)


def scores_of(document: Mapping[str, Any], path: Path) -> ScoresFile:
    """Check the scores in a document that was read from `path` already.

    Raises:
        SourceError: they are not scores of both modes.
    """
    return _checked(lambda: ScoresFile.model_validate(document), path)


def _checked(validate: Callable[[], ScoresFile], path: Path) -> ScoresFile:
    try:
        scores = validate()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole file"
        raise SourceError(
            f"{path}: not IFEval scores of both modes ({place}: {first['msg'].lower()}); score the answers again."
        ) from error
    _check_verdicts(path, scores)
    return scores


def _check_verdicts(path: Path, scores: ScoresFile) -> None:
    if not scores.counted:
        raise SourceError(f"{path}: every prompt asks for a response language; such prompts are not compared.")
    for mode in MODES:
        if mode not in scores.modes or not scores.floors.get(mode):
            raise SourceError(f"{path}: holds no scores or floors of mode {mode}; score the answers again.")
        for name, floor in scores.floors[mode].items():
            if not all(0 <= followed <= of > 0 for followed, of in _counts(floor)):
                raise SourceError(f"{path}: the counts of floor '{name}' cannot be; score the answers again.")
    keys = set()
    for prompt in scores.prompts:
        every = (prompt.compat.strict, prompt.compat.loose, prompt.fair.strict, prompt.fair.loose)
        if any(len(verdicts) != len(prompt.instruction_id_list) for verdicts in every):
            raise SourceError(f"{path}: key {prompt.key} has not one verdict per instruction; score the answers again.")
        if any(each.instruction >= len(prompt.instruction_id_list) for each in prompt.differences):
            raise SourceError(
                f"{path}: key {prompt.key} differs in an instruction it has not; score the answers again."
            )
        if prompt.key in keys:
            raise SourceError(f"{path}: key {prompt.key} is there twice; score the answers again.")
        keys.add(prompt.key)


def _counts(floor: Floor) -> Iterator[tuple[int, int]]:
    for level in get_args(Level):
        for way in get_args(Way):
            yield floor.followed(level, way)
