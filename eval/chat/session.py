"""A session of `kielo chat`: lines in, answers out, and the commands that begin with a slash; at a terminal or through pipes."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.chat.answering import STOPPED, Answer, Speaker
from eval.chat.conversation import Conversation
from eval.chat.language_told import Teller
from kielo.errors import KieloError, UsageError
from kielo.text_table import clean, is_harmless, listed

COMMANDS = {
    "/help": "this list",
    "/reset": "forget all turns",
    "/undo": "take the last question and its answer back",
    "/save FILE": "write the conversation to a new .jsonl file",
    "/quit": "leave (Ctrl-D, too)",
    "//...": "a line that begins with one slash",
}
DIM, PLAIN = "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True)
class Manner:
    """How a session looks: `live` at a terminal, `rows` as JSON."""

    live: bool
    rows: bool
    colour: bool = False


class Session:
    """One conversation with one model."""

    def __init__(self, speaker: Speaker, teller: Teller, conversation: Conversation, manner: Manner) -> None:
        self.speaker, self.teller, self.conversation, self.manner = speaker, teller, conversation, manner

    def run(self, lines: Iterator[str]) -> None:
        """Take lines until they end or /quit; at a terminal a mistake is said and the session goes on.

        Raises:
            KieloError: a line of a pipe was a mistake.
        """
        for line in lines:
            try:
                if not self.take(line.strip()):
                    return
            except KieloError as error:
                if not self.manner.live:
                    raise
                self._note(str(error))
            except KeyboardInterrupt:  # a moment after the answer's end
                if not self.manner.live:
                    raise

    def take(self, line: str) -> bool:
        """Do what a line says; False for /quit.

        Raises:
            UsageError: the line is not UTF-8, there is no such command, or a file cannot be written.
            GenerationError: the question cannot be answered.
        """
        if any("\ud800" <= letter <= "\udfff" for letter in line):
            raise UsageError(f"the line {ascii(line[:60])} is not UTF-8; convert the input with iconv.")
        if line.startswith("/") and not line.startswith("//"):
            return self._command(line)
        if line:
            self.ask(line[1:] if line.startswith("//") else line)
        return True

    def ask(self, question: str) -> Answer:
        """Ask the model, show its answer and keep both.

        Raises:
            GenerationError: the question cannot be answered.
        """
        streams = self.manner.live and not self.manner.rows
        hear = _show if streams else _nothing
        answer = self.speaker.answer(self.conversation.asking(question), hear, self.manner.live)
        if self.speaker.speaks_turns:
            self.conversation.add(question, answer.text)
        told = self.teller.told(answer.text)
        if self.manner.rows:
            row = {"prompt": question, "response": answer.text, "ended": answer.ended, "language": told}
            print(json.dumps(row, ensure_ascii=False), flush=True)
        elif streams:
            print()
            self._note(told + {"length": "; cut at --max-tokens", STOPPED: "; stopped"}.get(answer.ended, ""))
        else:
            print(one_line(answer.text), flush=True)
        return answer

    def _command(self, line: str) -> bool:
        name, _, rest = line.partition(" ")
        if name == "/quit":
            return False
        if name == "/help":
            print("\n".join(listed(COMMANDS.items())))
        elif name == "/reset":
            self.conversation.turns.clear()
            self._note("forgotten")
        elif name == "/undo":
            self._note("taken back" if self.conversation.undo() else "there is nothing to take back")
        elif name == "/save":
            self._save(rest)
        else:
            raise UsageError(f"there is no command {name}; /help lists them, and // sends a line that begins with /.")
        return True

    def _save(self, rest: str) -> None:
        try:
            names = shlex.split(rest)
        except ValueError as error:
            raise UsageError(f"/save {rest}: {error}; close the quotation mark.") from error
        if len(names) != 1:
            raise UsageError("/save needs the name of one file, such as /save talk.jsonl.")
        if not self.conversation.turns:
            raise UsageError(
                f"/save {rest}: there is nothing to save; ask something first (base models keep no turns)."
            )
        file = Path(os.path.expanduser(names[0]))
        self.conversation.save(file)
        self._note(f"written to {file}")

    def _note(self, text: str) -> None:
        """Say something that is no answer: dim at a terminal; through pipes standard output holds answers alone."""
        if self.manner.live:
            print(f"{DIM}{clean(text)}{PLAIN}" if self.manner.colour else clean(text), flush=True)
        else:
            print(clean(text), file=sys.stderr)


def typed(prompt: str, ask: Callable[[str], str] = input) -> Iterator[str]:
    """Yield what is typed at a terminal, until its end; Ctrl-C there drops the line alone."""
    while True:
        try:
            yield ask(prompt)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("\n(/quit leaves)")


def one_line(text: str) -> str:
    r"""Write an answer on one line for scripts: line ends as \n, backslashes doubled."""
    return clean(text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t"))


def shown(text: str) -> str:
    """Take out what would steer a terminal, and leave line ends and tabs."""
    return "".join(char if is_harmless(char) or char in "\n\t" else "\ufffd" for char in text)


def _show(text: str) -> None:
    print(shown(text), end="", flush=True)


def _nothing(_: str) -> None:
    """Hear an answer that is shown when it is whole."""
