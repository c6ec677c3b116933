"""Putting entries into the catalogue: what differs from what is stored becomes a new version under the same key.

Texts are embedded before anything is written, so that a process that reloads finds their vectors in
the cache and never shows content that it cannot place.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import BrandFacts, Claim, Segment
from hub.catalogue.repository import CatalogueRepository, Entry
from hub.errors import Conflict
from hub.kit.clock import Clock

Progress = Callable[[int, int], None]
ATTEMPTS = 5
REMOVABLE = frozenset({Segment})  # sorts that can be taken away; a product is discontinued instead


class TextEncoder(Protocol):
    """What the catalogue needs of `embeddings.encoder.Encoder`."""

    @property
    def id(self) -> str: ...

    @property
    def dimensions(self) -> int: ...


class Embedding(Protocol):
    """What the catalogue needs of `embeddings.cache.CachedEncoder`."""

    @property
    def encoder(self) -> TextEncoder: ...

    async def vectors(
        self, texts: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class PutResult:
    """How many entries were new, how many became a new version, how many were there already."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "PutResult") -> "PutResult":
        return PutResult(
            self.added + other.added, self.changed + other.changed, self.unchanged + other.unchanged
        )


class Putting:
    """Writes what is put, and tells every process of it."""

    def __init__(self, repository: CatalogueRepository, encoder: Embedding, clock: Clock) -> None:
        self._repository = repository
        self._encoder = encoder
        self._clock = clock

    async def put(
        self,
        of: type[Entry],
        entries: Sequence[Entry],
        texts_of: Callable[[Entry], Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> PutResult:
        """Add or change entries of one sort by key; of two with one key the later counts.

        Args:
            of: their sort.
            entries: what to put; their `version` is given by the store.
            texts_of: what vectors are needed of.
            progress: told (embedded, texts to embed).

        Raises:
            Conflict: others kept changing the same entries.
            Unavailable: the store does not answer.
        """
        wanted = {entry.key: entry for entry in entries}
        if not wanted:
            return PutResult()
        for attempt in range(ATTEMPTS):
            stored = await self._repository.get_many(of, wanted)
            # One that was taken away and comes again counts on: a version names one state for ever.
            gone = await self._repository.removed(of, wanted) if of in REMOVABLE else {}
            added: list[Entry] = [
                replace(e, version=gone.get(key, 0) + 1) for key, e in wanted.items() if key not in stored
            ]
            changed: list[tuple[Entry, Entry]] = [
                (old, new) for key, old in stored.items() if (new := _succeed(old, wanted[key])) is not old
            ]
            now = self._clock.now()
            if not added and not changed:
                if await self._repository.left_over(now, younger=True):
                    await self._repository.announce(now)
                break
            texts = [text for entry in (*added, *(new for _, new in changed)) for text in texts_of(entry)]
            if texts:
                await self._encoder.vectors(texts, progress=progress)
            intent = await self._repository.open_intent(now)
            try:
                await self._repository.write(added, changed, now)
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.02 * 2**attempt)
                continue
            finally:
                keys = [entry.key for entry in (*added, *(new for _, new in changed))]
                await self._repository.announce(now, intent, changed=(of, keys))
            break
        return PutResult(len(added), len(changed), len(wanted) - len(added) - len(changed))

    async def remove(self, of: type[Entry], key: str) -> Entry | None:
        """Take an entry away and return it; None if there is none.

        Raises:
            Conflict: others kept changing it.
            Unavailable: the store does not answer.
        """
        for attempt in range(ATTEMPTS):
            entry = (await self._repository.get_many(of, [key])).get(key)
            if entry is None:
                return None
            now = self._clock.now()
            intent = await self._repository.open_intent(now)
            try:
                await self._repository.remove(entry, now)
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.02 * 2**attempt)
                continue
            finally:
                await self._repository.announce(now, intent, changed=(of, [key]))
            return entry
        return None


def _succeed(old: Entry, new: Entry) -> Entry:
    """Return `old` itself where `new` says the same, else `new` as its next version."""
    candidate: Any = new
    if isinstance(old, BrandFacts) and isinstance(candidate, BrandFacts):
        candidate = replace(candidate, claims=_succeed_claims(old.claims, candidate.claims))
    if replace(candidate, version=old.version) == old:
        return old
    succeeding: Entry = replace(candidate, version=old.version + 1)
    return succeeding


def _succeed_claims(old: Sequence[Claim], new: Sequence[Claim]) -> tuple[Claim, ...]:
    before = {claim.key: claim for claim in old}
    return tuple(
        replace(claim, version=1)
        if claim.key not in before
        else replace(claim, version=before[claim.key].version + (claim.text != before[claim.key].text))
        for claim in new
    )
