"""An event: one message in the Segment spec, checked, in the hub's own words.

message (JSON) --hub.events.segment.parse--> Event --hub.profiles.facets.project--> Facet
                                               |
                                               +--> one document in `events`, `_id` the messageId
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from hub.events.names import HANDLED, Handled, TimelineKind
from hub.profiles.model import CustomerRef, Stamp


class EventType(StrEnum):
    """The six kinds of message of the Segment spec."""

    IDENTIFY = "identify"
    TRACK = "track"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"


class Item(NamedTuple):
    """A content that an event is about: so many of it, at what price for one.

    A named tuple since orders have many: see `hub.profiles.model`.
    """

    key: str
    quantity: int = 1
    price: Decimal | None = None
    title: str = ""
    gifts: int = 0  # how many of them are for somebody else


@dataclass(frozen=True, slots=True)
class Mention:
    """An identity that a message names beside the one it speaks for."""

    type: str
    value: str
    verified: bool = False

    @property
    def key(self) -> str:
        """The identity's key in the store."""
        return f"{self.type}:{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, at `at`; `received_at` is when the hub heard of it.

    `properties` and `traits` are JSON as it was sent (JSON types only); `items` are what it is about,
    each content once with its quantities added. `mentions` are further identities of the same customer.
    """

    id: str
    type: EventType
    name: str
    at: datetime
    received_at: datetime
    source: str
    user_id: str | None = None
    anonymous_id: str | None = None
    mentions: tuple[Mention, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Item, ...] = ()

    @property
    def stamp(self) -> Stamp:
        """Its place in the order of all events."""
        return Stamp(self.at, self.id)

    @property
    def primary(self) -> CustomerRef:
        """Whom it speaks for: the user where one is known, else the visitor."""
        if self.user_id is not None:
            return CustomerRef("user_id", self.user_id)
        assert self.anonymous_id is not None
        return CustomerRef("anonymous_id", self.anonymous_id)

    @property
    def handled(self) -> Handled | None:
        """What the catalogue of events says of its name."""
        return HANDLED.get(self.name) if self.type is EventType.TRACK else None

    @property
    def is_gift(self) -> bool:
        """Whether all of it is for somebody else: `gift: true` among the properties or in the context."""
        return self.properties.get("gift") is True or self.context.get("gift") is True

    @property
    def kind(self) -> TimelineKind:
        """How it shows on the timeline."""
        if self.type in {EventType.PAGE, EventType.SCREEN}:
            return TimelineKind.VISITED
        if self.type is not EventType.TRACK:
            return TimelineKind.IDENTIFIED
        return self.handled.kind if self.handled else TimelineKind.OTHER


@dataclass(frozen=True, slots=True)
class Rejection:
    """A message that was not taken: its position in the batch, why, and which field."""

    index: int
    code: str
    message: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: accepted + duplicates + rejected are all of its messages.

    `profile_ids` are the profiles that its accepted events belong to.
    """

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...] = ()
    profile_ids: tuple[str, ...] = ()
