from datetime import timedelta

import pytest

from embeddings.cache import CachedEncoder
from hub.auth.tokens import Signer
from hub.consent.control import ControlService
from hub.events.service import IngestService
from hub.kit.clock import FixedClock
from hub.ledger.model import Exposure, Served
from hub.ledger.repository import LedgerRepository
from hub.privacy.erasure import ErasureService
from hub.privacy.export import ExportService
from hub.profiles.merging import MergeService
from hub.profiles.reviews import ReviewService
from hub.profiles.service import ProfileService
from hub.store.database import Store
from hub.store.embedding_cache import MongoVectorCache
from tests.builders import NOW
from tests.profiles.rooms import Rooms, WordsEncoder, small_shop

SECRET = b"a secret of thirty-two bytes, 32"


@pytest.fixture
def encoder(store: Store) -> CachedEncoder:
    """Vectors are kept in the store, as in a hub."""
    return CachedEncoder(WordsEncoder(), MongoVectorCache(store.db))


@pytest.fixture
def rooms(store: Store, clock: FixedClock, encoder: CachedEncoder) -> Rooms:
    shop = small_shop()
    profiles = ProfileService(store, lambda: shop, encoder)
    ingest = IngestService(store, profiles, clock)
    merges = MergeService(store, profiles, clock)
    reviews = ReviewService(profiles, merges, clock)
    return Rooms(store, clock, shop, profiles, ingest, ControlService(ingest, profiles), merges, reviews)


@pytest.fixture
def erasures(store: Store, clock: FixedClock, encoder: CachedEncoder) -> ErasureService:
    return ErasureService(store, encoder, clock, settle_seconds=0.01)


@pytest.fixture
def signer(clock: FixedClock) -> Signer:
    return Signer(SECRET, clock)


@pytest.fixture
async def exports(store: Store, clock: FixedClock, rooms: Rooms, signer: Signer) -> ExportService:
    # The tests' clock stands still in the past; the server's own clock would remove exports at once.
    await store.db["exports"].drop_index("expires_at_1")
    return ExportService(store, rooms.profiles, signer, clock, "http://hub.example")


@pytest.fixture
async def mia(rooms: Rooms, exports: ExportService) -> Rooms:
    """Mia, with something of hers in every collection; and Ben, who is to keep everything."""
    await rooms.track("Product Viewed", user=None, anon="mias-phone", ago=90, product_id="desk-lamp")
    await rooms.identify(
        anon="mias-phone", email="mia.stone@example.com", name="Mia Stone", phone="+44 1632 960199"
    )
    await rooms.track("Products Searched", ago=60, query="apricot roses for mia")
    await rooms.track("Order Completed", ago=50, order_id="o-77", products=[{"sku": "climbing-rose"}])
    await rooms.track("Preferences Set", ago=40, preferences={"likes": "moonlit gazebos, not lamps"})
    await rooms.track("Preferences Set", ago=39, preferences={"likes": "bread"})
    await rooms.track("Feedback Given", ago=30, kind="HIDE", content_key="lily-bulb")
    await rooms.identify("ben", anon="bens-phone", email="ben@example.com", name="Ben Field")
    await rooms.track("Products Searched", "ben", ago=10, query="bread knives")
    for user in ("mia", "ben"):
        profile = await rooms.require(user)
        served = Served(
            id=f"srv_{user}",
            at=NOW,
            profile_id=profile.id,
            channel="WEB",
            scenario_key="home",
            scenario_version=1,
            configuration_version="c",
            profile_version=profile.version,
            body=f'{{"slots":[],"profile":{{"id":"{profile.id}"}}}}'.encode(),
            expires_at=NOW + timedelta(days=4000),
        )
        ledger = LedgerRepository(rooms.store)
        await ledger.insert([served])
        await ledger.insert_exposures([Exposure(served.id, "rye-bread", NOW)])
    from hub.profiles.model import CustomerRef

    await exports.grant(CustomerRef("user_id", "mia"))
    return rooms
