"""What an answer waits for before it leaves, while it is put into words.

    begun      work without which a part of the answer may not leave: it is on its way at once, and awaited last
    made       each such part, by what was asked for; where its work failed, what leaves instead

So a durable write and the completion of the answer around it take the time of the longer one. Nothing leaves
earlier: who sends the answer awaits `settled` first, and where that is False completes it anew, out of `made`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from hub.errors import Unavailable

T = TypeVar("T")
# Of the event loop: after so many what was begun has put its command on the wire. Completing the answer holds the loop.
TURNS = 6


@dataclass(frozen=True, slots=True)
class _Begun:
    asked: str
    task: "asyncio.Task[Any]"
    made: Any
    instead: Callable[[], Any]


class Leaving:
    """What one answer waits for. `defers`: whether it may, as an answer can that could be completed twice."""

    def __init__(self) -> None:
        self.defers = False
        self._begun: list[_Begun] = []
        self._made: dict[str, Any] = {}

    def made(self, asked: str) -> Any | None:
        """Return what is to leave for what was asked, None before it is settled.

        Raises:
            Exception: its work ended in a fault; so only the part of the answer that asked for it has the fault.
        """
        made = self._made.get(asked)
        if isinstance(made, Exception):
            raise made
        return made

    async def after(
        self, asked: str, work: Coroutine[Any, Any, None], made: T, instead: Callable[[], T]
    ) -> T:
        """Begin work and return what was made, which may leave when the work is done.

        Args:
            asked: names what was asked for.
            work: raises Unavailable where it cannot be done.
            made: what leaves.
            instead: makes what leaves if not.
        """
        self._begun.append(_Begun(asked, asyncio.create_task(work), made, instead))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return made

    async def settled(self) -> bool:
        """Wait for all that was begun; False if something of what was made may not leave, and `made` has the stand-in."""
        begun, self._begun = self._begun, []
        whole = True
        try:
            for each in begun:
                try:
                    await each.task
                except Unavailable:
                    self._made[each.asked] = each.instead()
                    whole = False
                except Exception as fault:  # noqa: BLE001 - whatever it is, whoever asked for this part is told
                    self._made[each.asked] = fault
                    whole = False
                else:
                    self._made.setdefault(each.asked, each.made)
        finally:
            for each in begun:  # where one was given up with its caller, so are the others
                each.task.cancel()
        return whole

    def drop(self) -> None:
        """Let go of everything: somebody was answered, or nobody will be, and what was begun is given up.

        Contexts end up in cycles, and whole experiences would wait with them for the garbage collector.
        """
        for each in self._begun:
            each.task.cancel()
        self._begun = []
        self._made = {}


@dataclass(frozen=True, slots=True)
class Departure:
    """One part of an answer: what was asked for, and with what it leaves."""

    leaving: Leaving
    asked: str

    @property
    def defers(self) -> bool:
        """Whether the answer may wait for it later."""
        return self.leaving.defers

    async def after(self, work: Coroutine[Any, Any, None], made: T, instead: Callable[[], T]) -> T:
        """As `Leaving.after`."""
        return await self.leaving.after(self.asked, work, made, instead)
