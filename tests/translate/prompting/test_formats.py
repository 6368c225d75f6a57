"""What exactly a model is sent in each format, and what is read out of its completions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kielo.languages.pack import Shot
from kielo.records import Message
from translate.prompting.formats import LONGEST_CONTEXT, answer_of, end_of
from translate.prompting.prompter import FEWEST_TOKENS, Format, Prompter

MakePrompter = Callable[..., Prompter]
SHOTS = (Shot(source="Yes.", target="Kyllä."), Shot(source="Run `x`.", target="Aja `x`."))


def test_names_are_the_default_format_of_base_models(prompter_of: MakePrompter) -> None:
    request = prompter_of(SHOTS).request("No.")
    prefix = "English: Run ⟦1⟧.\nFinnish: Aja ⟦1⟧.\n\nEnglish: Yes.\nFinnish: Kyllä.\n\n"
    assert request.prompt == prefix + "English: No.\nFinnish:"
    assert (request.shared_prefix, request.sampling.stop, request.logprob) == (len(prefix), ("\n",), True)


def test_tags_are_the_papers_format(prompter_of: MakePrompter) -> None:
    request = prompter_of(SHOTS, "tags").request("No.")
    prefix = "<|user|>Run ⟦1⟧.\n<|assistant|>Aja ⟦1⟧.\nEND\n<|user|>Yes.\n<|assistant|>Kyllä.\nEND\n"
    assert request.prompt == prefix + "<|user|>No.\n<|assistant|>"
    assert request.shared_prefix == len(prefix)


def test_a_chat_shows_its_rules_and_shots_before_the_text(prompter_of: MakePrompter) -> None:
    turns = prompter_of(SHOTS, "chat").request("No.").prompt
    assert not isinstance(turns, str)
    assert [turn.role for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert turns[0].content.startswith("Translate every text I send you from English into Finnish.")
    assert "marks such as ⟦1⟧" in turns[0].content
    assert turns[1:] == (
        Message("assistant", "Aja ⟦1⟧."),
        Message("user", "Translate into Finnish:\nYes."),
        Message("assistant", "Kyllä."),
        Message("user", "Translate into Finnish:\nNo."),
    )


@pytest.mark.parametrize("form", ["names", "tags", "chat"])
def test_what_stands_before_a_text_is_shown_behind_the_shots(prompter_of: MakePrompter, form: Format) -> None:
    prompter = prompter_of(SHOTS, form)
    alone, within = prompter.request("No."), prompter.request("No.", context="It is\nlate.")
    if isinstance(alone.prompt, str) and isinstance(within.prompt, str):
        assert within.prompt.startswith(alone.prompt[: alone.shared_prefix] + "[It is late.]\n")
        assert within.shared_prefix == alone.shared_prefix
        assert within.prompt.endswith(alone.prompt[alone.shared_prefix :])
    else:
        assert within.prompt[:-1] == alone.prompt[:-1]
        assert isinstance(within.prompt[-1], Message) and "It is late." in within.prompt[-1].content


def test_hard_wrapped_prose_is_one_line_of_a_prompt(prompter_of: MakePrompter) -> None:
    assert (
        prompter_of(SHOTS)
        .request("One\n  paragraph\r\nonly.")
        .prompt.endswith("English: One paragraph only.\nFinnish:")
    )


def test_braces_of_a_text_are_left_alone(prompter_of: MakePrompter) -> None:
    assert prompter_of(SHOTS).request("{source} {0} {").prompt.endswith("English: {source} {0} {\nFinnish:")


def test_the_limit_grows_with_the_source(prompter_of: MakePrompter) -> None:
    prompter = prompter_of(SHOTS)
    assert prompter.request("No.").sampling.max_tokens == FEWEST_TOKENS
    assert prompter.request("word " * 60).sampling.max_tokens == 300


def test_asking_again_takes_other_shots_or_samples(prompter_of: MakePrompter) -> None:
    prompter = prompter_of(SHOTS, count=1)
    first, other, sample = (
        prompter.request("No."),
        prompter.request("No.", alternative=1),
        prompter.request("No.", temperature=0.5, replicate=2),
    )
    assert first.prompt != other.prompt
    assert (sample.prompt, sample.sampling.temperature, sample.replicate) == (first.prompt, 0.5, 2)


@pytest.mark.parametrize(
    ("completion", "source", "answer"),
    [
        (" Kyllä.\n", "Yes.", "Kyllä."),
        ("Finnish: Kyllä.", "Yes.", "Kyllä."),
        ("Kyllä. END", "Yes.", "Kyllä."),
        ("Kyllä.END", "Yes.", "Kyllä."),
        ("WEEKEND", "weekend", "WEEKEND"),
        ("Kirjoita END", "Write END", "Kirjoita END"),
        ('"Kyllä."', "Yes.", "Kyllä."),
        ("”Kyllä.”", "Yes.", "Kyllä."),
        ("”Kyllä.”", '"Yes."', "”Kyllä.”"),
        ("”Kyllä”, sanoi hän ja ”ei”", "“Yes”, he said and “no”", "”Kyllä”, sanoi hän ja ”ei”"),
        ('"A" ja "B"', "A and B", '"A" ja "B"'),
        ("```\nKyllä.\n```", "Yes.", "Kyllä."),
        ("```\nx\n```", "```\nx\n```", "```\nx\n```"),
        ("Tässä on käännös: Kyllä.", "Yes.", "Tässä on käännös: Kyllä."),
        ("", "Yes.", ""),
        ("END", "Yes.", ""),
        ('"', "Yes.", '"'),
    ],
)
def test_only_what_the_format_left_is_taken_off(completion: str, source: str, answer: str) -> None:
    assert answer_of(completion, source, ("Finnish:",)) == answer


@pytest.mark.parametrize("form", ["names", "tags", "chat"])
def test_labels_of_the_format_are_taken_off(prompter_of: MakePrompter, form: Format) -> None:
    label = "<|assistant|>" if form == "tags" else "Finnish:"
    prompter = prompter_of(SHOTS, form)
    assert prompter.answer(f"{label} Kyllä.", "Yes.") == "Kyllä."
    assert prompter.answer(f"{label} suomi", f"{label} Finnish") == f"{label} suomi"


def test_context_is_cut_at_a_sentence_or_a_word() -> None:
    sentences = "The first sentence is here. " * 20
    assert end_of(sentences).startswith("The first") and len(end_of(sentences)) <= LONGEST_CONTEXT
    words = end_of("word " * 200)
    assert words.startswith("word") and len(words) <= LONGEST_CONTEXT
    assert end_of("short\ntext ") == "short text"


@pytest.mark.parametrize(
    "text", ["x" * 100_000, "?! " * 33_000, "\n" * 100_000, '"' * 100_000, "END" * 33_000, "` " * 50_000]
)
def test_no_text_is_too_long_to_be_written_and_read(prompter_of: MakePrompter, text: str) -> None:
    prompter = prompter_of(SHOTS)
    assert len(prompter.request(text, context=text).prompt) < len(text) + 2 * LONGEST_CONTEXT + 200
    assert len(prompter.answer(text, text[:50])) <= len(text)
