"""Offers as others use them: where a customer stands, and issuing, redeeming, reversing and expiring grants.

Each change is one transaction of the store, which moves the grant, posts both entries and keeps the
counters, or does nothing. A caller that was not answered may ask again: `reuse`, an idempotency key or
the grant's own state tell what was done already.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from hub.catalogue.model import Offer
from hub.errors import TuttiError
from hub.kit.clock import Clock
from hub.offers.books import LiabilityReport, audit, report
from hub.offers.issuing import Issuer, Request, Result, is_for
from hub.offers.model import Grant, Standing
from hub.offers.repository import OfferRepository, in_order
from hub.offers.standing import counts_households, household_of, spent, standing_of
from hub.offers.using import Use, check_key, expire, grant_query, redeem, reverse, unknown_grant
from hub.profiles.beside import Beside, Documents
from hub.profiles.model import Profile
from hub.store.database import Store

log = structlog.get_logger(__name__)

GRANTS = Beside("grants")
EXPIRY_SECONDS = 30.0
SPENT_SECONDS = 1.0  # how old what is known of budgets may be when a decision is made; issuing asks anew


class OfferService:
    """Issues, redeems, reverses and expires grants, and says where a customer stands."""

    def __init__(
        self, store: Store, clock: Clock, fault_of: Callable[[Offer], str | None] = lambda _: None
    ) -> None:
        """Take the store, the clock, and what tells which rule of the brand an offer has come to break."""
        self._repository = OfferRepository(store)
        self._issuer = Issuer(self._repository, fault_of)
        self._clock = clock
        self._counters: Mapping[str, Mapping[str, Any]] = {}
        self._counted_at = float("-inf")

    @property
    def issuer(self) -> Issuer:
        """Who issues, for the metrics."""
        return self._issuer

    # reading

    @property
    def beside(self) -> Beside:
        """What may be read along with a customer's profile and handed to `standing`: their grants."""
        return GRANTS

    async def standing(
        self,
        profile: Profile | None,
        offers: Sequence[Offer],
        at: datetime,
        documents: Documents | None = None,
    ) -> Standing:
        """Return what a customer holds, and which of `offers` cannot be issued to them any more.

        Args:
            profile: the customer; None for somebody never seen.
            offers: those in question.
            at: the instant.
            documents: what `beside` names, if it was read along with the profile.

        Raises:
            Unavailable: the store does not answer.
        """
        if profile is None:
            return Standing(closed=await self._spent(offers))
        if documents is None or (counts_households(offers) and household_of(profile) is not None):
            return (await self.standings([(profile, at)], offers))[0]
        mine = in_order(documents[GRANTS.collection])
        return standing_of(mine, mine, at, offers, await self._spent(offers))

    async def standings(
        self, asked: Sequence[tuple[Profile, datetime]], offers: Sequence[Offer]
    ) -> list[Standing]:
        """Return where several customers stand, each at an instant, by one reading of their grants.

        Raises:
            Unavailable: the store does not answer.
        """
        spent = await self._spent(offers)
        shared = counts_households(offers)
        homes = [household_of(profile) if shared else None for profile, _ in asked]
        ids = [{profile.id, *profile.former_ids} for profile, _ in asked]
        found = await self._repository.of_persons(
            set().union(*ids), households={home for home in homes if home is not None}
        )
        by_person: dict[str, list[Grant]] = defaultdict(list)
        by_home: dict[str, list[Grant]] = defaultdict(list)
        for grant in found:
            by_person[grant.profile_id].append(grant)
            if grant.household is not None:
                by_home[grant.household].append(grant)
        standings = []
        for (_, at), own, home in zip(asked, ids, homes, strict=True):
            mine = [grant for profile_id in own for grant in by_person.get(profile_id, ())]
            theirs = mine + [g for g in by_home.get(home or "", ()) if g.profile_id not in own]
            standings.append(standing_of(mine, theirs, at, offers, spent))
        return standings

    async def _spent(self, offers: Sequence[Offer]) -> dict[str, str]:
        bounded_offers = [o for o in offers if o.budget is not None or o.most_grants is not None]
        if not bounded_offers:
            return {}
        if time.monotonic() - self._counted_at > SPENT_SECONDS:
            self._counters = await self._repository.counters()
            self._counted_at = time.monotonic()
        return {o.key: "budget_spent" for o in bounded_offers if spent(o, self._counters.get(o.key, {}))}

    async def grants_of(self, profile: Profile) -> tuple[Grant, ...]:
        """Return all grants of a customer as they stand now, the latest first."""
        found = await self._repository.of_persons({profile.id, *profile.former_ids})
        now = self._clock.now()
        return tuple(grant.as_of(now) for grant in reversed(found))

    async def grantable(self, profile: Profile, offers: Sequence[Offer]) -> tuple[Offer, ...]:
        """Return which offers `grant` would issue to a customer now, whatever the moment, in the order given.

        Raises:
            Unavailable: the store does not answer.
        """
        now = self._clock.now()
        standing = await self.standing(profile, offers, now)
        traits = {name: fact.value for name, fact in profile.traits.items()}
        return tuple(
            offer
            for offer in offers
            if offer.holds_at(now) and standing.open_to(offer) and is_for(offer, traits)
        )

    async def get(self, *, grant_id: str | None = None, code: str | None = None) -> Grant:
        """Return a grant by its id or its code.

        Raises:
            NotFound: UNKNOWN_GRANT.
        """
        grant = await self._repository.one(grant_query(grant_id, code))
        if grant is None:
            raise unknown_grant(grant_id)
        return grant

    # changing

    async def promise(
        self, profile: Profile, offers: Sequence[Offer], *, channel: str, at: datetime
    ) -> dict[str, Grant]:
        """Issue offers to a customer who is about to be shown them; return the grants by offer key.

        What they hold already is what they get; what cannot be issued any more is left out.

        Raises:
            Unavailable: the store does not answer.
        """
        requests = [self._request(profile, o.key, channel, at, reuse=True) for o in offers]
        results = await self._issuer.issue(requests)
        self._note_spent(results)
        return {result.offer.key: result for result in results if isinstance(result, Grant)}

    async def grant(self, profile: Profile, offer_key: str, *, channel: str, key: str | None = None) -> Grant:
        """Issue one more grant of an offer to a customer; the same `key` issues it once.

        Raises:
            NotFound: UNKNOWN_OFFER.
            Conflict: OFFER_NOT_VALID, NOT_ELIGIBLE, BUDGET_SPENT, PER_PERSON, PER_HOUSEHOLD, KEY_USED.
            InvalidInput: the key is empty or too long.
        """
        check_key(key)
        request = self._request(profile, offer_key, channel, self._clock.now(), reuse=False, key=key)
        result = (await self._issuer.issue([request]))[0]
        self._note_spent([result])
        if isinstance(result, TuttiError):
            raise result
        return result

    async def redeem(
        self,
        *,
        grant_id: str | None = None,
        code: str | None = None,
        profile: Profile | None = None,
        order_id: str | None = None,
        key: str | None = None,
    ) -> Grant:
        """Use a grant, once; see `using.redeem`."""
        use = Use(
            grant_id=grant_id,
            code=code,
            owner=None if profile is None else (profile.id, *profile.former_ids),
            order_id=order_id,
            key=key,
        )
        return await redeem(self._repository, use, self._clock.now())

    async def reverse(self, grant_id: str, *, reason: str = "") -> Grant:
        """Take a grant back, used or not; see `using.reverse`."""
        done = await reverse(self._repository, grant_id, reason, self._clock.now())
        self._counted_at = float("-inf")
        return done

    async def expire(self) -> int:
        """Post every grant whose time is over as expired; return how many there were. Several may run at once."""
        count = await expire(self._repository, self._clock.now())
        if count:
            self._counted_at = float("-inf")
        return count

    async def watch(self) -> None:
        """Post what has ended, for ever."""
        while True:
            if count := await self.expire():
                log.info("grants expired", count=count)
            await asyncio.sleep(EXPIRY_SECONDS)

    # the books

    async def report(self) -> LiabilityReport:
        """Return what each offer comes to: exactly the sums of the entries."""
        return report(await self._repository.balances())

    async def audit(self) -> tuple[str, ...]:
        """Compare entries, grants and counters; return what does not agree, in sentences: empty if all does.

        The three are read at one instant, whatever is issued and redeemed meanwhile.
        """

        async def work(session: Any) -> tuple[str, ...]:
            return audit(
                await self._repository.balances(session),
                await self._repository.standing_sums(session),
                await self._repository.counters(session),
            )

        return await self._repository.in_transaction(work)

    async def close(self) -> None:
        """Wait until everything handed in is settled."""
        await self._issuer.close()

    # details

    def _request(
        self,
        profile: Profile,
        offer_key: str,
        channel: str,
        at: datetime,
        *,
        reuse: bool,
        key: str | None = None,
    ) -> Request:
        return Request(
            offer_key=offer_key,
            profile_id=profile.id,
            household=household_of(profile),
            traits={name: fact.value for name, fact in profile.traits.items()},
            channel=channel,
            at=at,
            reuse=reuse,
            key=key,
        )

    def _note_spent(self, results: Sequence[Result]) -> None:
        if any(isinstance(result, TuttiError) and result.kind == "BUDGET_SPENT" for result in results):
            self._counted_at = float("-inf")
