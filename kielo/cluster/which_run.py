"""Which run a verb is about: a recipe's, or the run folder that is named itself."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from kielo.cluster.frozen import not_submitted, thaw
from kielo.cluster.queue.manifest import Manifest, read
from kielo.options.values import positive
from kielo.plan import Step, make_plan
from kielo.recipe.reading import load
from kielo.run_folder import RunFolder
from kielo.schema import Recipe


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which run is meant."""
    parser.add_argument("recipe", type=Path, metavar="RECIPE|RUN", help="a recipe, or the run folder of one")
    add_folder(parser, "the run of this --limit")


def add_folder(
    parser: argparse.ArgumentParser,
    limit: str = "keep the first N records of each data set (in a run folder of its own)",
) -> None:
    """Add the options that choose the run folder of a recipe; `limit` is the help of --limit."""
    parser.add_argument(
        "--run", type=Path, metavar="FOLDER", dest="run_folder", help="run folder (default: runs/<recipe name>)"
    )
    parser.add_argument("--limit", type=positive, metavar="N", help=limit)


def folder_of(recipe: Recipe, arguments: argparse.Namespace) -> RunFolder:
    """Name the run folder of a recipe, with its whole path: jobs begin in other folders."""
    usual = f"{recipe.name}-limit-{arguments.limit}" if arguments.limit else recipe.name
    return RunFolder((arguments.run_folder or Path("runs") / usual).absolute())


def asked_as(arguments: argparse.Namespace, run: RunFolder) -> str:
    """Write how a run is named on the command line of another verb."""
    of_recipe = not arguments.run_folder and not arguments.limit
    return shlex.quote(str(arguments.recipe if of_recipe else run.path))


def run_of(arguments: argparse.Namespace) -> RunFolder:
    """Find the run folder that is meant.

    Raises:
        RecipeError: the recipe cannot be used.
    """
    if arguments.recipe.is_dir():
        return RunFolder(arguments.recipe.absolute())
    return folder_of(load(arguments.recipe), arguments)


def opened(arguments: argparse.Namespace) -> tuple[Recipe, list[Step], RunFolder]:
    """Find the run that is meant and its plan: a recipe's as it stands now, a run folder's as it was submitted.

    Raises:
        RecipeError: the recipe cannot be used.
        RunFolderError: nothing was submitted in the folder.
    """
    if arguments.recipe.is_dir():
        run = RunFolder(arguments.recipe.absolute())
        return *thaw(run), run
    recipe = load(arguments.recipe)
    return recipe, make_plan(recipe, arguments.limit), folder_of(recipe, arguments)


def submitted(run: RunFolder) -> Manifest:
    """Read the manifest of a run that has one.

    Raises:
        RunFolderError: nothing was submitted in this folder.
    """
    manifest = read(run)
    if manifest is None:
        raise not_submitted(run)
    return manifest
