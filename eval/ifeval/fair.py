"""The checkers of fair mode: what IFEval asks, judged by the rules of the answer's language instead of English ones.

Types that no language changes keep their checker of compat mode. docs/ifeval.md has both side by side, with the reasons.
"""

from __future__ import annotations

import re

from eval.ifeval.checkers import Context, Values, meets
from eval.ifeval.unicode_words import count_letter, count_words, lower, plain_quotes

_EDGES = " \t\n*_#`>~\"'“”„‟«»‘’‚「」『』"
_ENDS = _EDGES + ".!?…。！？"
_COMMAS = re.compile("[,،、，﹐︐፣՝߸᠂⸲⹁]")
_BULLET = re.compile(
    r"^[ \t>]*(?:\*[ \t]+(?:\*\*|[^\s*])|[-–—](?:[ \t]+[^\s–—-]|[^\W\d_])|[•‣◦▪▫●○■□·∙][ \t]*\S)", re.MULTILINE
)
_LOOK_ALIKES = {"«": "»", "《": "》"}
_BLANK_LINES = re.compile(r"\n[ \t\r]*\n\s*")
_SPACES = re.compile(r"\s+")
_BLANKS = re.compile(r"[^\S\n]+")


def _uses(keyword: str, text: str, context: Context) -> int:
    assert context.matcher, "a context of fair mode has a matcher"
    return context.matcher(keyword, text)


def keywords_exist(response: str, values: Values, context: Context) -> bool:
    """Every keyword is used, in any form that the matcher knows."""
    return all(_uses(keyword, response, context) for keyword in values["keywords"])


def keyword_frequency(response: str, values: Values, context: Context) -> bool:
    """The keyword is used often (or seldom) enough, in any form; longer words that hold it by chance do not count."""
    return meets(_uses(values["keyword"], response, context), values["relation"], values["frequency"])


def forbidden_words(response: str, values: Values, context: Context) -> bool:
    """No forbidden word is used, in any form."""
    return not any(_uses(word, response, context) for word in values["forbidden_words"])


def letter_frequency(response: str, values: Values, context: Context) -> bool:
    """The letter, whatever the alphabet, occurs often (or seldom) enough, in either case."""
    count = count_letter(values["letter"], response, context.rules)
    return meets(count, values["let_relation"], values["let_frequency"])


def response_language(response: str, values: Values, context: Context) -> bool:
    """The answer, line by line, is in the asked language; one without anything to tell a language by is not."""
    from eval.ifeval.asked_language import asked_verdict  # identifiers take a moment to load

    return asked_verdict(response, values["language"], context.rules.language, context.identifier) == "target"


def number_sentences(response: str, values: Values, context: Context) -> bool:
    """There are enough (or few enough) sentences by the rules of the language."""
    return meets(context.tokenizer.count_sentences(response), values["relation"], values["num_sentences"])


def number_words(response: str, values: Values, context: Context) -> bool:
    """There are enough (or few enough) words."""
    return meets(count_words(response, context.rules), values["relation"], values["num_words"])


def nth_paragraph_first_word(response: str, values: Values, _: Context) -> bool:
    """The paragraphs between blank lines are as many as asked, and one of them starts with the word, marks aside."""
    paragraphs = [part for part in _BLANK_LINES.split(response.strip()) if part.strip()]
    nth = values["nth_paragraph"]
    if len(paragraphs) != values["num_paragraphs"] or not 0 < nth <= len(paragraphs):
        return False
    first = paragraphs[nth - 1].lstrip(_EDGES + "-–—•([{¿¡").lower()
    wanted = values["first_word"].strip(_ENDS).lower()
    return bool(wanted) and first.startswith(wanted) and not first[len(wanted) : len(wanted) + 1].isalnum()


def postscript(response: str, values: Values, context: Context) -> bool:
    """A marker of the language that means the asked one is there; without its dots, at the start of a line."""
    asked = values["postscript_marker"]
    flags = re.IGNORECASE | re.MULTILINE
    return any(re.search(_marker(each), response, flags) for each in same(asked, context.rules.postscript_markers))


