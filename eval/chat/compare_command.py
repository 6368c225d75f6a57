"""`kielo compare`: the answers of two models of a run to the same prompts, side by side in the terminal or on a page."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from eval.chat.models import MODEL_HELP, RunModel, find_models
from kielo.errors import UsageError
from kielo.options.engine import add_engine, engine_of
from kielo.options.out_files import output_file
from kielo.options.values import positive, seed

if TYPE_CHECKING:
    from eval.chat.answers_made import Answers
    from eval.chat.language_told import Teller
    from eval.chat.side_by_side import Shown
    from eval.responses import Asked

_MAX_TOKENS = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, such as runs/pocket, or the recipe of one")
    parser.add_argument("a", metavar="A", help=MODEL_HELP)
    parser.add_argument("b", metavar="B", help="another one")
    prompts = parser.add_mutually_exclusive_group()
    prompts.add_argument(
        "--prompts", type=Path, metavar="FILE", help="a prompt on each line, or .jsonl of rows {prompt} or {turns}"
    )
    prompts.add_argument(
        "--benchmark", metavar="NAME", help="of the run, such as ifeval-fi (default: its first in the target language)"
    )
    parser.add_argument("--n", type=positive, default=10, metavar="N", help="how many prompts to draw (default: 10)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the draw (default: 0)")
    parser.add_argument(
        "--max-tokens", type=positive, metavar="N",
        help=f"of an answer to --prompts (default: {_MAX_TOKENS}); a benchmark has its own",
    )  # fmt: skip
    add_engine(parser)
    parser.add_argument("--html", type=Path, metavar="OUT", help="write one page that shows them, too")
    parser.add_argument("--json", action="store_true", help="print the prompts and answers as JSON instead")


def run(arguments: argparse.Namespace) -> None:
    """Lay the answers side by side.

    Raises:
        UsageError: there is no such run, model or benchmark, or the page cannot be written.
        SourceError: the prompts are missing or malformed.
        GenerationError: a model cannot answer.
    """
    given = [arguments.prompts] if arguments.prompts else []
    out = output_file("--html", arguments.html, *given)
    if arguments.max_tokens and not arguments.prompts:
        raise UsageError("--max-tokens goes with --prompts; a benchmark's answers are as long as the recipe says.")
    engine = engine_of(arguments.engine)
    if engine.kind == "openai":
        raise UsageError("--engine: such a server holds one model, and two are compared; take hf or vllm-server.")
    models = find_models(arguments.run, (arguments.a, arguments.b))
    from eval.chat.answers_made import answers_of
    from eval.chat.cases import drawn
    from eval.chat.language_told import teller_of

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    whole = _asked(models[0], arguments)
    asked = drawn(whole, arguments.n, arguments.seed)
    answers = [answers_of(model, asked, engine) for model in models]
    cases = shown_cases(asked, answers, teller_of(models[0].recipe))
    notes = _notes(asked, len(whole.rows), answers, models)
    if out:
        from eval.chat.page import write_page

        names = [each.model for each in answers]
        write_page(out, f"{models[0].recipe.name}: {' and '.join(names)}", notes, names, cases)
    _print(cases, notes, arguments.json, out)


def _asked(model: RunModel, arguments: argparse.Namespace) -> Asked:
    from eval.chat.cases import cases_of_benchmark, cases_of_file

    if arguments.prompts:
        return cases_of_file(arguments.prompts, model.recipe.language, arguments.max_tokens or _MAX_TOKENS)
    return cases_of_benchmark(model, arguments.benchmark)


def shown_cases(asked: Asked, answers: Sequence[Answers], teller: Teller) -> list[Shown]:
    """Put the prompts and what each model said together, turn by turn."""
    from eval.chat.cases import turns_of
    from eval.chat.side_by_side import Shown, Side, Turn

    cases = []
    for row in asked.rows:
        said = zip_longest(*(each.by_id[row.id] for each in answers), fillvalue="")
        turns = [
            Turn(
                prompt, tuple(Side(of.model, text, teller.told(text)) for of, text in zip(answers, texts, strict=True))
            )
            for prompt, texts in zip(turns_of(row), said, strict=False)
        ]
        cases.append(Shown(row.id, tuple(turns)))
    return cases


def _notes(asked: Asked, of: int, answers: Sequence[Answers], models: Sequence[RunModel]) -> list[str]:
    drawn_from = f" of {of}, drawn by --n and --seed" if len(asked.rows) < of else ""
    counted = f"prompts of {asked.name}: {len(asked.rows)}{drawn_from}"
    notes = [f"{counted}; answers of at most {asked.max_tokens} tokens, greedy"]
    for each, model in zip(answers, models, strict=True):
        from_run = len(each.by_id) - each.made
        where = f"{from_run} of {len(each.by_id)} answers from the run itself"
        kept = f", {each.made} kept in {model.run.path / 'compare'}" if each.made else ""
        notes.append(f"{each.model}: {where}{kept}")
        if each.made and not model.speaks_turns:
            notes.append(f"{each.model} has no chat template: it goes on with the text of each first turn")
    return notes


def _print(cases: Sequence[Shown], notes: Sequence[str], as_json: bool, out: Path | None) -> None:
    from eval.chat.side_by_side import written

    if as_json:
        document = {"notes": list(notes), "cases": [asdict(case) for case in cases]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(written(cases, shutil.get_terminal_size().columns, colour))
    print("\n".join(notes))
    if out:
        print(f"page: {out}")
