"""The 25 checkers of IFEval in compat mode, one pure function each: does a response follow an instruction with these arguments?

Verdicts are those of lm-evaluation-harness 0.4.13 (`lm_eval/tasks/ifeval`), quirks included; a quirk has a comment.
Blank responses never get here: they follow nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from eval.ifeval.matchers import Matcher
from eval.ifeval.rules import LanguageRules
from eval.ifeval.words import Tokenizer
from kielo.languages.detection import detect_language

if TYPE_CHECKING:  # loading identifiers takes a moment
    from eval.response_language import Identifier

Values = Mapping[str, Any]  # checked by eval.ifeval.arguments, so a field is there and of its kind


@dataclass(frozen=True)
class Context:
    """What a checker may know besides response and arguments; `matcher` finds keywords in fair mode, compat has none.

    `identifier` tells languages apart in fair mode; None: the usual one, opened when it is needed.
    """

    rules: LanguageRules
    tokenizer: Tokenizer
    matcher: Matcher | None = None
    identifier: Identifier | None = None

    @property
    def mode(self) -> Literal["compat", "fair"]:
        """Name the mode whose checkers this is for."""
        return "fair" if self.matcher else "compat"


def meets(count: int, relation: str, limit: int) -> bool:
    """Compare a count with its limit."""
    return count < limit if relation == "less than" else count >= limit


def _finds(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


def _is_in(response: str, language: str) -> bool:
    detected = detect_language(response)
    return detected is None or detected == language  # nothing to judge by counts as followed


def keywords_exist(response: str, values: Values, _: Context) -> bool:
    """Every keyword, a regular expression, is somewhere in the response."""
    return all(_finds(keyword, response) for keyword in values["keywords"])


def keyword_frequency(response: str, values: Values, _: Context) -> bool:
    """The keyword occurs often (or seldom) enough, inside longer words too."""
    hits = re.findall(values["keyword"].strip(), response, re.IGNORECASE)
    return meets(len(hits), values["relation"], values["frequency"])


def forbidden_words(response: str, values: Values, _: Context) -> bool:
    """No forbidden word stands alone in the response."""
    return not any(_finds(rf"\b{word}\b", response) for word in values["forbidden_words"])


def letter_frequency(response: str, values: Values, _: Context) -> bool:
    """The letter occurs often (or seldom) enough, in either case."""
    count = response.lower().count(values["letter"].lower())
    return meets(count, values["let_relation"], values["let_frequency"])


def response_language(response: str, values: Values, _: Context) -> bool:
    """The response is in the asked language, or holds nothing to tell a language by."""
    return _is_in(response, values["language"])


def number_sentences(response: str, values: Values, context: Context) -> bool:
    """There are enough (or few enough) sentences."""
    return meets(context.tokenizer.count_sentences(response), values["relation"], values["num_sentences"])


def number_words(response: str, values: Values, _: Context) -> bool:
    """There are enough (or few enough) runs of letters, digits and underscores."""
    return meets(len(re.findall(r"\w+", response)), values["relation"], values["num_words"])


def number_paragraphs(response: str, values: Values, _: Context) -> bool:
    """The paragraphs between `***` are as many as asked, and none but the outermost is blank."""
    paragraphs = [part.strip() for part in re.split(r"\s?\*\*\*\s?", response)]
    if not all(paragraphs[1:-1]):
        return False
    return sum(map(bool, paragraphs)) == int(values["num_paragraphs"])


def nth_paragraph_first_word(response: str, values: Values, _: Context) -> bool:
    """The paragraphs between blank lines are as many as asked, and one of them starts with the word."""
    paragraphs = [part.strip() for part in response.split("\n\n")]
    count, nth = sum(map(bool, paragraphs)), values["nth_paragraph"]
    # The harness counts filled paragraphs but indexes all of them; 0 (which it redraws) cannot name a paragraph.
    if count != values["num_paragraphs"] or not 0 < nth <= count or not paragraphs[nth - 1]:
        return False
    word = paragraphs[nth - 1].split()[0].lstrip("'").lstrip('"')
    bare = re.split(r"[.,?!'\"]", word, maxsplit=1)[0]
    first_word: str = values["first_word"].lower()
    return "".join(letter.lower() for letter in bare) == first_word


def number_placeholders(response: str, values: Values, _: Context) -> bool:
    """There are enough `[placeholders]`; `[]` counts."""
    return sum(map(_placeholders, response.split("\n"))) >= int(values["num_placeholders"])


def _placeholders(line: str) -> int:
    """Count what `\\[.*?\\]` finds in a line; the expression itself takes for ever on a line of opening brackets."""
    count, start = 0, line.find("[")
    while start != -1 and (end := line.find("]", start)) != -1:
        count, start = count + 1, line.find("[", end)
    return count


_POSTSCRIPTS = {"P.S.": r"p\.\s?s\.", "P.P.S": r"p\.\s?p\.\s?s"}


def postscript(response: str, values: Values, _: Context) -> bool:
    """The postscript's marker is in the response; one other than P.S. and P.P.S is a regular expression."""
    marker = values["postscript_marker"].strip()
    return re.search(_POSTSCRIPTS.get(marker, marker.lower()), response.lower()) is not None


