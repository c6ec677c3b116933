"""A small house with all its services, asked over HTTP with real keys and tokens."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from embeddings.cache import CachedEncoder, MemoryCache
from hub.app import build_auth
from hub.auth.model import Scope
from hub.auth.service import AuthService
from hub.catalogue.model import Answer, Availability, BrandFacts, Claim, ContentKind, Need, NeedPattern, Offer
from hub.catalogue.service import CatalogueService
from hub.config import Settings
from hub.kit.clock import FixedClock
from hub.kit.ids import new_id
from hub.profiles.model import CustomerRef
from hub.store.database import Store, database_of
from hub.store.migrate import migrate
from hub.web.graphql import graphql_app
from hub.wiring import build_services
from resolvers.context import Context, Services
from schema.schema import build
from tests.builders import DIMENSIONS, NOW, make_content, text_vector
from tests.live import served

CONTRACT = Path(__file__).parent.parent / "contract"


def document(name: str) -> str:
    """Return one of our users' documents."""
    return (CONTRACT / f"{name}.graphql").read_text()


class WordEncoder:
    """Texts that share words are near each other; no model is loaded."""

    id = "words"
    dimensions = DIMENSIONS

    def encode(self, texts: Sequence[str], *, progress: Any = None) -> Any:
        return np.stack([text_vector(text) for text in texts])


@asynccontextmanager
async def watching(
    house: "House",
    variables: Mapping[str, Any],
    *,
    query: str | None = None,
    by: Scope | None = Scope.ADMIN,
    customer: str | None = None,
) -> AsyncIterator[Callable[[], Awaitable[dict[str, Any]]]]:
    """Watch by the contract's document or another over a real connection; yield what returns the next answer."""
    given = query or document("operations")
    body = {"query": given, "variables": variables, "operationName": None if query else "Watch"}
    headers = {"Accept": "text/event-stream", **house.headers(by, customer)}
    async with (
        served(house.app) as base,
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", f"{base}/graphql", json=body, headers=headers) as response,
    ):
        lines = response.aiter_lines()

        async def told() -> dict[str, Any]:
            async for line in lines:
                if line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))
            return {}

        yield told


CONTENTS = (
    *(
        make_content(f"rose-{n}", title=f"Climbing rose {name}", category="garden/roses")
        for n, name in enumerate(("Ada", "Bess", "Cleo", "Dora", "Emma", "Fay", "Gwen", "Hope"))
    ),
    *(
        make_content(f"mug-{n}", title=f"Stoneware mug {name}", category="kitchen/mugs")
        for n, name in enumerate(("blue", "green", "red", "white"))
    ),
    make_content("kettle", title="Copper kettle", category="kitchen/kettles", need=Need(NeedPattern.ONCE)),
    make_content(
        "kettle-gone", title="Tin kettle", category="kitchen/tins", availability=Availability.OUT_OF_STOCK
    ),
    make_content(
        "pruning", kind=ContentKind.ARTICLE, title="Pruning roses", category="reading/garden", price=None
    ),
)
FACTS = BrandFacts(
    key="house",
    name="The House",
    voice="warm and plain",
    claims=(Claim("repair", "We repair what we sell for ten years."),),
    sender_name="The House",
    sender_email="hello@house.example",
    postal_address="1 Lane, Town",
    website="https://house.example",
    house=True,
)
ANSWERS = (
    Answer(
        key="repair",
        title="Do you repair kettles?",
        text="Yes. We repair what we sell for ten years.",
        questions=("Can my kettle be repaired?", "Do you repair kettles?"),
        claims=("repair",),
        brand="house",
        approved_by="Ann",
    ),
    Answer(
        key="return", title="How to return an order", text="Send it back.", questions=("How do I return it?",)
    ),
)
OFFERS = (Offer(key="spring", title="Spring offer", terms="Ten percent off roses until May.", brand="house"),)


def track(
    event: str, message_id: str, days_ago: float, properties: Mapping[str, Any], **who: str
) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {
        "type": "track",
        "messageId": message_id,
        "event": event,
        "timestamp": at,
        "properties": properties,
        **who,
    }


