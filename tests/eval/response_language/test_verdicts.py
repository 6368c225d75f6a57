"""The language of answers, line by line: whole answers, mixtures, capitals, neighbours, other scripts, next to nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from eval.response_language import VERDICTS, Identifier, line_verdict
from kielo.errors import RecipeError
from kielo.languages.pack import Language, language

Sentences = Callable[[str], list[str]]
FI, EN = language("fi"), language("en")


def verdicts(
    texts: Iterable[str], identifier: Identifier, target: Language = FI, source: Language | None = EN
) -> Counter[str]:
    return Counter(line_verdict(text, target, source, identifier).verdict for text in texts)


def paragraphs(lines: list[str], size: int = 5) -> list[str]:
    return ["\n".join(lines[start : start + size]) for start in range(0, len(lines) - size + 1, size)]


def test_paragraphs_are_told_whatever_their_case(sentences: Sentences, identifier: Identifier) -> None:
    finnish, english = paragraphs(sentences("fin")), paragraphs(sentences("eng"))
    assert len(finnish) == 202
    for form in (finnish, [text.upper() for text in finnish], [text.lower() for text in finnish]):
        assert verdicts(form, identifier) == {"target": 202}
    for form in (english, [text.upper() for text in english]):
        assert verdicts(form, identifier) == {"source": 202}


def test_a_third_of_english_sentences_make_an_answer_mixed(sentences: Sentences, identifier: Identifier) -> None:
    fin, eng = sentences("fin"), sentences("eng")
    for english in (3, 5, 7):
        answers = [
            "\n".join((*fin[at : at + 10 - english], *eng[at + 10 - english : at + 10])) for at in range(0, 1000, 10)
        ]
        assert verdicts(answers, identifier)["mixed"] >= 99


def test_one_english_sentence_in_ten_headings_and_titles_do_not(sentences: Sentences, identifier: Identifier) -> None:
    fin, eng = sentences("fin"), sentences("eng")
    one = ["\n".join((*fin[at : at + 9], eng[at + 9])) for at in range(0, 1000, 10)]
    assert verdicts(one, identifier)["target"] >= 95
    headed = [f"# {' '.join(eng[at].split()[:6])}\n\n{' '.join(fin[at : at + 3])}" for at in range(0, 900, 3)]
    assert verdicts(headed, identifier) == {"target": 300}
    title = "The Lord of the Rings"
    titled = [" ".join(f"{line.rstrip('.')} (”{title}”)." for line in fin[at : at + 5]) for at in range(0, 1000, 5)]
    assert verdicts(titled, identifier) == {"target": 200}


def test_a_change_of_language_inside_sentences_is_seen(sentences: Sentences, identifier: Identifier) -> None:
    def half(text: str, part: int) -> str:
        words = text.split()
        return " ".join(words[len(words) // 2 :] if part else words[: len(words) // 2])

    lines = [f"{half(one, 0)} {half(other, 1)}" for one, other in zip(sentences("fin"), sentences("eng"), strict=True)]
    assert verdicts(paragraphs(lines), identifier)["mixed"] >= 195


@pytest.mark.parametrize(
    "asked, answered", [(("fi", "fin"), "est"), (("et", "est"), "fin"), (("sv", "swe"), "dan"), (("is", "isl"), "fao")]
)
def test_a_neighbouring_language_is_another_one(
    asked: tuple[str, str], answered: str, sentences: Sentences, identifier: Identifier, pack: Callable[..., Language]
) -> None:
    found = verdicts(paragraphs(sentences(answered)), identifier, pack(*asked))
    assert found == {"other": 202}


def test_evidence_names_shares_and_shows_the_foreign_part(identifier: Identifier) -> None:
    finnish = "Tämä vastaus alkaa suomeksi, ja siinä kerrotaan pohjoisen säästä ja meren jäästä."
    english = "But then it goes on in English and talks about the weather in the south."
    found = line_verdict(f"{finnish}\n{english}", FI, EN, identifier)
    assert found.verdict == "mixed"
    assert found.lines == {"fi": 68, "en": 57}
    assert found.evidence.startswith('fi 54%, en 46%: "But then it goes')


@pytest.mark.parametrize("text", ["", "   ", "lol", "1234 !?", "```\ncode();\n```", "Kyllä.", "[5, 4, 3]"])
def test_next_to_nothing_is_no_language(text: str, identifier: Identifier) -> None:
    assert line_verdict(text, FI, EN, identifier).verdict == "none"


@pytest.mark.parametrize(
    "text, verdict",
    [
        ("Vastaukseni on ei.", "target"),
        ("Vastaukseni on kyllä.", "target"),
        ("My answer is maybe.", "source"),
        ("MY ANSWER IS MAYBE.", "source"),
        ("Sijui siri gani unayofanya kama sijui kufanya mtu.", "other"),
        ("Извините, я не понимаю этот вопрос, повторите.", "other"),
        ("申し訳ありませんが、その質問にはお答えできません。", "other"),
    ],
)
def test_short_answers(text: str, verdict: str, identifier: Identifier) -> None:
    assert line_verdict(text, FI, EN, identifier).verdict == verdict


def test_letters_of_another_script_are_never_the_target(identifier: Identifier) -> None:
    spoken_in_greek = "Τέρβε κάικκι, τάμα ον σουόμεα κρεικκαλάισιν κιργιάιμιν κιργοιτέττουνα."
    found = line_verdict(spoken_in_greek, FI, EN, identifier)
    assert found.verdict == "other", found


def test_another_script_has_the_name_of_its_language_where_that_is_told(identifier: Identifier) -> None:
    russian = "Извините, я не понимаю этот вопрос, повторите его, пожалуйста, ещё раз."
    for source in (EN, None):
        found = line_verdict(russian, FI, source, identifier)
        assert (found.verdict, list(found.lines)) == ("other", ["ru"])


def test_a_target_in_another_script(identifier: Identifier, pack: Callable[..., Language]) -> None:
    greek = pack("el", "ell", "el", "Greek")
    text = "Καλημέρα σας, αυτή είναι μια απάντηση στα ελληνικά για τον καιρό του βορρά."
    assert line_verdict(text, greek, EN, identifier).verdict == "target"
    assert line_verdict("This answer is about the weather of the north.", greek, EN, identifier).verdict == "source"


def test_without_a_source_language_every_other_language_is_other(identifier: Identifier) -> None:
    text = "Tämä vastaus on suomeksi, ja siinä kerrotaan pohjoisen säästä ja meren jäästä."
    assert line_verdict(text, EN, None, identifier).verdict == "other"
    assert line_verdict(text, FI, FI, identifier).verdict == "target"


def test_an_unknown_target_is_said(identifier: Identifier, pack: Callable[..., Language]) -> None:
    with pytest.raises(RecipeError, match="py3langid does not know 'xx'"):
        line_verdict("text", pack("xx", "xxx"), EN, identifier)


def test_every_text_has_one_of_the_verdicts(sentences: Sentences, identifier: Identifier) -> None:
    for code in ("gle", "mlt", "eus", "cym"):
        assert set(verdicts(sentences(code)[:50], identifier)) <= set(VERDICTS)
