"""A customer, and the facets that a customer is folded from.

A facet is a state-based CRDT: `project(event)` makes a small facet of one event, `join` of two
facets is commutative, associative and idempotent, so events may come late, twice or in any order
and the facet is the same. A profile is the pure fold of its facets. See docs/decisions/.

What a customer has by the thousand (stamps, signals, purchase lines) are named tuples: as immutable as the
frozen dataclasses beside them, and made in a quarter of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Source(StrEnum):
    """Where a fact comes from; a later one in this list never beats an earlier one."""

    DECLARED = "DECLARED"  # the customer said so to us
    OBSERVED = "OBSERVED"  # an event carried it
    INFERRED = "INFERRED"  # we worked it out


class InterestKind(StrEnum):
    """What sort of direction an interest is."""

    LONG_TERM = "LONG_TERM"
    SESSION = "SESSION"
    DECLARED = "DECLARED"
    AVOIDED = "AVOIDED"


class SignalKind(StrEnum):
    """What a customer did with a piece of content, or said."""

    VIEWED = "VIEWED"
    ADDED = "ADDED"
    REMOVED = "REMOVED"
    PURCHASED = "PURCHASED"
    REFUNDED = "REFUNDED"
    READ = "READ"
    SEARCHED = "SEARCHED"
    CLICKED = "CLICKED"
    SAVED = "SAVED"
    CONTACTED = "CONTACTED"  # asked the service desk something; about no content


class FeedbackKind(StrEnum):
    """What a customer thinks of one item shown."""

    SKIP = "SKIP"
    REPEAT = "REPEAT"
    HIDE = "HIDE"
    LESS = "LESS"
    MORE = "MORE"
    SAVE = "SAVE"


class Purpose(StrEnum):
    """What personal data may be used for."""

    PERSONALIZATION = "PERSONALIZATION"
    EMAIL_MARKETING = "EMAIL_MARKETING"
    ANALYTICS = "ANALYTICS"


class ConsentState(StrEnum):
    """What the customer said; UNKNOWN: nothing yet, the region's default applies."""

    GRANTED = "GRANTED"
    DENIED = "DENIED"
    UNKNOWN = "UNKNOWN"


class Stamp(NamedTuple):
    """When a fact was stated and by which message: a total order that settles every tie."""

    at: datetime
    message_id: str


@dataclass(frozen=True, slots=True)
class Identity:
    """One identifier with a type: `user_id`, `email`, `phone`, `anonymous_id`, `loyalty_id`, ..."""

    type: str
    value: str
    verified: bool
    first_seen_at: datetime

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{self.type}:{self.value}"


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """Who is meant: a profile's own id (type `id`) or one identity, its value normalised."""

    type: str
    value: str

    @property
    def key(self) -> str:
        """The identity's key in the store."""
        return f"{self.type}:{self.value}"


@dataclass(frozen=True, slots=True)
class Fact:
    """A value with provenance; traits and preferences are facts."""

    value: Any
    source: Source
    stamp: Stamp


class Signal(NamedTuple):
    """One sign of interest: in a content (`content_key`) or in words (`text`, for searches)."""

    stamp: Stamp
    kind: SignalKind
    content_key: str | None = None
    text: str | None = None


class PurchaseLine(NamedTuple):
    """So many of one item bought (quantity above zero) or given back (below zero), in which order."""

    stamp: Stamp
    quantity: int
    order_id: str | None = None


