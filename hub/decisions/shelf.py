"""The catalogue arranged for deciding: orders and codes that depend on nothing but the snapshot.

Made once when a snapshot arrives (about 25 ms of processor for 50,000 contents), so that a decision only gathers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from embeddings.index import VectorIndex
from hub.catalogue.model import Availability, ContentKind
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.choices import Choice
from hub.decisions.model import Guards
from hub.decisions.nearest import Nearest
from hub.decisions.rules import DISCONTINUED, ELIGIBLE, OUT_OF_STOCK, rule_code

EDITORIAL_SHARE = 0.5  # as in layer `base`, so that what it puts first is among the candidates
NEAREST = 40  # candidates for each direction of a customer's taste
FEW = 2_048  # up to here one matrix product in float32 is faster than an index
MINOR = 20_000  # up to here a kind has an index of its own beside the catalogue's: 8 MB
MOST_REMEMBERED = 256  # answers of guided choices whose contents are known, 50 kB each at 50,000 contents


@dataclass(frozen=True, slots=True, eq=False)
class Few:
    """The contents of a kind of which there are few: `rows` (m,) ascending, `vectors` (m, d) beside them."""

    rows: NDArray[np.intp]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """A snapshot with what is computed from it once.

    `standing` is (n,) int8: the code of the rule that removes a content whoever the customer is, or
    ELIGIBLE; `popular` and `newest` hold the rows of each kind, best first, and `begun` those
    that newcomers choose, and `settled` those that were popular when the week began; `below` the rows of each category and all under it, best first; `few` holds the vectors of small kinds in one
    piece, and `minor` an index of each kind that is larger and still less than half of the catalogue;
    `nearest` knows what lies near the directions of those who came lately.
    """

    snapshot: CatalogueSnapshot
    standing: NDArray[np.int8]
    popular: Mapping[ContentKind, NDArray[np.intp]]
    newest: Mapping[ContentKind, NDArray[np.intp]]
    below: Mapping[str, NDArray[np.intp]]
    kind_rows: Mapping[ContentKind, NDArray[np.bool_]]
    few: Mapping[ContentKind, Few]
    minor: Mapping[ContentKind, VectorIndex]
    nearest: Nearest
    begun: Mapping[ContentKind, NDArray[np.intp]] = field(default_factory=dict)
    settled: Mapping[ContentKind, NDArray[np.intp]] = field(default_factory=dict)  # empty where it is as now
    guarded: dict[Guards, NDArray[np.bool_]] = field(default_factory=dict)  # filled when first asked for
    refused: dict[Choice, NDArray[np.bool_]] = field(default_factory=dict)  # the same, the latest few

    def not_chosen(self, choice: Choice) -> NDArray[np.bool_]:
        """Return (n,) bool: which contents are not what an answer asks for."""
        known = self.refused.get(choice)
        if known is None:
            contents = self.snapshot.contents
            known = np.fromiter((not choice.fits(each) for each in contents), np.bool_, len(contents))
            while len(self.refused) >= MOST_REMEMBERED:  # answers come from outside: no end of them
                self.refused.pop(next(iter(self.refused)), None)
            self.refused[choice] = known
        return known

    def kept_out(self, guards: Guards) -> NDArray[np.bool_]:
        """Return (n,) bool: which contents a scenario's guards keep out; looked through once a scenario."""
        guards = replace(guards, chosen=())
        known = self.guarded.get(guards)
        if known is None:
            contents = self.snapshot.contents
            known = np.fromiter((guards.keep_out(each) for each in contents), np.bool_, len(contents))
            self.guarded[guards] = known
        return known

    def __len__(self) -> int:
        return len(self.snapshot)


def arrange(snapshot: CatalogueSnapshot) -> Shelf:
    """Return `snapshot` arranged for deciding."""
    appeal = snapshot.popularity.astype(np.float64) + EDITORIAL_SHARE * snapshot.editorial
    by_appeal = np.argsort(-appeal, kind="stable")
    by_date = np.argsort(-np.nan_to_num(snapshot.published, nan=-np.inf), kind="stable")
    by_date = by_date[~np.isnan(snapshot.published[by_date])]
    kind_rows = {ContentKind(name): snapshot.kind_codes == code for code, name in enumerate(snapshot.kinds)}
    first = snapshot.tendencies.first
    by_first = np.argsort(-first, kind="stable")[: np.count_nonzero(first)]
    by_week = np.argsort(-(snapshot.settled + EDITORIAL_SHARE * snapshot.editorial), kind="stable")
    as_now = np.array_equal(snapshot.settled, snapshot.popularity)
    return Shelf(
        snapshot=snapshot,
        standing=_standing(snapshot),
        popular={kind: by_appeal[mask[by_appeal]] for kind, mask in kind_rows.items()},
        begun={kind: by_first[mask[by_first]] for kind, mask in kind_rows.items()} if len(by_first) else {},
        settled={} if as_now else {kind: by_week[mask[by_week]] for kind, mask in kind_rows.items()},
        newest={kind: by_date[mask[by_date]] for kind, mask in kind_rows.items()},
        below=_below(snapshot, by_appeal),
        kind_rows=kind_rows,
        few={
            kind: Few(np.flatnonzero(mask), snapshot.vectors[mask])
            for kind, mask in kind_rows.items()
            if np.count_nonzero(mask) <= FEW
        },
        minor={
            kind: snapshot.index.only(np.flatnonzero(mask))
            for kind, mask in kind_rows.items()
            if FEW < np.count_nonzero(mask) <= min(MINOR, len(snapshot) // 2)
        },
        nearest=Nearest(snapshot.index, min(NEAREST, len(snapshot))),
    )


def _standing(snapshot: CatalogueSnapshot) -> NDArray[np.int8]:
    """Return the codes of what removes a content for everybody; of two rules the first gate's."""
    standing = np.full(len(snapshot), ELIGIBLE, np.int8)
    for row, rule in snapshot.brand_faults.items():
        standing[row] = rule_code("brand", rule)
    for row in np.flatnonzero(~snapshot.available).tolist():
        gone = snapshot.contents[row].availability is Availability.DISCONTINUED
        standing[row] = DISCONTINUED if gone else OUT_OF_STOCK
    return standing


def _below(snapshot: CatalogueSnapshot, by_appeal: NDArray[np.intp]) -> dict[str, NDArray[np.intp]]:
    """Return the rows of each category and each of its ancestors, in the order of `by_appeal`."""
    order = by_appeal[np.argsort(snapshot.category_codes[by_appeal], kind="stable")]
    sorted_codes = snapshot.category_codes[order]
    place = np.empty(len(by_appeal), np.intp)
    place[by_appeal] = np.arange(len(by_appeal))
    rows: dict[str, NDArray[np.intp]] = {}
    for name, wanted in snapshot.codes_below.items():
        parts_of = [
            order[np.searchsorted(sorted_codes, code) : np.searchsorted(sorted_codes, code, "right")]
            for code in wanted.tolist()
        ]
        joined = np.concatenate(parts_of)
        rows[name] = joined[np.argsort(place[joined], kind="stable")]
    return rows
