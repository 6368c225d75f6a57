"""`kielo eval language`: tells which language stored answers are in, as the paper measures it and line by line."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.response_language.document import language_document
from eval.response_language.identifiers import NAMES, open_identifier
from eval.response_language.stored import StoredAnswer, read_stored
from eval.response_language.verdicts import VERDICTS
from eval.text_table import clean
from eval.thinking import strip_thinking
from kielo.errors import RecipeError, UsageError
from kielo.languages import Language, language
from kielo.out_files import output_file
from kielo.records import write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE",
        help="stored answers, .jsonl or .jsonl.gz: Kielo's, rows {prompt, response}, or FastChat's",
    )  # fmt: skip
    parser.add_argument("--language", required=True, metavar="CODE", help="language the answers should be in: a pack")
    parser.add_argument(
        "--source", default="en", metavar="CODE", help="language the model may fall back to: a pack (default: en)"
    )
    parser.add_argument("--identifier", choices=NAMES, default=NAMES[0], help="who judges the lines")
    parser.add_argument("--identifier-file", type=Path, metavar="FILE", help="the fastText model of glotlid")
    parser.add_argument("--strip-thinking", action="store_true", help="leave out <think> blocks")
    parser.add_argument(
        "--list-other", action="store_true", help="print what is not in the language, and what shows it"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all verdicts here, by file")


def run(arguments: argparse.Namespace) -> None:
    """Print a table of the files, and write every verdict where asked."""
    out = output_file("--json", arguments.json, *arguments.files)
    if arguments.identifier_file and arguments.identifier != "glotlid":
        raise UsageError("--identifier-file is the model of glotlid; leave it out, or add --identifier glotlid.")
    if len(set(arguments.files)) < len(arguments.files):
        raise UsageError("a file is named twice; name each once.")
    target, source = _pack("--language", arguments.language), _pack("--source", arguments.source)
    identifier = open_identifier(arguments.identifier, arguments.identifier_file)
    documents: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    for path in arguments.files:
        texts, doubled = _texts(read_stored(path), arguments.strip_thinking)
        notes += (
            [f"{path}: {doubled} answers to a question and turn that has one already; all are counted."]
            if doubled
            else []
        )
        document = language_document(texts, target, source, identifier)
        if document is None:
            raise UsageError(
                f"neither langdetect nor {identifier.name} knows '{target.code}' ({target.name}); name another --identifier."
            )
        documents[str(path)] = document
    if out:
        write_json(out, documents)
    print(language_table(documents), *notes, sep="\n")
    if arguments.list_other:
        print(*map("\n".join, map(_listed, documents.items())), sep="\n")


def _texts(answers: Sequence[StoredAnswer], without_thoughts: bool) -> tuple[dict[str, str | None], int]:
    """Key answers by question and turn; give also how many were there again."""
    texts: dict[str, str | None] = {}
    times: Counter[str] = Counter()
    for each in answers:
        key = f"{each.key}/{each.turn}"
        times[key] += 1
        name = key if times[key] == 1 else f"{key}#{times[key]}"
        texts[name] = strip_thinking(each.text) if without_thoughts and each.text else each.text
    return texts, len(answers) - len(times)


def language_table(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out a row a file: shares of answers in the language by each way, in percent."""
    names = _short(list(documents))
    width = max(map(len, (*names, "answers of")))
    head = f"{'answers of':{width}}  answers  langdetect  folded" + "".join(f"{verdict:>8}" for verdict in VERDICTS)
    lines = [head]
    for name, document in zip(names, documents.values(), strict=True):
        total, lines_of = document["total"], document["lines"]
        detected = [_percent(document[way] and document[way]["in_target"], total) for way in ("langdetect", "folded")]
        shares = "".join(f"{_percent(lines_of and lines_of[verdict], total):>8}" for verdict in VERDICTS)
        lines.append(f"{name:{width}}  {total:7}  {detected[0]:>10}  {detected[1]:>6}{shares}")
    first = next(iter(documents.values()))
    judge = first["lines"]["identifier"] if first["lines"] else "nobody (the identifier does not know the language)"
    lines.append(f"Percent of answers. target: {first['target']}, source: {first['source']}; lines judged by {judge}.")
    return "\n".join(lines)


def _short(paths: Sequence[str]) -> list[str]:
    """Name files without their folders, where that tells them apart."""
    names = [Path(path).name.removesuffix(".gz").removesuffix(".jsonl") for path in paths]
    return names if len(set(names)) == len(names) else list(paths)


def _percent(count: int | None, total: int) -> str:
    return "-" if count is None else f"{100 * count / total:.1f}"


def _listed(item: tuple[str, Mapping[str, Any]]) -> list[str]:
    path, document = item
    lines = [f"\n{path}"]
    for key, found in document["by_prompt"].items():
        if found["lines"] not in ("target", None):
            lines.append(clean(f"  {key}: {found['lines']} (langdetect: {found['langdetect']}): {found['evidence']}"))
    return lines


def _pack(option: str, code: str) -> Language:
    try:
        return language(code)
    except RecipeError as error:
        raise UsageError(f"{option} {code}: {error}") from error
