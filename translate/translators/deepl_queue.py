"""Sends batches to DeepL, a few at once: halves those that are refused, asks one by one after a bad reply, waits for no hung server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from queue import Empty, SimpleQueue

from kielo.errors import GenerationError
from translate.answers import Failure
from translate.translators.deepl_account import BadReply, Connection, Reply, TextsRefused
from translate.translators.deepl_requests import Query, Terms

AT_ONCE = 4
"""Requests under way: a context for each text makes a request for each text, and DeepL answers in about a second."""
RETRY_SECONDS = 60.0
"""For what the client does beside one slow try: its five further tries, with waits of 17 seconds in all, on quick refusals."""

Batch = Sequence[Query]
Answered = tuple[Query, Reply | Failure]


class Sending:
    """Batches on their way over several connections, each in a thread of its own."""

    def __init__(self, connect: Callable[[], Connection], todo: Sequence[Batch], terms: Terms) -> None:
        """Prepare to send; `connect` is called once in each thread."""
        self.connect, self.terms = connect, terms
        self._threads = min(AT_ONCE, len(todo))
        self._todo, self._lock, self._stopped = iter(todo), threading.Lock(), threading.Event()
        self._results: SimpleQueue[Answered | GenerationError | None] = SimpleQueue()

    def answers(self, timeout_seconds: float) -> Generator[Answered]:
        """Yield answers as they come; after an error, or Ctrl-C, nothing more is sent and what is under way is yielded first.

        Raises:
            GenerationError: the server cannot go on, or said nothing for `timeout_seconds` and the time of retries.
        """
        # A thread of the standard pool would keep a hung request, and so the whole program, alive.
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._threads)]
        for thread in threads:
            thread.start()
        error: GenerationError | KeyboardInterrupt | None = None
        working = len(threads)
        try:
            while working:
                try:
                    result = self._results.get(timeout=timeout_seconds + RETRY_SECONDS)
                except Empty:
                    raise error or GenerationError(f"DeepL: no answer in {timeout_seconds:g} seconds.") from None
                except KeyboardInterrupt as interrupt:
                    if self._stopped.is_set():
                        raise
                    self._stopped.set()  # what is under way will be billed
                    error = interrupt
                    continue
                if result is None:
                    working -= 1
                elif isinstance(result, GenerationError):
                    error = error or result
                else:
                    yield result
        finally:
            self._stopped.set()
        if error is not None:
            raise error

    def _work(self) -> None:
        connection = self.connect()
        try:
            while not self._stopped.is_set() and (batch := self._next()):
                for answered in self._settled(connection, batch):
                    self._results.put(answered)
        except GenerationError as error:
            self._stopped.set()
            self._results.put(error)
        finally:
            connection.close()
            self._results.put(None)

    def _next(self) -> Batch:
        with self._lock:
            return next(self._todo, ())

    def _settled(self, connection: Connection, batch: Batch) -> Iterator[Answered]:
        """Ask until every text of a batch has its answer or its failure; the answers of one request come at once."""
        if self._stopped.is_set():
            return
        try:
            yield from zip(batch, connection.translate(batch, self.terms), strict=True)
        except TextsRefused as refused:
            half = len(batch) // 2
            if not half:
                yield batch[0], Failure("engine-refused", str(refused))
                return
            yield from self._settled(connection, batch[:half])
            yield from self._settled(connection, batch[half:])
        except BadReply as bad:
            if len(batch) == 1:
                yield batch[0], Failure("engine-error", str(bad))
                return
            for query in batch:
                yield from self._settled(connection, (query,))
