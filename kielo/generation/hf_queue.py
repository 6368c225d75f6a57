"""The `hf` engine's queue: requests by prefix and length, turned into tokens a window at a time, taken as batches have room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from kielo.generation.hf_rows import Task
from kielo.generation.order import groups_of, work_order
from kielo.generation.protocol import Completion, Request

_WINDOW = 2048  # requests turned into tokens at once


class Queue:
    """Tasks in the order to run them: prompts that share a prefix together, the longest first (padding is least then)."""

    def __init__(
        self, requests: Sequence[Request], make: Callable[[list[int]], list[Task | tuple[int, Completion]]]
    ) -> None:
        """`make` turns a window of request indices into tasks, or into completions that need no model."""
        self._make = make
        order = work_order(requests)
        self._windows = iter([order[start : start + _WINDOW] for start in range(0, len(order), _WINDOW)])
        self._group = groups_of(requests)
        self._waiting: deque[Task] = deque()
        self._under_way: dict[int, Task] = {}
        self._refused: list[tuple[int, Completion]] = []

    def _next(self) -> Task | None:
        while not self._waiting:
            window = next(self._windows, None)
            if window is None:
                return None
            made = self._make(window)
            tasks = [task for task in made if isinstance(task, Task)]
            self._refused += [pair for pair in made if not isinstance(pair, Task)]
            self._waiting.extend(
                sorted(tasks, key=lambda task: (self._group[task.index], -len(task.prompt) - task.limit))
            )
        return self._waiting[0]

    def take(self, alive: Sequence[Task], budget_tokens: int) -> list[Task]:
        """Take what fits beside the rows alive: one prefix group, rows times columns within the budget, or one alone."""
        width = max((task.cached for task in alive), default=0)
        left = max((task.left for task in alive), default=0)
        taken: list[Task] = []
        while (task := self._next()) is not None:
            width, left = max(width, len(task.prompt)), max(left, task.limit)
            rows = len(alive) + len(taken) + 1
            fits = rows == 1 or rows * (width + left) <= budget_tokens
            if not fits or (taken and self._group[task.index] != self._group[taken[0].index]):
                break
            taken.append(self._waiting.popleft())
        self._under_way.update((task.index, task) for task in taken)
        return taken

    def finish(self, task: Task) -> None:
        """Note that a task taken is done."""
        del self._under_way[task.index]

    def refused(self) -> Iterator[tuple[int, Completion]]:
        """Hand over the completions that needed no model."""
        while self._refused:
            yield self._refused.pop()

    def put_back(self) -> None:
        """Put the tasks under way back, to be started anew."""
        for task in self._under_way.values():
            task.start_anew()
        self._waiting.extendleft(reversed(self._under_way.values()))
        self._under_way.clear()
