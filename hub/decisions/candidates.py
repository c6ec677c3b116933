"""Candidates: what is worth scoring, found in several ways, whatever the mix.

Retrieval does not look at the mix: a muted layer is still looked for. Otherwise muting a layer would
change which items the others are compared on, and no contribution could be told apart from a change
of company (docs/decisions/0050). Everything found is either ranked or removed by a gate that says why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import ContentKind
from hub.decisions.rules import ELIGIBLE
from hub.decisions.shelf import Shelf
from hub.layers.base import Moment
from hub.layers.company import affinity
from hub.layers.lasting import Owned
from hub.layers.lookalike import STRANGE_NO_MORE
from hub.layers.needs import collections, complements
from hub.profiles.view import Directions, ProfileView

# How a candidate was found, one bit each.
INTEREST: Final = 1
SESSION: Final = 2
DECLARED: Final = 4
DUE: Final = 8
COMPLEMENT: Final = 16
COLLECTION: Final = 32
CART: Final = 64
POPULAR: Final = 128
NEW: Final = 256
HABIT: Final = 1024
NEIGHBOUR: Final = 2048
EXPLAINED: Final = 512  # found only to be removed: what the customer has and would otherwise miss
PERSONAL: Final = INTEREST | SESSION | DECLARED | DUE | COMPLEMENT | COLLECTION | CART | HABIT | NEIGHBOUR

QUERIES = {INTEREST: 8, SESSION: 3, DECLARED: 5}  # most directions of a sort, the heaviest
ENOUGH_OF_A_KIND = 32  # near the customer's directions and eligible; else more are looked for
POPULAR_OF_A_KIND = 60
USUAL = 80  # of what the customer buys again
NEIGHBOURS_OF_A_KIND = 80
NEW_OF_A_KIND = 16
FIRST_OF_A_KIND = 30  # of what newcomers choose, for those who have hardly bought
OF_A_CATEGORY = 16  # for complements and collections
MOST_CATEGORIES = 12
MOST_EXPLAINED = 100
BARRED: Final = np.float32(2.0)  # further than any negated cosine


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found: `rows` (f,) intp, each once, the most personal first; `sources` (f,) int32 of bits."""

    rows: NDArray[np.intp]
    sources: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(slots=True, eq=False)
class _Basket:
    """Collects rows by source; a row found twice keeps its first place and both bits."""

    rows: list[NDArray[np.intp]]
    sources: list[NDArray[np.int32]]

    def put(self, rows: NDArray[np.intp] | Iterable[int], source: int) -> None:
        found = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows), np.intp)
        if found.size:
            self.rows.append(found)
            self.sources.append(np.full(len(found), source, np.int32))

    def found(self, count: int) -> Found:
        """Return what was collected from a catalogue of `count` rows."""
        if not self.rows:
            return Found(np.zeros(0, np.intp), np.zeros(0, np.int32))
        rows, sources = np.concatenate(self.rows), np.concatenate(self.sources)
        unique, first = np.unique(rows, return_index=True)
        bits = np.zeros(count, np.int32)
        np.bitwise_or.at(bits, rows, sources)
        unique = unique[np.argsort(first, kind="stable")]
        return Found(unique, bits[unique])


