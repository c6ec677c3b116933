"""The hub from events to ledger over a real store, wired as the composition root does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embeddings.cache import CachedEncoder
from hub.auth.tokens import Signer
from hub.catalogue.service import CatalogueService
from hub.channels.service import ExperienceService
from hub.config import Settings
from hub.consent.control import ControlService
from hub.decisions.model import Channel, MixRequest
from hub.decisions.scenarios import ScenarioService
from hub.decisions.service import DecisionService
from hub.events.service import IngestService
from hub.kit.clock import FixedClock, isoformat
from hub.layers.base import Layer
from hub.ledger.frequency import FrequencyService
from hub.ledger.service import LedgerService
from hub.offers.service import OfferService
from hub.profiles.identity import parse_ref
from hub.profiles.service import ProfileService
from hub.store.database import Store
from tests.channels.house import CONTENTS, FACTS, LAYERS, OFFER
from tests.profiles.rooms import WordsEncoder

SECRET = b"a secret of thirty-two bytes, 32"


@dataclass(slots=True)
class Hub:
    store: Store
    clock: FixedClock
    settings: Settings
    catalogue: CatalogueService
    profiles: ProfileService
    ingest: IngestService
    control: ControlService
    scenarios: ScenarioService
    ledger: LedgerService
    signer: Signer
    experiences: ExperienceService
    offers: OfferService

    async def assemble(self, user="rosa", channel=Channel.WEB, scenario="home", **given):
        return await self.experiences.assemble(
            parse_ref("user_id", user), channel=channel, scenario=scenario, **given
        )

    async def send(self, *messages: Mapping[str, Any]) -> None:
        stamped = [
            {"timestamp": isoformat(self.clock.now()), "userId": "rosa", **message} for message in messages
        ]
        receipt = await self.ingest.record(stamped, source="test")
        assert receipt.rejected == ()

    async def dump(self) -> dict[str, list[Any]]:
        """Everything that is in the database."""
        names = await self.store.db.list_collection_names()
        return {name: await self.store.db[name].find({}).sort("_id", 1).to_list() for name in sorted(names)}


async def open_hub(
    store: Store,
    clock: FixedClock,
    settings: Settings,
    layers: Mapping[str, Layer] = LAYERS,
    *,
    seed: bool = True,
) -> Hub:
    encoder = CachedEncoder(WordsEncoder())
    catalogue = CatalogueService(store, encoder, clock)
    scenarios = ScenarioService(store)
    if seed:
        await catalogue.put_brand_facts([FACTS])
        await catalogue.put_contents(CONTENTS)
        await catalogue.put_offers([OFFER])
        await scenarios.seed()
    await catalogue.refresh()
    profiles = ProfileService(store, lambda: catalogue.snapshot, encoder)
    ingest = IngestService(store, profiles, clock)
    ledger, signer = LedgerService(store, clock), Signer(SECRET, clock)
    offers = OfferService(store, clock)
    experiences = ExperienceService(
        settings=settings,
        clock=clock,
        catalogue=catalogue,
        profiles=profiles,
        decisions=DecisionService(lambda: catalogue.snapshot, scenarios, layers),
        ledger=ledger,
        offers=offers,
        frequency=FrequencyService(store),
        signer=signer,
        words=encoder,
        reviews=profiles,
    )
    control = ControlService(ingest, profiles)
    return Hub(
        store,
        clock,
        settings,
        catalogue,
        profiles,
        ingest,
        control,
        scenarios,
        ledger,
        signer,
        experiences,
        offers,
    )


def track(event: str, **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "properties": properties}


IDENTIFY = {"type": "identify", "traits": {"first_name": "Rosa", "email": "rosa@customers.example"}}
HISTORY = (
    IDENTIFY,
    track("Product Viewed", product_id="rose"),
    track("Article Read", content_key="pruning", product_id="pruning"),
    track("Product Added", product_id="secateurs"),
    track("Order Completed", order_id="o1", products=[{"product_id": "can", "quantity": 1}]),
)


def shown(experience):
    return sorted((item for slot in experience.slots for item in slot.items), key=lambda item: item.position)


__all__ = ["HISTORY", "IDENTIFY", "Hub", "MixRequest", "open_hub", "shown", "track"]
