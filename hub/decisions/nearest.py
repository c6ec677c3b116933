"""What lies nearest to a direction of taste, remembered for as long as the catalogue stays as it is.

A visit is several pages, and a customer's interests are the same from one to the next: looking through fifty
thousand contents for them is the dearest step of a decision. The answer to one direction depends on nothing but the
direction and the index, so what is remembered is what would be found.
"""

from hashlib import blake2b
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from embeddings.index import VectorIndex

MOST_REMEMBERED = 16_384  # directions, some 6 MB


class Nearest:
    """The `count` rows of an index that are nearest to directions; safe to ask from several threads."""

    def __init__(self, index: VectorIndex, count: int, most: int = MOST_REMEMBERED) -> None:
        self._index = index
        self._count = count
        self._most = most
        self._known: dict[bytes, NDArray[np.int32]] = {}
        self._changing = Lock()

    def to(self, directions: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return (q, count) the rows nearest to each of (q, d) directions, nearest first, -1 where there are no more."""
        # A digest and not the vector: a hundredth of the room, and nothing of anybody's taste is kept.
        keys = [blake2b(direction.tobytes(), digest_size=16).digest() for direction in directions]
        found = [self._known.get(key) for key in keys]
        missing = [number for number, rows in enumerate(found) if rows is None]
        if missing:
            searched, _ = self._index.search(directions[missing], self._count)
            for number, rows in zip(missing, searched.astype(np.int32), strict=True):
                found[number] = rows
                self._remember(keys[number], rows)
        return np.array(found, np.intp).reshape(len(keys), self._count)

    def forget(self) -> None:
        """Forget what is remembered."""
        with self._changing:
            self._known.clear()

    def _remember(self, key: bytes, rows: NDArray[np.int32]) -> None:
        with self._changing:
            self._known[key] = rows
            if len(self._known) > self._most:  # the one that came first; there is room for a day's visitors
                del self._known[next(iter(self._known))]
