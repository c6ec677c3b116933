"""The ledger: an experience is durable before it is answered, and replays byte for byte.

Group commit. A durable insert costs one round trip and one flush of the server's journal, however
many rows it carries. Rows that arrive while an insert is under way wait for it together and leave
as one command; a row that arrives alone leaves at once. Nobody waits for a timer.

Each row of a customer is chained to the one before it (`hub.ledger.chain`); `verify` shows tampering.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.errors import InvalidInput, NotFound, Unavailable
from hub.kit.clock import Clock
from hub.kit.pages import LARGEST_PAGE, Page, decode_cursor, page_of
from hub.ledger.chain import ChainReport, verify
from hub.ledger.items import ServedItem, items_of
from hub.ledger.model import Exposure, Served
from hub.ledger.repository import CHAIN_END, LedgerRepository, position_of
from hub.profiles.beside import Beside, Documents
from hub.profiles.model import Profile
from hub.store.database import Store

MOST_ROWS = 500  # in one command; at 40 kB a row this stays far below what the server takes


class LedgerService:
    """Records what is served, gives it back, and keeps what was seen of it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._repository = LedgerRepository(store)
        self._clock = clock
        self._waiting: list[tuple[Served, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self.commands = 0  # inserts sent, for the metrics: rows by commands tells how well groups form

    async def record(self, served: Served) -> None:
        """Return when the row is durable on a majority.

        Who gives up waiting takes the row along if it has not left yet. One that has left stays, and
        nobody was answered with it; it does no harm, since only exposures make it count.

        Raises:
            Unavailable: if the store did not acknowledge it.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((served, future))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await future

    @property
    def beside(self) -> Beside:
        """What may be read along with a customer's profile and handed to `expect`: the end of their chain."""
        return CHAIN_END

    def expect(self, profile_id: str, told: Documents | None = None, asked_at: float = 0.0) -> None:
        """Say that a row of this customer is about to be recorded: what it needs is read meanwhile.

        Args:
            profile_id: whose.
            told: what `beside` names, if it was read along with the profile.
            asked_at: when that was asked for, of `time.monotonic`.
        """
        if told is None:
            self._repository.expect(profile_id)
        else:
            self._repository.learn(profile_id, told[CHAIN_END.collection], asked_at)

    def forget(self) -> None:
        """Forget what this process remembers of customers."""
        self._repository.forget()

    async def close(self) -> None:
        """Wait until everything handed in is settled."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])
        await self._repository.close()

    async def _flush(self) -> None:
        try:
            while self._waiting:
                group = [entry for entry in self._waiting[:MOST_ROWS] if not entry[1].done()]
                del self._waiting[:MOST_ROWS]
                if group:
                    await self._commit(group)
        finally:
            self._flushing = None

    async def _commit(self, group: Sequence[tuple[Served, asyncio.Future[None]]]) -> None:
        self.commands += 1
        fault: BaseException | None = None
        refused: dict[str, str] = {}
        try:
            refused = await self._repository.insert([served for served, _ in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            fault = error
        for served, future in group:
            if future.done():  # its caller gave up
                continue
            if fault is not None:
                future.set_exception(fault)
            elif served.id in refused:
                future.set_exception(Unavailable("the ledger did not take this experience; ask again"))
            else:
                future.set_result(None)

    async def verify(
        self,
        profile: Profile | None = None,
        *,
        known: Mapping[str, tuple[int, str]] | None = None,
    ) -> ChainReport:
        """Check the chains of one customer, or of everybody.

        Args:
            profile: whose; None: everybody's.
            known: ends of chains as an earlier report gave them.

        Raises:
            Unavailable: if the store does not answer.
        """
        ids = None if profile is None else (profile.id, *profile.former_ids)
        return await verify(self._repository.chains(ids), self._clock.now(), known)

    async def get(self, served_id: str) -> Served:
        """Return what was served under an id.

        Raises:
            NotFound: if there is no such row, or its time of keeping is over.
        """
        served = await self._repository.get_one_or_none(served_id)
        if served is None or served.expires_at <= self._clock.now():
            raise NotFound("nothing was served under this id, or it is no longer kept", path=("id",))
        return served

    async def known(self, served_ids: Sequence[str]) -> dict[str, Served]:
        """Return the rows there are of some ids, by id."""
        return await self._repository.get_many(served_ids)

    async def for_profile(
        self, profile: Profile, *, first: int = 20, after: str | None = None
    ) -> Page[Served]:
        """Return what one customer was served on any channel, newest first, over merged profiles too.

        Raises:
            InvalidInput: if `first` or `after` is impossible.
        """
        if not 0 <= first <= LARGEST_PAGE:
            raise InvalidInput(f"first must be between 0 and {LARGEST_PAGE}", path=("first",))
        ids = (profile.id, *profile.former_ids)
        before = None if after is None else _before(after)
        found = await self._repository.latest(ids, most=first + 1, before=before)
        return page_of(
            [(position_of(served), served) for served in found], first=first, has_previous=after is not None
        )

    async def latest(self, profile: Profile, *, most: int) -> tuple[Served, ...]:
        """Return the latest things one customer was served on any channel, newest first."""
        return tuple(await self._repository.latest((profile.id, *profile.former_ids), most=most))

    def items(self, served: Served) -> tuple[ServedItem, ...]:
        """Return what was shown, in the versions that were shown, by position."""
        return items_of(served)

    async def expose(
        self,
        served_id: str,
        *,
        keys: Sequence[str] = (),
        positions: Sequence[int] = (),
        at: datetime | None = None,
    ) -> Served:
        """Record that the customer saw items of a served experience (all of them where none is named).

        Telling it again changes nothing: the first sight of an item counts.

        Raises:
            NotFound: if nothing was served under the id.
            InvalidInput: if an item was not part of it, or `at` lies before it or ahead of now.
        """
        served = await self.get(served_id)
        seen_at = at or self._clock.now()
        if not served.at <= seen_at <= self._clock.now():
            raise InvalidInput("an exposure lies between the serving and now", path=("at",))
        wanted = self._exposed_keys(served, keys, positions)
        if wanted:
            await self._repository.insert_exposures(
                [Exposure(served_id, key, seen_at, served.profile_id) for key in wanted]
            )
        return served

    async def exposures(self, served_id: str) -> list[Exposure]:
        """Return what was seen of a served experience."""
        return await self._repository.exposures_of(served_id)

    def _exposed_keys(self, served: Served, keys: Sequence[str], positions: Sequence[int]) -> list[str]:
        shown = {item.position: item.content.key for item in self.items(served)}
        if not keys and not positions:
            return sorted(shown.values())
        known = set(shown.values())
        for index, key in enumerate(keys):
            if key not in known:
                raise InvalidInput(
                    f"{key!r} was not part of what was served", path=("keys", index), code="NOT_SERVED"
                )
        for index, position in enumerate(positions):
            if position not in shown:
                raise InvalidInput(
                    f"nothing was served at position {position}", path=("positions", index), code="NOT_SERVED"
                )
        return sorted({*keys, *(shown[position] for position in positions)})


def _before(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, served_id = decode_cursor(cursor).partition("|")
        instant = datetime.fromisoformat(at)
    except ValueError:
        raise InvalidInput("this is not a cursor this hub gave out", path=("after",)) from None
    if instant.tzinfo is None:
        raise InvalidInput("this is not a cursor this hub gave out", path=("after",))
    return instant, served_id
