"""`kielo publish RUN DATASET`, `kielo publish RUN --model sft/x`: shows, writes and uploads a data set or a model of a run."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kielo.errors import UsageError
from kielo.run_folder import RunFolder
from kielo.schema import Recipe
from kielo.sharing.folder import aside, destination, files_in, put_in_place
from kielo.sharing.hub import Kind, check_name, upload
from kielo.sharing.licences import Licence, described
from kielo.sharing.opened import opened
from kielo.sharing.personal_data import KINDS, parse_kinds, told
from kielo.text_table import clean, listed


@dataclass(frozen=True)
class Prepared:
    """What is to be published, before anything is written."""

    kind: Kind
    what: str
    licence: Licence
    card: str
    remarks: tuple[str, ...]
    """What else a person should see before it leaves the machine."""
    write: Callable[[Path], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, such as runs/pocket, or its recipe")
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help="a data set of the recipe")
    parser.add_argument("--model", metavar="STEP", help="a model instead, by its training, such as sft/en-fi-100pct")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="write it here (default: publish/ in the run folder)")
    parser.add_argument(
        "--hub", metavar="NAME", help="then upload it to the Hub as owner/name (HF_TOKEN; HF_ENDPOINT is honoured)"
    )
    parser.add_argument("--private", action="store_true", help="with --hub: make the repository private")
    parser.add_argument("--dry-run", action="store_true", help="show what would be published, write and upload nothing")
    parser.add_argument(
        "--mask",
        metavar="KINDS",
        help=f"what of personal data to mask: {','.join(KINDS)} (default: all of them), or none",
    )
    parser.add_argument(
        "--allow-licence",
        metavar="REASON",
        help="publish although the licence is unknown or conflicts; the card says why",
    )
    parser.add_argument(
        "--run",
        type=Path,
        metavar="FOLDER",
        dest="run_folder",
        help="run folder of a recipe (default: runs/<recipe name>)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Show what is published, write it, and upload it if asked."""
    _refuse_contradictions(arguments)
    recipe, folder = opened(arguments.run, arguments.run_folder)
    made = _model(recipe, folder, arguments) if arguments.model else _data_set(recipe, folder, arguments)
    option = "--to" if arguments.to else "publish"
    final = destination(
        option, arguments.to or folder.path / "publish" / (arguments.model or arguments.dataset), made.what
    )
    print("\n".join(_summary(made, arguments)))
    if arguments.dry_run:
        _show(made)
        return
    with aside(final) as part:
        made.write(part)
        put_in_place(part, final)
    print(f"published: {final}", flush=True)
    if arguments.hub:
        print(f"uploading to {arguments.hub}", file=sys.stderr)
        print(f"uploaded: {upload(final, arguments.hub, made.kind, arguments.private)}")


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    if (arguments.dataset is None) == (arguments.model is None):
        raise UsageError("name either a data set of the recipe, or a model with --model sft/NAME or dpo/NAME.")
    if arguments.private and not arguments.hub:
        raise UsageError("--private is of repositories on the Hub; name one with --hub, or leave it out.")
    if arguments.model and arguments.mask is not None:
        raise UsageError("--mask is for the rows of a data set; leave it out with --model.")
    if arguments.allow_licence is not None and not arguments.allow_licence.strip():
        raise UsageError("--allow-licence needs the reason why you may publish, in words: the card shows it.")
    if arguments.hub:
        check_name(arguments.hub)


def _data_set(recipe: Recipe, run: RunFolder, arguments: argparse.Namespace) -> Prepared:
    from translate.publish.make import prepare, write

    mask = KINDS if arguments.mask is None else parse_kinds(arguments.mask)
    made = prepare(recipe, run, arguments.dataset, mask, arguments.allow_licence)
    rows = (f"rows: {len(found):,} in {code}" for code, found in made.published.rows.items())
    found = (f"personal data: {line}" for line in told(made.published.census, mask))
    return Prepared("dataset", made.what, made.licence, made.card, (*rows, *found), lambda folder: write(made, folder))


def _model(recipe: Recipe, run: RunFolder, arguments: argparse.Namespace) -> Prepared:
    from align.publish.make import beside_weights, prepare, write

    made = prepare(recipe, run, arguments.model, arguments.allow_licence)
    files = tuple(f"weights: {name}, {size / 1e9:.3f} GB" for name, size in made.weights.sizes.items())
    cast = () if made.weights.as_they_are else ("weights: written anew, in 16 bits",)
    beside = f"beside them: {', '.join(beside_weights(made))}"
    told = (*files, *cast, beside)
    return Prepared("model", made.what, made.licence, made.card, told, lambda folder: write(made, folder))


def _summary(made: Prepared, arguments: argparse.Namespace) -> Iterator[str]:
    yield clean(made.what)
    yield f"licence: {clean(made.licence.name)}"
    for part in made.licence.parts:
        yield clean(f"  {part.what}: {described(part)}")
    yield from map(clean, made.remarks)
    if arguments.hub:
        seen = "private" if arguments.private else "PUBLIC, for everybody to see, unless it is there and private"
        yield f"goes to: {arguments.hub} on the Hub, {seen}"


def _show(made: Prepared) -> None:
    """Print the files and the card; tables are really written, into a folder that is gone afterwards."""
    if made.kind == "dataset":
        with tempfile.TemporaryDirectory() as folder:
            made.write(Path(folder))
            sizes = [(name, f"{(Path(folder) / name).stat().st_size:,} bytes") for name in files_in(Path(folder))]
        print("files:", *listed(sizes), sep="\n")
    print("\nREADME.md:\n")
    print("\n".join(map(clean, made.card.splitlines())))
    print("\ndry run: nothing was written, and nothing left this machine")
