"""Encoding with a memory: a text that was encoded once is not encoded again.

    texts -> in this process's memory? -> in the cache (the store)? -> encode what is left -> remember

Keys are `encoder id : sha256 of the text`: another encoder finds nothing of this one, and the text
itself is not kept. A cache that cannot be reached is not a reason to have no vectors: reading and
writing it fail open, by name (`_fail_open`), and the text is encoded again another time.
"""

import asyncio
import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import Encoder, Progress, readable
from hub.errors import Unavailable

T = TypeVar("T")
Vector = NDArray[np.float32]

CHUNK = 256  # texts encoded between two writes to the cache: what a kill can cost
MEMORY = 4_096  # vectors held in this process, 6 MB at 384 dimensions

log = logging.getLogger(__name__)


class VectorCache(Protocol):
    """Keeps vectors by key. Raises `hub.errors.Unavailable` when it cannot be reached."""

    async def get_many(self, keys: Sequence[str]) -> dict[str, Vector]:
        """Return the (d,) float32 vectors of those keys that are known."""
        ...

    async def put_many(self, vectors: Mapping[str, Vector]) -> None:
        """Remember vectors; a key that is known already keeps its vector."""
        ...


class MemoryCache:
    """A cache in this process, the least recently used going first."""

    def __init__(self, most: int = MEMORY) -> None:
        self._most = most
        self._vectors: OrderedDict[str, Vector] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    async def get_many(self, keys: Sequence[str]) -> dict[str, Vector]:
        return self.recall(keys)

    async def put_many(self, vectors: Mapping[str, Vector]) -> None:
        self.remember(vectors)

    def recall(self, keys: Iterable[str]) -> dict[str, Vector]:
        """Return what is known, without waiting."""
        found = {}
        with self._lock:
            for key in keys:
                if key in self._vectors:
                    self._vectors.move_to_end(key)
                    found[key] = self._vectors[key]
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._vectors.clear()

    def remember(self, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors, without waiting."""
        with self._lock:
            for key, vector in vectors.items():
                self._vectors.setdefault(key, vector)
                self._vectors.move_to_end(key)
            while len(self._vectors) > self._most:
                self._vectors.popitem(last=False)


def key_of(encoder_id: str, text: str) -> str:
    """Return the cache key of a text under an encoder."""
    return f"{encoder_id}:{hashlib.sha256(readable(text).encode()).hexdigest()}"


class CachedEncoder:
    """An encoder whose vectors are remembered; for use in an event loop."""

    def __init__(self, encoder: Encoder, cache: VectorCache | None = None, *, memory: int = MEMORY) -> None:
        self.encoder = encoder
        self._cache = cache
        self._memory = MemoryCache(memory)

    @property
    def id(self) -> str:
        """The encoder's id, stamped on every vector."""
        return self.encoder.id

    @property
    def dimensions(self) -> int:
        """Length of every vector."""
        return self.encoder.dimensions

    async def vectors(
        self, texts: Sequence[str], *, progress: Progress | None = None, keep: bool = True
    ) -> NDArray[np.float32]:
        """Return (n, d) float32 of length 1 for `texts`, in order; equal texts share the work.

        Args:
            texts: any number, in any order, with repeats.
            progress: is told (distinct texts done, distinct texts in all), in the event loop.
            keep: write new vectors to the cache; False for passing texts such as questions, which
                are then remembered by this process alone.
        """
        keys = [key_of(self.id, text) for text in texts]
        text_of = dict(zip(keys, texts, strict=True))
        known = self._memory.recall(text_of)
        if self._cache is not None and len(known) < len(text_of):
            wanted = [key for key in text_of if key not in known]
            nothing: dict[str, Vector] = {}
            found = await _fail_open(self._cache.get_many(wanted), nothing)
            self._memory.remember(found)
            known |= found
        missing = [key for key in text_of if key not in known]
        if progress is not None:
            progress(len(known), len(text_of))
        for start in range(0, len(missing), CHUNK):
            part = missing[start : start + CHUNK]
            rows = await asyncio.to_thread(self.encoder.encode, [text_of[key] for key in part])
            made = dict(zip(part, rows, strict=True))
            self._memory.remember({key: row.copy() for key, row in made.items()})
            if keep and self._cache is not None:
                await _fail_open(self._cache.put_many(made), None)
            known |= made
            if progress is not None:
                progress(len(known), len(text_of))
        if not keys:
            return np.empty((0, self.dimensions), np.float32)
        return np.stack([known[key] for key in keys])

    def forget(self) -> None:
        """Forget the vectors held in this process; what is kept in the cache stays there."""
        self._memory.clear()

    async def vector(self, text: str, *, keep: bool = True) -> Vector:
        """Return the (d,) float32 vector of one text."""
        rows = await self.vectors([text], keep=keep)
        row: Vector = rows[0]
        return row


async def _fail_open(call: Awaitable[T], otherwise: T) -> T:
    """Await `call`; if the cache cannot be reached, say so in the log and go on without it."""
    try:
        return await call
    except Unavailable as error:
        log.warning("the cache of vectors cannot be reached, texts are encoded again: %s", error.message)
        return otherwise