def same(asked: str, groups: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """List the spellings that count as the asked one: its group in the pack, itself among them."""
    key = _spelling(asked)
    found = next((group for group in groups if key and key in map(_spelling, group)), ())
    return tuple(dict.fromkeys((asked.strip(), *found)))


def _spelling(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def _marker(marker: str) -> str:
    """Write a marker's pattern: letters of an abbreviation may stand apart; one without dots must start its line."""
    if "." in marker:
        return r"(?<![^\W_])" + r"\s?".join(map(re.escape, marker.replace(" ", "")))
    return rf"^(?:[^\w\n]|_)*{re.escape(marker)}(?![^\W_])"


def number_bullet_lists(response: str, values: Values, _: Context) -> bool:
    """Exactly so many lines start with a bullet: `-`, `*` and a blank, a dash, `•` and its like."""
    return len(_BULLET.findall(response)) == int(values["num_bullets"])


def constrained_response(response: str, _: Values, context: Context) -> bool:
    """One of the language's fixed answers stands in the response as a phrase of its own, in any case."""
    text = _BLANKS.sub(" ", plain_quotes(response))
    return any(_option(option).search(text) for option in context.rules.constrained_options)


def _option(option: str) -> re.Pattern[str]:
    bare = option.strip().rstrip(".。!")
    return re.compile(rf"(?<!\w){re.escape(plain_quotes(bare))}[*_]* ?(?:[.。!\"\n]|$)", re.IGNORECASE)


def multiple_sections(response: str, values: Values, context: Context) -> bool:
    """Enough sections start with the word and a number, in any case and in either order (`1. osio`)."""
    names = "|".join(map(re.escape, same(values["section_spliter"], context.rules.section_words)))
    pattern = rf"(?<![^\W_])(?:(?:{names})[\s*_:.#-]*\d+|\d+[.:)]?[\s*_]*(?:{names})(?![^\W_]))"
    return len(re.findall(pattern, response, re.IGNORECASE)) >= int(values["num_sections"])


def title(response: str, _: Values, __: Context) -> bool:
    """A `<<title>>` that is not blank is there, or a line that is nothing but «title», as typography and translators write it."""
    return any(_is_titled(line) for line in response.split("\n"))


def _is_titled(line: str) -> bool:
    start, end = line.find("<<"), line.rfind(">>")
    if -1 < start < end and line[start:end].strip("<> \t"):
        return True
    bare = line.strip(" \t\r*_#")
    return bare[:1] in _LOOK_ALIKES and bare[-1:] == _LOOK_ALIKES[bare[:1]] and any(map(str.isalnum, bare))


def repeat_prompt(response: str, values: Values, context: Context) -> bool:
    """The response starts with the request, in any case; blanks, markup and kinds of quotation marks aside."""

    def plain(text: str) -> str:
        return _SPACES.sub(" ", plain_quotes(lower(text, context.rules))).strip(_EDGES)

    return plain(response).startswith(plain(values["prompt_to_repeat"]))


def end_checker(response: str, values: Values, context: Context) -> bool:
    """The response ends with the phrase, in any case; closing marks aside."""

    def plain(text: str) -> str:
        return _SPACES.sub(" ", plain_quotes(lower(text, context.rules))).strip(_ENDS)

    phrase = plain(values["end_phrase"])
    return plain(response).endswith(phrase) if phrase else response.strip().endswith(values["end_phrase"].strip())


def capital_word_frequency(response: str, values: Values, context: Context) -> bool:
    """Enough (or few enough) words are all in capitals; in a script without case nothing follows this."""
    capitals = context.tokenizer.count_capitals(response)
    return context.rules.cased and meets(capitals, values["capital_relation"], values["capital_frequency"])


def all_capitals(response: str, _: Values, context: Context) -> bool:
    """There are letters, and none of them is a small one, whatever the language; in a script without case nothing follows this."""
    return context.rules.cased and (response.isupper() or _all_capitals(response))


def all_lowercase(response: str, _: Values, context: Context) -> bool:
    """There are letters, and none of them is a capital, whatever the language; in a script without case nothing follows this."""
    return context.rules.cased and response.islower()


def _all_capitals(text: str) -> bool:
    """Look past small letters that have no capital of one character: ß, the ordinal signs ª and º."""
    return any(map(str.isupper, text)) and not any(
        char.islower() and len(char.upper()) == 1 and char.upper() != char for char in text
    )


def no_comma(response: str, _: Values, __: Context) -> bool:
    """No comma of any script occurs."""
    return _COMMAS.search(response) is None


def quotation(response: str, _: Values, context: Context) -> bool:
    """The response starts and ends with quotation marks that the language pairs."""
    text = response.strip()
    return any(
        len(text) > len(first) + len(last) and text.startswith(first) and text.endswith(last)
        for first, last in (('"', '"'), *context.rules.quotes)
    )
