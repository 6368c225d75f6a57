"""`kielo language check`: what a pack lacks, what is wrong in it, and what of it a native speaker has read."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kielo import strict_yaml
from kielo.errors import RecipeError, UsageError
from kielo.languages.pack import Language, codes, language, pack_file, pack_folders
from kielo.packs.against_text import LETTERS, against_text
from kielo.packs.beside import beside
from kielo.packs.facts import facts
from kielo.packs.findings import Finding, Opened, tell, to_document, unplaced
from kielo.packs.ifeval_part import ifeval_part
from kielo.packs.text import Text, read_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `check`."""
    parser.add_argument("code", metavar="CODE", help="the language, such as fo")
    parser.add_argument(
        "--text", type=Path, metavar="FILE", help="compare with this native text, a sentence a line (.gz too)"
    )
    parser.add_argument("--english", type=Path, metavar="FILE", help="the same sentences in English, line by line")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 where the pack cannot be used yet.

    Raises:
        RecipeError: there is no such pack.
        UsageError: English lines stand beside nothing.
        SourceError: the text cannot be read.
    """
    if arguments.english and not arguments.text:
        raise UsageError("--english says how long English is beside --text; give that, too.")
    if arguments.code not in codes():
        language(arguments.code)  # refuses it, and says what is meant by it
    text = read_text(arguments.text, arguments.english) if arguments.text else None
    findings = check_pack(arguments.code, None, text)
    if arguments.json:
        print(json.dumps(to_document(arguments.code, findings), indent=2, ensure_ascii=False))
    else:
        print(tell(arguments.code, findings))
    return int(any(finding.weight == "error" for finding in findings))


def check_pack(code: str, folder: Path | None = None, text: Text | None = None) -> list[Finding]:
    """Find what is wrong or missing in a pack, in a folder of packs or wherever Kielo finds it."""
    path = folder / f"{code}.yaml" if folder else pack_file(f"{code}.yaml")
    try:
        values, lines = strict_yaml.load(path)
    except RecipeError as error:
        return [Finding("error", str(path), None, "file", unplaced(error, path), "mend it")]
    try:
        pack = Language(**values)
    except ValidationError as error:
        return list(_malformed(path, error, lines))
    folders = (*((folder,) if folder else ()), *pack_folders())
    return list(_all(Opened(path, pack, values, lines, folders), code, text))


def _all(opened: Opened, code: str, text: Text | None) -> Iterator[Finding]:
    if opened.pack.code != code:
        yield opened.finding("error", "code", f"'{opened.pack.code}' in the pack of '{code}'", f"write {code}")
        return
    measured = list(against_text(opened, text)) if text else []
    for finding in (*facts(opened), *ifeval_part(opened), *beside(opened)):
        if not _answered(finding, opened, measured):
            yield finding
    yield from measured


def _answered(finding: Finding, opened: Opened, measured: list[Finding]) -> bool:
    """Tell whether a finding asks for a text that was given, and what was measured on it says more."""
    keys = {other.key for other in measured}
    if finding.key == "identified":
        return not opened.pack.identified and any(key.startswith("identified.") for key in keys)
    return finding.key == LETTERS and finding.key in keys


def _malformed(path: Path, error: ValidationError, lines: strict_yaml.Lines) -> Iterator[Finding]:
    for each in error.errors():
        where = tuple(each["loc"])
        key = ".".join(map(str, where))
        if each["type"] == "extra_forbidden":
            said, fix = "is not a key", f"the keys are {', '.join(Language.model_fields)}"
        else:
            said, fix = _plainly(each), "write it as docs/new-language.md says"
        yield Finding("error", str(path), strict_yaml.line_of(where, lines), key, said, fix)


def _plainly(error: Mapping[str, Any]) -> str:
    if error["type"] in ("model_type", "dict_type", "mapping_type"):
        return "is no mapping of keys to values"
    return str(error["msg"]).removeprefix("Value error, ").lower()
