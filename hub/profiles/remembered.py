"""What a process remembers of identities, so that a customer who does many things is looked up once.

    key -> where it lives (the facet is for good), and when its owner was last erased, if ever

Both change by an erasure alone, and erasures move the mark (`hub.profiles.tombstones`): what is remembered is
remembered under one mark, and another mark begins anew. Merges and splits move facets between profiles, not
identities between facets: the profile of a home is a hint here as it is in the store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.events.model import Event
from hub.profiles.identity_repository import Home, IdentityRepository, NewIdentity
from hub.profiles.tombstones import Mark, Tombstones, keys_of, late

MOST = 20_000  # identities, some ten megabytes


@dataclass(slots=True)
class Remembered:
    """What is known of one identity."""

    home: Home | None = None  # None where nobody has asked for it yet
    erased_at: datetime | None = None


class Memory:
    """Identities that were looked up under one mark; those that nobody asked for lately are forgotten."""

    def __init__(self, mark: Mark, most: int = MOST) -> None:
        """Take the mark, read before anything that is going to be remembered, and how many are kept at most."""
        self.mark = mark
        self._half = most // 2
        # Two halves: when the younger is full it becomes the elder, and what is still in use comes over. That
        # keeps what was used last without reordering anything at each look.
        self._younger: dict[str, Remembered] = {}
        self._elder: dict[str, Remembered] = {}

    def get(self, key: str) -> Remembered | None:
        """Return what is known of an identity, None where it has to be looked up."""
        found = self._younger.get(key)
        if found is None and (found := self._elder.get(key)) is not None:
            self._keep(key, found)
        return found

    def home(self, key: str) -> Home | None:
        """Return where an identity lives, None where that has to be looked up."""
        found = self.get(key)
        return None if found is None else found.home

    def note(self, key: str, erased_at: datetime | None) -> None:
        """Remember when the owner of an identity was erased, None for never."""
        self._keep(key, Remembered(erased_at=erased_at))

    def note_home(self, key: str, home: Home) -> None:
        """Remember where an identity lives, of which it was noted whether it was erased."""
        found = self.get(key)
        if found is not None:
            found.home = home

    def _keep(self, key: str, one: Remembered) -> None:
        if len(self._younger) >= self._half:
            self._elder, self._younger = self._younger, {}
        self._younger[key] = one


class Housing:
    """Tells what came too late of the erased, and where everybody lives; asks the store about strangers alone."""

    def __init__(self, identities: IdentityRepository, tombstones: Tombstones) -> None:
        self._identities = identities
        self._tombstones = tombstones
        self._memory = Memory(Mark())

    def memory(self, mark: Mark) -> Memory:
        """Return what is remembered under a mark that was just read."""
        if self._memory.mark != mark:
            self._memory = Memory(mark)
        return self._memory

    def forget(self) -> None:
        """Forget everybody."""
        self._memory = Memory(Mark())

    async def late(self, events: Sequence[Event], memory: Memory) -> set[str]:
        """Return the ids of events that happened before one of their identities was erased, or were forgotten."""
        erased: dict[str, datetime] = {}
        strangers: set[str] = set()
        for event in events:
            for key in keys_of(event):
                known = memory.get(key)
                if known is None:
                    strangers.add(key)
                elif known.erased_at is not None:
                    erased[key] = known.erased_at
        if strangers:
            found = await self._tombstones.erased_at(strangers)
            for key in strangers:
                memory.note(key, found.get(key))
            erased |= found
        gone = late(events, erased)
        if memory.mark.messages:  # a message id is met once, so that there is nothing to remember
            gone |= await self._tombstones.of_messages({event.id for event in events})
        return gone

    async def homes(self, events: Sequence[Event], memory: Memory) -> list[Home]:
        """Return where those who speak live, of each event; who comes for the first time is given a home."""
        keys = [event.primary.key for event in events]
        homes: dict[str, Home | None] = {key: memory.home(key) for key in keys}
        strangers: dict[str, NewIdentity] = {}
        for key, event in zip(keys, events, strict=True):
            if homes[key] is None and (
                (before := strangers.get(key)) is None or event.at < before.first_seen_at
            ):
                primary = event.primary
                verified = primary.type == "user_id"
                strangers[key] = NewIdentity(primary.type, primary.value, verified, event.at)
        housed = await self._identities.house(strangers) if strangers else {}
        for key, home in housed.items():
            memory.note_home(key, home)
        return [homes[key] or housed[key] for key in keys]
