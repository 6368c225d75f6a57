"""Code blocks opened: human language comes out, programs stay valid whatever the translator writes."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kielo.records import read_jsonl
from translate.answers import Kind
from translate.segments import fitted, render, split


def opened(language: str, code: str) -> list[tuple[str, Kind]]:
    document = split(f"```{language}\n{code}\n```", "comments")
    assert render(document, document.segments) == f"```{language}\n{code}\n```"
    return list(zip(document.segments, document.kinds, strict=True))


@pytest.mark.parametrize(
    ("language", "code", "found"),
    [
        ("python", "#!/usr/bin/env python\n# Ask the user\nx = input('Enter your name: ')  # type: ignore",
         ["Ask the user", "Enter your name:"]),
        ("py", 'def f():\n    """Return the sum.\n\n    >>> f(1)\n    """\n    print(f"The sum of {a} is {b:.2f}!\\nWell done, you!")',
         ["Return the sum.", "The sum of {a} is {b:.2f}!", "Well done, you!"]),
        ("python", "d = {'The first key here': 'The first value here'}\nif x == 'The value of it':\n    y = d['The first key here']",
         ["The first value here"]),
        ("python", "re.compile('Some words here')\ncursor.execute('SELECT name FROM users')\n# x = foo(y)\n# noqa: E501\nopen('My file here.txt')", []),
        ("js", "// Get the box\nlet s = `Hello ${user.name}, how are you?`; /* eslint-disable */\nlet q = document.querySelector('Div p Span a');",
         ["Get the box", "Hello ${user.name}, how are you?"]),
        ("typescript", "/**\n * Adds two numbers.\n * @param a first\n */\nthrow new Error('No such number was given');",
         ["Adds two numbers.", "No such number was given"]),
        ("json", '{"the long key": "A red car of mine", "class": "Btn btn primary one", "list": ["Two more words!", "x"], "n": "A\\u00e4 is it so"}',
         ["A red car of mine", "Two more words!"]),
        ("java", 'System.out.println("Hello \\"dear\\" world!"); // Print the greeting', ['Hello \\"dear\\" world!', "Print the greeting"]),
        ("c", '#include <stdio.h>\n/* Say hello\n * to all */\nprintf("You have %d new mails\\n", n);', ["Say hello", "to all", "You have %d new mails"]),
        ("csharp", 'Console.WriteLine($"Hello {name}, good day!"); // greet them now', ["Hello {name}, good day!", "greet them now"]),
        ("go", 'fmt.Println("It is done now.") // Tell the user', ["It is done now.", "Tell the user"]),
        ("rust", 'println!("The answer is {}", x); // print the answer', ["The answer is {}", "print the answer"]),
        ("php", 'echo "Guess the word now!"; # ask again', ["Guess the word now!", "ask again"]),
        ("ruby", 'puts "Hello there #{name}, welcome!" # greet the guest', ["Hello there #{name}, welcome!", "greet the guest"]),
        ("bash", '# Copy the file\necho "Hello my dear $USER"', ["Copy the file"]),
        ("sql", "-- All the users\nSELECT * FROM t WHERE a = 'New York City';", ["All the users"]),
        ("css", "/* The main box */\na::after { content: 'More to read here'; }", ["The main box"]),
        ("yaml", "# The name of it\nname: Some words here", ["The name of it"]),
        ("html", "<!-- The head of it -->\n<p class='Lead one two'>One <b>bold</b> word</p>\n<script>let a = 'Some words here';</script>",
         ["The head of it", "One <b>bold</b> word"]),
        ("", "Dear Sir,\n\nI am writing to you.\nYours,\nEve", ["Dear Sir,", "I am writing to you.", "Yours,", "Eve"]),
        ("", "x = 1\ny = 2", []),
        ("brainfuck", "Some words here. +[-]", []),
    ],
)  # fmt: skip
def test_human_language_in_code(language: str, code: str, found: list[str]) -> None:
    assert [segment for segment, _ in opened(language, code)] == found
    assert split(f"```{language}\n{code}\n```").segments == ()


def test_kinds_in_code_and_code_in_a_list_or_quote() -> None:
    assert opened("py", "# Ask now\nx = 'Who is there?'") == [("Ask now", "comment"), ("Who is there?", "string")]
    assert split("1. Do\n\n   ```py\n   # Ask now\n   ```", "comments").segments == ("Do", "Ask now")
    assert split("> ```py\n> # Ask now\n> ```", "comments").segments == ()


def test_what_an_unclosed_fence_swallowed_is_translated() -> None:
    text = "```html\n<p>Code here</p>\n```html\nThis code shows a page.\nIt is short.\n"
    assert split(text).segments == ("This code shows a page.", "It is short.")
    assert split("```\nThis is code.\nSo is this.\n").segments == ()
    assert split("```py\nx = 1\n```py\ny = foo(2)\n").segments == ()


@pytest.mark.parametrize(
    ("kind", "segment", "translation", "fits"),
    [
        ("text", "a", "b | c\n", "b | c\n"),
        ("cell", "a", "b | c \\| d\ne", "b \\| c \\| d e"),
        ("html", "a <b>c</b>", "d <b>e</b>", "d <b>e</b>"),
        ("html", "a c", "d < e", None),
        ("comment", "Do it", "Tee\n  se", "Tee se"),
        ("comment", "Do it", "Tee */ se", None),
        ("comment", "Do it", 'Tee """', None),
        ("comment", "Do it", "Tee \\", None),
        ("string", "Do not go", 'N\'y va "pas"', "N’y va ”pas”"),
        ("string", "Don't go", "N'y va pas", "N'y va pas"),
        ("string", 'Say \\"it\\" now', 'Sano "se" nyt', 'Sano \\"se\\" nyt'),
        ("string", "The {x} of %s", "%s:n {x}", "%s:n {x}"),
        ("string", "The {x} of %s", "%s:n x", None),
        ("string", "The {x} of it", "Se {y} on", None),
        ("string", "All of it", "Kaikki \\ ja {y}", None),
        ("string", "All of it", "Kaikki\nse", "Kaikki se"),
    ],
)
def test_translations_are_made_to_fit(kind: Kind, segment: str, translation: str, fits: str | None) -> None:
    assert fitted(kind, segment, translation) == fits


