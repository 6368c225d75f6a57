"""Which pairs a run trains on: refused ones counted by reason and language, accepted ones cut, the rest tokenised as TRL reads them."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from align import prepare
from align.preferences.answer_language import AnswerLanguage, tell_apart
from align.preferences.asked_pairs import unusual
from align.preferences.pairs import Wanted, tokenise_pairs
from align.tokens.chat import Chat, load_chat, read_template
from align.tokens.tally import Tally
from align.tokens.token_file import TOKENS, read_tokens
from kielo.errors import SourceError
from kielo.languages.pack import language
from kielo.plan import Outcome, Step, Workplace
from kielo.recipe.reading import load
from kielo.records import Message, PreferencePair, write_records
from tests.align.conftest import pair

ENGLISH = "The river runs through the old town and then turns to the sea."
FINNISH = "Joki virtaa vanhan kaupungin halki ja kääntyy sitten kohti merta."


@pytest.fixture
def chatml(tiny: Path, write_recipe: Callable[..., Path]) -> Chat:
    return load_chat(str(tiny), None, read_template(load(write_recipe())))


@pytest.fixture
def judge() -> AnswerLanguage:
    found = tell_apart(language("en"), language("fi"))
    assert found is not None
    return found


def of(chosen: str, rejected: str, prompt: str = "one", code: str = "fi", **more: Any) -> PreferencePair:
    return PreferencePair("set/1", code, (Message("user", prompt),), chosen, rejected, **more)


def test_pairs_as_tokens(chatml: Chat) -> None:
    (tokens,) = tokenise_pairs([of("two", "three")], chatml, Wanted(None), Tally())
    decode = chatml.tokenizer.decode
    assert decode(tokens.prompt_ids) == "<|im_start|>user\none<|im_end|>\n<|im_start|>assistant\n"
    assert (decode(tokens.chosen_ids), decode(tokens.rejected_ids)) == ("two<|im_end|>", "three<|im_end|>")
    assert tokens.group == "fi"


@pytest.mark.parametrize(
    ("accept", "kept", "dropped"),
    [
        ((), 0, {"empty_answer": 1, "text_holds_special_token": 1, "over_max_length": 3}),
        (("over-length",), 1, {"empty_answer": 1, "text_holds_special_token": 1, "prompt_over_max_length": 1, "identical_within_max_length": 1}),
        (("over-length", "identical"), 2, {"empty_answer": 1, "text_holds_special_token": 1, "prompt_over_max_length": 1}),
    ],
)  # fmt: skip
def test_over_length_pairs(chatml: Chat, accept: tuple[str, ...], kept: int, dropped: Mapping[str, int]) -> None:
    pairs = [
        of(" ", "two"), of("two", "<|im_end|>"), of("two", "three", "one " * 40), of("two two two two", "two two two one"),
        of("two three four", "three two four"),
    ]  # fmt: skip
    (whole,) = tokenise_pairs([of("two", "three")], chatml, Wanted(None), Tally())
    tally = Tally()
    found = list(tokenise_pairs(pairs, chatml, Wanted(len(whole.prompt_ids) + 2, accept), tally))
    assert (len(found), tally.by_language["fi"]["dropped"]) == (kept, dropped)
    assert all(len(each.chosen_ids) == 2 for each in found)
    assert tally.by_language["fi"]["truncated"] == kept


@pytest.mark.parametrize(
    ("chosen", "rejected", "is_found"),
    [
        (FINNISH, FINNISH.replace("halki", "läpi"), None),
        (FINNISH, ENGLISH, "cross-language"),
        (ENGLISH, FINNISH, "cross-language"),
        (FINNISH, f"{ENGLISH}\n{FINNISH}", None),  # mixed
        (FINNISH, "```\nfor each in these_words: print(each, 'and the rest of them')\n```", None),
        (FINNISH, "OK, Helsinki!", None),
        (FINNISH, FINNISH, "identical"),
    ],
)
def test_what_is_unusual(judge: AnswerLanguage, chosen: str, rejected: str, is_found: str | None) -> None:
    assert unusual(of(chosen, rejected), judge) == is_found


def test_answers_of_equal_score_are_tied() -> None:
    assert [unusual(of("a", "b", margin=margin), None) for margin in (None, 0.0, 1.0)] == [None, "tied", None]


def test_no_judge_of_a_language_nobody_knows() -> None:
    unknown = language("fi").model_copy(update={"code": "qaa", "iso639_3": "qaa", "langdetect": None})
    assert tell_apart(language("en"), unknown) is None


def test_real_answers_are_in_their_language(shared_data: Path, judge: AnswerLanguage) -> None:
    """Below one in a hundred may be refused for nothing; those that are found in the other language are among them."""
    with gzip.open(shared_data / "oasst" / "oasst1_validation_en_fi.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [row for line in stream if (row := json.loads(line))["role"] != "prompter"][:500]
    for code, other in (("en", "fi"), ("fi", "en")):
        texts = [row[f"text_{code}"] for row in rows]
        long = [text for text in texts if sum(map(str.isalpha, text)) >= 200]
        assert sum(judge.is_in(text, other) for text in texts) <= 4
        assert sum(judge.is_in(text, code) for text in long) > 0.9 * len(long)


Make = Callable[..., Workplace]


@pytest.fixture
def place(tiny: Path, write_recipe: Callable[..., Path], tmp_path: Path) -> Make:
    """The workplace of a `tokens` step of pairs in both languages."""

    def make(rows: Mapping[str, list[PreferencePair]], data: list[str], **own: Any) -> Workplace:
        recipe = load(write_recipe(("model: pocket", f"model: {json.dumps(str(tiny))}")))
        files = {"en": "source/helpsteer2/rows.jsonl", "fi": "translate/helpsteer2/accepted.jsonl"}
        for code, file in files.items():
            write_records(tmp_path / file, rows.get(code, []))
        inputs = {name: tmp_path / name for name in ("source/helpsteer2", "translate/helpsteer2")}
        wanted = {
            "data": {"helpsteer2": data},
            "language_pairs": 0,
            "accept": [],
            "trainer": {"max_length": None},
            **own,
        }
        settings = {
            "model": "tiny", "seed": 7, "chat_template": "chatml", "eval": {"overlap": "report", "benchmarks": []}, "dpo": wanted,
        }  # fmt: skip
        folder = tmp_path / "tokens"
        folder.mkdir(exist_ok=True)
        return Workplace(Step("tokens/dpo/run", "tokens", settings, tuple(inputs)), recipe, folder, inputs)

    return make


def made(place: Workplace) -> tuple[Outcome, list[dict[str, Any]]]:
    return prepare.run(place), list(read_tokens(place.folder / TOKENS))


def sentences(index: int, code: str) -> PreferencePair:
    text, numbers = {"en": ENGLISH, "fi": FINNISH}[code], ("one two three", "yksi kaksi kolme")[code == "fi"]
    return PreferencePair(
        f"pairs/{index:03d}", code, (Message("user", f"? {index}"),), f"{text} {index}", f"{numbers} {index}"
    )


def test_refused_pairs_are_counted_by_language(place: Make) -> None:
    same = dataclasses.replace(pair(1, "fi"), rejected=pair(1).chosen)
    tied, crossed = dataclasses.replace(pair(2, "fi"), margin=0.0), of(FINNISH, ENGLISH)
    rows = {"fi": [pair(0, "fi"), same, tied, crossed], "en": [pair(0)]}
    outcome, tokens = made(place(rows, ["en", "fi"]))
    assert outcome.counts["languages"]["fi"]["dropped"] == {"identical": 1, "tied": 1, "cross_language": 1}
    assert [row["language"] for row in tokens] == ["en", "fi"]
    everything = made(place(rows, ["en", "fi"], accept=["identical", "tied", "cross-language"]))[1]
    assert len(everything) == 5


def test_rows_kept_in_the_source_language_are_not_asked_for_in_the_other(place: Make) -> None:
    rows = {"fi": [pair(0, "fi"), pair(1, "en")], "en": []}
    assert [row["id"] for row in made(place(rows, ["fi"]))[1]] == [pair(0).id]
    with pytest.raises(SourceError, match="no 'en' pairs, which tokens/dpo/run asks for"):
        made(place(rows, ["en"]))


def test_nothing_but_refused_pairs(place: Make) -> None:
    same = dataclasses.replace(pair(1, "fi"), rejected=pair(1).chosen)
    with pytest.raises(SourceError, match="fi: 1 identical"):
        made(place({"fi": [same]}, ["fi"]))


def test_language_pairs_of_both_directions(place: Make) -> None:
    rows = {code: [sentences(index, code) for index in range(10)] for code in ("en", "fi")}
    outcome, tokens = made(place(rows, ["en", "fi"], language_pairs=0.5))
    groups = {
        group: [row["id"] for row in tokens if row["group"] == group]
        for group in sorted({row["group"] for row in tokens})
    }
    assert {group: len(ids) for group, ids in groups.items()} == {
        "en": 10, "en-language-pairs": 5, "fi": 10, "fi-language-pairs": 5,
    }  # fmt: skip
    assert groups["en-language-pairs"] == groups["fi-language-pairs"], "both directions are of the same contents"
    assert outcome.counts["language_pairs"]["helpsteer2"]["fi"] == {"asked": 5, "made": 5, "unfit": {}}
    assert outcome.counts["languages"]["fi"]["rows"] == 15


def test_too_few_language_pairs_are_said(place: Make, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {"fi": [sentences(index, "fi") for index in range(4)], "en": [sentences(0, "en")]}
    outcome, _ = made(place(rows, ["fi"], language_pairs=1))
    assert outcome.counts["language_pairs"]["helpsteer2"]["fi"] == {
        "asked": 4, "made": 1, "unfit": {"no_row_in_the_other_language": 3},
    }  # fmt: skip
    assert "1 of 4 response-language pairs could be made of 'helpsteer2' in 'fi'" in capsys.readouterr().err
