"""The totals of a scores document as `kielo eval score` prints them: both modes, their floors, and what was not scored as given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_COLUMNS = {
    "prompts strict": ("prompt_strict", "prompts"), "prompts loose": ("prompt_loose", "prompts"),
    "instr. strict": ("inst_strict", "instructions"), "instr. loose": ("inst_loose", "instructions"),
}  # fmt: skip
_PARTS = {"all": "totals", "no language asked": "paper_subset"}
_COUNTS = ("scored", "null", "blank", "missing", "double", "unmatched")


def totals_table(document: Mapping[str, Any]) -> str:
    """Lay the totals of a scores document out for a terminal."""
    head = f"{'':<26}" + "".join(f"{column:>20}" for column in _COLUMNS)
    blocks = (line for mode in document["modes"] for line in _mode(document, mode))
    return "\n".join([f"IFEval {document['language']}", head, *blocks, *_remarks(document)])


def _mode(document: Mapping[str, Any], mode: str) -> Iterator[str]:
    of = document["modes"][mode]
    yield f"{mode}: {of['rules']}, sentences by {of['tokenizer']}"
    yield from (_row(label, of[part]) for label, part in _PARTS.items())
    yield from (_row(f'floor "{floor["reply"]}"', floor) for floor in document["floors"][mode].values())
    if document["normalised"]:
        found = document["normalised"][mode]
        share = _share(found["followed"], found["instructions"])
        yield f"{'  in the language only':<26}{'':>40}{share}"


def _row(label: str, totals: Mapping[str, int]) -> str:
    return f"  {label:<24}" + "".join(_share(totals[part], totals[of]) for part, of in _COLUMNS.values())


def _share(followed: int, total: int) -> str:
    percent = f"{100 * followed / total:6.2f}%" if total else "-"
    return f"{followed}/{total} {percent}".rjust(20)


def _remarks(document: Mapping[str, Any]) -> Iterator[str]:
    responses = document["responses"]
    yield "responses: " + ", ".join(f"{responses[name]} {name}" for name in _COUNTS)
    other = responses["other_prompt_text"]
    if other:
        keys = ", ".join(map(str, other[:5])) + (", ..." if len(other) > 5 else "")
        yield f"{len(other)} answers were given to another wording of their prompt (keys {keys}): a prompts file of another version?"
    strangers, missing = responses["unmatched_rows"], responses["missing_keys"]
    if strangers and missing:
        yield f"{len(strangers)} answers are to no prompt of the file (the first: line {strangers[0]['line']}), {len(missing)} of its prompts have none (the first: key {missing[0]}): a prompts file of another version?"
    one_sided = sum(count for of_type in document["differences"].values() for count in of_type.values())
    if one_sided:
        fair = sum(of_type["fair_only"] for of_type in document["differences"].values())
        yield f"the modes differ in {one_sided} instructions: fair alone takes {fair} for followed, compat alone {one_sided - fair} (--json lists them)"
    for name, count in document["meaningless"].items():
        yield f"{name}: {count} instructions mean nothing in a script without letter case; in fair mode nothing follows them"
    for code, count in document["unknown_languages"].items():
        yield f"language '{code}': asked for by {count} prompts, and no identifier knows it; in fair mode nothing follows this"
