"""What a snapshot takes over of the one before it: all that belongs to contents which did not change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import Content

if TYPE_CHECKING:
    from hub.catalogue.snapshot import CatalogueSnapshot

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """The snapshot `before` and what became of its rows.

    `came_from` (n,) intp: the row of `before` that each row is, -1 where it is new or changed; `fresh` (f,)
    intp: those rows; `runs`: from which row to which behind it they stand side by side as they stood from which row
    on, so that few changes of a large catalogue are few copies of large pieces.
    """

    before: "CatalogueSnapshot"
    came_from: NDArray[np.intp]
    fresh: NDArray[np.intp]
    runs: Sequence[tuple[int, int, int]]

    @classmethod
    def of(
        cls, before: "CatalogueSnapshot", contents: Sequence[Content], changed: Collection[str]
    ) -> "Carried":
        """Return what of `contents`, by row, is carried: all but `changed` keys."""
        known = before.rows
        found = (-1 if content.key in changed else known.get(content.key, -1) for content in contents)
        came_from = np.fromiter(found, np.intp, len(contents))
        return cls(before, came_from, np.flatnonzero(came_from < 0), _runs(came_from))

    def without(self, rows: NDArray[np.bool_]) -> "Carried":
        """Return the same, but that (n,) `rows` are not carried."""
        if not rows.any():
            return self
        came_from = np.where(rows, -1, self.came_from)
        return Carried(self.before, came_from, np.flatnonzero(came_from < 0), _runs(came_from))

    def column(self, old: NDArray[Number], fresh: Sequence[Any] | NDArray[Number]) -> NDArray[Number]:
        """Return (n, ...) the rows of `old` where they have come to be, and `fresh` (f, ...) in between."""
        column: NDArray[Number] = np.empty((len(self.came_from), *old.shape[1:]), old.dtype)
        for start, end, source in self.runs:
            column[start:end] = old[source : source + end - start]
        column[self.fresh] = np.asarray(fresh, old.dtype).reshape(len(self.fresh), *old.shape[1:])
        return column


def _runs(came_from: NDArray[np.intp]) -> Sequence[tuple[int, int, int]]:
    breaks = np.flatnonzero((np.diff(came_from) != 1) | (came_from[:-1] < 0)) + 1
    bounds = [0, *breaks.tolist(), len(came_from)]
    sources = came_from[bounds[:-1]].tolist() if len(came_from) else []
    found = zip(bounds, bounds[1:], sources, strict=False)
    return [(start, end, source) for start, end, source in found if source >= 0]


def column_of(
    contents: Sequence[Content], carried: Carried | None, name: str, dtype: Any, value: Any
) -> NDArray[Any]:
    """Return (n,) `value(content)` of each content; of what is carried it is taken from the former column `name`."""
    if carried is None:
        return np.fromiter(map(value, contents), dtype, len(contents))
    made = [value(contents[row]) for row in carried.fresh.tolist()]
    return carried.column(getattr(carried.before, name), made)
