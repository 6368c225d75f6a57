"""`kielo chat`: talk with a model of a run in the terminal, or ask it from a script."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from pathlib import Path

from eval.chat.models import MODEL_HELP, find_models
from kielo.errors import UsageError
from kielo.generation.protocol import Sampling
from kielo.options.engine import add_engine, engine_of
from kielo.options.values import positive, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder, such as runs/pocket, or the recipe of one")
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    add_engine(parser)
    parser.add_argument("--system", metavar="TEXT", help="a system turn before the first question")
    parser.add_argument("--prompt", metavar="TEXT", help="ask this one question, print the answer and leave")
    parser.add_argument(
        "--temperature",
        type=_temperature,
        default=0.0,
        metavar="T",
        help="of sampling (default: 0, the likeliest token)",
    )
    parser.add_argument("--top-p", type=_share, default=1.0, metavar="P", help="of sampling (default: 1)")
    parser.add_argument("--max-tokens", type=positive, default=512, metavar="N", help="of an answer (default: 512)")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of sampling (default: 0)")
    parser.add_argument(
        "--json", action="store_true", help="print one row {prompt, response, ended, language} for each answer"
    )


def run(arguments: argparse.Namespace) -> None:
    """Talk until the input ends.

    Raises:
        UsageError: there is no such run or model.
        GenerationError: a question from a script cannot be answered.
    """
    engine = engine_of(arguments.engine)
    (model,) = find_models(arguments.run, (arguments.model,))
    from eval.chat.answering import Speaker
    from eval.chat.conversation import Conversation
    from eval.chat.language_told import teller_of
    from eval.chat.session import Manner, Session, typed

    if arguments.prompt is not None and not arguments.prompt.strip():
        raise UsageError("--prompt: the question is empty; write one.")
    if arguments.system and not model.speaks_turns:
        raise UsageError(f"{model.name} has no chat template, so there is no place for --system; leave it out.")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty() and arguments.prompt is None
    live = (at_terminal or arguments.prompt is not None) and not arguments.json and sys.stdout.isatty()
    teller = teller_of(model.recipe)
    sampling = Sampling(arguments.max_tokens, arguments.temperature, arguments.top_p)
    speaker = Speaker(model, engine, sampling, arguments.seed)
    colour = live and "NO_COLOR" not in os.environ
    session = Session(speaker, teller, Conversation(model.name, arguments.system), Manner(live, arguments.json, colour))
    before = signal.signal(signal.SIGTERM, _leave)  # as KeyboardInterrupt it would end an answer alone
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # a line that is not UTF-8 gets a sentence
    try:
        if arguments.prompt is not None:
            session.ask(arguments.prompt)
            return
        if at_terminal:
            import readline  # noqa: F401  (input() then edits lines and remembers them)

            _greet(model.name, model.speaks_turns)
        session.run(typed("> ") if at_terminal else iter(sys.stdin))
    finally:
        signal.signal(signal.SIGTERM, before)
        speaker.close()


def _leave(*_: object) -> None:
    raise SystemExit(130)


def _greet(name: str, speaks_turns: bool) -> None:
    ways = "/help lists the commands, Ctrl-C stops an answer, /quit leaves."
    without = (
        " It has no chat template: it goes on with each line you write, and remembers none." if not speaks_turns else ""
    )
    print(f"{name} listens.{without} {ways}", file=sys.stderr)


def _temperature(text: str) -> float:
    return _number(text, 0.0, 100.0)


def _share(text: str) -> float:
    value = _number(text, 0.0, 1.0)
    if value == 0:
        raise argparse.ArgumentTypeError("0 leaves no token to choose; give a number above 0 and up to 1")
    return value


def _number(text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from {least:g} to {most:g}")
    return value
