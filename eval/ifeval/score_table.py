"""The totals of a scores document as `kielo eval score` prints them: both modes with intervals and floors, and what was not scored as given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kielo.text_table import aligned, counted

_COLUMNS = {
    "prompts strict": ("prompt_strict", "prompts"), "prompts loose": ("prompt_loose", "prompts"),
    "instr. strict": ("inst_strict", "instructions"), "instr. loose": ("inst_loose", "instructions"),
}  # fmt: skip
_PARTS = {"totals": "all {} prompts", "paper_subset": "the {} prompts that ask for no response language"}
_COUNTS = ("scored", "null", "blank", "missing", "double", "unmatched")


def totals_table(document: Mapping[str, Any]) -> str:
    """Lay the totals of a scores document out for a terminal: a table over all prompts, one over those of the paper with floors."""
    lines = [f"IFEval {document['language']}, followed, with 95% intervals over prompts"]
    for mode, of in document["modes"].items():
        lines.append(f"{mode}: {of['rules']}, sentences by {of['tokenizer']}")
    for part, title in _PARTS.items():
        prompts = next(iter(document["modes"].values()))[part]["prompts"]
        rows = [row for mode in document["modes"] for row in _rows(document, mode, part)]
        lines += ["", f"Of {title.format(prompts)}", *aligned([("mode", "reply", *_COLUMNS), *rows], texts=2)]
    return "\n".join([*lines, "", *_remarks(document)])


def _rows(document: Mapping[str, Any], mode: str, part: str) -> Iterator[Sequence[str]]:
    of = document["modes"][mode]
    yield mode, "the model's", *_shares(of[part], of["intervals"][part])
    if part == "totals":
        return
    if document["normalised"]:
        found = document["normalised"][mode]
        share = _share(found["followed"], found["instructions"], found["interval"])
        yield mode, "in the language only", "", "", share, ""
    for floor in document["floors"][mode].values():
        yield mode, f"floor: {floor['reply']}", *_shares(floor, {})


def _shares(totals: Mapping[str, int], intervals: Mapping[str, Sequence[float]]) -> list[str]:
    return [_share(totals[part], totals[of], intervals.get(part)) for part, of in _COLUMNS.values()]


def _share(followed: int, total: int, interval: Sequence[float] | None) -> str:
    """Write a share, with room for an interval where it has none: the numbers of a column stay below each other."""
    low_high = f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]" if interval and total else ""
    return f"{counted(followed, total)} {low_high:<13}"


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
