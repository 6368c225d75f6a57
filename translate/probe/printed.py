"""What a probe found, as a table for the terminal and as a document for `--json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from kielo.text_table import clean, listed, text_table
from translate.checks import Direction
from translate.probe.ask import Findings, Question
from translate.probe.measures import Measure
from translate.probe.verdict import StageVerdict, stage_verdicts, thresholds, verdict_of

_IN_POINTS = ("chrf", "chrf_over_floor")
_AS_FACTORS = ("price_ratio", "tokens_per_byte")
_MARKS = {"lower": "<=", "higher": ">="}


def page(question: Question, findings: Findings) -> str:
    """Write what was found: the verdicts, the numbers with their limits, and what explains them."""
    said = stage_verdicts(findings.measures)
    lines = [
        f"{clean(question.model.name)}: {question.direction.source.name} to {question.direction.target.name}, "
        f"{len(question.sample.pairs)} sentences of {clean(question.sample.origin)}",
        "",
        text_table([("stage", "verdict", "decided by"), *map(_stage_row, said)]),
        "",
        text_table([("number", "value", "95% interval", "can", "cannot", "verdict"), *map(_row, findings.measures)]),
        "",
        *_explained(findings.measures),
        "also:",
        *listed(_facts(question, findings)),
    ]
    return "\n".join(lines)


def _stage_row(said: StageVerdict) -> tuple[str, str, str]:
    decided = ", ".join(said.decided_by) or "every number that was measured"
    missing = f"; not measured: {', '.join(said.not_measured)}" if said.not_measured else ""
    return said.stage, said.verdict, decided + missing


def _row(measure: Measure) -> tuple[str, ...]:
    limits = thresholds()[measure.name]
    mark, unmark = _MARKS[limits.better], "<" if limits.better == "higher" else ">"
    interval = ""
    if measure.low is not None and measure.high is not None:
        interval = f"{_shown(measure.name, measure.low)} to {_shown(measure.name, measure.high)}"
    return (
        measure.name,
        "-" if measure.value is None else _shown(measure.name, measure.value),
        interval,
        f"{mark} {_shown(measure.name, limits.can)}",
        "" if limits.care is None else f"{unmark} {_shown(measure.name, limits.care)}",
        verdict_of(measure) or "not measured",
    )


def _shown(name: str, value: float) -> str:
    if name in _IN_POINTS:
        return f"{value:.1f}"
    return f"{value:.2f}" if name in _AS_FACTORS else f"{value:.1%}"


def _explained(measures: Sequence[Measure]) -> list[str]:
    """Say of every number that is not good what it is, what it means for the user, and what was counted."""
    lines: list[str] = []
    for measure in measures:
        found, limits = verdict_of(measure), thresholds()[measure.name]
        if found == "can":
            continue
        counted = f" ({clean(measure.detail)})" if measure.detail else ""
        lines += [f"{measure.name}, {found or 'not measured'}: {limits.says}{counted}{_meant(measure)}."]
    return [*lines, ""] if lines else []


def _meant(measure: Measure) -> str:
    """Say what a number means; one that is good itself, and only too uncertain, means that there are too few sentences."""
    limits = thresholds()[measure.name]
    if measure.value is None:
        return ""
    if limits.verdict(measure.value, measure.value) == "can":
        return "; good, but so few do not show it surely: try more"
    return f"; {limits.means}; {limits.reason}"


def _facts(question: Question, findings: Findings) -> list[tuple[str, str]]:
    context = question.model.context_tokens
    rate, longest, prompt = findings.tokens_per_second, findings.longest, findings.prompt
    thirds = " ".join("-" if each is None else f"{each:.0%}" for each in findings.thirds)
    return [
        *((f"tokens in {code}", f"{found.per_word:.2f} a word, {found.per_character:.2f} a character, {found.broken_share:.1%} of them part of a character") for code, found in findings.fertilities.items()),
        ("asked as", "chat (it has a chat template)" if prompt["format"] == "chat" else f"{'base, though it has a chat template' if question.model.chats else 'base (no chat template)'}"),
        ("prompt", f"format {prompt['format']}, {prompt['shots']} shots; tried: {_tried(prompt)}"),
        ("sentinels", next(each.detail for each in findings.measures if each.name == "sentinels")),
        ("scores", ", ".join(f"{name} {score:.1f}" for name, score in findings.scores.items())),
        ("in the language by thirds", thirds or "not measured"),
        ("bits a byte", "not told by the engine" if findings.bits_per_byte is None else f"{findings.bits_per_byte:.2f}"),
        ("context", f"{context} tokens" if context else "not said by its config"),
        ("longest prompt", _tokens(longest.prompt)),
        ("longest conversation, translated", _tokens(longest.conversation)),
        ("throughput", f"{rate:.0f} tokens a second, made or judged" if rate else "nothing was generated here"),
    ]  # fmt: skip


def _tried(prompt: Any) -> str:
    return ", ".join(f"{each['format']}/{each['shots']} chrF {each['chrf']}" for each in prompt["tried"])


def _tokens(count: int | None) -> str:
    return "no data" if count is None else f"{count} tokens"


def to_document(question: Question, findings: Findings) -> dict[str, Any]:
    """Lay out everything found, with the limits that the verdicts stand on."""
    direction: Direction = question.direction
    return {
        "model": question.model.name, "source": direction.source.code, "language": direction.target.code,
        "sample": {"origin": question.sample.origin, "pairs": len(question.sample.pairs)},
        "verdicts": [asdict(each) for each in stage_verdicts(findings.measures)],
        "measures": [
            asdict(each) | {"verdict": verdict_of(each), "threshold": thresholds()[each.name].model_dump(mode="json")}
            for each in findings.measures
        ],
        "fertility": {code: asdict(each) for code, each in findings.fertilities.items()},
        "prompt": dict(findings.prompt), "scores": dict(findings.scores),
        "target_share_by_thirds": list(findings.thirds),
        "bits_per_byte": findings.bits_per_byte, "context_tokens": question.model.context_tokens, "longest_tokens": asdict(findings.longest),
        "chat_template": question.model.chats, "tokens_per_second": findings.tokens_per_second,
    }  # fmt: skip
