"""What a customer has and has looked at, as amounts, and what that leads to by the learned neighbours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.neighbours import FADING_DAYS
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.model import FeedbackKind, SignalKind
from hub.profiles.view import ProfileView

TOGETHER_SHARE = 0.4  # of what comes next: what others have as well says less of what will be bought
LOOKED = 0.3  # of a purchase: what was only looked at, put in the basket or saved
SAID = {  # of a purchase, beside what was bought or looked at
    FeedbackKind.REPEAT: 6.0,
    FeedbackKind.SAVE: 6.0,
    FeedbackKind.MORE: 6.0,
    FeedbackKind.SKIP: -1.0,
    FeedbackKind.LESS: -2.0,
    FeedbackKind.HIDE: -2.0,
}
SAID_NOW = {  # the same, of what stands in one order with it: an answer tells what is wanted now
    FeedbackKind.REPEAT: 6.0,
    FeedbackKind.SAVE: 6.0,
    FeedbackKind.MORE: 6.0,
    FeedbackKind.SKIP: -0.5,
    FeedbackKind.LESS: -1.0,
    FeedbackKind.HIDE: -1.0,
}
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

    What they said of a content (`SAID`) is added and does not fade; it may speak against what goes with it.
    """
    found: dict[int, tuple[float, float]] = {}
    if view.personal:
        at = view.at.timestamp()
        for signal in view.recent:  # oldest first: the latest look is what counts
            if signal.kind in LOOKED_AT and signal.content_key is not None and signal.stamp.at <= view.at:
                row = snapshot.row(signal.content_key)
                if row is not None:
                    found[row] = (LOOKED * _fading(at - signal.stamp.at.timestamp()), LOOKED)
        for key, owned in view.owned.items():
            row = snapshot.row(key)
            if row is not None and owned.count > 0 and owned.first_at <= view.at:
                found[row] = (_fading(at - owned.last_at.timestamp()), 1.0)
        for key, kind in view.feedback.items():
            row = snapshot.row(key)
            if row is not None:
                faded, ever = found.get(row, (0.0, 0.0))
                found[row] = (faded + SAID[kind], ever + SAID[kind])
    amounts = np.array(list(found.values()), np.float64).reshape(len(found), 2)
    return Company(np.fromiter(found, np.intp, len(found)), amounts[:, 0], amounts[:, 1])


def affinity(view: ProfileView, snapshot: CatalogueSnapshot) -> NDArray[np.float64] | None:
    """Return (n,) float64, how much the customer's company speaks for each content; None where nothing does."""
    learned = snapshot.neighbours
    if not len(learned) or not view.personal:
        return None
    company = company_of(view, snapshot)
    if not len(company):
        return None
    spread = TOGETHER_SHARE * learned.together.spread(company.rows, company.faded)
    spread += learned.next.spread(company.rows, company.ever)
    said = [
        (row, SAID_NOW[kind]) for key, kind in view.feedback.items() if (row := snapshot.row(key)) is not None
    ]
    if said:
        rows = np.array([row for row, _ in said], np.intp)
        spread += learned.basket.spread(rows, np.array([amount for _, amount in said]))
    return snapshot.borrowing.filled(spread)


def _fading(seconds: float) -> float:
    return float(0.5 ** (max(seconds, 0.0) / DAY / FADING_DAYS))
