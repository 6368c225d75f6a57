"""Between synchronous code and asyncio, for the `openai` engine: an event loop in a thread, and slow functions beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from kielo.errors import GenerationError

Argument = TypeVar("Argument")
Result = TypeVar("Result")


def results_of(work: Callable[[Callable[[Result], None]], Coroutine[Any, Any, None]]) -> Iterator[Result]:
    """Run `work` in a thread and yield what it hands to the function it is given, as it comes; raise what it raises.

    The work is cancelled when the caller stops listening.
    """
    results: SimpleQueue[tuple[Result] | BaseException | None] = SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(work(lambda result: results.put((result,))))
    thread = Thread(target=_run, args=(loop, task, results), daemon=True)
    thread.start()
    try:
        while (result := results.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result[0]
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, work: asyncio.Task[None], results: SimpleQueue[Any]) -> None:
    """Run the work to its end in this thread, and hand over how it ended."""
    loop.run_until_complete(asyncio.wait([work]))
    error = None if work.cancelled() else work.exception()
    for left in asyncio.all_tasks(loop):
        left.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    results.put(_first(error) if isinstance(error, BaseExceptionGroup) else error)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def in_thread(function: Callable[[Argument], Result], argument: Argument) -> Result:
    """Call a slow function in a thread that nobody waits for when the work is cancelled.

    Raises:
        GenerationError: as the function does.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Result] = loop.create_future()

    def call() -> None:
        answer: Result | GenerationError
        try:
            answer = function(argument)
        except GenerationError as error:
            answer = error
        with suppress(RuntimeError):  # the loop is closed: the work was cancelled
            loop.call_soon_threadsafe(_settle, result, answer)

    Thread(target=call, daemon=True).start()
    return await result


def _settle(result: asyncio.Future[Result], answer: Result | GenerationError) -> None:
    if result.done():
        return
    if isinstance(answer, GenerationError):
        result.set_exception(answer)
    else:
        result.set_result(answer)
