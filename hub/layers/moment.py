"""Layer `moment`: what suits the situation that a customer is in, whatever else is known of them.

first_visit           what the editors chose, and guides to begin with
return_after_absence  what is new since they were last here
cart_left             what belongs to the things left in the basket
just_bought           what helps to use the things that were bought
replenishment_due     others of the kind that is running out
birthday              what they saved for themselves, and the finer things
anniversary           what is like the first thing they bought
contacted_service     help and advice about what they have, and nothing to sell
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import ContentKind
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.lasting import owned_items
from hub.layers.similarity import ramp
from hub.layers.words import quoted, short_title, thing
from hub.profiles.model import FeedbackKind, SignalKind
from hub.profiles.view import ProfileView

BEGIN_HERE = 0.4
RELATED, SAME = 0.3, 0.75  # cosines over which an item comes to belong to another
KIND_SHARE = 0.6
NEW_SHARE = 0.8
TREAT = 0.9
DEAR_FROM, DEAR_FULLY = 0.5, 2.0  # standard deviations above others of its kind
HELP_SHARE = 0.9
NOT_NOW = -0.3
WORTH_TELLING = 0.15
WANTED = frozenset({SignalKind.SAVED})


@dataclass(frozen=True, slots=True, eq=False)
class Suited:
    """(c,) scores, and what is told of the candidate at a position."""

    scores: NDArray[np.float64]
    sentence: Callable[[int], str]


class MomentLayer:
    """Scores by the moment alone; silent while the customer just looks around."""

    name: str = "moment"
    version: int = 1
    title: str = "Right now"
    description: str = (
        "What suits the moment: a first visit, a return, a basket left, a purchase, something running out, a "
        "birthday, an anniversary, a question to our service."
    )

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score from -1 to 1 by what the moment calls for."""
        # Whom the hub may not know is met as on a first visit, and so sees what any stranger sees.
        suit = _SUITS.get(moment.key if view.personal else "first_visit")
        if suit is None or not len(candidates):
            return Contribution(np.zeros(len(candidates)))
        suited = suit(view, candidates, moment)
        scores = suited.scores

        def sentence(position: int) -> str:
            return suited.sentence(position) if scores[position] >= WORTH_TELLING else ""

        return Contribution(scores, sentence)


def _readable(candidates: Candidates) -> NDArray[np.bool_]:
    """Return (c,) which candidates are to be read, not bought."""
    kinds = candidates.snapshot.kinds
    product = np.array([name == ContentKind.PRODUCT.value for name in kinds], np.bool_)
    return ~product[candidates.snapshot.kind_codes[candidates.rows]]


