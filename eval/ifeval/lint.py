"""Lints a localised IFEval set: what of each prompt cannot be scored or followed, and a proof of what can."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from eval.ifeval import lint_rules
from eval.ifeval.arguments import read_arguments
from eval.ifeval.checkers import Context
from eval.ifeval.contradictions import contradictions
from eval.ifeval.demands import read_demands
from eval.ifeval.feasible import prove
from eval.ifeval.lint_rules import Finding, Row, literal_arguments
from eval.ifeval.registry import COMPAT, Mode, instructions, open_context
from eval.ifeval.rows import read_unchecked_prompts
from eval.ifeval.rules import LanguageRules
from kielo.errors import SourceError
from kielo.languages.pack import Language, language
from kielo.records import Prompt

Feasible = Literal["proved", "not proved", "not tried"]
_RANDOM = (
    "lm-evaluation-harness draws its own target for a letter outside a-z, a count of 0 or a paragraph beyond the last"
)
_EXPLANATIONS = ("contradiction", "language-unknown", "letter-impossible")
_QUANTIFIED = re.compile(r"[*+?{]")
_PATTERN_ARGUMENTS = ("keywords", "keyword", "forbidden_words", "section_spliter")


@dataclass(frozen=True)
class RowReport:
    """What was found in one row, and whether an answer could be built that follows all its instructions."""

    key: int
    findings: tuple[Finding, ...]
    feasible: Feasible
    answer: str | None = None


@dataclass(frozen=True)
class LintReport:
    """Every row of a linted file, in its order; `arguments` counts the text arguments looked for in their prompts."""

    path: str
    language: str
    mode: Mode
    tokenizer: str
    arguments: int
    rows: tuple[RowReport, ...]

    @property
    def findings(self) -> list[Finding]:
        """All findings, row by row."""
        return [finding for row in self.rows for finding in row.findings]

    @property
    def errors(self) -> int:
        """How many of them break scoring or make an instruction impossible."""
        return sum(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Lay the report out as the JSON document of `kielo lint ifeval --json`; `answers` are the proofs, by key."""
        checks = Counter(finding.check for finding in self.findings)
        feasible = Counter(row.feasible for row in self.rows)
        return {
            "language": self.language,
            "mode": self.mode,
            "tokenizer": self.tokenizer,
            "rows": len(self.rows),
            "literal": {"arguments": self.arguments, "missing": checks["literal-missing"]},
            "feasible": {name: feasible[name] for name in get_args(Feasible)},
            "severities": {"error": self.errors, "warning": len(self.findings) - self.errors},
            "checks": dict(sorted((name, number) for name, number in checks.items() if number)),
            "keys": {row.key: [asdict(each) for each in row.findings] for row in self.rows if row.findings},
            "answers": {row.key: row.answer for row in self.rows if row.answer is not None},
        }


def lint_file(
    path: Path, code: str, source: Path | None = None, tokenizer: str | None = None, mode: Mode = "compat"
) -> LintReport:
    """Lint prompts as Google publishes them, localised into `code`; `source` is the set they were made from.

    `tokenizer` is who splits sentences in compat mode.

    Raises:
        SourceError: a file is missing, or a row has not the shape of a prompt.
        RecipeError: there is no pack for the language.
        UsageError: there is no such mode or tokenizer.
        MissingExtraError: the pack names a lemmatiser that is not installed (mode fair).
    """
    pack = language(code)
    context = open_context(mode, LanguageRules.from_pack(code, pack.ifeval), tokenizer)
    prompts = read_unchecked_prompts(path, code)
    sources = {prompt.key: prompt for prompt in read_unchecked_prompts(source, "en")} if source else {}
    rows = tuple(lint_prompt(prompt, sources.get(prompt.key), pack, context) for prompt in prompts)
    arguments = sum(1 for prompt in prompts for _ in literal_arguments(prompt))
    return LintReport(str(path), code, mode, context.tokenizer.name, arguments, rows)


