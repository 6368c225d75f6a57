"""Writes the data set card (README.md): the Hub's metadata, and what a reader must know before using the rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from kielo import __version__
from kielo.sharing.licences import Licence
from kielo.sharing.markdown import block, code, cut, table, text, visible
from kielo.sharing.personal_data import PLACEHOLDERS, Census, masked
from translate.publish.account import checks, limits, making, yields
from translate.publish.facts import Facts
from translate.publish.formats import FORMATS, TASKS
from translate.publish.tables import configs

_LETTERS = 600
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
PAPER = """\
@inproceedings{zosa-etal-2025-got,
  title = "Got Compute, but No Data: Lessons From Post-training a {F}innish {LLM}",
  author = "Zosa, Elaine and Komulainen, Ville and Pyysalo, Sampo",
  booktitle = "Proceedings of the Joint 25th Nordic Conference on Computational Linguistics and 11th Baltic Conference on Human Language Technologies (NoDaLiDa/Baltic-HLT 2025)",
  year = "2025"
}"""


@dataclass(frozen=True)
class Published:
    """The rows as they are published, and what was done to them on the way."""

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    """By language."""
    splits: Mapping[str, str]
    kept: int
    """Rows that stayed in the source language: they stand among its rows alone."""
    census: Census
    masked: tuple[str, ...]
    """Kinds of personal data that were masked."""


def card(facts: Facts, published: Published, licence: Licence) -> str:
    """Write the whole card."""
    parts = [
        f"---\n{yaml.safe_dump(metadata(facts, published, licence), sort_keys=False, allow_unicode=True, width=4096)}---\n",
        f"# {text(_title(facts))}\n", *_opening(facts, published), *_licence(licence), *making(facts), *yields(facts),
        *checks(facts), *_personal(published), *_examples(facts, published), *_worst(facts, published), *_limits(facts, published),
        *_again(facts), "## Citation\n", "The method is that of this paper; please cite the source of the rows, too.\n", block(PAPER, "bibtex"),
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def metadata(facts: Facts, published: Published, licence: Licence) -> dict[str, Any]:
    """Collect the Hub's metadata."""
    asked = facts.recipe.translate.datasets[facts.dataset.prompts_of] if facts.dataset.prompts_of else facts.dataset
    made = ["machine-generated"] if facts.makers or facts.answered_by else []
    target = facts.target.code if facts.target.code in published.rows else next(iter(published.rows))
    return {
        "pretty_name": visible(_title(facts)), "language": list(published.rows), **licence.metadata,
        "size_categories": [_size(sum(map(len, published.rows.values())))],
        "task_categories": [TASKS[facts.dataset.kind]], **({"language_creators": [*made, "found"]} if made else {}),
        **({"source_datasets": [asked.hub or "original"]} if asked.hub or asked.pocket else {}),
        "tags": ["kielo", facts.dataset.kind, *(["translation", "synthetic"] if facts.makers else [])],
        "configs": configs(published.splits, target),
    }  # fmt: skip


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>10M")


def _title(facts: Facts) -> str:
    return f"{facts.name} in {facts.target.name}" if facts.makers or facts.answered_by else facts.name


def _opening(facts: Facts, published: Published) -> Iterator[str]:
    if facts.recipe.description:
        yield f"{text(facts.recipe.description)}\n"
    yield f"Rows from {text(facts.origin)}, made by Kielo {__version__}.\n"
    names = {facts.source.code: facts.source.name, facts.target.code: facts.target.name}
    rows = [
        (code(each), text(names.get(each, each)), code(published.splits[each]), f"{len(found):,}")
        for each, found in published.rows.items()
    ]
    yield table(("configuration", "language", "split", "rows"), rows, numbers=1)
    yield f"Columns: {FORMATS[facts.dataset.kind]}. Ids (of IFEval: keys) are the same in all languages.\n"
    example = facts.target.code if facts.target.code in published.rows else next(iter(published.rows))
    yield block(f'from datasets import load_dataset\n\nrows = load_dataset("<this data set>", "{example}")', "python")
    if published.kept:
        yield f"{published.kept:,} rows stayed in {text(facts.source.name)}, as a translation would have changed their task; they stand in that configuration alone.\n"


def _licence(licence: Licence) -> Iterator[str]:
    yield "## Licence\n"
    yield f"{text(licence.name)}. `LICENSE.md` lists what it was computed from.\n"
    yield from (f"{text(condition.text)}\n" for condition in licence.conditions)
    if licence.allowed:
        yield f"Its licence is not settled; published because: {text(licence.allowed)}\n"


def _personal(published: Published) -> Iterator[str]:
    yield "## Personal data\n"
    found = {kind: number for kind, number in published.census.places.items() if number}
    if not found:
        yield "Rows were searched for e-mail addresses, phone numbers, access keys and bank accounts; nothing was found.\n"
        return
    told = [
        f"{number:,} {kind} in {len(published.census.rows[kind]):,} rows, "
        + (f"replaced by {code(PLACEHOLDERS[kind])}" if kind in published.masked else "left as they are")
        for kind, number in found.items()
    ]
    yield f"Rows were searched for what looks like personal data or secrets: {'; '.join(told)}. Names and addresses are not searched for.\n"


def _examples(facts: Facts, published: Published) -> Iterator[str]:
    yield "## Examples\n"
    for each, rows in published.rows.items():
        yield f"The first row of {code(each)}:\n"
        yield block(json.dumps(_shortened(rows[0]), ensure_ascii=False, indent=1), "json")


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value, _LETTERS)
    if isinstance(value, Mapping):
        return {key: _shortened(each) for key, each in value.items()}
    return [_shortened(each) for each in value] if isinstance(value, list) else value


def _worst(facts: Facts, published: Published) -> Iterator[str]:
    if not facts.worst:
        return
    yield "## The worst that was accepted\n"
    yield "Accepted texts that the checks, the repairs and the model's own probabilities speak against most:\n"
    for row in facts.worst:
        noted = ", ".join(dict.fromkeys(check for check, _, _ in row.findings)) or "nothing"
        probability = "" if row.logprob is None else f", lowest log-probability {row.logprob:.2f}"
        yield f"{code(row.id)}, {code(row.where)}: noted {text(noted)}; made by {text(', '.join(row.engines))}{probability}.\n"
        shown = (cut(masked(each, published.masked)[0], _LETTERS) for each in (row.source, row.translation))
        yield block("\n\n".join(shown))


def _limits(facts: Facts, published: Published) -> Iterator[str]:
    yield "## Known limits\n"
    yield "".join(f"- {sentence}\n" for sentence in limits(facts))


def _again(facts: Facts) -> Iterator[str]:
    yield "## How to make it again\n"
    limit = "" if facts.limit is None else f" --limit {facts.limit}"
    yield f"    kielo translate {visible(facts.recipe.file.name or facts.recipe.name + '.yaml')}{limit}\n"
    yield "`recipe.json` is the recipe with every default written out.\n"
    rows = [
        (code(name), code(record["fingerprint"][:16]), text(_versions(record))) for name, record in facts.steps.items()
    ]
    yield table(("step", "fingerprint", "made with"), rows)


def _versions(record: Mapping[str, Any]) -> str:
    around = record.get("surroundings", {})
    changed = ", with changes" if around.get("uncommitted") not in (None, "", "unknown") else ""
    packages = ", ".join(f"{name} {version}" for name, version in record["fields"].get("versions", {}).items())
    return f"Kielo at commit {around.get('commit', 'unknown')[:12]}{changed}, Python {around.get('python', 'unknown')}{f', {packages}' if packages else ''}"
