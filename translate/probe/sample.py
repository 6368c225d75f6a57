"""The sentences that a model is tried on, and the shots it is shown: from a development file, the recipe, or the pocket world."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kielo.errors import RecipeError, SourceError, UsageError, at
from kielo.languages.pack import Shot
from kielo.records import read_jsonl
from kielo.row_values import text_of
from kielo.schema import Recipe
from translate.checks import Direction
from translate.checks.identification import Identifier
from translate.probe.drift import recognised
from translate.prompting import load_shots
from translate.prompting.shots import in_turn

POOL = 16
"""Pairs of a development file that become shots where the language has none."""
FEWEST_PAIRS = 8
JUDGED = 20
"""Sentences by which the language of a development file is told."""


@dataclass(frozen=True)
class Sample:
    """Sentence pairs to try a model on, the shots to show it (none of them among the pairs), and where both are from."""

    pairs: tuple[Shot, ...]
    shots: tuple[Shot, ...]
    origin: str


def take_sample(
    development: Sequence[Path], recipe: Recipe, pocket: bool, most: int, direction: Direction, identifier: Identifier | None
) -> Sample:  # fmt: skip
    """Choose pairs and shots; without a development file half of the shots are tried instead of shown.

    Raises:
        SourceError: the file is missing, empty, of unequal lengths or in other languages.
        RecipeError: there are neither shots nor a file.
    """
    shots = _shots(recipe)
    if development:
        pairs, origin = read_pairs(development), " and ".join(map(str, development))
        _refuse_other_language(pairs, direction, identifier, development)
    elif pocket and direction.source.code == "en" and direction.target.code == "fi":
        from kielo.pocket.datasets import parallel_rows

        rows = parallel_rows(most, recipe.seed)
        pairs, origin = [Shot(source=row["source"], target=row["target"]) for row in rows], "the pocket world"
    elif shots:
        order = in_turn(shots)
        pairs, shots = list(order[1::2]), order[::2]
        origin = "every second shot"
    else:
        raise RecipeError(
            f"there are no shots in {direction.target.name} and no sentences to try; give some with --development FILE "
            f'({{"source": ..., "target": ...}} a line) or two text files, such as those of FLORES.'
        )
    if not shots:
        shots, pairs = tuple(pairs[:POOL]), pairs[POOL:]
        origin += f" (its first {POOL} pairs are the shots)"
    shown = {shot.source for shot in shots}
    pairs = [pair for pair in pairs if pair.source not in shown][:most]
    if len(pairs) < FEWEST_PAIRS:
        raise SourceError(
            f"{origin}: {len(pairs)} pairs are left to try, and fewer than {FEWEST_PAIRS} say nothing; give more with --development."
        )
    return Sample(tuple(pairs), tuple(shots), origin)


def _shots(recipe: Recipe) -> tuple[Shot, ...]:
    """Read the recipe's shots; none where its language has no file of them, which is no mistake here."""
    prompt = recipe.translate.prompt
    if prompt.shots_file is None and not recipe.shots_of(prompt).is_file():
        return ()
    return load_shots(recipe, prompt.model_copy(update={"shots": 1}))


def read_pairs(files: Sequence[Path]) -> list[Shot]:
    """Read sentence pairs: one file of rows `{"source", "target"}`, or two text files whose lines belong together.

    Raises:
        SourceError: a file is missing, empty or malformed, or the two are of unequal lengths.
        UsageError: there are more than two, or a text file stands alone.
    """
    if len(files) > 2:
        raise UsageError(f"--development takes one JSONL file or two text files, not {len(files)}.")
    if len(files) == 1 and ".jsonl" not in files[0].suffixes:
        raise UsageError(
            f"--development {files[0]}: rows {{source, target}} stand in a .jsonl file; of sentences line by line name two files, the source's and the target's."
        )
    if len(files) == 1:
        pairs = [_pair(row, at(files[0], line)) for line, row in read_jsonl(files[0])]
    else:
        pairs = _paired(files[0], files[1])
    if not pairs:
        raise SourceError(f"{files[0]}: holds no sentences; a development file needs at least {FEWEST_PAIRS} pairs.")
    return pairs


def _pair(row: dict[str, object], place: str) -> Shot:
    return Shot(source=text_of(row, "source", place), target=text_of(row, "target", place))


def _paired(source: Path, target: Path) -> list[Shot]:
    sides = _lines(source), _lines(target)
    if len(sides[0]) != len(sides[1]):
        raise SourceError(
            f"{source} has {len(sides[0])} lines and {target} has {len(sides[1])}; line by line they must belong together."
        )
    for number, line in enumerate(zip(*sides, strict=True), 1):
        if not all(map(str.strip, line)):
            raise SourceError(
                f"{at(source if not line[0].strip() else target, number)}: an empty line; remove it from both files."
            )
    return [Shot(source=each, target=other) for each, other in zip(*sides, strict=True)]


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise SourceError(f"{path}: no such file; check --development.")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data.decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n").split("\n") if data else []
    except (gzip.BadGzipFile, EOFError) as error:
        raise SourceError(f"{path}: not a complete gzip file ({error}); fetch it again.") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 at byte {error.start}; convert the file with iconv.") from error


def _refuse_other_language(
    pairs: Sequence[Shot], direction: Direction, identifier: Identifier | None, files: Sequence[Path]
) -> None:
    if identifier is None:
        return
    for file, language in ((files[0], direction.source), (files[-1], direction.target)):
        is_source = language == direction.source
        texts = [pair.source if is_source else pair.target for pair in pairs[:JUDGED]]
        verdicts = [found for text in texts if (found := recognised(text, identifier, is_source)) is not None]
        if sum(verdicts) * 2 < len(verdicts):
            raise SourceError(
                f"{file}: {len(verdicts) - sum(verdicts)} of the first {len(verdicts)} "
                f"{'sources' if is_source else 'translations'} are not in {language.name}; check --source and --language, and "
                "that the source stands first."
            )
