"""From a facet to interests: what was done (LONG_TERM), said (DECLARED) and shunned (AVOIDED).

Declared beats inferred: what a customer wants less of, hides or has disowned is no evidence of an
interest, whatever they did with it. The arithmetic is `embeddings.interests`; this module decides what
counts as evidence and how much.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embeddings.interests import MOST, cluster
from hub.kit.canonical import digest
from hub.profiles.facets import text_subject
from hub.profiles.joining import ORDERED
from hub.profiles.knowledge import Knowledge
from hub.profiles.model import (
    Evidence,
    Facet,
    FeedbackKind,
    Interest,
    InterestKind,
    Ownership,
    SignalKind,
    Stamp,
)
from hub.profiles.words import phrases

MOST_EVIDENCE = 12
SIGNAL_WEIGHTS: Mapping[SignalKind, float] = {
    SignalKind.PURCHASED: 1.0,
    SignalKind.SAVED: 0.8,
    SignalKind.ADDED: 0.6,
    SignalKind.READ: 0.5,
    SignalKind.SEARCHED: 0.5,
    SignalKind.CLICKED: 0.3,
    SignalKind.VIEWED: 0.2,
    SignalKind.REMOVED: 0.0,
    SignalKind.REFUNDED: 0.0,
    SignalKind.CONTACTED: 0.0,
}
LIKED_WEIGHT = 0.8  # of feedback SAVE and REPEAT
HEAVIEST_DAY = 2.0  # all that was looked at, or said of items, on one day (UTC), together: as two purchases
AGAINST = frozenset({FeedbackKind.LESS, FeedbackKind.HIDE})
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class _Sign(NamedTuple):
    """One piece of evidence: what it is about, when, and how much it says.

    `bounded`: one day's of these weigh at most `HEAVIEST_DAY` together; orders and words are not.
    """

    subject: str
    key: str | None
    words: str
    naming: str  # what a name for it may be made of: of a content its category too
    stamp: Stamp
    weight: float
    vector: NDArray[np.float32]
    bounded: bool


def interests_of(
    profile_id: str, facet: Facet, owned: Mapping[str, Ownership], knowledge: Knowledge
) -> tuple[Interest, ...]:
    """Return a customer's standing interests, each kind heaviest first; its weights sum to 1."""
    collector = _Collector(facet, knowledge)
    found: list[Interest] = []
    for kind, signs in (
        (InterestKind.LONG_TERM, collector.done(owned)),
        (InterestKind.DECLARED, collector.said(FeedbackKind.MORE, liked=True)),
        (InterestKind.AVOIDED, collector.said(FeedbackKind.LESS, liked=False)),
    ):
        taken = [interest.label for interest in found if interest.kind is kind]
        found.extend(_grouped(profile_id, kind, signs, facet, knowledge, taken))
    return tuple(found)


class _Collector:
    """Gathers evidence out of one facet, leaving out what the customer disowned."""

    def __init__(self, facet: Facet, knowledge: Knowledge) -> None:
        self._facet = facet
        self._knowledge = knowledge

    def _sign(
        self, key: str | None, text: str | None, stamp: Stamp, weight: float, *, bounded: bool
    ) -> _Sign | None:
        if weight <= 0:
            return None
        disowned = self._facet.disowned
        if key is not None:
            if disowned and key in disowned and stamp <= disowned[key]:
                return None
            vector = self._knowledge.vector(key)
            if vector is None:
                return None
            title = self._knowledge.title(key) or key
            naming = self._knowledge.naming(key) or key
            return _Sign(key, key, title, naming, stamp, weight, vector, bounded)
        words = text or ""
        subject = text_subject(words)
        if disowned and subject in disowned and stamp <= disowned[subject]:
            return None
        vector = self._knowledge.text_vector(words)
        if vector is None:
            return None
        return _Sign(subject, None, words, words, stamp, weight, vector, bounded)

    def done(self, owned: Mapping[str, Ownership]) -> list[_Sign]:
        """Return what the customer's doings say, oldest first."""
        feedback = self._facet.feedback
        against = {key for key, (kind, _) in feedback.items() if kind in AGAINST}
        signs = []
        for stamp, kind, key, text in self._facet.signals:
            if key in against:
                continue
            weight = SIGNAL_WEIGHTS[kind]
            if kind is SignalKind.PURCHASED and key not in owned:
                weight = SIGNAL_WEIGHTS[SignalKind.VIEWED]  # it went back
            signs.append(self._sign(key, text, stamp, weight, bounded=kind not in ORDERED))
        for key, (told, stamp) in sorted(feedback.items()):
            if told in {FeedbackKind.SAVE, FeedbackKind.REPEAT}:
                signs.append(self._sign(key, None, stamp, LIKED_WEIGHT, bounded=True))
        return _within_a_day([sign for sign in signs if sign is not None])

    def said(self, kind: FeedbackKind, *, liked: bool) -> list[_Sign]:
        """Return what the customer said, in words and by feedback of one kind."""
        preferences = self._facet.preferences
        likes, dislikes = preferences.get("likes"), preferences.get("dislikes")
        wanted, shunned = phrases(likes and likes.value, dislikes and dislikes.value)
        stamps = [fact.stamp for fact in (likes, dislikes) if fact is not None]
        said = max(stamps, default=Stamp(_NEVER, ""))
        signs = [
            self._sign(None, phrase, said, 1.0, bounded=False) for phrase in (wanted if liked else shunned)
        ]
        signs += [
            self._sign(key, None, stamp, 1.0, bounded=True)
            for key, (told, stamp) in sorted(self._facet.feedback.items())
            if told is kind
        ]
        return _within_a_day([sign for sign in signs if sign is not None])