def lint_prompt(prompt: Prompt, source: Prompt | None, pack: Language, context: Context) -> RowReport:
    """Lint one prompt by the checkers of the context's mode; `source` is the one it was made from."""
    compat = context.mode == "compat"
    readable, findings = _read(prompt, compat)
    row = Row(prompt, tuple(readable))
    findings += [
        *lint_rules.missing_literals(prompt), *lint_rules.unicode_form(prompt), *lint_rules.unknown_languages(row, compat),
        *lint_rules.letters(row, pack.ifeval.get("letters", {})),
        *(lint_rules.english_only(row, context.rules) if compat else ()), *lint_rules.missing_options(row, context.rules),
        *lint_rules.without_case(row, context.rules), *(lint_rules.markers(row) if compat else ()),
        *(lint_rules.against_source(prompt, source) if source else ()),
    ]  # fmt: skip
    if len(readable) < len(prompt.instruction_ids) or (compat and _has_quantifiers(row)):
        return RowReport(prompt.key, tuple(findings), "not tried")
    excluded = contradictions(read_demands(row.instructions, context.rules, context.mode), context)
    findings += [Finding("contradiction", each.instruction, "", each.detail, "error") for each in excluded]
    known = instructions(context.mode)
    proof = prove([(name, known[name], values) for name, values in row.instructions], context, pack.langdetect)
    if proof.answer is not None:
        return RowReport(prompt.key, tuple(findings), "proved", proof.answer)
    if not any(finding.check in _EXPLANATIONS for finding in findings):
        detail = "no answer found that follows this together with the others"
        findings += [Finding("not-proved", name, "", detail, "warning") for name in dict.fromkeys(proof.failing)]
    return RowReport(prompt.key, tuple(findings), "not proved")


def _read(prompt: Prompt, compat: bool) -> tuple[list[tuple[str, Mapping[str, Any]]], list[Finding]]:
    """Read the instructions that the scorer knows; the rest are findings."""
    readable: list[tuple[str, Mapping[str, Any]]] = []
    findings: list[Finding] = []
    if len(prompt.arguments) != len(prompt.instruction_ids):
        counts = f"{len(prompt.instruction_ids)} instructions but {len(prompt.arguments)} kwargs"
        return [], [Finding("arguments", "", "", counts, "error")]
    for name, kwargs in zip(prompt.instruction_ids, prompt.arguments, strict=True):
        if name not in COMPAT:
            near = difflib.get_close_matches(name, COMPAT, 1)
            hint = f"; it knows '{near[0]}'" if near else ""
            detail = f"the scorer knows no such instruction{hint}"
            findings.append(Finding("unknown-instruction", name, "", detail, "error"))
            continue
        try:
            arguments = read_arguments(kwargs, COMPAT[name].fields, name)
        except SourceError as error:
            findings.append(Finding("arguments", name, "", str(error).removeprefix(f"{name}: "), "error"))
            continue
        readable.append((name, arguments.values))
        if arguments.unstable and compat:
            findings.append(Finding("random-target", name, "", _RANDOM, "warning"))
    return readable, findings


def _has_quantifiers(row: Row) -> bool:
    """Tell whether an argument repeats by a regular expression: one made to run for ever would stop the linter."""
    texts = [values[name] for _, values in row.instructions for name in _PATTERN_ARGUMENTS if name in values]
    return any(_QUANTIFIED.search(each) for text in texts for each in ([text] if isinstance(text, str) else text))


def report_text(report: LintReport) -> str:
    """Lay a report out for a terminal: a line per finding, then the totals."""
    document = report.to_json()
    literal, severities = document["literal"], document["severities"]
    checks = ", ".join(f"{name} {number}" for name, number in document["checks"].items()) or "nothing found"
    feasible = ", ".join(f"{number} rows {name}" for name, number in document["feasible"].items())
    return "\n".join(
        [
            *(_line(report.path, row.key, each) for row in report.rows for each in row.findings),
            f"{literal['missing']} of {literal['arguments']} text arguments are not in their prompts",
            f"{feasible} (mode {report.mode}, sentences by {report.tokenizer})",
            f"{severities['error']} errors, {severities['warning']} warnings: {checks}",
        ]
    )


def _line(path: str, key: int, finding: Finding) -> str:
    place = f"{path}, key {key}: {finding.severity}: {finding.check}"
    where = " ".join(filter(None, (finding.instruction, finding.argument)))
    return ": ".join(filter(None, (place, where, finding.detail)))