PROGRAM = '''# Greet the user
def greet(name):
    """Say "hello" to the user.

    It isn't hard.
    """
    print("Hello there, " + name, 'It\\'s a fine day.', f"You are {name}, are you?")
    return 'She said "yes" to it.'
'''
DATA = '{"a": "He said \\"no\\" to it.", "b": ["It\'s a fine day.", "Only 100% of it."]}'


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=20),
        st.lists(st.sampled_from(["\\", '"', "'", "\n", "{", "}", "%", "a", '"""', "`", "$"])).map("".join),
    )
)
@example('"""')
@example("x\\")
def test_programs_stay_valid_whatever_the_translation(translation: str) -> None:
    for language, code in (("python", PROGRAM), ("json", DATA)):
        document = split(f"```{language}\n{code}\n```", "comments")
        assert len(document.segments) == {"python": 7, "json": 3}[language]
        fits = [fitted(kind, text, translation) for text, kind in zip(document.segments, document.kinds, strict=True)]
        texts = [old if new is None else new for old, new in zip(document.segments, fits, strict=True)]
        written = render(document, texts).removeprefix(f"```{language}\n").removesuffix("\n```")
        if language == "json":
            assert list(json.loads(written)) == ["a", "b"]
        else:
            assert _skeleton(written) == _skeleton(PROGRAM)


def _skeleton(program: str) -> str:
    """Dump a program's tree without what its strings say."""
    return re.sub(r"Constant\(value=(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")\)", "S", ast.dump(ast.parse(program)))


def test_real_programs_stay_valid(shared_data: Path, oasst_file: Path) -> None:
    programs = 0
    for _, row in read_jsonl(oasst_file):
        for code in re.findall(r"^```(?:python|py)\n(.*?)^```$", row["text_en"], re.MULTILINE | re.DOTALL):
            try:
                before = _skeleton(code)
            except SyntaxError:
                continue
            document = split(f"```python\n{code}```", "comments")
            texts = [
                fitted(kind, text, f"\"{text.upper()}'") or text
                for text, kind in zip(document.segments, document.kinds, strict=True)
            ]
            assert _skeleton(render(document, texts).removeprefix("```python\n").removesuffix("```")) == before
            programs += bool(document.segments)
    assert programs >= 10


def test_long_code_is_data_and_stays() -> None:
    assert opened("py", "# Some words here\n" * 2000) == []
    for unit in ('"', "`\n", '"""', "/*\n", "#", "{\n", "\\\n", "<!--", "a b c ", "a b;\n", "\n"):
        for language in ("py", "js", "html", "ruby", "c", "java"):
            opened(language, unit * (6_000 // len(unit)))
