"""Nearest neighbours among the catalogue's vectors, whole or filtered.

A search is exact or nearly so, by one of two roads that are chosen by how many rows are allowed:

- few (`few_of`): gather them and compare in float32, exactly;
- many: scan an int8 copy of all rows (one byte a number, one scale a row), keep a shortlist of
  several times `k`, and compare the shortlist in float32.

There is no graph: a filter costs nothing in recall, and what changes is re-encoded alone. The int8 copy
is kept in segments; an index that is built after another one takes its segments over, with a map from
their lines to the rows of now. The answers do not depend on how the rows lie in segments, so that a
process that followed a hundred changes answers as one that has just started. docs/decisions/0122 tells
what was measured.
"""

from dataclasses import dataclass, replace
from math import isqrt
from typing import Self

import numkong
import numpy as np
from numpy.typing import NDArray

EXACT_ROWS = 1_024  # up to here gathering in float32 is as fast as the scan, and exact
GATHERED_SHARE = 16  # where fewer than one row in so many is allowed, gathering costs less than scanning all
GATHERED_MOST = 20_000  # rows, 31 MB at 384 dimensions
SHORTLIST = 3  # how many times k are compared again in float32 ...
SHORTLIST_MORE = 64  # ... and how many more, for small k
BLOCK = 4_000_000  # most similarities held at once while scanning
SEGMENT = 65_536  # most lines of a segment: 25 MB at 384 dimensions, and as much again while it is made
COMPARED = 16  # numbers of a row by which it is seen to be the same
MOST_WORN = 4  # segments less than half full; more are put together
UNREACHABLE = -1.0  # the similarity beside row -1: the least a cosine can be
NOWHERE = np.float32(-np.inf)  # the score of a line that may not be found


