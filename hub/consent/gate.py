"""The consent gate: the one place where a profile becomes something that layers and channels may see.

    EMAIL_MARKETING not allowed           an email is withheld: NO_CONSENT
    no address                            an email is withheld: NO_ADDRESS
    PERSONALIZATION not allowed           no interests, traits or history: only what must not be shown again
    Global Privacy Control                the same, for this request, whatever was said before

What the customer said counts; where they said nothing, the law of their region (`hub.consent.regions`).
Nothing else makes a `ProfileView` or an `Admission`, and channels see no profile but the admitted one;
a test reads the source to see to it (`tests/consent/test_one_gate.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from embeddings.interests import cluster
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.consent.regions import Rules, Stance
from hub.profiles.consents import consent_state
from hub.profiles.interests import SIGNAL_WEIGHTS
from hub.profiles.model import (
    ConsentState,
    Evidence,
    Fact,
    FeedbackKind,
    InterestKind,
    Profile,
    Purpose,
    Signal,
    SignalKind,
)
from hub.profiles.segments import segments_of
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
    """What may be used of a customer now, and whether the channel may be used at all.

    `view` is for layers and gates; `profile` for channels, cut down to what may be said.
    """

    view: ProfileView
    withheld: Withheld | None = None
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one purpose stands on one channel: what was said, else which default applies, and what follows."""

    purpose: Purpose
    channel: str
    state: ConsentState
    updated_at: datetime | None
    source: str
    policy_version: str
    proof: str
    allowed: bool


RULES = Rules()
# Traits that are used without profiling: to greet, to know the law that holds, to keep what an offer promised.
SAYS_WHO = frozenset({"name", "first_name", "country", "household_id"})
BY_CONTRACT = frozenset({SignalKind.PURCHASED, SignalKind.REFUNDED})


def admit(
    profile: Profile | None,
    snapshot: CatalogueSnapshot,
    *,
    channel: str,
    at: datetime,
    rules: Rules = RULES,
    gpc: bool = False,
) -> Admission:
    """Return what consent allows to know of a customer on a channel at an instant.

    Args:
        profile: None for somebody never seen.
        snapshot: the catalogue in force; interests of another encoder are left out.
        channel: WEB, EMAIL or SERVICE_DESK.
        at: the instant; the session is what happened in the half hour before.
        rules: what silence means, by region.
        gpc: whether the request came under Global Privacy Control.
    """
    if profile is None:
        return Admission(_stranger(snapshot, at), _no_address() if channel == EMAIL else None)
    personal = not gpc and allowed(profile, Purpose.PERSONALIZATION, channel, rules)
    view = _personal(profile, snapshot, at) if personal else _impersonal(profile, snapshot, at)
    shown = profile if personal else _cut_down(profile)
    return Admission(view, _withheld(profile, rules) if channel == EMAIL else None, shown)


def allowed(profile: Profile, purpose: Purpose, channel: str, rules: Rules = RULES) -> bool:
    """Tell whether a purpose may be followed: by what the customer said, else by the law of their region."""
    return _allows(
        consent_state(profile.consents, purpose, channel), purpose, rules.region_of(profile), rules
    )


def _allows(state: ConsentState, purpose: Purpose, region: str, rules: Rules) -> bool:
    if state is ConsentState.UNKNOWN:
        return rules.stance(purpose, region) is Stance.OPT_OUT
    return state is ConsentState.GRANTED


def standing(profile: Profile, rules: Rules = RULES) -> tuple[Standing, ...]:
    """Return how every purpose stands, on every channel (`*`) and on each that was spoken of."""
    region = rules.region_of(profile)
    return tuple(
        Standing(
            consent.purpose,
            consent.channel,
            consent.state,
            consent.updated_at,
            _default(consent.purpose, region, rules)
            if consent.state is ConsentState.UNKNOWN
            else consent.source,
            consent.policy_version,
            consent.proof,
            _allows(consent.state, consent.purpose, region, rules),
        )
        for consent in profile.consents
    )


def _default(purpose: Purpose, region: str, rules: Rules) -> str:
    silence = "no until granted" if rules.stance(purpose, region) is Stance.OPT_IN else "yes until denied"
    return f"default of {region}: {silence}"


def _cut_down(profile: Profile) -> Profile:
    """Return what channels may say of somebody who is not to be profiled: who they are and what they bought."""
    return replace(
        profile,
        interests=(),
        text_vectors={},
        recent=tuple(signal for signal in profile.recent if signal.kind in BY_CONTRACT),
        traits=_who(profile),
        preferences={key: fact for key, fact in profile.preferences.items() if key.startswith("layer.")},
        feedback={key: kind for key, kind in profile.feedback.items() if kind is FeedbackKind.HIDE},
    )


def _who(profile: Profile) -> dict[str, Fact]:
    """Return the traits that say who somebody is; of an address its country, by which the law is chosen."""
    traits = {key: fact for key, fact in profile.traits.items() if key in SAYS_WHO}
    address = profile.traits.get("address")
    if address is not None and isinstance(address.value, dict) and "country" in address.value:
        traits["address"] = replace(address, value={"country": address.value["country"]})
    return traits


def _withheld(profile: Profile, rules: Rules) -> Withheld | None:
    if not allowed(profile, Purpose.EMAIL_MARKETING, EMAIL, rules):
        state = consent_state(profile.consents, Purpose.EMAIL_MARKETING, EMAIL)
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
        segments=segments_of(profile, snapshot, at),
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
        evidence=tuple(
            tuple(one for one in interest.evidence if one.content_key) for interest in found
        ),  # a layer speaks of contents
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
