"""A shop of any size to measure on: items in categories, customers with histories, all through the hub's own doors."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.embeddings import blended, texts_of
from embeddings.cache import key_of
from embeddings.models import load
from hub.app import open_services
from hub.auth.model import Scope
from hub.catalogue.model import BrandFacts, Claim, Content, ContentKind, Need, NeedPattern
from hub.config import Settings, load_settings
from hub.kit.money import Money
from hub.store.embedding_cache import MongoVectorCache
from resolvers.context import Services

CATEGORIES = 60
BATCH = 500
NEEDS = (
    Need(NeedPattern.CONSUMABLE),
    Need(NeedPattern.REPLENISHABLE, 40),
    Need(NeedPattern.COLLECTIBLE),
    Need(NeedPattern.DURABLE, 1500),
)


def settings_for(folder: Path) -> Settings:
    """Settings of a hub whose data lie in `folder`."""
    return load_settings().model_copy(update={"data_dir": folder, "mongodb_uri": None, "port": 0})


def contents_of(count: int) -> list[Content]:
    """Items with real words for titles; every tenth is an article."""
    titles = texts_of(None)
    return [
        Content(
            key=f"item-{n}",
            kind=ContentKind.ARTICLE if n % 10 == 0 else ContentKind.PRODUCT,
            title=f"{titles[n % len(titles)]} no. {n}",
            summary="Made to be measured.",
            brand="bench",
            category=f"category-{n % CATEGORIES}",
            price=None if n % 10 == 0 else Money(Decimal(n % 90 + 5), "GBP"),
            need=Need() if n % 10 == 0 else NEEDS[n % len(NEEDS)],
            goes_with=(f"category-{(n + 1) % CATEGORIES}",),
        )
        for n in range(count)
    ]


def history(customer: int, items: int, at: Any, *, length: int) -> Iterator[dict[str, Any]]:
    """Yield one customer's messages: an introduction, then views and orders around a few categories."""
    rng = np.random.default_rng(customer)
    user_id = f"customer-{customer}"
    yield {"type": "identify", "userId": user_id, "messageId": f"{user_id}-0",
           "traits": {"name": f"Customer {customer}", "email": f"{user_id}@customers.example"}}  # fmt: skip
    yield {"type": "track", "userId": user_id, "messageId": f"{user_id}-consent",
           "event": "Consent Preference Updated",
           "properties": {"purpose": "EMAIL_MARKETING", "channel": None, "state": "GRANTED"}}  # fmt: skip
    liked = rng.integers(0, CATEGORIES, 3)
    for n in range(1, length):
        item = int(rng.choice(liked)) + CATEGORIES * int(rng.integers(0, items // CATEGORIES))
        event = "Order Completed" if n % 7 == 0 else "Product Viewed"
        product = {"product_id": f"item-{item}", "quantity": 1}
        yield {
            "type": "track",
            "userId": user_id,
            "messageId": f"{user_id}-{n}",
            "event": event,
            "timestamp": (at - timedelta(days=float(rng.random() * 200))).isoformat(),
            "properties": {"products": [product], "order_id": f"{user_id}-{n}"} if n % 7 == 0 else product,
        }


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncIterator[tuple[Services, str]]:
    """Open a hub's services on `folder`; yields them with a new admin key."""
    async with open_services(settings_for(folder)) as (services, auth, _signer, _store):
        yield services, await auth.create_key(Scope.ADMIN, "benchmark")


async def stock(folder: Path, items: int, customers: int, *, length: int = 30) -> str:
    """Fill a store with a shop; return an admin key.

    Vectors beyond the first few thousand are blends of real ones, put into the cache beforehand:
    what is measured is not the encoder.
    """
    async with open_services(settings_for(folder)) as (services, auth, _signer, store):
        contents = contents_of(items)
        await _prepare_vectors(services, MongoVectorCache(store.db), contents)
        facts = BrandFacts(
            key="bench", name="Bench", voice="Exact.", claims=(Claim("fast", "It is measured."),)
        )
        await services.catalogue.put_brand_facts([facts])
        await services.catalogue.put_contents(contents)
        at = services.clock.now()
        batch: list[dict[str, Any]] = []
        for customer in range(customers):
            batch += history(customer, items, at, length=length)
            if len(batch) >= BATCH or customer == customers - 1:
                await services.ingest.record(batch, source="benchmark")
                batch = []
        await services.ingest.recover()
        return await auth.create_key(Scope.ADMIN, "benchmark")


async def _prepare_vectors(services: Services, cache: MongoVectorCache, contents: Sequence[Content]) -> None:
    encoder = load(services.settings.encoder, services.settings.model_dir)
    real = encoder.encode(texts_of(None))
    vectors = blended(real, len(contents))
    keys = [key_of(encoder.id, content.embedding_text) for content in contents]
    for start in range(0, len(keys), 2_000):
        part = slice(start, start + 2_000)
        await cache.put_many(dict(zip(keys[part], vectors[part], strict=True)))