def retrieve(
    view: ProfileView,
    shelf: Shelf,
    codes: NDArray[np.int8],
    moment: Moment,
    *,
    kinds: Iterable[ContentKind],
    owned: Sequence[Owned] = (),
    due: Sequence[Owned] = (),
) -> Found:
    """Return what is worth scoring for one customer.

    Args:
        view: what may be known of the customer.
        shelf: the catalogue.
        codes: (n,) int8, what the gates say of each row, see `gates.judge`.
        moment: the situation the customer is in.
        kinds: which kinds the scenario can show; of each enough is looked for to fill its slots.
        owned: what the customer has.
        due: the replenishables among it that should be running out.
    """
    snapshot = shelf.snapshot
    basket = _Basket([], [])
    if not len(snapshot):
        return basket.found(0)
    eligible = codes == ELIGIBLE
    wanted = [kind for kind in dict.fromkeys(kinds) if kind in shelf.kind_rows]
    basket.put((item.row for item in due), DUE)
    if moment.key == "cart_left":
        basket.put((row for key in moment.about if (row := snapshot.row(key)) is not None), CART)
    _near(view, shelf, eligible, wanted, basket)
    _of_categories(list(complements(owned, view.at)), COMPLEMENT, shelf, eligible, basket)
    _of_categories(collections(owned), COLLECTION, shelf, eligible, basket)
    _usual(view, owned, eligible, basket)
    _neighbours(view, shelf, wanted, eligible, basket)
    for kind in wanted:
        basket.put(_first_of(shelf.popular[kind], eligible, POPULAR_OF_A_KIND), POPULAR)
        if kind in shelf.settled:  # mostly the same: a weekly set shall not lose what sells less since Monday
            basket.put(_first_of(shelf.settled[kind], eligible, POPULAR_OF_A_KIND), POPULAR)
        if len(owned) < STRANGE_NO_MORE and kind in shelf.begun:
            basket.put(_first_of(shelf.begun[kind], eligible, FIRST_OF_A_KIND), POPULAR)
        basket.put(_first_of(shelf.newest[kind], eligible, NEW_OF_A_KIND), NEW)
    basket.put(_to_explain(view, shelf, owned, eligible), EXPLAINED)
    found = basket.found(len(snapshot))
    showable = np.zeros(len(snapshot), np.bool_)
    for kind in wanted:
        showable |= shelf.kind_rows[kind]
    kept = showable[found.rows]
    return Found(found.rows[kept], found.sources[kept])


def _near(
    view: ProfileView,
    shelf: Shelf,
    eligible: NDArray[np.bool_],
    kinds: list[ContentKind],
    basket: _Basket,
) -> None:
    """Find what lies near each direction: first whatever is there, then more of each kind that is short.

    The first search does not look at the gates, so that what they remove is seen and explained.
    """
    parts = [
        (source, _heaviest(directions, QUERIES[source]))
        for source, directions in (
            (SESSION, view.session),
            (DECLARED, view.declared),
            (INTEREST, view.interests),
        )
    ]
    queries = np.concatenate([vectors for _, vectors in parts])
    if not len(queries):
        return
    sources = np.repeat([source for source, _ in parts], [len(vectors) for _, vectors in parts])
    rows = shelf.nearest.to(queries)
    _put_near(rows, sources, basket)
    near = np.unique(rows[rows >= 0])
    near = near[eligible[near]]
    for kind in kinds:
        if np.count_nonzero(shelf.kind_rows[kind][near]) < ENOUGH_OF_A_KIND:
            _put_near(_nearest_of_kind(queries, shelf, kind, eligible), sources, basket)


