"""Readings for many experiences at once: the same answers as one by one, in a command for all of them.

An experience asks for one profile and for where one customer stands with the offers. A batch makes
dozens side by side, so here what they ask at the same moment is read together. Nothing is kept: each
question is answered by a reading that began after it was asked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.catalogue.model import Offer
from hub.kit.together import Together
from hub.offers.model import Grant, Standing
from hub.profiles.beside import Along, Beside, Documents
from hub.profiles.identity import PROFILE_ID
from hub.profiles.model import CustomerRef, Profile

MOST = 128  # customers in one command


class ManyProfiles(Protocol):
    """What is needed of the profile service."""

    async def find_along(
        self, ref: CustomerRef, besides: Sequence[Beside], *, keep: bool = True
    ) -> Along: ...

    async def get_many(self, profile_ids: Sequence[str]) -> dict[str, Profile]: ...


class ManyOffers(Protocol):
    """What is needed of the offers."""

    async def standings(
        self, asked: Sequence[tuple[Profile, datetime]], offers: Sequence[Offer]
    ) -> list[Standing]: ...

    @property
    def beside(self) -> Beside: ...

    async def standing(
        self,
        profile: Profile | None,
        offers: Sequence[Offer],
        at: datetime,
        documents: Documents | None = None,
    ) -> Standing: ...

    async def promise(
        self, profile: Profile, offers: Sequence[Offer], *, channel: str, at: datetime
    ) -> dict[str, Grant]: ...


class GatheredProfiles:
    """Finds profiles by their own ids together; who is named otherwise is looked for alone."""

    def __init__(self, profiles: ManyProfiles) -> None:
        self._profiles = profiles
        self._together: Together[str, Profile | None] = Together(self._read, MOST)

    async def find_along(self, ref: CustomerRef, besides: Sequence[Beside], *, keep: bool = True) -> Along:
        """Return a profile as `ProfileService.find_along` does; nothing is read along with those read together."""
        if ref.type != PROFILE_ID or not keep:
            return await self._profiles.find_along(ref, besides, keep=keep)
        return Along(await self._together.ask(ref.value))

    async def _read(self, profile_ids: Sequence[str]) -> list[Profile | None]:
        found = await self._profiles.get_many(profile_ids)
        return [found.get(profile_id) for profile_id in profile_ids]


class GatheredOffers:
    """Says together where customers stand; issuing is gathered by the offers themselves."""

    def __init__(self, offers: ManyOffers) -> None:
        self._offers = offers
        self._together: Together[tuple[Profile, Sequence[Offer], datetime], Standing] = Together(
            self._read, MOST
        )

    @property
    def beside(self) -> Beside:
        """What is to be read along with a profile."""
        return self._offers.beside

    async def standing(
        self,
        profile: Profile | None,
        offers: Sequence[Offer],
        at: datetime,
        documents: Documents | None = None,
    ) -> Standing:
        """Return where a customer stands as `OfferService.standing` does."""
        if profile is None or documents is not None:
            return await self._offers.standing(profile, offers, at, documents)
        return await self._together.ask((profile, offers, at))

    async def promise(
        self, profile: Profile, offers: Sequence[Offer], *, channel: str, at: datetime
    ) -> dict[str, Grant]:
        """Issue as `OfferService.promise` does."""
        return await self._offers.promise(profile, offers, channel=channel, at=at)

    async def _read(self, asked: Sequence[tuple[Profile, Sequence[Offer], datetime]]) -> list[Standing]:
        """Answer by one reading for all who ask of the same offers, which is one catalogue's."""
        offers = asked[0][1]
        if all(each[1] is offers for each in asked):
            return await self._offers.standings([(profile, at) for profile, _, at in asked], offers)
        return [await self._offers.standing(profile, theirs, at) for profile, theirs, at in asked]
