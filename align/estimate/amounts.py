"""How much a training reads: counted by its tokens step, else guessed from the rows that exist, else from those expected, else unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from align.estimate.expected import LETTERS, expected_rows
from kielo.plan import Step
from kielo.plan.steps import rows_file, rows_step
from kielo.records import read_json, read_jsonl
from kielo.run_folder import RunFolder
from kielo.schema import Recipe

LETTERS_PER_TOKEN = 4
_SAMPLE = 500  # rows of a file that are measured; mixed files are shuffled


@dataclass(frozen=True)
class Amount:
    """Rows and tokens of one epoch; None is unknown."""

    rows: int | None = None
    by_language: Mapping[str, int] = field(default_factory=dict)
    """Tokens, where they are known or guessed."""
    longest_row: int | None = None
    guessed: bool = False
    expected: bool = False
    """Whether even the rows are those that the recipe expects."""

    @property
    def tokens(self) -> int | None:
        """Add the languages up."""
        return sum(self.by_language.values()) or None


def amount_of(recipe: Recipe, tokens: Step, plan: Sequence[Step], run: RunFolder) -> Amount:
    """Find out how much the trainings on a tokens step read."""
    if run.record(tokens.name) is not None:
        made = read_json(run.folder(tokens.name) / "tokens.json") or {}
        counted = {code: counts["tokens"] for code, counts in made["counts"].items()}
        return Amount(made["rows"], counted, made["longest_row"])
    files = _files(recipe, tokens, run)
    if files is None:
        return _expected(recipe, tokens, plan)
    sequences = 1 if "sft" in tokens.settings else 2
    found = [_guess(file, rows, code, sequences) for file, rows, code in files]
    tokens_of: Counter[str] = Counter()
    for each in found:
        tokens_of.update(each)
    return Amount(sum(rows for _, rows, _ in files), tokens_of, None, True)


def _expected(recipe: Recipe, tokens: Step, plan: Sequence[Step]) -> Amount:
    rows = expected_rows(recipe, tokens, plan)
    if not rows:
        return Amount()
    letters = LETTERS["sft" if "sft" in tokens.settings else "dpo"]
    guessed = {code: count * letters // LETTERS_PER_TOKEN for code, count in rows.items() if count}
    return Amount(rows.total(), guessed, None, guessed=True, expected=True)


Rows = tuple[Path, int, str | None]  # a file, how many of its rows are read, and of which language (None: of all)


def _files(recipe: Recipe, tokens: Step, run: RunFolder) -> list[Rows] | None:
    """Find the files that a tokens step would read, with their rows; None while one is not made."""
    if "sft" in tokens.settings:
        (mix,) = (name for name in tokens.inputs if name.startswith("mix/"))
        record = run.record(mix)
        return [(run.folder(mix) / "train.jsonl", record["counts"]["rows"], None)] if record else None
    wanted = [(name, code) for name, codes in tokens.settings["dpo"]["data"].items() for code in codes]
    found: list[Rows] = []
    for name, code in wanted:
        step = rows_step(recipe, name, code)
        record = run.record(step)
        if record is None:
            return None
        rows = record["counts"]["records" if step.startswith("source/") else "accepted"]
        rows = round(rows * (1 + tokens.settings["dpo"]["language_pairs"]))
        found.append((run.folder(step) / rows_file(step), rows, code))
    return found


def _guess(file: Path, rows: int, code: str | None, sequences: int) -> Counter[str]:
    """Guess the tokens of a file by language from the letters of its first rows; a pair's prompt is read twice."""
    letters: Counter[str] = Counter()
    sample = [row for _, row in islice(read_jsonl(file), _SAMPLE)]
    for row in sample:
        turns = row.get("messages") or row["prompt"]
        shared = sum(len(turn["content"]) for turn in turns) * sequences
        letters[row["language"]] += shared + len(row.get("chosen", "")) + len(row.get("rejected", ""))
    scale = rows / len(sample) / LETTERS_PER_TOKEN if sample else 0
    return Counter({language: round(count * scale) for language, count in letters.items() if code in (None, language)})
