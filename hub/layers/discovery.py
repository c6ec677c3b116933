"""Layer `discovery`: one step beyond what the customer is known for, another set every week.

What lies beyond is told in one place, since the dial `stretch` of the mix counts by the same measure.
"""

from datetime import datetime
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hub.layers.base import Candidates, Contribution, Moment
from hub.layers.similarity import ramp
from hub.profiles.model import FeedbackKind, SignalKind
from hub.profiles.view import ProfileView

KNOWN_FROM = 0.4  # cosine to a direction from which an item is of a kind the customer is known for
UNRELATED = 0.1  # cosine up to which an item has nothing to do with the customer at all
QUALITY_SHARE = 0.35
BRIDGE_SHARE = 0.35  # nearness, from unrelated to just beyond the known
CHANCE_SHARE = 0.3  # what makes another set every week
LEARNED_MOST = 0.5  # the most that feedback on a like item moves a score, up or down
LIKE_FROM, LIKE_FULLY = 0.3, 0.8  # cosines over which feedback on one item speaks of another
WORTH_TELLING = 0.25
TAUGHT = {
    FeedbackKind.SAVE: 1.0,
    FeedbackKind.REPEAT: 1.0,
    FeedbackKind.MORE: 1.0,
    FeedbackKind.SKIP: -0.6,
    FeedbackKind.LESS: -1.0,
    FeedbackKind.HIDE: -1.0,
}
TOUCHED = frozenset({SignalKind.PURCHASED, SignalKind.ADDED, SignalKind.SAVED})


def beyond_what_is_known(view: ProfileView, candidates: Candidates) -> NDArray[np.bool_] | None:
    """Return (c,) which candidates are stretch: like no interest, and of no category dealt with.

    None for somebody of whom nothing is known: nothing lies beyond nothing. Only what the customer bought,
    put in the basket or saved makes a category known; a glance does not.
    """
    cosines = _nearest_cosines(view, candidates)
    if cosines is None:
        return None
    return (cosines < KNOWN_FROM) & ~_of_known_category(view, candidates)


def week_of(at: datetime) -> str:
    """Return the name of the week of an instant, in UTC: "2026-W10"."""
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02d}"


class DiscoveryLayer:
    """Items beyond the known, the better the nearer and the more popular they are; 0 for the known.

    A share of chance, drawn from customer, week and item alone, makes a set that is the same all week and
    another one the next. Saves and repeats raise what is like them, skips lower it, by half at most.
    """

    name: str = "discovery"
    version: int = 1
    title: str = "Something new for you"
    description: str = (
        "One step beyond what you are known for: a set of your own every week, which learns from what you "
        "skip, repeat and save."
    )

    def score(self, view: ProfileView, candidates: Candidates, moment: Moment) -> Contribution:
        """Score from 0 to 1; nothing for a customer of whom nothing is known."""
        cosines = _nearest_cosines(view, candidates)
        if cosines is None or not view.personal or not len(candidates):
            return Contribution(np.zeros(len(candidates)))
        beyond = (cosines < KNOWN_FROM) & ~_of_known_category(view, candidates)
        # As it was on Monday: the set would follow every order of the week otherwise.
        quality = candidates.snapshot.settled[candidates.rows].astype(np.float64)
        drawn = (
            QUALITY_SHARE * quality
            + BRIDGE_SHARE * ramp(cosines, UNRELATED, KNOWN_FROM)
            + CHANCE_SHARE * chance(view.profile_id or "", week_of(moment.at), candidates)
        )
        learned = taught(view, candidates)
        scores = np.where(beyond, np.clip(drawn + learned, 0.0, 1.0), 0.0)

        def sentence(position: int) -> str:
            if scores[position] < WORTH_TELLING:
                return ""
            if learned[position] > WORTH_TELLING:
                return "Something new, like what you saved"
            return "Something new for you this week"

        return Contribution(scores, sentence)


def chance(profile_id: str, week: str, candidates: Candidates) -> NDArray[np.float64]:
    """Return (c,) numbers in [0, 1) that depend on customer, week and content key alone.

    The finaliser of splitmix64 (Steele et al., OOPSLA 2014) over two checksums.
    """
    seed = np.uint64(crc32(f"{profile_id}|{week}".encode()))
    keys = candidates.snapshot.key_checksums[candidates.rows]
    mixed = (keys << np.uint64(32)) | seed
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def taught(view: ProfileView, candidates: Candidates) -> NDArray[np.float64]:
    """Return (c,) what feedback on like items says, in [-LEARNED_MOST, LEARNED_MOST].

    Of all that speaks for an item the likest counts, and of all that speaks against it.
    """
    known = [
        (row, TAUGHT[kind])
        for key, kind in view.feedback.items()
        if (row := candidates.snapshot.row(key)) is not None
    ]
    if not known or not len(candidates):
        return np.zeros(len(candidates))
    rows = [row for row, _ in known]
    signs = np.array([sign for _, sign in known])
    cosines = (candidates.vectors @ candidates.snapshot.vectors[rows].T).astype(np.float64)
    speaks: NDArray[np.float64] = ramp(cosines, LIKE_FROM, LIKE_FULLY) * signs
    best, worst = np.asarray(speaks.max(axis=1)), np.asarray(speaks.min(axis=1))
    learned: NDArray[np.float64] = LEARNED_MOST * (np.maximum(best, 0.0) + np.minimum(worst, 0.0))
    return learned


def _nearest_cosines(view: ProfileView, candidates: Candidates) -> NDArray[np.float64] | None:
    """Return (c,) the cosine to the nearest of all directions of a customer, None without any."""
    vectors = [d.vectors for d in (view.interests, view.session, view.declared) if len(d)]
    if not vectors:
        return None
    if not len(candidates):
        return np.zeros(0)
    cosines = candidates.vectors @ np.concatenate(vectors).T
    nearest: NDArray[np.float64] = cosines.max(axis=1).astype(np.float64)
    return nearest


def _of_known_category(view: ProfileView, candidates: Candidates) -> NDArray[np.bool_]:
    snapshot = candidates.snapshot
    keys = {*view.owned, *(s.content_key for s in view.recent if s.kind in TOUCHED and s.content_key)}
    rows = [row for key in keys if (row := snapshot.row(key)) is not None]
    known = np.zeros(len(snapshot.categories), np.bool_)
    known[snapshot.category_codes[rows]] = True
    if snapshot.categories and snapshot.categories[0] == "":
        known[0] = False  # no category is none that could be known
    return known[snapshot.category_codes[candidates.rows]]
