"""Offers and customers in a store, without the rest of the house."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.catalogue.model import Offer
from hub.kit.clock import FixedClock
from hub.kit.money import Money
from hub.offers.service import OfferService
from hub.profiles.model import Fact, Profile, Source, Stamp
from hub.store.codecs import to_document
from hub.store.database import Store
from tests.builders import NOW, make_profile

STAMP = Stamp(NOW, "msg_1")


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


def make_offer(key: str = "tenth", **given: Any) -> Offer:
    return Offer(key=key, **{"title": f"The {key}", "terms": "Once, until it ends.", **given})


def customer(profile_id: str = "prf_1", *, former: tuple[str, ...] = (), **traits: str) -> Profile:
    facts = {name: Fact(value, Source.DECLARED, STAMP) for name, value in traits.items()}
    return make_profile(profile_id, former_ids=former, traits=facts)


@dataclass(slots=True)
class Till:
    store: Store
    clock: FixedClock
    offers: OfferService

    async def define(self, *offers: Offer) -> None:
        for offer in offers:
            document = to_document(offer, _id=offer.key)
            await self.store.db["offers"].replace_one({"_id": offer.key}, document, upsert=True)

    async def know(self, *profiles: Profile) -> None:
        for profile in profiles:
            document = {"version": 1, "facet_ids": [], "former_ids": list(profile.former_ids)}
            await self.store.db["profiles"].replace_one({"_id": profile.id}, document, upsert=True)

    async def link(self, gone: Profile, into: Profile) -> Profile:
        """Merge as the linker does: the note first, then the former id."""
        profiles = self.store.db["profiles"]
        note = {"version": 2, "facet_ids": [], "former_ids": [], "merged_into": into.id}
        await profiles.replace_one({"_id": gone.id}, note)
        await profiles.update_one({"_id": into.id}, {"$addToSet": {"former_ids": gone.id}})
        return customer(into.id, former=(gone.id,))

    async def unlink(self, gone: Profile, into: Profile) -> None:
        await self.know(customer(gone.id), customer(into.id))

    async def dump(self) -> dict[str, list[Any]]:
        names = ("grants", "offer_entries", "offer_counters")
        return {name: await self.store.db[name].find({}).sort("_id", 1).to_list() for name in names}


async def open_till(store: Store, clock: FixedClock) -> Till:
    return Till(store, clock, OfferService(store, clock))
