"""Reviews: customers who may be one. An agent accepts, which merges them, or refuses, which is remembered.

Accepting is intent first too: the decision is written, then carried out; `resume` finishes what a crash left.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from hub.errors import Conflict, InvalidInput, NotFound, TuttiError
from hub.kit.clock import Clock, isoformat
from hub.kit.pages import Page, page_of
from hub.profiles.identity import PROFILE_ID
from hub.profiles.merge_model import Proof, Review, ReviewState
from hub.profiles.merge_repository import ReviewRepository
from hub.profiles.merging import MergeService
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.service import ProfileService
from hub.profiles.timeline import parse_position

log = structlog.get_logger(__name__)

MAINTENANCE_SECONDS = 10.0
GRACE = timedelta(seconds=15)  # a younger intent is probably being carried out by who wrote it


@dataclass(frozen=True, slots=True)
class Decided:
    """A review with its decision, and the customer that an accepted one made of two."""

    review: Review
    customer: Profile | None


class ReviewService:
    """Shows reviews and decides them."""

    def __init__(self, profiles: ProfileService, merges: MergeService, clock: Clock) -> None:
        self._profiles = profiles
        self._merges = merges
        self._clock = clock
        self.reviews: ReviewRepository = profiles.repository.reviews

    async def page(self, *, state: ReviewState | None, first: int, after: str | None = None) -> Page[Review]:
        """Return reviews, newest first.

        Raises:
            InvalidInput: `first` or `after` is impossible.
        """
        before = parse_position(first, after)
        found = await self.reviews.page(state, most=first + 1, before=before)
        entries = [(f"{isoformat(one.opened_at)}|{one.id}", one) for one in found]
        return page_of(entries, first=first, has_previous=before is not None)

    async def customers(self, review: Review) -> tuple[Profile, ...]:
        """Return whom a review is about: two customers, or one where they have been merged since."""
        owners = await self._profiles.repository.owners(review.facets)
        found: dict[str, Profile] = {}
        for facet_id in review.facets:
            profile = await self._profiles.get(owners[facet_id]) if facet_id in owners else None
            if profile is not None:
                found[profile.id] = profile
        return tuple(found.values())

    async def decide(self, review_id: str, *, accept: bool, by: str, reason: str | None = None) -> Decided:
        """Accept a review, which merges the two into whom we have known longer, or refuse it.

        The same decision again changes nothing.

        Raises:
            NotFound: UNKNOWN_REVIEW.
            Conflict: ALREADY_DECIDED otherwise.
            InvalidInput: the reason is too long.
        """
        if reason is not None and len(reason) > 1_000:
            raise InvalidInput("a reason has at most 1000 characters", path=("reason",), code="TOO_LONG")
        wanted = ReviewState.ACCEPTED if accept else ReviewState.REFUSED
        await self.reviews.decide(review_id, wanted, at=self._clock.now(), by=by, reason=reason)
        review = await self.reviews.get_one_or_none(review_id)
        if review is None:
            raise NotFound("there is no such review", path=("reviewId",), code="UNKNOWN_REVIEW")
        if review.state is not wanted:
            raise Conflict(
                f"this review was decided before: {review.state.value.lower()} by {review.decided_by}",
                path=("accept",),
                code="ALREADY_DECIDED",
            )
        customer = await self._carry_out(review) if accept and not review.carried_out else None
        decided = await self.reviews.get_one_or_none(review_id)
        if accept and customer is None:
            customer = next(iter(await self.customers(review)), None)
        return Decided(decided or review, customer)

    async def resume(self, *, older_than: timedelta = timedelta(0)) -> int:
        """Carry out accepted reviews that a crash left unmerged; return how many."""
        waiting = await self.reviews.accepted_and_waiting(before=self._clock.now() - older_than)
        for review in waiting:
            await self._carry_out(review)
        return len(waiting)

    async def maintain(self) -> None:
        """Finish what crashes left of merges, splits and accepted reviews, until cancelled."""
        while True:
            try:
                await self._merges.resume(older_than=GRACE)
                await self.resume(older_than=GRACE)
            except TuttiError as error:
                log.warning("a merge or split waits to be completed", reason=error.kind)
            await asyncio.sleep(MAINTENANCE_SECONDS)

    async def _carry_out(self, review: Review) -> Profile | None:
        customers = sorted(await self.customers(review), key=_acquaintance)
        merged = customers[0] if customers else None
        if len(customers) > 1:
            into, *others = [CustomerRef(PROFILE_ID, one.id) for one in customers]
            merged = await self._merges.merge(
                into,
                others,
                by=review.decided_by or "",
                reason=review.reason,
                evidence=[
                    *review.evidence,
                    Proof("an agent accepted the review", review.decided_at or review.opened_at, review.id),
                ],
            )
        await self.reviews.carried_out(review.id)
        return merged


def _acquaintance(profile: Profile) -> tuple[str, str]:
    seen = profile.first_seen_at
    return ("~" if seen is None else isoformat(seen), profile.id)
