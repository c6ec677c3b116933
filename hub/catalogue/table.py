"""Weights between contents, of each the few that count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Weights out of each of n contents, compressed by rows.

    `starts` is (n + 1,) int64; the weights of content i are `weights[starts[i]:starts[i + 1]]` (float32), to the
    contents at the same places of `targets` (int32).
    """

    starts: NDArray[np.int64]
    targets: NDArray[np.int32]
    weights: Float32

    @classmethod
    def empty(cls, count: int) -> "Table":
        """Return a table of `count` contents without any weight."""
        return cls(np.zeros(count + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))

    def spread(self, rows: NDArray[np.intp], amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) float64: of every content the sum of `amounts[k] * weight(rows[k] -> content)`."""
        places, lengths = self._places(rows)
        weighted = self.weights[places] * np.repeat(amounts, lengths)
        summed = np.bincount(self.targets[places], weights=weighted, minlength=len(self.starts) - 1)
        return summed.astype(np.float64)

    def out_of(self, rows: NDArray[np.intp]) -> "Paths":
        """Return the weights above zero out of some contents to others."""
        places, lengths = self._places(rows)
        sources, targets, weights = np.repeat(rows, lengths), self.targets[places], self.weights[places]
        kept = (weights > 0) & (sources != targets)
        return Paths(sources[kept], targets[kept], weights[kept])

    def _places(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        starts = self.starts[rows]
        lengths = self.starts[rows + 1] - starts
        before = np.repeat(starts - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        return before + np.arange(len(before)), lengths


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Weights out of a few contents, side by side, to be asked about one target after another.

    `sources` (intp), `targets` (int32) and `weights` (float32) are of equal length.
    """

    sources: NDArray[np.intp]
    targets: NDArray[np.int32]
    weights: Float32

    def strongest(self, target: int) -> int | None:
        """Return from which content the largest weight leads to `target`, None if none does."""
        into = np.flatnonzero(self.targets == target)
        return int(self.sources[into[np.argmax(self.weights[into])]]) if len(into) else None