def _like(candidates: Candidates, rows: Iterable[int]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return (c,) how much each candidate belongs to the likest of some rows, 0 to 1, and which that is."""
    wanted = np.array(list(rows), np.intp)
    if not len(wanted):
        return np.zeros(len(candidates)), np.zeros(len(candidates), np.intp)
    cosines = (candidates.vectors @ candidates.snapshot.vectors[wanted].T).astype(np.float64)
    nearest = cosines.argmax(axis=1)
    return ramp(cosines[np.arange(len(cosines)), nearest], RELATED, SAME), wanted[nearest]


def _rows(snapshot: CatalogueSnapshot, keys: Iterable[str]) -> list[int]:
    return [row for key in keys if (row := snapshot.row(key)) is not None]


def _first_visit(_view: ProfileView, candidates: Candidates, _moment: Moment) -> Suited:
    pushed = np.maximum(candidates.snapshot.editorial[candidates.rows].astype(np.float64), 0.0)
    guide = np.array([kind == ContentKind.GUIDE.value for kind in candidates.snapshot.kinds], np.bool_)
    guides = guide[candidates.snapshot.kind_codes[candidates.rows]]
    return Suited(
        np.maximum(pushed, np.where(guides, BEGIN_HERE, 0.0)), lambda _position: "A good place to begin"
    )


def _return(view: ProfileView, candidates: Candidates, moment: Moment) -> Suited:
    """Newer than the last visit; the present one, which began a moment ago, does not count."""
    away = [s.stamp.at for s in view.recent if (moment.at - s.stamp.at).days >= 1]
    last = max(away, default=view.last_seen_at)
    if last is None:
        return Suited(np.zeros(len(candidates)), lambda _position: "")
    published = candidates.snapshot.published[candidates.rows]
    new = (published > last.timestamp()) & (published <= moment.at.timestamp())
    return Suited(np.where(new, NEW_SHARE, 0.0), lambda _position: "New since you were last here")


def _cart_left(_view: ProfileView, candidates: Candidates, moment: Moment) -> Suited:
    rows = _rows(candidates.snapshot, moment.about)
    like, nearest = _like(candidates, rows)
    own = np.isin(candidates.rows, rows)

    def sentence(position: int) -> str:
        return f"Goes with the {thing(candidates.snapshot.contents[nearest[position]])} in your basket"

    return Suited(np.where(own, 0.0, KIND_SHARE * like), sentence)


def _just_bought(_view: ProfileView, candidates: Candidates, moment: Moment) -> Suited:
    like, nearest = _like(candidates, _rows(candidates.snapshot, moment.about))

    def sentence(position: int) -> str:
        return f"To read with the {thing(candidates.snapshot.contents[nearest[position]])} you bought"

    return Suited(np.where(_readable(candidates), HELP_SHARE * like, 0.0), sentence)


def _replenishment(_view: ProfileView, candidates: Candidates, moment: Moment) -> Suited:
    rows = _rows(candidates.snapshot, moment.about)
    like, nearest = _like(candidates, rows)
    codes = candidates.snapshot.category_codes
    same = codes[candidates.rows] == codes[nearest] if rows else np.zeros(len(candidates), np.bool_)
    other = same & ~np.isin(candidates.rows, rows)

    def sentence(position: int) -> str:
        return (
            f"Instead of your {thing(candidates.snapshot.contents[nearest[position]])}, which is running out"
        )

    return Suited(np.where(other, KIND_SHARE * like, 0.0), sentence)


def _birthday(view: ProfileView, candidates: Candidates, _moment: Moment) -> Suited:
    saved = {s.content_key for s in view.recent if s.kind in WANTED and s.content_key is not None}
    saved |= {key for key, kind in view.feedback.items() if kind is FeedbackKind.SAVE}
    treats = np.isin(candidates.rows, _rows(candidates.snapshot, saved))
    levels = np.nan_to_num(candidates.snapshot.price_levels[candidates.rows], nan=0.0)
    finer = KIND_SHARE * ramp(levels, DEAR_FROM, DEAR_FULLY)

    def sentence(position: int) -> str:
        return "You saved this, and it is your birthday" if treats[position] else "A treat for your birthday"

    return Suited(np.where(treats, TREAT, finer), sentence)


def _anniversary(view: ProfileView, candidates: Candidates, _moment: Moment) -> Suited:
    owned = owned_items(view, candidates.snapshot)
    first = min(owned, key=lambda item: (item.ownership.first_at, item.content.key), default=None)
    if first is None:
        return Suited(np.zeros(len(candidates)), lambda _position: "")
    like, _ = _like(candidates, [first.row])
    told = f"Like the first thing you bought from us, {quoted(short_title(first.content))}"
    return Suited(np.where(candidates.rows == first.row, 0.0, KIND_SHARE * like), lambda _position: told)


def _contacted(view: ProfileView, candidates: Candidates, _moment: Moment) -> Suited:
    owned = owned_items(view, candidates.snapshot)
    like, nearest = _like(candidates, [item.row for item in owned])
    readable = _readable(candidates)

    def sentence(position: int) -> str:
        return f"Good to know about your {thing(candidates.snapshot.contents[nearest[position]])}"

    return Suited(np.where(readable, HELP_SHARE * like, NOT_NOW), sentence)


_SUITS: Mapping[str, Callable[[ProfileView, Candidates, Moment], Suited]] = {
    "first_visit": _first_visit,
    "return_after_absence": _return,
    "cart_left": _cart_left,
    "just_bought": _just_bought,
    "replenishment_due": _replenishment,
    "birthday": _birthday,
    "anniversary": _anniversary,
    "contacted_service": _contacted,
}