def few_of(count: int) -> int:
    """Return up to how many allowed rows of `count` are gathered."""
    return max(EXACT_ROWS, min(count // GATHERED_SHARE, GATHERED_MOST))


@dataclass(frozen=True, slots=True, eq=False)
class _Segment:
    """Some rows in int8: `codes` packed (m, d), `scales` (m,) float32, `rows` (m,) where each line is now, -1: gone."""

    codes: numkong.PackedMatrix
    scales: NDArray[np.float32]
    rows: NDArray[np.intp]
    live: int

    def moved(self, now: NDArray[np.intp]) -> "_Segment":
        """Return the same lines after rows have moved: `now` (n,) is where each row went, -1: it is gone."""
        rows = np.where(self.rows >= 0, now[self.rows], -1)
        return replace(self, rows=rows, live=int(np.count_nonzero(rows >= 0)))


class VectorIndex:
    """Immutable; safe to search from several threads at once."""

    __slots__ = ("_count", "_empty", "_places", "_segments", "_vectors", "_whole")

    def __init__(
        self,
        vectors: NDArray[np.float32],
        segments: tuple[_Segment, ...],
        empty: NDArray[np.bool_],
        count: int,
    ) -> None:
        self._count = count  # rows that it is of
        self._vectors = vectors
        self._segments = segments
        self._empty = empty
        parts = [each.rows for each in segments]
        self._places = np.concatenate(parts) if parts else np.zeros(0, np.intp)
        self._whole = not empty.any() and bool((self._places >= 0).all())

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def dimensions(self) -> int:
        """Length of every vector."""
        return int(self._vectors.shape[1])

    @property
    def size(self) -> int:
        """How many bytes it holds beside the vectors themselves."""
        lines = len(self._places)
        return lines * self.dimensions + lines * (4 + 8 + 8) + self._empty.nbytes

    @classmethod
    def build(
        cls,
        vectors: NDArray[np.float32],
        *,
        before: Self | None = None,
        came_from: NDArray[np.intp] | None = None,
    ) -> Self:
        """Index `vectors`, (n, d) float32 with rows of length 1; rows of zeros are never found.

        The array is kept, not copied: do not change it afterwards. n may be 0.

        Args:
            vectors: the rows.
            before: an index most of whose rows are among them; what it has is taken over.
            came_from: (n,) the row of `before` that each row is, -1: a new one. A row whose first numbers differ
                from the one it is said to be is a new one.

        Raises:
            ValueError: if a shape does not fit or a number is not finite.
        """
        if vectors.ndim != 2:
            raise ValueError(f"vectors must be (n, d), not {vectors.shape}")
        vectors = np.ascontiguousarray(vectors, np.float32)
        if came_from is not None and came_from.shape != (len(vectors),):
            raise ValueError(f"came_from must be ({len(vectors)},), not {came_from.shape}")
        kept = np.zeros(0, np.intp)
        empty = np.zeros(len(vectors), np.bool_)
        segments: list[_Segment] = []
        if before is not None and came_from is not None and before.dimensions == vectors.shape[1]:
            kept = _same(vectors, before._vectors, came_from)  # noqa: SLF001 - it is one of us, here and below
            now = np.full(len(before), -1, np.intp)
            now[came_from[kept]] = kept
            followed = (each.moved(now) for each in before._segments)  # noqa: SLF001
            segments = [each for each in followed if each.live]
            empty[kept] = before._empty[came_from[kept]]  # noqa: SLF001
        fresh = np.ones(len(vectors), np.bool_)
        fresh[kept] = False
        wanted = np.flatnonzero(fresh)
        worn = [each for each in segments if each.live < SEGMENT // 2]
        if len(worn) + (len(wanted) > 0) > MOST_WORN:
            segments = [each for each in segments if each.live >= SEGMENT // 2]
            wanted = np.sort(np.concatenate([wanted, *(each.rows[each.rows >= 0] for each in worn)]))
        for start in range(0, len(wanted), SEGMENT):
            segments.append(_encoded(vectors, wanted[start : start + SEGMENT], empty))
        return cls(vectors, tuple(segments), empty, len(vectors))

    def only(self, rows: NDArray[np.intp]) -> Self:
        """Return an index of some of the rows, under the numbers that they have here.

        It costs `size` bytes more and shares the vectors. A search in it costs what its own rows cost, where
        `allowed` would have all of them scanned.

        Args:
            rows: (m,) which rows, ascending, each once.
        """
        empty = np.ones(len(self), np.bool_)
        empty[rows] = False
        segments = [
            _encoded(self._vectors, rows[start : start + SEGMENT], empty)
            for start in range(0, len(rows), SEGMENT)
        ]
        return type(self)(self._vectors, tuple(segments), empty, len(rows))

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
        reachable = int(np.count_nonzero(findable))
        rows = np.full((len(queries), k), -1, np.intp)
        similarities = np.full((len(queries), k), UNREACHABLE, np.float32)
        if not reachable or not len(queries):
            return rows, similarities
        shortlist = min(reachable, SHORTLIST * k + SHORTLIST_MORE)
        if reachable <= max(few_of(self._count), shortlist):
            eligible = np.flatnonzero(findable)
            gathered = self._vectors[eligible]
            for number, query in enumerate(queries):
                _compare(query, gathered, eligible, rows[number], similarities[number])
            return rows, similarities
        free = self._whole and reachable == len(self)
        step = max(1, BLOCK // len(self._places))
        for start in range(0, len(queries), step):
            block = queries[start : start + step]
            scores = self._scan(block, None if free else findable)
            for number in range(len(block)):
                nearby = _highest(scores[number], self._places, shortlist)
                _compare(
                    block[number],
                    self._vectors[nearby],
                    nearby,
                    rows[start + number],
                    similarities[start + number],
                )
        return rows, similarities

    def _scan(self, queries: NDArray[np.float32], findable: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        """Return scores (q, m) of all lines by int8; `NOWHERE` for what is not `findable` (None: all is)."""
        codes, _ = _to_int8(queries)
        scores = np.empty((len(queries), len(self._places)), np.float32)
        barred = None
        if findable is not None:
            open_ = findable[self._places] & (self._places >= 0)
            barred = np.where(open_, np.float32(0), NOWHERE)
        start = 0
        for each in self._segments:
            end = start + len(each.rows)
            part = scores[:, start:end]
            part[:] = np.asarray(numkong.dots_packed(codes, each.codes))  # whole numbers below 2**24: exact
            part *= each.scales
            if barred is not None:
                part += barred[start:end]
            start = end
        return scores


def _same(
    vectors: NDArray[np.float32], before: NDArray[np.float32], came_from: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the rows that are the row they are said to come from; none twice.

    The first numbers are compared, which lie in one line of a cache: a text that changed changes all of them.
    """
    told = np.flatnonzero(came_from >= 0)
    told = told[np.unique(came_from[told], return_index=True)[1]]
    equal = (vectors[told, :COMPARED] == before[came_from[told], :COMPARED]).all(axis=1)
    return np.sort(told[equal])


def _encoded(vectors: NDArray[np.float32], rows: NDArray[np.intp], empty: NDArray[np.bool_]) -> _Segment:
    """Return a segment of some rows (ascending), and mark those without a direction in `empty`.

    Raises:
        ValueError: if a number is not finite.
    """
    chosen = vectors[rows]
    if not np.isfinite(chosen).all():
        raise ValueError("vectors must be finite")
    codes, scales = _to_int8(chosen)
    empty[rows] = scales == 0
    return _Segment(numkong.dots_pack(codes), scales, rows, len(rows))


def _highest(scores: NDArray[np.float32], rows: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return the rows (count,) of the highest scores, ascending; of equal scores the lower rows.

    The `count` highest lanes hold as many scores of at least the lowest of their maxima, so nothing
    below that can be among the `count` highest: only what lies above is looked at one by one.
    """
    lane = max(isqrt(len(scores) // count), 1)  # lines: as many lanes are looked at as lines after them
    length = len(scores) // lane
    whole = length * lane
    lanes = scores[:whole].reshape(lane, length).max(axis=0)
    at = None
    if length > count:
        near = np.flatnonzero(lanes >= np.partition(lanes, length - count)[length - count])
        if len(near) * 2 < length:
            every = (near + length * np.arange(lane)[:, None]).ravel()
            at = np.concatenate([every, np.arange(whole, len(scores))])
    found = scores if at is None else scores[at]
    least = np.partition(found, len(found) - count)[len(found) - count]
    highest = np.flatnonzero(found >= least)
    at = highest if at is None else at[highest]
    order = np.lexsort((rows[at], -scores[at]))[:count]
    return np.sort(rows[at[order]])


def _compare(
    query: NDArray[np.float32],
    gathered: NDArray[np.float32],
    eligible: NDArray[np.intp],
    rows: NDArray[np.intp],
    similarities: NDArray[np.float32],
) -> None:
    """Write the nearest of `eligible` (m,) ascending, `gathered` (m, d), into `rows` and `similarities`, both (k,).

    `einsum` sums every row alike, however many there are; a matrix product may not.
    """
    exact = np.einsum("ij,j->i", gathered, query)
    order = np.argsort(-exact, kind="stable")[: len(rows)]
    rows[: len(order)] = eligible[order]
    similarities[: len(order)] = exact[order]


def _to_int8(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 codes (n, d) and scales (n,) with `vectors ~ codes * scales`; zeros have scale 0."""
    codes = np.empty(vectors.shape, np.int8)
    scales = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), 4_096):  # what fits into a cache is read once from memory
        part = vectors[start : start + 4_096]
        largest = np.maximum(part.max(axis=1, initial=0.0), -part.min(axis=1, initial=0.0))
        scales[start : start + 4_096] = largest / 127
        with np.errstate(divide="ignore"):
            inverse = np.where(largest > 0, 127 / largest, 0).astype(np.float32)
        codes[start : start + 4_096] = np.rint(part * inverse[:, None])
    return codes, scales
