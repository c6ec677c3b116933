"""The consent gate: the one place where a profile becomes something that layers and channels may see.

    EMAIL_MARKETING not granted           an email is withheld: NO_CONSENT
    no address                            an email is withheld: NO_ADDRESS
    PERSONALIZATION denied                no interests, traits or history: only what must not be shown again

Nothing else makes a `ProfileView`; a test reads the source to see to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from embeddings.interests import cluster
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.profiles.consents import consent_state
from hub.profiles.interests import SIGNAL_WEIGHTS
from hub.profiles.model import ConsentState, Evidence, FeedbackKind, InterestKind, Profile, Purpose, Signal
from hub.profiles.view import Directions, ProfileView

EMAIL = "EMAIL"
SESSION = timedelta(minutes=30)
AHEAD = timedelta(minutes=5)  # a sender's clock may be a little ahead of ours
MOST_SESSION = 3  # directions of one session
_MINUTE_HALF_LIFE = 10 / (24 * 60)  # days: what was looked at ten minutes ago weighs half


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why something may not be sent, and what would change that."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Admission:
    """What may be used of a customer now, and whether the channel may be used at all."""

    view: ProfileView
    withheld: Withheld | None = None


def admit(profile: Profile | None, snapshot: CatalogueSnapshot, *, channel: str, at: datetime) -> Admission:
    """Return what consent allows to know of a customer on a channel at an instant.

    Args:
        profile: None for somebody never seen.
        snapshot: the catalogue in force; interests of another encoder are left out.
        channel: WEB, EMAIL or SERVICE_DESK.
        at: the instant; the session is what happened in the half hour before.
    """
    if profile is None:
        return Admission(_stranger(snapshot, at), _no_address() if channel == EMAIL else None)
    personal = consent_state(profile.consents, Purpose.PERSONALIZATION, channel) is not ConsentState.DENIED
    view = _personal(profile, snapshot, at) if personal else _impersonal(profile, snapshot, at)
    return Admission(view, _withheld(profile) if channel == EMAIL else None)


def _withheld(profile: Profile) -> Withheld | None:
    state = consent_state(profile.consents, Purpose.EMAIL_MARKETING, EMAIL)
    if state is not ConsentState.GRANTED:
        said = "has denied" if state is ConsentState.DENIED else "has not given"
        return Withheld(
            "NO_CONSENT",
            f"the customer {said} consent to email marketing; ask for it, and record the answer with setConsent",
        )
    return _no_address() if profile.identity("email") is None else None


def _no_address() -> Withheld:
    return Withheld(
        "NO_ADDRESS",
        "no email address is known of this customer; send it as the trait `email` of an identify",
    )


def _stranger(snapshot: CatalogueSnapshot, at: datetime) -> ProfileView:
    none = Directions.none(snapshot.vectors.shape[1])
    return ProfileView(
        profile_id=None,
        profile_version=0,
        at=at,
        personal=False,
        interests=none,
        session=none,
        declared=none,
        avoided=none,
    )


def _hidden(profile: Profile) -> frozenset[str]:
    return frozenset(key for key, kind in profile.feedback.items() if kind is FeedbackKind.HIDE)


def _impersonal(profile: Profile, snapshot: CatalogueSnapshot, at: datetime) -> ProfileView:
    none = Directions.none(snapshot.vectors.shape[1])
    return ProfileView(
        profile_id=profile.id,
        profile_version=profile.version,
        at=at,
        personal=False,
        interests=none,
        session=none,
        declared=none,
        avoided=none,
        # A layer that was switched off stays off: that, too, is the customer's word on what is used.
        preferences={k: fact.value for k, fact in profile.preferences.items() if k.startswith("layer.")},
        owned=profile.owned,
        hidden=_hidden(profile),
    )


def _personal(profile: Profile, snapshot: CatalogueSnapshot, at: datetime) -> ProfileView:
    same = profile.encoder_id == snapshot.encoder_id
    recent = tuple(signal for signal in profile.recent if signal.stamp.at <= at + AHEAD)
    return ProfileView(
        profile_id=profile.id,
        profile_version=profile.version,
        at=at,
        personal=True,
        interests=_directions(profile, InterestKind.LONG_TERM, snapshot, same=same),
        session=_session(profile, recent, snapshot, at, same=same),
        declared=_directions(profile, InterestKind.DECLARED, snapshot, same=same),
        avoided=_directions(profile, InterestKind.AVOIDED, snapshot, same=same),
        traits={key: fact.value for key, fact in profile.traits.items()},
        preferences={key: fact.value for key, fact in profile.preferences.items()},
        owned=profile.owned,
        hidden=_hidden(profile),
        feedback=profile.feedback,
        cart=profile.cart,
        recent=recent,
        first_seen_at=profile.first_seen_at,
        last_seen_at=profile.last_seen_at,
    )


def _directions(
    profile: Profile, kind: InterestKind, snapshot: CatalogueSnapshot, *, same: bool
) -> Directions:
    found = [interest for interest in profile.interests if interest.kind is kind]
    if not found or not same:
        return Directions.none(snapshot.vectors.shape[1])
    weights = np.array([interest.weight for interest in found], np.float64)
    return Directions(
        vectors=np.stack([interest.vector for interest in found]),
        weights=weights / weights.sum(),
        labels=tuple(interest.label for interest in found),
        ids=tuple(interest.id for interest in found),
        evidence=tuple(interest.evidence for interest in found),
    )


def _session(
    profile: Profile, recent: Sequence[Signal], snapshot: CatalogueSnapshot, at: datetime, *, same: bool
) -> Directions:
    """Return the directions of the last half hour; removed and refunded things make none."""
    against = {
        key for key, kind in profile.feedback.items() if kind in {FeedbackKind.HIDE, FeedbackKind.LESS}
    }
    signs: list[tuple[Signal, NDArray[np.float32]]] = []
    for signal in recent if same else ():
        if (
            signal.stamp.at <= at - SESSION
            or signal.content_key in against
            or SIGNAL_WEIGHTS[signal.kind] <= 0
        ):
            continue
        key = signal.content_key
        vector = snapshot.vector(key) if key is not None else profile.text_vectors.get(signal.text or "")
        if vector is not None:
            signs.append((signal, vector))
    if not signs:
        return Directions.none(snapshot.vectors.shape[1])
    found = cluster(
        np.stack([vector for _, vector in signs]),
        np.array([SIGNAL_WEIGHTS[signal.kind] for signal, _ in signs]),
        np.array([signal.stamp.at.timestamp() for signal, _ in signs]),
        half_life_days=_MINUTE_HALF_LIFE,
        most=MOST_SESSION,
    )
    members = [[signs[position][0] for position in direction.members] for direction in found]
    return Directions(
        vectors=np.stack([direction.vector for direction in found]),
        weights=np.array([direction.weight for direction in found], np.float64),
        labels=tuple(_session_label(signals, snapshot) for signals in members),
        ids=tuple(f"session_{number}" for number in range(len(found))),
        evidence=tuple(
            tuple(Evidence(s.content_key, s.stamp.at) for s in reversed(signals) if s.content_key is not None)
            for signals in members
        ),
    )


def _session_label(signals: Sequence[Signal], snapshot: CatalogueSnapshot) -> str:
    last = signals[-1]
    if last.content_key is None:
        return last.text or ""
    row = snapshot.row(last.content_key)
    return last.content_key if row is None else snapshot.contents[row].title
