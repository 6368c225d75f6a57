"""What was made and what was not, for a terminal and as JSON; with the floors, by which a set shows what its scores mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.ifeval.floors import floors
from eval.ifeval.score import Scorer
from eval.make_prompts.documents import Documents
from eval.make_prompts.make import MadeSet
from kielo.text_table import aligned, counted, indented, listed

NO_LICENCE = "not stated"


def summary(made: MadeSet, documents: Documents, seed: int) -> dict[str, Any]:
    """Count rows, kinds, documents, licences and rejections, and score replies without any model in every mode made for."""
    prompts = [each.candidate.prompt for each in made.rows]
    kinds = Counter(name for prompt in prompts for name in prompt.instruction_ids)
    sizes = Counter(len(prompt.instruction_ids) for prompt in prompts)
    used = {each.candidate.document.id: each.candidate.document for each in made.rows}
    licences = Counter(document.licence or NO_LICENCE for document in used.values())
    tryer = made.tryer
    rules = tryer.contexts["fair"].rules
    return {
        "language": tryer.pack.code,
        "seed": seed,
        "prompts": len(prompts),
        "instructions": kinds.total(),
        "sizes": {str(size): number for size, number in sorted(sizes.items())},
        "kinds": {name: kinds[name] for name in made.asked},
        "kinds_left_out": dict(made.left_out),
        "documents": {
            "usable": len(documents.documents),
            "used": len(used),
            "refused": dict(documents.refused),
            "lines_left_out": dict(documents.lines_left_out),
            "licences": dict(sorted(licences.items())),
        },
        "candidates_rejected": dict(made.rejected),
        "floors": {
            mode: floors(prompts, Scorer(prompts, rules, mode, "sentencex").paper_totals) for mode in tryer.modes
        },
    }


def summary_text(found: Mapping[str, Any]) -> str:
    """Lay a summary out for a terminal."""
    documents = found["documents"]
    head = (
        f"{found['prompts']} prompts with {found['instructions']} instructions in '{found['language']}', "
        f"from {documents['used']} of {documents['usable']} usable documents (seed {found['seed']})"
    )
    parts = [
        ("prompts by their instructions", found["sizes"]),
        ("instructions", found["kinds"]),
        ("kinds that are not asked", found["kinds_left_out"]),
        ("documents refused", documents["refused"]),
        ("lines of documents left out", documents["lines_left_out"]),
        ("licences of the documents used", documents["licences"]),
        ("candidates rejected", found["candidates_rejected"]),
    ]
    lists = [line for title, values in parts if values for line in (f"{title}:", *_counts(values))]
    return "\n".join(
        [head, *lists, "floors (what a reply without any model scores, strict):", *_floors(found["floors"])]
    )


def _counts(values: Mapping[str, Any]) -> Sequence[str]:
    return listed((name, str(value)) for name, value in values.items())


def _floors(by_mode: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Sequence[str]:
    rows: list[tuple[str, ...]] = [("mode", "reply", "instructions", "prompts")]
    for mode, replies in by_mode.items():
        for name, of in replies.items():
            shares = (counted(of["inst_strict"], of["instructions"]), counted(of["prompt_strict"], of["prompts"]))
            rows.append((mode, name, *shares))
    return indented(aligned(rows, texts=2))
