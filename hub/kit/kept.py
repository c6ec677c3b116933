"""What is in force, as the store says: kept for a moment, then read again, once for all who ask meanwhile.

Scenarios, mixes and templates are a few small documents that every experience asks for. A process keeps them
for some seconds. When those are over, the first who asks reads, and who comes meanwhile waits for that reading
instead of reading too: sixty-four messages side by side ask once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from hub.errors import Unavailable

T = TypeVar("T")


class Kept(Generic[T]):
    """A value that is at most so many seconds old where the store answers.

    Args:
        read: reads it.
        seconds: how long it is kept.
        empty: what is known before the first reading.
        monotonic: the clock.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        seconds: float,
        empty: T,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._monotonic = monotonic
        self._read_at = float("-inf")
        self._was_read = False
        self._changes = 0
        self._reading = asyncio.Lock()
        self.last = empty  # what was read last, however old

    async def get(self) -> T:
        """Return the value; what was read last where the store does not answer.

        Raises:
            Unavailable: the store does not answer and has not answered before.
        """
        if self._is_old():
            async with self._reading:
                if self._is_old():
                    await self._read_again()
        return self.last

    async def again(self) -> T:
        """Return the value as it is now, after a change of one's own.

        Raises:
            Unavailable: the store does not answer.
        """
        self.forget()
        async with self._reading:
            changes = self._changes
            self.last = await self._read()
            self._settle(changes)
        return self.last

    def forget(self) -> None:
        """Read again when next asked: it was changed. A reading under way does not count."""
        self._changes += 1
        self._read_at = float("-inf")

    def _is_old(self) -> bool:
        return self._monotonic() - self._read_at > self._seconds

    async def _read_again(self) -> None:
        changes = self._changes
        try:
            self.last = await self._read()
        except Unavailable:
            if not self._was_read:
                raise
        self._settle(changes)

    def _settle(self, changes: int) -> None:
        self._was_read = True
        if changes == self._changes:
            self._read_at = self._monotonic()
