"""`kielo eval language`: tells which language stored answers are in, as the paper measures it and line by line."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.response_language.document import language_document
from eval.response_language.options import add_identifier_options, chosen_identifier
from eval.response_language.verdicts import VERDICTS
from eval.stored_answers import FORMATS, StoredAnswer, read_stored_answers
from eval.thinking import strip_thinking
from kielo.errors import UsageError
from kielo.languages.pack import option_language
from kielo.options.json_out import add_json, json_file, tell
from kielo.text_table import aligned, clean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this tool's options."""
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=FORMATS)
    parser.add_argument("--language", required=True, metavar="CODE", help="language the answers should be in: a pack")
    parser.add_argument(
        "--source", default="en", metavar="CODE", help="language the model may fall back to: a pack (default: en)"
    )
    add_identifier_options(parser)
    parser.add_argument("--strip-thinking", action="store_true", help="leave out <think> blocks")
    parser.add_argument(
        "--list-other", action="store_true", help="print what is not in the language, and what shows it"
    )
    add_json(parser, "all verdicts, by file")


def run(arguments: argparse.Namespace) -> None:
    """Print a table of the files, and write every verdict where asked."""
    out = json_file(arguments.json, *arguments.files)
    if len(set(arguments.files)) < len(arguments.files):
        raise UsageError("a file is named twice; name each once.")
    target = option_language("--language", arguments.language)
    source = option_language("--source", arguments.source)
    identifier = chosen_identifier(arguments)
    documents: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    for path in arguments.files:
        texts, doubled = _texts(read_stored_answers(path), arguments.strip_thinking)
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
    others = list(map("\n".join, map(_listed, documents.items()))) if arguments.list_other else []
    tell(out, documents, language_table(documents), [*notes, *others])


def _texts(answers: Sequence[StoredAnswer], without_thoughts: bool) -> tuple[dict[str, str | None], int]:
    """Key answers by question and turn; give also how many were there again."""
    texts: dict[str, str | None] = {}
    times: Counter[str] = Counter()
    for each in answers:
        for turn, text in enumerate(each.texts, 1):
            key = f"{each.name}/{turn}"
            times[key] += 1
            name = key if times[key] == 1 else f"{key}#{times[key]}"
            texts[name] = strip_thinking(text) if without_thoughts and text else text
    return texts, len(texts) - len(times)


def language_table(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out a row a file: shares of answers in the language by each way, in percent."""
    rows: list[tuple[str, ...]] = [("answers of", "answers", "langdetect", "folded", *VERDICTS)]
    for name, document in zip(_short(list(documents)), documents.values(), strict=True):
        total, lines_of = document["total"], document["lines"]
        detected = [_percent(document[way] and document[way]["in_target"], total) for way in ("langdetect", "folded")]
        shares = [_percent(lines_of and lines_of[verdict], total) for verdict in VERDICTS]
        rows.append((name, str(total), *detected, *shares))
    first = next(iter(documents.values()))
    judge = first["lines"]["identifier"] if first["lines"] else "nobody (the identifier does not know the language)"
    note = f"Percent of answers. target: {first['target']}, source: {first['source']}; lines judged by {judge}."
    return "\n".join([*aligned(rows), note])


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
