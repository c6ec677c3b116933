"""Ingest: messages in the Segment spec become durable events, and profiles know of them at once.

    check -> refuse what is late of the erased -> write (durable: acknowledged from here on) -> project

A crash anywhere before the events are written leaves nothing that counts; anywhere after, `recover`
projects what waits. A batch that touches many profiles is acknowledged when it is durable; its profiles
are marked stale, and are folded by `maintain` within a second or by whoever reads them first.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from hub.errors import Conflict, InvalidInput, TuttiError, Unavailable
from hub.events.model import Event, Receipt, Rejection
from hub.events.segment import parse
from hub.events.writing import MOST_TOGETHER, EventWriter
from hub.kit.clock import Clock
from hub.kit.together import Together
from hub.profiles.remembered import Memory
from hub.profiles.service import ProfileService
from hub.profiles.tombstones import Mark, Tombstones
from hub.store.database import Store

log = structlog.get_logger(__name__)

FOLDED_AT_ONCE = 16  # profiles of one batch that are folded before it is acknowledged
PAUSE_EVERY = 100  # messages checked between two breaths of the event loop
WRITTEN_TOGETHER = 1_000
RECOVERED_TOGETHER = 2_000
MAINTENANCE_SECONDS = 5.0
ERASED = "CUSTOMER_ERASED"
FORGOTTEN = "EVENT_FORGOTTEN"
GRACE = timedelta(seconds=15)  # what younger events wait for is probably just happening

Progress = Callable[[int], None]


class IngestService:
    """Takes messages, loses none, counts none twice."""

    def __init__(self, store: Store, profiles: ProfileService, clock: Clock) -> None:
        self._tombstones = Tombstones(store.db)
        self._profiles = profiles
        self._clock = clock
        self._writer = EventWriter(profiles.repository, profiles.events, self._tombstones)
        self._housing = self._writer.housing
        self._marks = Together(self._read_mark, MOST_TOGETHER)
        self._staling = Together(self._mark_stale, MOST_TOGETHER)
        self._wake = asyncio.Event()

    def now(self) -> datetime:
        """Return the instant at which a message that comes now is received."""
        return self._clock.now()

    def forget(self) -> None:
        """Forget what is remembered of identities: somebody was erased."""
        self._housing.forget()

    async def record(self, messages: Sequence[Mapping[str, Any]], *, source: str) -> Receipt:
        """Take messages; what is accepted is durable when this returns.

        Args:
            messages: JSON objects in the Segment spec, each with its `type`.
            source: where they come from, kept with each event.

        Raises:
            Unavailable: the store did not acknowledge; sending the same messages again is safe.
        """
        # The mark is asked for first, in the first breath of checking, and comes while the messages are checked.
        mark, (events, rejected) = await asyncio.gather(self._marks.ask(None), self._check(messages, source))
        memory = self._housing.memory(mark)
        events, rejected = await self._without_the_erased(messages, events, rejected, memory)
        unique = {event.id: event for event in reversed(events)}
        ordered = [event for event in events if unique.get(event.id) is event]
        duplicates = len(events) - len(ordered)
        touched: dict[str, str] = {}
        behind: dict[str, str] = {}
        accepted = 0
        parts = [ordered[at : at + WRITTEN_TOGETHER] for at in range(0, len(ordered), WRITTEN_TOGETHER)]
        while parts:
            written = await self._writer.write(parts.pop(0), memory)
            touched |= written.homes
            behind |= written.behind
            duplicates += written.known
            accepted += written.new
            if written.again:
                memory = self._housing.memory(await self._tombstones.mark())
                parts.append(list(written.again))
        await self._project(behind | touched)
        return Receipt(accepted, duplicates, tuple(rejected), tuple(sorted(set(touched.values()))))

    async def _check(
        self, messages: Sequence[Mapping[str, Any]], source: str
    ) -> tuple[list[Event], list[Rejection]]:
        now = self._clock.now()
        events: list[Event] = []
        rejected: list[Rejection] = []
        for index, message in enumerate(messages):
            if index % PAUSE_EVERY == 0:
                await asyncio.sleep(0)
            try:
                events.append(parse(message, received_at=now, source=source))
            except InvalidInput as error:
                rejected.append(Rejection(index, error.kind, error.message, error.path))
        return events, rejected

    async def _without_the_erased(
        self,
        messages: Sequence[Mapping[str, Any]],
        events: list[Event],
        rejected: list[Rejection],
        memory: Memory,
    ) -> tuple[list[Event], list[Rejection]]:
        """Refuse what erased customers did before they were erased."""
        late = await self._housing.late(events, memory)
        if not late:
            return events, rejected
        refused = {rejection.index for rejection in rejected}
        taken = [index for index in range(len(messages)) if index not in refused]
        forgotten = await self._tombstones.of_messages(late)
        rejected = rejected + [
            Rejection(index, FORGOTTEN, "this was forgotten at the customer's wish")
            if event.id in forgotten
            else Rejection(index, ERASED, "this customer was erased after that; it is forgotten")
            for index, event in zip(taken, events, strict=True)
            if event.id in late
        ]
        return [event for event in events if event.id not in late], sorted(rejected, key=lambda r: r.index)

    async def _project(self, homes: Mapping[str, str]) -> None:
        """Bring profiles up to date, or say that they are not; the events are safe whatever happens here."""
        try:
            if len(set(homes.values())) <= FOLDED_AT_ONCE:
                await self._profiles.projector.project(homes)
                return
            await self._staling.ask(homes)
        except (Unavailable, Conflict) as error:
            log.warning("events are durable, but not projected yet", facets=len(homes), reason=error.kind)
        self._wake.set()

    async def _mark_stale(self, touched: Sequence[Mapping[str, str]]) -> list[None]:
        facets: dict[str, set[str]] = defaultdict(set)
        for homes in touched:
            for facet_id, profile_id in homes.items():
                facets[profile_id].add(facet_id)
        await self._profiles.repository.mark_stale(facets)
        return [None] * len(touched)

    async def _read_mark(self, asked: Sequence[None]) -> list[Mark]:
        return [await self._tombstones.mark()] * len(asked)

    async def recover(self, *, older_than: timedelta = timedelta(0), progress: Progress | None = None) -> int:
        """Project whatever waits, as a crash or a large batch left it; return how many facets did.

        Args:
            older_than: leave younger events to whoever is just writing them.
            progress: told how many facets are done.

        Raises:
            Unavailable: the store does not answer.
        """
        before = self._clock.now() - older_than
        done, after = 0, ""
        while True:
            facet_ids = await self._profiles.events.waiting_facets(
                after=after, received_before=before, most=RECOVERED_TOGETHER
            )
            if not facet_ids:
                return done
            homes = await self._profiles.repository.homes_of_facets(facet_ids)
            done += await self._recover(homes)
            after = facet_ids[-1]
            if progress is not None:
                progress(done)

    async def _recover(self, homes: Mapping[str, str]) -> int:
        """Project facets; where that fails, one by one, so that one that cannot be holds up no other."""
        try:
            await self._profiles.projector.project(homes)
        except Unavailable:
            raise
        except Exception as error:
            if len(homes) > 1:
                return sum([await self._recover({facet_id: home}) for facet_id, home in homes.items()])
            log.exception(
                "a facet cannot be projected", facet_id=next(iter(homes)), reason=type(error).__name__
            )
            return 0
        return len(homes)

    async def maintain(self) -> None:
        """Project what waits until cancelled: at once after a large batch, else what a crash left behind."""
        with contextlib.suppress(TuttiError):
            await self.recover()
        while True:
            woken = True
            try:
                await asyncio.wait_for(self._wake.wait(), MAINTENANCE_SECONDS)
            except TimeoutError:
                woken = False
            self._wake.clear()
            try:
                await self.recover(older_than=timedelta(0) if woken else GRACE)
            except TuttiError as error:
                log.warning("waiting events cannot be projected, trying again", reason=error.kind)
                await asyncio.sleep(1.0)
