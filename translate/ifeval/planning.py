"""Every IFEval prompt of a data set planned at once: their arguments in one batch, one table, one form for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from kielo.records import Prompt
from translate.checks import Direction
from translate.ifeval.arguments import Ask, Entry, Term, make_table
from translate.ifeval.glossary_file import given_entries, read_tsv, to_tsv
from translate.ifeval.letters import choose_letter
from translate.ifeval.prompt import PromptPlan, plan_prompt


def plan_prompts(
    prompts: Sequence[Prompt], direction: Direction, ask: Ask, arguments: Path | None = None
) -> list[PromptPlan]:
    """Plan prompts in their order; `ask` translates arguments, but for those that the file `arguments` gives a form.

    Raises:
        SourceError: `arguments` is malformed, or a line is about an argument that its prompts do not have.
        RecipeError: a language pack lacks what a prompt's instructions need.
    """
    given = given_entries(read_tsv(arguments), prompts) if arguments is not None else {}

    def letters(letter: str) -> str:
        return choose_letter(letter, direction.source, direction.target)

    table = make_table(prompts, ask, letters, given)
    return [plan_prompt(prompt, table, direction) for prompt in prompts]


def arguments_tsv(plans: Iterable[PromptPlan]) -> str:
    """Lay out the argument table of planned prompts as `arguments.tsv`; what a prompt fails for is in the note."""
    entries: dict[Term, Entry] = {}
    for plan in plans:
        for entry in plan.entries:
            term = (entry.source, entry.is_letter)
            known = entries.setdefault(term, entry)
            if plan.failure is not None and entry.failure is None and f"'{entry.target:.60}'" in plan.failure.detail:
                problem = f"prompt {plan.prompt.key}: {plan.failure.reason}: {plan.failure.detail}"
                entries[term] = replace(known, note="; ".join(filter(None, (known.note, problem))))
    return to_tsv(entries.values())
