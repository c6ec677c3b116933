"""Nearest neighbours among the catalogue's vectors, whole or filtered.

A search is exact or nearly so, by one of two roads that are chosen by how many rows are allowed:

- few (up to `EXACT_ROWS`): gather them and compare in float32, exactly;
- many: scan an int8 copy of all rows (one byte a number, one scale a row), keep a shortlist of
  several times `k`, and compare the shortlist in float32.

There is no graph to build, so a new item is visible as soon as the snapshot is swapped, and a filter
costs nothing in recall. docs/decisions/0021 tells what was measured and when to change this.
"""

from typing import Self

import numkong
import numpy as np
from numpy.typing import NDArray

EXACT_ROWS = 1_024  # up to here gathering in float32 is as fast as the scan, and exact
SHORTLIST = 3  # how many times k are compared again in float32 ...
SHORTLIST_MORE = 64  # ... and how many more, for small k
BLOCK = 4_000_000  # most similarities held at once while scanning
UNREACHABLE = -1.0  # the similarity beside row -1: the least a cosine can be


class VectorIndex:
    """Immutable; safe to search from several threads at once."""

    __slots__ = ("_empty", "_packed", "_scales", "_vectors")

    def __init__(
        self,
        vectors: NDArray[np.float32],
        packed: numkong.PackedMatrix | None,
        scales: NDArray[np.float32],
        empty: NDArray[np.bool_],
    ) -> None:
        self._vectors = vectors
        self._packed = packed
        self._scales = scales
        self._empty = empty

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def dimensions(self) -> int:
        """Length of every vector."""
        return int(self._vectors.shape[1])

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> Self:
        """Index `vectors`, (n, d) float32 with rows of length 1; rows of zeros are never found.

        The array is kept, not copied: do not change it afterwards. n may be 0.

        Raises:
            ValueError: if the shape is not (n, d) or a number is not finite.
        """
        if vectors.ndim != 2:
            raise ValueError(f"vectors must be (n, d), not {vectors.shape}")
        vectors = np.ascontiguousarray(vectors, np.float32)
        if not np.isfinite(vectors).all():
            raise ValueError("vectors must be finite")
        if not vectors.size:
            return cls(vectors, None, np.zeros(len(vectors), np.float32), np.ones(len(vectors), np.bool_))
        codes, scales = _to_int8(vectors)
        return cls(vectors, numkong.dots_pack(codes), scales, scales == 0)

    def search(
        self, queries: NDArray[np.float32], k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the `k` nearest rows of each query, nearest first, and their cosine similarities.

        Args:
            queries: (q, d) float32, rows of length 1.
            k: how many, at least 1.
            allowed: (n,) bool, which rows may be found; default all.

        Returns:
            rows (q, k) intp and similarities (q, k) float32. Where fewer than `k` rows are allowed
            the rest are row -1 with similarity -1. Equal similarities are ordered by row, and the
            answer to one query does not depend on the other queries.

        Raises:
            ValueError: if shapes do not fit or `k` is below 1.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.dimensions:
            raise ValueError(f"queries must be (q, {self.dimensions}), not {queries.shape}")
        if k < 1:
            raise ValueError("k must be at least 1")
        if allowed is not None and allowed.shape != (len(self),):
            raise ValueError(f"allowed must be ({len(self)},), not {allowed.shape}")
        findable = ~self._empty if allowed is None else allowed & ~self._empty
        eligible = np.flatnonzero(findable)
        reachable = len(eligible)
        rows = np.full((len(queries), k), -1, np.intp)
        similarities = np.full((len(queries), k), UNREACHABLE, np.float32)
        if not reachable:
            return rows, similarities
        shortlist = min(reachable, SHORTLIST * k + SHORTLIST_MORE)
        if reachable <= max(EXACT_ROWS, shortlist):
            for number, query in enumerate(queries):
                self._compare(query, eligible, rows[number], similarities[number])
            return rows, similarities
        step = max(1, BLOCK // len(self))
        for start in range(0, len(queries), step):
            block = queries[start : start + step]
            nearby = self._scan(block, eligible, shortlist)
            for number, query in enumerate(block, start):
                self._compare(query, nearby[number - start], rows[number], similarities[number])
        return rows, similarities

    def _scan(self, queries: NDArray[np.float32], eligible: NDArray[np.intp], count: int) -> NDArray[np.intp]:
        """Return (q, count) rows of `eligible` that are nearest by int8, each line in ascending order."""
        assert self._packed is not None, "there are rows to scan"
        codes, _ = _to_int8(queries)
        rough = np.asarray(numkong.dots_packed(codes, self._packed))
        scales = self._scales
        if len(eligible) < len(self):
            rough, scales = rough.take(eligible, axis=1), scales[eligible]
        nearby = np.argpartition(rough * scales, len(eligible) - count, axis=1)[:, -count:]
        nearby.sort(axis=1)
        return eligible[nearby]

    def _compare(
        self,
        query: NDArray[np.float32],
        eligible: NDArray[np.intp],
        rows: NDArray[np.intp],
        similarities: NDArray[np.float32],
    ) -> None:
        """Write the nearest of `eligible` (ascending) into `rows` and `similarities`, both (k,).

        `einsum` sums every row alike, however many there are; a matrix product may not.
        """
        exact = np.einsum("ij,j->i", self._vectors[eligible], query)
        order = np.argsort(-exact, kind="stable")[: len(rows)]
        rows[: len(order)] = eligible[order]
        similarities[: len(order)] = exact[order]


def _to_int8(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 codes (n, d) and scales (n,) with `vectors ~ codes * scales`; zeros have scale 0."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    scales = (largest / 127).astype(np.float32)
    with np.errstate(divide="ignore"):
        inverse = np.where(largest > 0, 127 / largest, 0).astype(np.float32)
    return np.rint(vectors * inverse[:, None]).astype(np.int8), scales