class Ticket(NamedTuple):
    """One matter that a customer brought to service: since when, whether it is still open, and what it is about."""

    id: str  # empty: its sender gave it none
    stamp: Stamp
    is_open: bool
    complaint: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What was said about one purpose on one channel (`*`: every channel), where, of which text, and the proof.

    `signal` is what a browser says by itself (Global Privacy Control): it counts until the customer says
    something themselves, be that before it or after.
    """

    state: ConsentState
    stamp: Stamp
    source: str
    policy_version: str = ""
    proof: str = ""
    signal: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """The projection of the events of one identity cluster. Every field joins; see `facets.join`.

    `carts` says of each content key whether it was last put in (True) or taken out; what was bought since
    is no longer in the cart, which the fold works out. `signals` are the latest `facets.MOST_SIGNALS`,
    oldest first; `purchases` of each content key the latest `facets.MOST_LINES`.
    `void_orders` were cancelled or refunded whole: none of their lines counts. `disowned` are subjects
    (a content key, or "text:" and words) of which the customer said "that is not me": what happened with
    them up to then is no evidence of an interest. `names` are labels the customer gave to subjects.
    """

    identities: Mapping[str, Identity] = field(default_factory=dict)
    traits: Mapping[str, Fact] = field(default_factory=dict)
    preferences: Mapping[str, Fact] = field(default_factory=dict)
    consents: Mapping[str, ConsentRecord] = field(default_factory=dict)  # "PURPOSE|channel"
    feedback: Mapping[str, tuple[FeedbackKind, Stamp]] = field(default_factory=dict)  # by content key
    signals: tuple[Signal, ...] = ()
    purchases: Mapping[str, tuple[PurchaseLine, ...]] = field(default_factory=dict)
    carts: Mapping[str, tuple[bool, Stamp]] = field(default_factory=dict)
    void_orders: Mapping[str, Stamp] = field(default_factory=dict)
    disowned: Mapping[str, Stamp] = field(default_factory=dict)
    names: Mapping[str, Fact] = field(default_factory=dict)
    tickets: Mapping[str, Ticket] = field(
        default_factory=dict
    )  # by id; closed ones too, or a late event opens them
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """How a facet came into another profile: when, by what, and whose it had been.

    `by` is the messageId of the event that linked it, or the id of a merge. `came_from` is the profile it
    left; None where it had none of its own (a visitor's id that an event named before it did anything).
    """

    at: datetime
    by: str
    came_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFacet:
    """A facet with what the store knows of it: its version, whose it is, and how it came to be theirs.

    `primary` is the identity whose events it projects. `links` are empty for the facet that its profile
    began with; a merge adds one at the end, a split takes the last ones away.
    """

    id: str
    version: int
    profile_id: str
    primary: CustomerRef
    facet: Facet
    links: tuple[Link, ...] = ()

    @property
    def linked_at(self) -> datetime | None:
        """The latest instant at which its owner was recognised as the same customer; None: never."""
        return max((link.at for link in self.links), default=None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind an interest: one content, or words that were searched for or said.

    `content_key` is empty for words, `text` for contents. `event_id` is the latest event that spoke of it
    (at `at`), and `times` how many did of those that are kept.
    """

    content_key: str
    at: datetime
    event_id: str = ""
    text: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Interest:
    """A direction in embedding space with a weight, a label in words and its evidence.

    `vector` is (d,) float32 of length 1. Weights of one kind sum to at most 1.
    """

    id: str
    kind: InterestKind
    label: str
    weight: float
    vector: NDArray[np.float32]
    evidence: tuple[Evidence, ...] = ()
    subjects: tuple[
        str, ...
    ] = ()  # all that it rests on: content keys, and "text:" with searched or said words


@dataclass(frozen=True, slots=True)
class Ownership:
    """How often an item was bought, net of what came back, and when first and last.

    `days` is on how many different days, of the purchases that the facets keep (`facets.MOST_LINES`).
    """

    count: int
    first_at: datetime
    last_at: datetime
    days: int = 1


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent in force for one purpose on one channel.

    `proof` is what shows that it was given: what the sender named, else the message that said so.
    """

    purpose: Purpose
    channel: str
    state: ConsentState
    updated_at: datetime | None
    source: str
    policy_version: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """All that the hub knows of one customer, as one document: the fold of its facets."""

    id: str
    version: int
    facet_ids: tuple[str, ...]
    former_ids: tuple[str, ...] = ()  # profiles merged into this one; their ids keep resolving
    encoder_id: str = ""
    identities: tuple[Identity, ...] = ()
    traits: Mapping[str, Fact] = field(default_factory=dict)
    preferences: Mapping[str, Fact] = field(default_factory=dict)
    consents: tuple[Consent, ...] = ()
    interests: tuple[Interest, ...] = ()  # LONG_TERM, DECLARED and AVOIDED; SESSION is computed on reading
    feedback: Mapping[str, FeedbackKind] = field(default_factory=dict)  # by content key
    owned: Mapping[str, Ownership] = field(default_factory=dict)  # by content key
    cart: tuple[str, ...] = ()
    tickets: tuple[Ticket, ...] = ()  # those that are open, oldest first
    recent: tuple[Signal, ...] = ()  # the latest signals, oldest first
    text_vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)  # of words lately searched
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None

    def identity(self, kind: str) -> str | None:
        """Return the value of the first identity of a type, verified ones first."""
        found = sorted((i for i in self.identities if i.type == kind), key=lambda i: not i.verified)
        return found[0].value if found else None

    @property
    def display_name(self) -> str:
        """What to call the customer: a name if there is one, never an email address."""
        for trait in ("name", "first_name"):
            fact = self.traits.get(trait)
            if fact is not None and str(fact.value).strip():
                return str(fact.value).strip()
        return "Customer" if self.identity("user_id") else "Visitor"


def refused_analytics(profile: Profile) -> bool:
    """Tell whether a customer is to be left out of what is told of many."""
    return any(
        consent.purpose is Purpose.ANALYTICS and consent.state is ConsentState.DENIED
        for consent in profile.consents
    )
