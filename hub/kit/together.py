"""Many who ask the same kind of question at once are answered by one reading.

    ask(a) ask(b) ask(c)   ->  one reading of (a, b, c)
    ask(d) ask(e)              came meanwhile: one reading of (d, e) afterwards

As in the ledger's group commit there is no timer: who asks alone is answered alone, at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """Gathers questions; belongs to one event loop."""

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], most: int) -> None:
        """Take what answers several questions, in their order, and how many it takes at most."""
        self._answer = answer
        self._most = most
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._working: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """Return the answer to one question; what `answer` raises is raised to all who asked together."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                group = [entry for entry in self._waiting[: self._most] if not entry[1].done()]
                del self._waiting[: self._most]
                if group:
                    await self._answer_all(group)
        finally:
            self._working = None

    async def _answer_all(self, group: Sequence[tuple[Q, "asyncio.Future[A]"]]) -> None:
        try:
            answers = await self._answer([question for question, _ in group])
        except BaseException as error:  # whatever it is, those who wait must hear of it
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise  # an ending is not theirs alone
            return
        for (_, future), answer in zip(group, answers, strict=True):
            if not future.done():
                future.set_result(answer)