def _within_a_day(signs: Sequence[_Sign]) -> list[_Sign]:
    """Return signs with what is bounded of each day scaled down to `HEAVIEST_DAY`, where it weighs more."""
    heavy: dict[date, float] = {}
    for sign in signs:
        if sign.bounded:
            day = sign.stamp.at.date()
            heavy[day] = heavy.get(day, 0.0) + sign.weight
    if all(weight <= HEAVIEST_DAY for weight in heavy.values()):
        return list(signs)
    return [
        sign._replace(weight=sign.weight * min(1.0, HEAVIEST_DAY / heavy[sign.stamp.at.date()]))
        if sign.bounded
        else sign
        for sign in signs
    ]


def _grouped(
    profile_id: str,
    kind: InterestKind,
    signs: Sequence[_Sign],
    facet: Facet,
    knowledge: Knowledge,
    taken: list[str],
) -> list[Interest]:
    if not signs:
        return []
    # What was said does not fade: it holds until it is taken back.
    times = [sign.stamp.at.timestamp() if kind is InterestKind.LONG_TERM else 0.0 for sign in signs]
    directions = cluster(
        np.stack([sign.vector for sign in signs]),
        np.array([sign.weight for sign in signs]),
        np.array(times),
        most=MOST,
    )
    made: list[Interest] = []
    for direction in directions:
        members = [signs[at] for at in direction.members]
        label = _label(members, kind, facet, knowledge, taken)
        taken.append(label)
        made.append(
            Interest(
                id=_id(profile_id, kind, members, made),
                kind=kind,
                label=label,
                weight=round(direction.weight, 6),
                vector=direction.vector,
                evidence=_evidence(members),
                subjects=tuple(dict.fromkeys(sign.subject for sign in members)),
            )
        )
    return made


def _id(profile_id: str, kind: InterestKind, members: Sequence[_Sign], before: Sequence[Interest]) -> str:
    """Return an id that lasts while the interest grows: made of the subject that it began with."""
    name = f"int_{digest([profile_id, kind.value, members[0].subject])}"
    twins = sum(interest.id.startswith(name) for interest in before)
    return f"{name}_{twins}" if twins else name


def _label(
    members: Sequence[_Sign],
    kind: InterestKind,
    facet: Facet,
    knowledge: Knowledge,
    taken: Sequence[str],
) -> str:
    own = _own_name(members, facet)
    if own is not None:
        return own
    if kind is not InterestKind.LONG_TERM and len(members) == 1:
        return members[0].words
    words = [sign.naming for sign in members]
    label = knowledge.label(words, [sign.weight for sign in members], taken)
    return label or members[0].words or "something"


def _own_name(members: Sequence[_Sign], facet: Facet) -> str | None:
    """Return the name the customer gave to more than half of the evidence, if there is one."""
    if not facet.names:
        return None
    votes: dict[str, float] = {}
    for sign in members:
        fact = facet.names.get(sign.subject)
        if fact is not None:
            votes[str(fact.value)] = votes.get(str(fact.value), 0.0) + sign.weight
    best = max(sorted(votes), key=lambda name: votes[name], default=None)
    return best if best is not None and votes[best] * 2 > sum(sign.weight for sign in members) else None


def _evidence(members: Sequence[_Sign]) -> tuple[Evidence, ...]:
    """Return what is behind an interest, each content and each saying once, the latest first."""
    last: dict[str, _Sign] = {}
    times: Counter[str] = Counter()
    for sign in members:
        times[sign.subject] += 1
        if sign.subject not in last or last[sign.subject].stamp < sign.stamp:
            last[sign.subject] = sign
    newest = sorted(last.values(), key=lambda sign: (sign.stamp.at, sign.subject), reverse=True)
    return tuple(
        Evidence(
            sign.key or "",
            sign.stamp.at,
            sign.stamp.message_id,
            "" if sign.key is not None else sign.words,
            times[sign.subject],
        )
        for sign in newest[:MOST_EVIDENCE]
    )
