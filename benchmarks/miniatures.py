"""Runs every recipe of a real model in miniature, each in a process of its own, and prints what it took: `python -m benchmarks.miniatures [RECIPE ...]`.

The limit is three minutes on two cores. It ends with 1 where a run needs longer; a run that fails ends it with its traceback.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kielo.provenance import CHECKOUT
from kielo.text_table import aligned

RECIPES = CHECKOUT / "recipes"
LIMIT_SECONDS = 180


@dataclass(frozen=True)
class Ran:
    """One recipe's miniature run."""

    recipe: str
    model: str
    parameters: int
    steps: int
    trainings: int
    seconds: float
    longest: str


def main() -> int:
    """Run the recipes named on the command line, or all whose model is on the Hub."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", type=Path, nargs="*")
    files = parser.parse_args().recipes or _of_real_models()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        ran = [pool.submit(run, file).result() for file in files]
    heads = ("recipe", "miniature of", "parameters", "steps", "trainings", "seconds", "longest step")
    rows = [(r.recipe, r.model, f"{r.parameters:,}", r.steps, r.trainings, f"{r.seconds:.0f}", r.longest) for r in ran]
    print("\n".join(aligned([heads, *(tuple(map(str, row)) for row in rows)], texts=2)))
    return int(any(r.seconds > LIMIT_SECONDS for r in ran))


def _of_real_models() -> list[Path]:
    from kielo.recipe.reading import load

    return [file for file in sorted(RECIPES.glob("*.yaml")) if "/" in load(file).model]


def run(file: Path) -> Ran:
    """Run one recipe in miniature in a temporary folder, from the import of torch to the report."""
    began = time.perf_counter()
    from kielo.execute import Job, execute
    from kielo.miniature import ROWS, miniature_recipe
    from kielo.plan import make_plan
    from kielo.recipe.reading import load
    from kielo.run_folder import RunFolder

    with tempfile.TemporaryDirectory() as temporary:
        recipe, folder = load(file), Path(temporary) / "run"
        small = miniature_recipe(recipe, folder)
        plan, place = make_plan(small, ROWS), RunFolder(folder)
        execute(small, place, Job(tuple(plan)))
        seconds = time.perf_counter() - began
        walls = {step.name: (place.record(step.name) or {})["wall_seconds"] for step in plan}
        longest = max(walls, key=lambda name: walls[name])
        trainings = sum(step.kind in ("sft", "dpo") for step in plan)
        return Ran(file.stem, recipe.model, _parameters(small.model), len(plan), trainings, seconds, f"{longest} ({walls[longest]:.0f} s)")  # fmt: skip


def _parameters(model: str) -> int:
    from transformers import AutoModelForCausalLM

    return int(AutoModelForCausalLM.from_pretrained(model).num_parameters())


if __name__ == "__main__":
    sys.exit(main())
