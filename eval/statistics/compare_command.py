"""`kielo eval compare`: the scores of several models with intervals and floors, and which of their differences are shown."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.ifeval.registry import MODES, Mode
from eval.ifeval.scores_file import Floor, Level, ScoresFile, Way, read_scores
from eval.named_files import named_file
from eval.statistics.bootstrap import Outcomes, clustered_interval
from eval.statistics.compare_tables import tables
from eval.statistics.comparison import Comparison, compare
from kielo.errors import SourceError, UsageError
from kielo.options.json_out import STDOUT, add_json, json_file, tell
from kielo.records import read_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument(
        "scores", nargs="+", metavar="[NAME=]FILE", help="scores.json of a run, or of `kielo eval score --json`"
    )
    parser.add_argument("--mode", choices=MODES, default="compat", help="default: compat")
    parser.add_argument(
        "--level", choices=("instruction", "prompt"), default="instruction", help="default: instruction"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--strict", dest="way", action="store_const", const="strict", help="the default")
    way.add_argument("--loose", dest="way", action="store_const", const="loose", help="forgive first and last lines")
    parser.set_defaults(way="strict")
    parser.add_argument(
        "--normalised", action="store_true", help="count only answers that are in the language of the prompts"
    )
    add_json(parser, "the tables, with all digits")


def run(arguments: argparse.Namespace) -> None:
    """Print both tables, and write them where asked."""
    named = [named_file(text) for text in arguments.scores]
    out = json_file(arguments.json, *(path for _, path in named))
    _refuse_scores(out)
    document = compare_files(named, Table(arguments.mode, arguments.level, arguments.way, arguments.normalised))
    tell(out, document, tables(document))


def _refuse_scores(out: Path | None) -> None:
    """Keep `--json a.json b.json` from writing over the first of the scores that were to be compared."""
    document = read_json(out) if out and out != STDOUT else None
    if document and "modes" in document and "prompts" in document:
        raise UsageError(f"--json {out}: this file holds scores; name another one, or write --json last to print.")


@dataclass(frozen=True)
class Table:
    """What of the scores is compared."""

    mode: Mode
    level: Level
    way: Way
    normalised: bool

    def outcomes(self, scores: ScoresFile) -> Outcomes:
        """Give by prompt how much of how much."""
        return scores.outcomes(self.mode, self.level, self.way, self.normalised)


def compare_files(named: Sequence[tuple[str | None, Path]], table: Table) -> dict[str, Any]:
    """Compare scores files: what `kielo eval compare` prints, as one JSON document; the best model stands first.

    Raises:
        SourceError: a file holds no scores, or the files do not score the same prompts in the same way.
        UsageError: two files have one name.
    """
    files = [(path, read_scores(path)) for _, path in named]
    names = [name or scores.model or path.stem for (name, _), (path, scores) in zip(named, files, strict=True)]
    for path, scores in files:
        _check_alike(*files[0], path, scores, table.mode)
        if table.normalised and any(prompt.language is None for prompt in scores.counted):
            raise SourceError(f"{path}: no identifier knows language {scores.language}; compare without --normalised.")
        if table.normalised and scores.identifier != files[0][1].identifier:
            both = f"{files[0][0]} and {path} cannot be compared with --normalised"
            raise SourceError(
                f"{both}: languages are told by {files[0][1].identifier} and by {scores.identifier}; score both with one --identifier."
            )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UsageError(f"two scores files are called '{twice[0]}'; give them names: NAME=FILE.")
    found = {name: scores for name, (_, scores) in zip(names, files, strict=True)}
    models = [_model(name, scores, table) for name, scores in found.items()]
    models.sort(key=lambda row: (-row["share"], row["model"]))
    first = files[0][1]
    return {
        **asdict(table), "language": first.language, "prompts": len(first.counted),
        "sentences": first.modes[table.mode].tokenizer, "models": models,
        "floors": {name: _floor(floor, table) for name, floor in _floors(first, table).items()},
        "pairs": [_pair(row) for row in compare({row["model"]: table.outcomes(found[row["model"]]) for row in models})],
    }  # fmt: skip


def _check_alike(path: Path, scores: ScoresFile, other_path: Path, other: ScoresFile, mode: Mode) -> None:
    """Refuse files whose difference would be that of two prompt sets, languages or ways to score."""
    both = f"{path} and {other_path} cannot be compared"
    if scores.language != other.language:
        raise SourceError(f"{both}: one is of language {scores.language}, the other of {other.language}.")
    ours, theirs = ({prompt.key: prompt.instruction_id_list for prompt in file.prompts} for file in (scores, other))
    alone = sum(key not in theirs for key in ours) + sum(key not in ours for key in theirs)
    if alone:
        raise SourceError(f"{both}: {alone} prompts are in one of them only; score both with the same --prompts.")
    changed = [key for key, asked in ours.items() if theirs[key] != asked]
    if changed:
        raise SourceError(f"{both}: key {changed[0]} has other instructions; score both with the same --prompts.")
    if scores.modes[mode] != other.modes[mode]:
        how = (f"by {file.modes[mode].rules}, sentences by {file.modes[mode].tokenizer}" for file in (scores, other))
        raise SourceError(f"{both}: one is scored {', the other '.join(how)}; score both with the same options.")
    if scores.floors[mode] != other.floors[mode]:
        raise SourceError(
            f"{both}: replies without a model score differently in them; score both anew, with one --prompts."
        )


def _model(name: str, scores: ScoresFile, table: Table) -> dict[str, Any]:
    outcomes = table.outcomes(scores)
    followed, out_of = (sum(column) for column in zip(*outcomes.values(), strict=True))
    interval = clustered_interval(outcomes)
    floors = [_floor(floor, table)["share"] for floor in _floors(scores, table).values()]
    return {
        "model": name, "followed": round(followed), "out_of": round(out_of), "share": followed / out_of,
        "interval": asdict(interval), "above_floors": interval.low > max(floors) if floors else None,
        "no_answer": scores.responses.null + scores.responses.blank + scores.responses.missing,
    }  # fmt: skip


def _floors(scores: ScoresFile, table: Table) -> Mapping[str, Floor]:
    """List the replies without a model; none where answers count in one language alone: theirs was not told."""
    return {} if table.normalised else scores.floors[table.mode]


def _floor(floor: Floor, table: Table) -> dict[str, Any]:
    followed, out_of = floor.followed(table.level, table.way)
    return {"reply": floor.reply, "followed": followed, "out_of": out_of, "share": followed / out_of}


def _pair(comparison: Comparison) -> dict[str, Any]:
    return {**asdict(comparison), "verdict": comparison.verdict}