def _nearest_of_kind(
    queries: NDArray[np.float32], shelf: Shelf, kind: ContentKind, eligible: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return (q, k) the nearest eligible rows of one kind, -1 where there are no more."""
    few = shelf.few.get(kind)
    if few is None:
        index = shelf.minor.get(kind, shelf.snapshot.index)
        return index.search(queries, ENOUGH_OF_A_KIND, allowed=eligible & shelf.kind_rows[kind])[0]
    distances = np.where(eligible[few.rows], -(queries @ few.vectors.T), BARRED)
    count = min(ENOUGH_OF_A_KIND, len(few.rows))
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(distances, nearest, 1), axis=1, kind="stable")
    nearest = np.take_along_axis(nearest, order, 1)
    return np.where(np.take_along_axis(distances, nearest, 1) < BARRED, few.rows[nearest], -1)


def _put_near(rows: NDArray[np.intp], sources: NDArray[np.intp], basket: _Basket) -> None:
    """Put the columns of `rows` (q, k) in turn, so that the nearest of every direction come first."""
    flat = rows.T.ravel()
    bits = np.tile(sources, rows.shape[1]).astype(np.int32)
    for source in dict.fromkeys(sources.tolist()):
        basket.put(flat[(bits == source) & (flat >= 0)], source)


def _heaviest(directions: Directions, most: int) -> NDArray[np.float32]:
    """Return the vectors of the heaviest directions, heaviest first."""
    order = np.argsort(-directions.weights, kind="stable")[:most]
    return directions.vectors[order]


def _usual(view: ProfileView, owned: Sequence[Owned], eligible: NDArray[np.bool_], basket: _Basket) -> None:
    """Find what the customer bought and may be shown again: the most usual first."""
    if not view.personal:
        return
    open_items = [item for item in owned if eligible[item.row]]
    open_items.sort(key=lambda item: (-item.ownership.days, -item.ownership.last_at.timestamp(), item.row))
    basket.put((item.row for item in open_items[:USUAL]), HABIT)


def _neighbours(
    view: ProfileView,
    shelf: Shelf,
    kinds: list[ContentKind],
    eligible: NDArray[np.bool_],
    basket: _Basket,
) -> None:
    """Find what the customer's company leads to most, of each kind."""
    spread = affinity(view, shelf.snapshot)
    if spread is None:
        return
    for kind in kinds:
        rows = np.flatnonzero(eligible & shelf.kind_rows[kind] & (spread > 0))
        if len(rows) > NEIGHBOURS_OF_A_KIND:
            rows = rows[np.argpartition(-spread[rows], NEIGHBOURS_OF_A_KIND)[:NEIGHBOURS_OF_A_KIND]]
        basket.put(rows[np.argsort(-spread[rows], kind="stable")], NEIGHBOUR)


def _first_of(order: NDArray[np.intp], eligible: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    """Return the first `count` eligible rows of an order, and up to as many that a gate keeps from among them.

    What would have stood there and does not is an absence that somebody will ask about.
    """
    start, size = 0, 4 * count
    found: list[NDArray[np.intp]] = []
    passed: list[NDArray[np.intp]] = []
    missing, room = count, count
    while missing > 0 and start < len(order):
        part = order[start : start + size]
        allowed = eligible[part]
        kept = part[allowed][:missing]
        if len(kept) == missing:  # whatever stands behind the last one that is wanted is not missed
            end = int(np.flatnonzero(allowed)[missing - 1])
            part, allowed = part[:end], allowed[:end]
        kept_out = part[~allowed][:room]
        found.append(kept)
        passed.append(kept_out)
        missing -= len(kept)
        room -= len(kept_out)
        start, size = start + size, 4 * size
    return np.concatenate([*found, *passed]) if found else np.zeros(0, np.intp)


def _of_categories(
    categories: list[str], source: int, shelf: Shelf, eligible: NDArray[np.bool_], basket: _Basket
) -> None:
    """Find the most popular of some categories, in turn."""
    for category in categories[:MOST_CATEGORIES]:
        rows = shelf.below.get(category)
        if rows is not None:
            basket.put(_first_of(rows, eligible, OF_A_CATEGORY), source)


def _to_explain(
    view: ProfileView, shelf: Shelf, owned: Sequence[Owned], eligible: NDArray[np.bool_]
) -> list[int]:
    """Return rows that the customer has, hid or laid in the basket and that are closed for that reason."""
    named = [
        row for key in (*sorted(view.hidden), *view.cart) if (row := shelf.snapshot.row(key)) is not None
    ]
    closed = [item for item in owned if not eligible[item.row]]
    closed.sort(key=lambda item: (item.ownership.last_at, item.row), reverse=True)
    rows = (*named, *(item.row for item in closed))
    return [row for row in rows if not eligible[row]][:MOST_EXPLAINED]
