"""Makes prompts: instructions asked equally often, candidates tried one by one until there are enough that pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from eval.make_prompts.candidates import Candidate, Candidates
from eval.make_prompts.combinations import choose, counts_of_rows, largest
from eval.make_prompts.documents import Documents
from eval.make_prompts.kinds import kinds
from eval.make_prompts.pool import Pool
from eval.make_prompts.templates import read_templates
from eval.make_prompts.trial import Tryer
from kielo.errors import SourceError, UsageError
from kielo.languages.pack import Language
from kielo.progress import progress

FIRST_KEY = 10_001
"""Past Google's 1000 to 3757: an answer to one set cannot be taken for one to the other by its key."""
TRIES = 500
"""Candidates for one row; where they do not do, documents or templates are too few."""
MOST_ROWS = 10_000
PENALTY = 0.1
"""Of a row: how much later a kind is asked for every candidate with it that failed since one passed."""


@dataclass(frozen=True)
class Made:
    """A prompt that was taken, what it was made from, and an answer that follows all of it."""

    candidate: Candidate
    answer: str


@dataclass(frozen=True)
class MadeSet:
    """All prompts with their checkers, the kinds of instructions, why candidates were not taken and other kinds not asked."""

    rows: tuple[Made, ...]
    asked: tuple[str, ...]
    rejected: Mapping[str, int]
    left_out: Mapping[str, str]
    tryer: Tryer


def make_prompts(
    documents: Documents, pack: Language, rows: int, seed: int = 0, made_for: str = "both", types: Sequence[str] = ()
) -> MadeSet:
    """Make `rows` prompts; the same arguments give the same prompts.

    Raises:
        RecipeError: the language has no templates, or they or its pack are malformed.
        UsageError: `rows` or `types` cannot be met.
        SourceError: the documents are too few for so many different prompts.
    """
    if not 0 < rows <= MOST_ROWS:
        raise UsageError(f"--rows {rows}: a number from 1 to {MOST_ROWS:,} is needed.")
    templates, tryer, random = read_templates(pack.code), Tryer.open(pack, made_for), Random(seed)
    rules = tryer.contexts["fair"].rules
    asked, left_out = kinds(pack, rules, templates, tryer.modes, any(each.title for each in documents.documents), types)
    pool = Pool(pack, documents.documents)
    candidates = Candidates(pool, templates, rules, "compat" in tryer.modes, random)
    most = largest(asked)
    sizes = [min(size, most) for size in counts_of_rows(rows, random)]
    taken, rejected = _fill(candidates, tryer, sizes, asked, random)
    return MadeSet(tuple(taken), asked, dict(sorted(rejected.items())), left_out, tryer)


def _fill(
    candidates: Candidates, tryer: Tryer, sizes: Sequence[int], types: Sequence[str], random: Random
) -> tuple[list[Made], Counter[str]]:
    taken: list[Made] = []
    rejected, asked, failed = Counter[str](), Counter[str](), Counter[str]()
    misses = 0
    with progress(len(sizes), "prompts", "prompts") as bar:
        while len(taken) < len(sizes):
            late = {name: asked[name] + PENALTY * failed[name] for name in types}
            chosen = choose(types, sizes[len(taken)], late, random)
            found = _try(candidates, tryer, FIRST_KEY + len(taken), chosen)
            if isinstance(found, str):
                rejected[found] += 1
                failed.update(chosen)
                misses += 1
                if misses == TRIES:
                    raise _too_few(rejected, len(taken), len(sizes))
                continue
            misses = 0
            taken.append(found)
            candidates.took(found.candidate)
            asked.update(chosen)
            for name in chosen:
                failed[name] = 0
            bar.update()
    return taken, rejected


def _try(candidates: Candidates, tryer: Tryer, key: int, types: Sequence[str]) -> Made | str:
    candidate = candidates.make(key, types)
    if isinstance(candidate, str):
        return candidate
    trial = tryer(candidate.prompt)
    return trial.reason if trial.reason else Made(candidate, trial.answer or "")


def _too_few(rejected: Counter[str], made: int, wanted: int) -> SourceError:
    why = ", ".join(f"{count} {reason}" for reason, count in rejected.most_common(3))
    return SourceError(
        f"only {made} of {wanted} prompts could be made from these documents (not taken: {why}); "
        "give more documents or templates, or ask for fewer rows."
    )