def identify(user_id: str, days_ago: float = 30, **traits: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return {
        "type": "identify",
        "messageId": f"i-{user_id}",
        "userId": user_id,
        "timestamp": at,
        "traits": traits,
    }


ADA = [
    identify("ada", email="Ada@Example.com", firstName="Ada", country="GB"),
    track("Product Viewed", "a1", 5, {"product_id": "rose-1"}, userId="ada", anonymousId="ada-laptop"),
    track("Product Viewed", "a2", 4, {"product_id": "rose-2"}, userId="ada"),
    track("Article Read", "a3", 3, {"product_id": "pruning"}, userId="ada"),
    track(
        "Order Completed",
        "a4",
        2,
        {"order_id": "o1", "products": [{"product_id": "kettle", "quantity": 1}]},
        userId="ada",
    ),
    track(
        "Consent Preference Updated",
        "a5",
        2,
        {"purpose": "EMAIL_MARKETING", "state": "GRANTED", "channel": "EMAIL"},
        userId="ada",
    ),
]
BOB = [
    identify("bob", email="bob@example.com", name="Bob"),
    track("Product Viewed", "b1", 5, {"product_id": "mug-1"}, userId="bob"),
]
VISITOR = [track("Product Viewed", "v1", 1, {"product_id": "mug-2"}, anonymousId="visitor-1")]


@dataclass
class House:
    """All services, and a client that asks as anybody."""

    services: Services
    auth: AuthService
    keys: Mapping[Scope, str]
    client: httpx.AsyncClient
    store: Store
    app: ASGIApp

    def headers(self, scope: Scope | None, customer: str | None = None) -> dict[str, str]:
        headers = {} if scope is None else {"Authorization": f"Bearer {self.keys[scope]}"}
        if customer is not None:
            headers["X-Tutti-Customer"] = self.auth.customer_token(CustomerRef("user_id", customer))
        return headers

    async def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        by: Scope | None = Scope.ADMIN,
        customer: str | None = None,
        operation: str | None = None,
    ) -> dict[str, Any]:
        """Return the whole answer."""
        body = {"query": query, "variables": variables or {}, "operationName": operation}
        response = await self.client.post("/graphql", json=body, headers=self.headers(by, customer))
        return response.json()

    async def data(
        self, query: str, variables: Mapping[str, Any] | None = None, **how: Any
    ) -> dict[str, Any]:
        """Return the data of an answer that has no error."""
        answer = await self.ask(query, variables, **how)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def refusal(self, query: str, variables: Mapping[str, Any] | None = None, **how: Any) -> str:
        """Return the code of the one error of an answer."""
        answer = await self.ask(query, variables, **how)
        assert len(answer.get("errors", ())) == 1, answer
        return answer["errors"][0]["extensions"]["code"]

    async def person(self, user_id: str) -> None:
        """Let a customer of this test alone appear."""
        await self.services.ingest.record([identify(user_id, email=f"{user_id}@example.com")], source="test")

    async def rows(self, collection: str) -> int:
        return await self.store.db[collection].count_documents({})


@pytest.fixture(scope="session")
async def house(mongodb_client: Any, mongodb_uri: str, memory_folder: Path) -> AsyncIterator[House]:
    """One house for all tests of the schema; a test that changes something does so to its own people."""
    name = new_id("t")
    settings = Settings(
        mongodb_uri=SecretStr(mongodb_uri),
        database=name,
        data_dir=memory_folder,
        store_deadline=5,
        question_days=4_000,  # the server's own clock would remove them
    )
    store = Store(mongodb_client, database_of(mongodb_client, name))
    await migrate(store.db)
    clock = FixedClock(NOW)
    encoder = CachedEncoder(WordEncoder(), MemoryCache())
    catalogue = CatalogueService(store, encoder, clock)
    await catalogue.put_brand_facts([FACTS])
    await catalogue.put_contents(CONTENTS)
    await catalogue.put_answers(ANSWERS)
    await catalogue.put_offers(OFFERS)
    auth, signer = await build_auth(store, clock)
    services = await build_services(settings, store, encoder, signer, clock)
    receipt = await services.ingest.record([*ADA, *BOB, *VISITOR], source="test")
    assert receipt.rejected == ()
    keys = {scope: await auth.create_key(scope, scope.value) for scope in Scope}

    async def context(headers: Mapping[str, str]) -> Context:
        return Context(services, await auth.authenticate(headers), services.clock.now())

    app = graphql_app(build(), context, settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as client:
        yield House(services, auth, keys, client, store, app)
    await services.ledger.close()
    await services.questions.settle()
    await mongodb_client.drop_database(name)
