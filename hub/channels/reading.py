"""What an experience reads of the store: each in the time that is left, and what is done without where it is not.

profile     nobody is known then: the base experience, marked
standing    no offer is shown
capped      nothing may be served, where a cap is to be held
at the desk an agent is not told what was shown before, nor who the customer may also be
template    the shipped one is used
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, TypeVar

import structlog

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.gathered import GatheredOffers, GatheredProfiles, ManyOffers, ManyProfiles
from hub.channels.ports import Decisions, Frequency, Ledger, Offers, Profiles, Reviews, Templates
from hub.channels.template_check import MessageTemplate
from hub.decisions.model import Channel, Note, Scenario
from hub.errors import NotFound, Unavailable
from hub.kit.deadline import within
from hub.ledger.frequency import Seen
from hub.ledger.model import Served
from hub.offers.model import UNKNOWN, Standing
from hub.profiles.beside import Beside, Documents
from hub.profiles.merge_model import Review
from hub.profiles.model import CustomerRef, Profile

log = structlog.get_logger(__name__)

MOST_SEEN = 5  # earlier experiences that a brief looks at
MOST_REVIEWS = 5  # open ones that an agent is told of

STORE_SLOW = Note(
    "STORE_UNAVAILABLE", "The customer's profile could not be read in time; this is the base experience."
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a customer since `asked_at`, what came along if not None, and why it may be less than there is.

    `asked_at` is of `time.monotonic`.
    """

    profile: Profile | None
    along: Documents | None = None
    degraded: Note | None = None
    asked_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Capped:
    """What frequency caps came to: the count they rest on, the items worn, why no more may be served."""

    seen: Seen | None = None
    worn: Mapping[str, str] = field(default_factory=dict)
    exhausted: str | None = None
    uncounted: bool = False


NO_CAPS = Capped()


@dataclass(frozen=True, slots=True)
class Known:
    """What an agent is told beside the profile: what the customer was served before, and who they may also be."""

    seen: tuple[Served, ...] = ()
    reviews: tuple[Review, ...] = ()


NOTHING = Known()


class StoreTime:
    """How long the store may take for one experience, over all that is asked of it."""

    def __init__(self, seconds: float) -> None:
        self._until = asyncio.get_running_loop().time() + seconds

    async def of(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call for as long as there is time left.

        Raises:
            Unavailable: if it takes longer, or the store says so itself.
        """
        try:
            return await within(max(self._until - asyncio.get_running_loop().time(), 0), call)
        except TimeoutError:
            raise Unavailable("the store did not answer in time") from None


class Reader:
    """Reads for experiences."""

    def __init__(
        self,
        profiles: Profiles,
        decisions: Decisions,
        ledger: Ledger,
        offers: Offers,
        frequency: Frequency,
        templates: Templates | None,
        reviews: Reviews,
    ) -> None:
        self._profiles = profiles
        self._decisions = decisions
        self._ledger = ledger
        self._offers = offers
        self._frequency = frequency
        self._templates = templates
        self._reviews = reviews

    def side_by_side(self, profiles: ManyProfiles, offers: ManyOffers) -> Self:
        """Return the same reader for a batch: what its experiences ask at one moment is read together."""
        other = copy(self)
        other._profiles = GatheredProfiles(profiles)  # noqa: SLF001 - it is one of us
        other._offers = GatheredOffers(offers)  # noqa: SLF001
        return other

    @property
    def besides(self) -> tuple[Beside, ...]:
        """What is read along with a customer."""
        return (self._offers.beside, self._ledger.beside)

    async def customer(
        self, ref: CustomerRef, store: StoreTime, *, keep: bool, profiles: Profiles | None = None
    ) -> Read:
        asked_at = time.monotonic()
        try:
            found = (profiles or self._profiles).find_along(ref, self.besides, keep=keep)
            return Read(*await store.of(found), asked_at=asked_at)
        except Unavailable:
            log.warning("profile not read in time", ref_type=ref.type)
            return Read(None, degraded=STORE_SLOW)

    async def standing(
        self,
        profile: Profile | None,
        along: Documents | None,
        snapshot: CatalogueSnapshot,
        at: datetime,
        store: StoreTime,
    ) -> Standing:
        try:
            return await store.of(self._offers.standing(profile, snapshot.offers, at, along))
        except Unavailable:
            log.warning("offers not read in time")
            return UNKNOWN

    async def standing_and_known(
        self,
        profile: Profile | None,
        along: Documents | None,
        channel: Channel,
        snapshot: CatalogueSnapshot,
        at: datetime,
        store: StoreTime,
    ) -> tuple[Standing, Known]:
        """Return where a customer stands with the offers and, side by side with it, what an agent is told."""
        standing = self.standing(profile, along, snapshot, at, store)
        if channel is not Channel.SERVICE_DESK or profile is None:
            return await standing, NOTHING
        stands, seen, reviews = await asyncio.gather(
            standing, self.seen(profile, store), self.reviews(profile, store)
        )
        return stands, Known(seen, reviews)

    async def capped(
        self,
        profile: Profile | None,
        scenario: str,
        at: datetime,
        store: StoreTime,
        draft: Scenario | None = None,
    ) -> Capped:
        """Count what the scenario's frequency caps look at; nothing for somebody whom the hub does not know."""
        try:
            caps = await store.of(self._decisions.caps(scenario)) if draft is None else draft.frequency
            if not caps or profile is None:
                return NO_CAPS
            seen = await store.of(self._frequency.seen(profile, caps, at))
        except Unavailable:
            log.warning("frequency not counted in time", scenario=scenario)
            return Capped(uncounted=True)
        return Capped(seen, seen.worn(caps, at), seen.exhausted(caps, scenario, at))

    async def seen(self, profile: Profile, store: StoreTime) -> tuple[Served, ...]:
        try:
            return await store.of(self._ledger.latest(profile, most=MOST_SEEN))
        except Unavailable:
            return ()

    async def reviews(self, profile: Profile, store: StoreTime) -> tuple[Review, ...]:
        try:
            return await store.of(self._reviews.open_reviews(profile, most=MOST_REVIEWS))
        except Unavailable:
            log.warning("reviews not read in time")
            return ()

    async def template(self, scenario: str, store: StoreTime) -> MessageTemplate | None:
        try:
            return None if self._templates is None else await store.of(self._templates.for_scenario(scenario))
        except (Unavailable, NotFound):
            log.warning("email template not read in time", scenario=scenario)
            return None
