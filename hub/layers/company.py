"""What a customer has and has looked at, as amounts, and what that leads to by the learned neighbours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.neighbours import FADING_DAYS
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.model import FeedbackKind, SignalKind
from hub.profiles.view import ProfileView

LOOKED = 0.3  # of a purchase: what was only looked at, put in the basket or saved
WISH_SHARE = 0.1  # of all that the customer has: what it counts, in purchases, to say that they want a thing
LEAST_WISH = 2.0
SAID = {  # of a wish; a skip is as told by `skipping`
    FeedbackKind.REPEAT: 1.0,
    FeedbackKind.SAVE: 1.0,
    FeedbackKind.MORE: 1.0,
    FeedbackKind.LESS: -1 / 3,
    FeedbackKind.HIDE: -1 / 3,
}
EXPECTED = (1.0, 2.5)  # things that everybody is taken to have wanted, and skipped, before
LOOKED_AT = frozenset({SignalKind.VIEWED, SignalKind.CLICKED, SignalKind.ADDED, SignalKind.SAVED})
DAY = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class Company:
    """Rows (h,) intp of what a customer keeps company with; `faded` and `ever` (h,) float64 say how much of each."""

    rows: NDArray[np.intp]
    faded: NDArray[np.float64]
    ever: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)


def company_of(view: ProfileView, snapshot: CatalogueSnapshot) -> Company:
    """Return what the customer bought and keeps (1 each) and looked at (`LOOKED` each), fading by its age.

    What they said of a content (`said`) is added and does not fade; it may speak against what goes with it.
    """
    found: dict[int, tuple[float, float]] = {}
    if view.personal:
        at = view.at.timestamp()
        for signal in view.recent:  # oldest first: the latest look is what counts
            if signal.kind in LOOKED_AT and signal.content_key is not None and signal.stamp.at <= view.at:
                row = snapshot.row(signal.content_key)
                if row is not None:
                    found[row] = (LOOKED * _fading(at - signal.stamp.at.timestamp()), LOOKED)
        for key in had(view):
            row = snapshot.row(key)
            if row is not None:
                found[row] = (_fading(at - view.owned[key].last_at.timestamp()), 1.0)
        for row, amount in said(view, snapshot):
            faded, ever = found.get(row, (0.0, 0.0))
            found[row] = (faded + amount, ever + amount)
    amounts = np.array(list(found.values()), np.float64).reshape(len(found), 2)
    return Company(np.fromiter(found, np.intp, len(found)), amounts[:, 0], amounts[:, 1])


def had(view: ProfileView) -> list[str]:
    """Return the keys of what the customer has at `view.at`, sent back and later purchases not among them."""
    return [key for key, owned in view.owned.items() if owned.count > 0 and owned.first_at <= view.at]


def said(view: ProfileView, snapshot: CatalogueSnapshot) -> list[tuple[int, float]]:
    """Return what the customer said of contents, as rows and amounts of a purchase.

    A wish counts the more, the more they have: answers to one page would else drown four things, and drown in four hundred.
    """
    wish = max(WISH_SHARE * len(had(view)), LEAST_WISH)
    amounts = SAID | {FeedbackKind.SKIP: skipping(view)}
    rows = ((snapshot.row(key), kind) for key, kind in view.feedback.items())
    return [(row, wish * amounts[kind]) for row, kind in rows if row is not None]


def skipping(view: ProfileView) -> float:
    """Return what a skip is worth, in wishes: the less, the fewer of the things that they answered to the customer wanted.

    Who wants one thing of five says something by not wanting the next; who wants one of fifty hardly does. A skip of what was
    wanted with likelihood p weighs p / (1 - p) of a wish, as in the slope of a logistic regression.
    """
    told = list(view.feedback.values())
    wanted = sum(SAID.get(kind, 0.0) > 0 for kind in told)
    return -(wanted + EXPECTED[0]) / (told.count(FeedbackKind.SKIP) + EXPECTED[1])


def affinity(view: ProfileView, snapshot: CatalogueSnapshot) -> NDArray[np.float64] | None:
    """Return (n,) float64, how much the customer's company speaks for each content; None where nothing does."""
    learned = snapshot.neighbours
    if not len(learned) or not view.personal:
        return None
    company = company_of(view, snapshot)
    if not len(company):
        return None
    spread = learned.affinity(company.rows, company.faded, company.ever)
    answers = said(view, snapshot)
    if answers:
        rows = np.array([row for row, _ in answers], np.intp)
        amounts = np.array([amount for _, amount in answers])
        # An answer tells what is wanted now, and so does what stands in one order.
        spread += learned.gain * learned.basket.spread(rows, amounts)
    return snapshot.borrowing.filled(spread)


def _fading(seconds: float) -> float:
    return float(0.5 ** (max(seconds, 0.0) / DAY / FADING_DAYS))
