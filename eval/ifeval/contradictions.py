"""Instructions of one IFEval prompt that no answer can follow together, each with the sentence that says why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eval.ifeval.checkers import Context
from eval.ifeval.demands import Demands, has_word, measure


@dataclass(frozen=True)
class Contradiction:
    """Which instruction (or argument of it) cannot be followed, and why."""

    instruction: str
    detail: str


def contradictions(demands: Demands, context: Context) -> list[Contradiction]:
    """List every pair of demands that exclude each other by the checkers' definitions."""
    found = [each for rule in _RULES for each in rule(demands, context)]
    return list(dict.fromkeys(found))


def _ranges(demands: Demands, context: Context) -> Iterator[Contradiction]:
    for name, of in dict.fromkeys(limit.quantity for limit in demands.limits):
        low, high = demands.low(name, of), demands.high(name, of)
        # A blank answer follows nothing, so an answer has a word and a sentence.
        least = max(low, 1) if name in ("words", "sentences") else low
        if high is not None and least >= high:
            instruction = demands.limits_of(name, of)[0].instruction
            yield Contradiction(instruction, f"{name} {of}".strip() + f": at least {least} and less than {high}")
    paragraphs = {count for count, _, _ in demands.first_words}
    if len(paragraphs) > 1:
        yield Contradiction("length_constraints:nth_paragraph_first_word", f"{sorted(paragraphs)} paragraphs each")
    for count, nth, _ in demands.first_words:
        if not 0 < nth <= count:
            yield Contradiction("length_constraints:nth_paragraph_first_word", f"paragraph {nth} of {count}")


def _required_and_counts(demands: Demands, context: Context) -> Iterator[Contradiction]:
    for required in demands.required:
        for limit in demands.limits:
            if limit.high is None or limit.quantity[0] == "capitals":  # these an answer may write in small letters
                continue
            count = measure(limit.quantity, required.text, context)
            if count >= max(limit.high, 1):
                what = " ".join(filter(None, limit.quantity))
                yield Contradiction(
                    required.instruction,
                    f"{required.argument} '{required.text:.60}' alone has {what} {count} times, less than {limit.high} allowed",
                )


def _required_and_forbidden(demands: Demands, context: Context) -> Iterator[Contradiction]:
    texts = [(required.text, required.argument, required.instruction) for required in demands.required]
    texts += [
        (limit.quantity[1], "keyword", limit.instruction)
        for limit in demands.limits
        if limit.quantity[0] == "keyword" and limit.low
    ]
    for text, argument, instruction in texts:
        if "no comma" in demands.marks and "," in text:
            yield Contradiction(instruction, f"{argument} '{text:.60}' has a comma, and no comma is allowed")
        for word in demands.forbidden:
            if has_word(word, text, context):
                yield Contradiction(instruction, f"{argument} '{text:.60}' has the forbidden word '{word}'")


def _options(demands: Demands, context: Context) -> Iterator[Contradiction]:
    def allowed(option: str) -> bool:
        comma = "no comma" in demands.marks and "," in option
        case = _wrong_case(option, demands)
        return not comma and not case and not any(has_word(word, option, context) for word in demands.forbidden)

    if demands.options and not any(map(allowed, demands.options)):
        yield Contradiction(
            "detectable_format:constrained_response", "none of the options can be given as the others ask"
        )


def _wrong_case(text: str, demands: Demands) -> bool:
    return ("lower" in demands.marks and text != text.lower()) or ("upper" in demands.marks and text != text.upper())


def _case(demands: Demands, context: Context) -> Iterator[Contradiction]:
    lower, upper = "lower" in demands.marks, "upper" in demands.marks
    if lower and upper:
        yield Contradiction("change_case:english_capital", "all letters small and all letters capital")
    for required in demands.required:
        if required.exact_case and _wrong_case(required.text, demands):
            case = "small letters" if lower else "capitals"
            yield Contradiction(
                required.instruction,
                f"{required.argument} '{required.text:.60}' counts as written, and only {case} are allowed",
            )
    if lower and demands.low("capitals"):
        yield Contradiction(
            "change_case:capital_word_frequency",
            f"at least {demands.low('capitals')} words in capitals, and only small letters",
        )
    few = demands.high("capitals")
    if upper and few is not None and few <= 1:
        yield Contradiction("change_case:capital_word_frequency", "no word in capitals, and only capitals")


def _start(demands: Demands, context: Context) -> Iterator[Contradiction]:
    for required in demands.required:
        if required.place != "start":
            continue
        start = f"the answer starts with '{required.text:.40}'"
        if "quoted" in demands.marks and not required.text.startswith('"'):
            yield Contradiction("startend:quotation", f"{start} and with a quotation mark")
        if "json" in demands.marks and not re.match(r'["\[{\d`tfn-]', required.text):
            yield Contradiction("detectable_format:json_format", f"{start}, which starts no JSON")
        for _, nth, word in demands.first_words:
            if nth == 1 and required.text.split()[0].strip("\"'.,?!").lower() != word.lower():
                yield Contradiction("length_constraints:nth_paragraph_first_word", f"{start} and with '{word}'")


def _edges(demands: Demands, context: Context) -> Iterator[Contradiction]:
    starts = [required.text.lower() for required in demands.required if required.place == "start"]
    for start in starts:
        if not max(starts, key=len).startswith(start):
            yield Contradiction("combination:repeat_prompt", f"the answer starts with '{start:.40}' and otherwise")
    ends = [required.text.lower() for required in demands.required if required.place == "end"]
    for end in ends:
        if not max(ends, key=len).endswith(end):
            yield Contradiction("startend:end_checker", f"the answer ends with '{end:.40}' and otherwise")


def _separators(demands: Demands, context: Context) -> Iterator[Contradiction]:
    if "two" in demands.marks and demands.limits_of("paragraphs"):
        yield Contradiction(
            "combination:two_responses", "****** between the answers is an empty paragraph to the count between ***"
        )


def _languages(demands: Demands, context: Context) -> Iterator[Contradiction]:
    if len(set(demands.languages)) > 1:
        yield Contradiction(
            "language:response_language", f"the answer is in {' and in '.join(dict.fromkeys(demands.languages))}"
        )


_RULES: tuple[Callable[[Demands, Context], Iterator[Contradiction]], ...] = (
    _ranges, _required_and_counts, _required_and_forbidden, _options, _case, _start, _edges, _separators, _languages,
)  # fmt: skip
