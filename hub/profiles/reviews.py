"""Reviews: customers who may be one. An agent accepts, which merges them, or refuses, which is remembered.

Accepting is intent first too: the decision is written, then carried out; `resume` finishes what a crash left.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from hub.errors import Conflict, InvalidInput, NotFound, TuttiError
from hub.kit.clock import Clock, isoformat
from hub.kit.pages import Page, page_of
from hub.kit.together import Together
from hub.profiles.identity import PROFILE_ID
from hub.profiles.merge_model import Proof, Review, ReviewState
from hub.profiles.merge_repository import ReviewRepository
from hub.profiles.merging import MergeService
from hub.profiles.model import CustomerRef, Profile
from hub.profiles.service import ProfileService
from hub.profiles.timeline import parse_position

log = structlog.get_logger(__name__)

MOST_TOGETHER = 200  # reviews whose customers are read in one go
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
        self._asked = Together(self._customers_of_each, MOST_TOGETHER)

    async def page(self, *, state: ReviewState | None, first: int, after: str | None = None) -> Page[Review]:
        """Return reviews, newest first; of open ones those that wait: two who are one by now need no decision.

        Raises:
            InvalidInput: `first` or `after` is impossible.
        """
        before = parse_position(first, after)
        if state is ReviewState.OPEN:
            found = await self._waiting(first + 1, before)
        else:
            found = await self.reviews.page(state, most=first + 1, before=before)
        entries = [(f"{isoformat(one.opened_at)}|{one.id}", one) for one in found]
        return page_of(entries, first=first, has_previous=before is not None)

    async def _waiting(self, most: int, before: tuple[datetime, str] | None) -> list[Review]:
        """Return open reviews between customers who are still two; a split brings back what a merge hid."""
        waiting: list[Review] = []
        while len(waiting) < most:
            found = await self.reviews.page(ReviewState.OPEN, most=most, before=before)
            owners = await self._profiles.repository.owners({key for one in found for key in one.facets})
            waiting += [one for one in found if owners.get(one.facets[0]) != owners.get(one.facets[1])]
            if len(found) < most:
                break
            before = (found[-1].opened_at, found[-1].id)
        return waiting[:most]

    async def customers(self, review: Review) -> tuple[Profile, ...]:
        """Return whom a review is about: two customers, or one where they have been merged since."""
        return await self._asked.ask(review)  # a list of reviews asks for all of theirs at once

    async def customers_of(self, reviews: Sequence[Review]) -> dict[str, tuple[Profile, ...]]:
        """Return whom each of several reviews, by id, is about; all are read together."""
        owners = await self._profiles.repository.owners({key for one in reviews for key in one.facets})
        profiles = await self._profiles.get_many(set(owners.values()))
        found: dict[str, tuple[Profile, ...]] = {}
        for review in reviews:
            own = [profiles.get(owners[key]) for key in review.facets if key in owners]
            found[review.id] = tuple({one.id: one for one in own if one is not None}.values())
        return found

    async def _customers_of_each(self, reviews: Sequence[Review]) -> list[tuple[Profile, ...]]:
        found = await self.customers_of(reviews)
        return [found[review.id] for review in reviews]

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
