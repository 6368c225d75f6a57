"""`kielo language new`: writes a pack's draft and says what a native speaker must fill in."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from kielo.errors import UsageError
from kielo.languages.pack import OWN, PACKS, codes, language, pack_folders
from kielo.options.out_files import output_folder
from kielo.packs.draft import make_draft, named, pack_text
from kielo.packs.standards import Standard, standard
from kielo.packs.text import Text, read_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `new`."""
    parser.add_argument("code", metavar="CODE", help="the language, such as fo")
    parser.add_argument(
        "--text", type=Path, metavar="FILE", help="native text, a sentence a line (.gz too): letters and identifiers are measured on it"
    )  # fmt: skip
    parser.add_argument(
        "--english", type=Path, metavar="FILE", help="the same sentences in English, line by line: measures the length"
    )
    parser.add_argument(
        "--source", metavar="WORDS", help="what --text is and its licence, for the pack (default: the file's name)"
    )
    parser.add_argument("--name", metavar="WORDS", help="its English name, where it is none of CLDR's")
    parser.add_argument("--native-name", metavar="WORDS", help="what its speakers call it, where CLDR does not know")
    parser.add_argument(
        "--script", metavar="NAME", help="Unicode's name of its script, such as Latin, where CLDR does not know"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help=f"where to write it (default: {OWN}, else recipes/languages)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the draft, then print what is missing.

    Raises:
        UsageError: the code is another's or none, there is such a pack, or names are missing.
        SourceError: the text cannot be read.
    """
    found = named(standard(arguments.code), arguments.name, arguments.native_name, arguments.script)
    if arguments.english and not arguments.text:
        raise UsageError("--english says how long English is beside --text; give that, too.")
    folder = output_folder("--out", arguments.out or pack_folders()[0])
    path = folder / f"{arguments.code}.yaml"
    _refuse_other(arguments.code, path)
    text = read_text(arguments.text, arguments.english) if arguments.text else None
    written = pack_text(make_draft(found, text, arguments.source))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(written)
    except FileExistsError as error:
        raise UsageError(
            f"{path}: is there by now; `kielo language check {arguments.code}` goes on from it."
        ) from error
    except OSError:  # a full disk: half a pack would stand there as one
        path.unlink(missing_ok=True)
        raise
    language.cache_clear()
    print(" ".join((f"{path}: written.", *_told(arguments.code, found, folder))))
    return _tell_next(arguments.code, folder, text)


def _told(code: str, found: Standard, folder: Path) -> Iterator[str]:
    if found.note:
        yield found.note
    base = code.partition("-")[0]
    if base != code and base in codes():
        yield f"There is a pack of '{base}', too: name this one, '{code}', in recipes where you mean it."
    if (PACKS / f"{code}.yaml").is_file() and folder.resolve() != PACKS.resolve():
        yield f"It stands in for the pack of '{code}' that comes with Kielo wherever {OWN} names its folder."


def _refuse_other(code: str, path: Path) -> None:
    if os.path.lexists(path):
        raise UsageError(f"{path}: is there already; `kielo language check {code}` says what it lacks.")
    if code in codes() and path.parent.resolve() == PACKS.resolve():
        raise UsageError(f"there is a pack of '{code}'; `kielo language check {code}` says what it lacks.")


def _tell_next(code: str, folder: Path, text: Text | None) -> int:
    from kielo.packs.check import check_pack
    from kielo.packs.findings import tell

    findings = check_pack(code, folder, text)
    print(tell(code, findings))
    command = f"kielo language check {code}"
    if folder.resolve() not in [known.resolve() for known in pack_folders()]:
        command = f"{OWN}={shlex.quote(str(folder))} {command}"
    print(f"Fill these in and go on with: {command}")
    return 0