def number_bullet_lists(response: str, values: Values, _: Context) -> bool:
    """Exactly so many lines start with `-` or one `*`."""
    # A lone `*` at the end of a line takes the next line into its bullet, so this one cannot go line by line.
    stars = len(re.findall(r"^[^\S\n]*\*[^*].*$", response, re.MULTILINE))
    dashes = sum(line.lstrip().startswith("-") for line in response.split("\n"))
    return stars + dashes == int(values["num_bullets"])


def constrained_response(response: str, _: Values, context: Context) -> bool:
    """One of the language's fixed answers is somewhere in the response."""
    return any(option in response for option in context.rules.constrained_options)


def number_highlighted_sections(response: str, values: Values, _: Context) -> bool:
    """Enough stretches are `*highlighted*`; `**bold**` ones are looked for once more, on top."""
    single = re.findall(r"\*([^\n*]*)\*", response)
    double = re.findall(r"\*\*([^\n*]*)\*\*", response)
    return sum(1 for inside in single + double if inside.strip()) >= int(values["num_highlights"])


def multiple_sections(response: str, values: Values, _: Context) -> bool:
    """Enough sections start with the splitter, a regular expression, and a number."""
    splitter = values["section_spliter"].strip()
    return len(re.split(rf"\s?{splitter}\s?\d+\s?", response)) - 1 >= int(values["num_sections"])


def json_format(response: str, _: Values, __: Context) -> bool:
    """The whole response is JSON, perhaps in a Markdown fence."""
    text = response.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):  # one after the other, as the harness does
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):  # nested so deeply that Python gives up: not an answer either
        return False
    return True


def title(response: str, _: Values, __: Context) -> bool:
    """A `<<title>>` that is not blank is in the response."""
    return any(map(_titled, response.split("\n")))


def _titled(line: str) -> bool:
    """Look for what `<<[^\\n]+>>` finds; the expression itself takes for ever on a line of opening brackets."""
    start, end = line.find("<<"), line.rfind(">>")
    return -1 < start < end - 2 and bool(line[start : end + 2].lstrip("<").rstrip(">").strip())


def two_responses(response: str, _: Values, __: Context) -> bool:
    """Two different answers stand on the sides of `******`."""
    parts = [part.strip() for part in response.split("******")]
    if not all(parts[1:-1]):
        return False
    answers = [part for part in parts if part]
    return len(answers) == 2 and answers[0] != answers[1]


def repeat_prompt(response: str, values: Values, _: Context) -> bool:
    """The response starts with the request, in any case."""
    return response.strip().lower().startswith(values["prompt_to_repeat"].strip().lower())


def end_checker(response: str, values: Values, _: Context) -> bool:
    """The response, quotation marks aside, ends with the phrase, in any case."""
    return response.strip().strip('"').lower().endswith(values["end_phrase"].strip().lower())


def capital_word_frequency(response: str, values: Values, context: Context) -> bool:
    """Enough (or few enough) words are all in capitals."""
    capitals = context.tokenizer.count_capitals(response)
    return meets(capitals, values["capital_relation"], values["capital_frequency"])


def all_capitals(response: str, _: Values, context: Context) -> bool:
    """No letter is lower-case, and the language is the one the rules demand, or cannot be told."""
    return response.isupper() and _is_in(response, context.rules.case_language)


def all_lowercase(response: str, _: Values, context: Context) -> bool:
    """No letter is upper-case, and the language is the one the rules demand, or cannot be told."""
    return response.islower() and _is_in(response, context.rules.case_language)


def no_comma(response: str, _: Values, __: Context) -> bool:
    """The ASCII comma does not occur."""
    return "," not in response


def quotation(response: str, _: Values, __: Context) -> bool:
    """The response starts and ends with an ASCII double quotation mark."""
    text = response.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'
