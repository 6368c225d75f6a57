"""Stopping a training in good order: a signal, or a file STOP in its folder, asks; the training saves a checkpoint, then ends.

Launched processes end with exit code 0 then, since launchers make their own of any other, and leave the file: whoever
launched them knows a stop from an end by it, and takes it away before the next start.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kielo.errors import RunFolderError

STOP = "STOP"
STOPPED = 130
"""Exit code of a process that stopped because it was asked to."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class Stopped(KeyboardInterrupt):
    """The training was asked to stop and left a checkpoint; the same command goes on from there."""


class StopRequest:
    """Whether somebody asked this process, or the whole training, to stop."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / STOP
        self.signalled = False

    def asked(self) -> bool:
        """Tell whether a signal came or the file STOP lies in the folder: srun and torchrun do not pass every signal on."""
        return self.signalled or self.file.exists()

    def hand_on(self) -> None:
        """Ask the processes of the training by the file, whatever lies between them and this process."""
        self.file.touch()

    def done(self) -> None:
        """Take the file away, so that the next start is not stopped by it."""
        self.file.unlink(missing_ok=True)

    def answer(self, launched: bool) -> None:
        """Say that the training stopped: to a launcher by the file."""
        if launched:
            self.hand_on()
        else:
            self.done()

    @contextmanager
    def listen(self, patient: bool, then: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Take the first signal as a request, and do `then`; a second one interrupts at once, unless `patient`.

        A launcher's process is patient: a cluster sends it the same signal twice, by itself and through the launcher,
        and whoever launched it ends it if it takes too long. Signals that are ignored (nohup) stay so.
        """

        def handle(number: int, _: Any) -> None:
            if self.signalled and not patient and number != signal.SIGUSR1:
                raise KeyboardInterrupt
            if not self.signalled and not patient:
                print("stopping after this step; once more stops at once", file=sys.stderr, flush=True)
            self.signalled = True
            then()

        before = {number: signal.getsignal(number) for number in _SIGNALS}
        try:
            for number, handler in before.items():
                if handler is not signal.SIG_IGN:
                    signal.signal(number, handle)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def refuse_unfinished(folder: Path, finished: bool) -> None:
    """Let nobody take a training for done that has left no result.

    Raises:
        Stopped: it was asked to stop, and left a checkpoint.
        RunFolderError: it did not end well, or was never begun.
    """
    if finished:
        return
    if StopRequest(folder).asked():
        raise Stopped
    raise RunFolderError(
        f"{folder}: no finished training of its job.json; what ended it stands in the log, and the next start goes on from the last checkpoint."
    )
