"""Writing events: their customers are housed, the events made durable, and what an erasure overtook taken back.

    house -> write (durable: acknowledged from here on) -> was anybody erased meanwhile?

Small requests that come while others are being written are written together, in the next round: each round asks
the same few questions, be it for one event or a thousand. As in the ledger there is no timer, so that who comes
alone is written at once. Large requests go on their own, and nobody waits behind them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.events.model import Event
from hub.events.repository import EventRepository, StoredEvent
from hub.kit.together import Together
from hub.profiles.identity_repository import Home
from hub.profiles.remembered import Housing, Memory
from hub.profiles.repository import ProfileRepository
from hub.profiles.tombstones import Tombstones

SMALL = 100  # events of a request that is written together with others
MOST_TOGETHER = 64  # such requests


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the events of one request.

    `homes` are facet -> profile of the new ones; `behind` the same of some that were there already and wait to
    be projected, as when whoever took them died; `known` counts what was there already or was refused, and
    `again` was taken back and is to be written again.
    """

    homes: Mapping[str, str]
    behind: Mapping[str, str]
    new: int
    known: int
    again: Sequence[Event]


@dataclass(frozen=True, slots=True)
class _Batch:
    """The events of one request, each id once, found not to be late by what `memory` holds."""

    events: Sequence[Event]
    memory: Memory


class EventWriter:
    """Writes events, of several requests at once."""

    def __init__(self, profiles: ProfileRepository, events: EventRepository, tombstones: Tombstones) -> None:
        self._profiles = profiles
        self._events = events
        self._tombstones = tombstones
        self.housing = Housing(profiles, tombstones)
        self._together = Together(self._write, MOST_TOGETHER)

    async def write(self, events: Sequence[Event], memory: Memory) -> Written:
        """Write events durably.

        Args:
            events: each id once, those of the erased left out.
            memory: under which it was found who is erased.

        Raises:
            Unavailable: the store did not acknowledge; sending the same again is safe.
        """
        batch = _Batch(events, memory)
        if len(events) <= SMALL:
            return await self._together.ask(batch)
        [written] = await self._write([batch])
        return written

    async def _write(self, batches: Sequence[_Batch]) -> list[Written]:
        # What two requests send under one id is the first one's; the other's is there already.
        owners: dict[str, tuple[_Batch, Event]] = {}
        for batch in batches:
            for event in batch.events:
                owners.setdefault(event.id, (batch, event))
        events = [event for _, event in owners.values()]
        homes = await self.housing.homes(events, batches[-1].memory)
        stored = [StoredEvent(event, home.facet_id) for event, home in zip(events, homes, strict=True)]
        known = await self._events.add(stored)
        late: set[str] = set()
        again: set[str] = set()
        mark = await self._tombstones.mark()
        if any(batch.memory.mark != mark for batch in batches):
            late, again = await self._overtaken(stored, known)
        behind = await self._behind(known - late)
        gone = known | late
        lives = dict(zip(owners, homes, strict=True))
        return [
            _outcome(
                batch,
                {
                    event.id
                    for event in batch.events
                    if owners[event.id][0] is batch and event.id not in gone and event.id not in again
                },
                again,
                lives,
                behind,
            )
            for batch in batches
        ]

    async def _behind(self, known: set[str]) -> dict[str, str]:
        """Return facet -> profile of those events, there already, that were never projected."""
        facet_ids = await self._events.facets_behind(known) if known else None
        return await self._profiles.homes_of_facets(facet_ids) if facet_ids else {}

    async def _overtaken(self, stored: Sequence[StoredEvent], known: set[str]) -> tuple[set[str], set[str]]:
        """Take back what an erasure that began meanwhile may have missed.

        Returns:
            the ids of what erased customers did before they were erased; and of what they did since but was
            written where they lived before, which is to be written again.
        """
        late = await self._tombstones.of_the_erased([one.event for one in stored])
        homes = await self._profiles.homes({one.event.primary.key for one in stored})
        lost = {
            one.event.id
            for one in stored
            if one.event.id not in known | late
            and ((home := homes.get(one.event.primary.key)) is None or home.facet_id != one.facet_id)
        }
        await self._tombstones.retract(
            (one.event.id, one.facet_id) for one in stored if one.event.id in late | lost
        )
        return late, lost


def _outcome(
    batch: _Batch, new: set[str], again: set[str], homes: Mapping[str, Home], behind: Mapping[str, str]
) -> Written:
    """Return what became of one request's events.

    Args:
        batch: the request.
        new: the ids of its events that are new in the store.
        again: the ids of events, anybody's, that are to be written again.
        homes: event id -> home.
        behind: of all requests.
    """
    back = [event for event in batch.events if event.id in again]
    known = len(batch.events) - len(new) - len(back)
    return Written(
        homes={homes[event_id].facet_id: homes[event_id].profile_id for event_id in new},
        behind=behind if known else {},
        new=len(new),
        known=known,
        again=back,
    )
