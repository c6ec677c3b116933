"""`/v1/*` over a real socket, from Segment's own Python client and by hand."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from segment.analytics.client import Client
from starlette.applications import Starlette

from hub.auth.model import Scope
from hub.auth.repository import KeyRepository
from hub.auth.service import AuthService
from hub.auth.tokens import Signer
from hub.kit.clock import SystemClock
from hub.store.database import Store
from hub.web.ingest import routes
from tests.profiles.rooms import Rooms, make_rooms, track

LIMIT = 100_000


class Hub:
    """The ingest routes on a loopback socket."""

    def __init__(self, rooms: Rooms, url: str, key: str, browse_key: str) -> None:
        self.rooms, self.url, self.key, self.browse_key = rooms, url, key, browse_key

    async def post(self, path: str, body: Any, *, key: str | None = None, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with httpx.AsyncClient(base_url=self.url) as client:
            return await client.post(path, content=content, auth=(key or self.key, ""), headers=headers)


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await running


@pytest.fixture
async def hub(store: Store) -> AsyncIterator[Hub]:
    clock: Any = SystemClock()  # Segment's client reads the machine's clock, so must the hub
    rooms = make_rooms(store, clock)
    auth = AuthService(KeyRepository(store.db), Signer(b"s" * 32, clock), clock)
    key = await auth.create_key(Scope.INGEST, "shop")
    browse_key = await auth.create_key(Scope.BROWSE, "front-end")
    app = Starlette(routes=routes(rooms.ingest, auth.authenticate, body_limit=LIMIT, batch_limit=50))
    async with serving(app) as url:
        yield Hub(rooms, url, key, browse_key)


class TestSegmentsOwnClient:
    @pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzip"])
    async def test_what_it_sends_is_in_the_profile(self, hub: Hub, gzipped: bool) -> None:
        client = Client(write_key=hub.key, host=hub.url, sync_mode=True, gzip=gzipped, timeout=10)

        def story() -> None:
            client.page(anonymous_id="a1", name="Home")
            client.track(anonymous_id="a1", event="Product Viewed", properties={"product_id": "rye-bread"})
            client.identify(
                user_id="mia", anonymous_id="a1", traits={"email": "Mia@example.com", "firstName": "Mia"}
            )
            client.track(
                user_id="mia",
                event="Order Completed",
                properties={
                    "order_id": "o1",
                    "products": [{"product_id": "climbing-rose", "quantity": 2, "price": 9.5}],
                },
            )
            client.group(user_id="mia", group_id="gardeners")
            client.alias(previous_id="old-visitor", user_id="mia")
            client.screen(user_id="mia", name="Basket")

        await asyncio.to_thread(story)
        profile = await hub.rooms.require("mia")
        assert profile.owned["climbing-rose"].count == 2
        assert profile.display_name == "Mia"
        assert profile.traits["group_id"].value == "gardeners"
        assert [signal.content_key for signal in profile.recent] == ["rye-bread", "climbing-rose"]
        page = await hub.rooms.profiles.timeline(profile, first=10)
        assert {entry.title for entry in page.nodes} == {
            "Visited Home",
            "Viewed Rye bread",
            "Gave details: email, firstName",
            "Bought 2 x Climbing rose",
            "Joined a group",
            "Was recognised under another id",
            "Visited Basket",
        }

    async def test_its_queue_and_batches_lose_nothing(self, hub: Hub) -> None:
        client = Client(write_key=hub.key, host=hub.url, upload_size=20, upload_interval=0.05, timeout=10)

        def story() -> None:
            for n in range(90):
                product = {"product_id": f"sku-{n}"}
                client.track(user_id=f"u{n % 3}", event="Order Completed", properties={"products": [product]})
            client.flush()
            client.join()

        await asyncio.to_thread(story)
        owned = [set((await hub.rooms.require(f"u{user}")).owned) for user in range(3)]
        assert owned == [{f"sku-{n}" for n in range(user, 90, 3)} for user in range(3)]
        assert await hub.rooms.store.db["events"].count_documents({}) == 90


class TestAnswers:
    async def test_each_kind_of_message_has_its_route(self, hub: Hub) -> None:
        bodies: dict[str, dict[str, Any]] = {
            "identify": {"traits": {"city": "Bath"}},
            "track": {"event": "Cart Viewed"},
            "page": {"name": "Home"},
            "screen": {"name": "Home"},
            "group": {"groupId": "g"},
            "alias": {"previousId": "p"},
        }
        for kind, body in bodies.items():
            answer = await hub.post(f"/v1/{kind}", body | {"userId": "mia"})
            assert answer.status_code == 200
            assert answer.json() == {"success": True, "accepted": 1, "duplicates": 0, "rejected": []}
        kinds = await hub.rooms.store.db["events"].distinct("type")
        assert sorted(kinds) == sorted(bodies)

    async def test_a_batch_names_what_it_did_not_take(self, hub: Hub) -> None:
        good = track("Cart Viewed", id="m1")
        answer = await hub.post("/v1/batch", {"batch": [good, {"type": "track", "userId": "mia"}, good]})
        assert answer.status_code == 200
        assert {**answer.json(), "rejected": None} == {
            "success": True,
            "accepted": 1,
            "duplicates": 1,
            "rejected": None,
        }
        [told] = answer.json()["rejected"]
        assert (told["index"], told["code"], told["path"]) == (1, "MISSING_EVENT_NAME", ["batch", 1, "event"])

    async def test_what_a_batch_says_for_all_holds_for_each(self, hub: Hub) -> None:
        body = {"batch": [track("Cart Viewed", id="m1") | {"context": {"a": 1}}], "context": {"a": 0, "b": 2}}
        await hub.post("/v1/import", body)
        document = await hub.rooms.store.db["events"].find_one({"_id": "m1"})
        assert document is not None
        assert document["payload"]["context"] == {"a": 1, "b": 2}
        assert document["source"] == "shop"


REFUSALS: list[tuple[str, str, Any, int, str]] = [
    ("malformed JSON", "/v1/track", b'{"userId": ', 400, "MALFORMED_JSON"),
    ("bad UTF-8", "/v1/track", b'{"userId": "\xff"}', 400, "MALFORMED_JSON"),
    ("NaN", "/v1/track", b'{"userId": NaN}', 400, "MALFORMED_JSON"),
    ("a number", "/v1/track", b"5", 400, "INVALID_INPUT"),
    ("null", "/v1/batch", b"null", 400, "INVALID_INPUT"),
    ("a hundred thousand levels", "/v1/track", b'{"a":' * 15_000, 400, "MALFORMED_JSON"),
    ("a batch that is none", "/v1/batch", {"batch": {}}, 400, "INVALID_INPUT"),
    ("nothing acceptable", "/v1/batch", {"batch": [5, {"type": "trace"}]}, 400, "INVALID_INPUT"),
    ("in the future", "/v1/track", track("Cart Viewed", ago=-24 * 36_500), 400, "EVENT_IN_FUTURE"),
    ("no ids", "/v1/track", {"event": "x"}, 400, "MISSING_IDENTITY"),
    ("too many", "/v1/batch", {"batch": [1] * 51}, 413, "TOO_LARGE"),
    ("too large", "/v1/track", b" " * (LIMIT + 1), 413, "TOO_LARGE"),
]


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "body", "status", "code"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
    )
    async def test_is_a_problem_document_and_changes_nothing(
        self, hub: Hub, path: str, body: Any, status: int, code: str
    ) -> None:
        answer = await hub.post(path, body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json()["code"] == code
        assert await hub.rooms.counts() == {"events": 0, "facets": 0, "profiles": 0, "identities": 0}

    @pytest.mark.parametrize(
        ("body", "encoding", "status", "code"),
        [
            (gzip.compress(b" " * 5_000_000), "gzip", 413, "TOO_LARGE"),
            (gzip.compress(b"{}")[:-4], "gzip", 400, "MALFORMED_GZIP"),
            (b"{}", "gzip", 400, "MALFORMED_GZIP"),
            (b"{}", "br", 400, "UNKNOWN_ENCODING"),
        ],
        ids=["a bomb", "cut short", "not gzip", "another encoding"],
    )
    async def test_a_packed_body_that_cannot_be(
        self, hub: Hub, body: bytes, encoding: str, status: int, code: str
    ) -> None:
        answer = await hub.post("/v1/track", body, **{"content-encoding": encoding})
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_without_a_key_with_an_unknown_one_and_with_one_for_something_else(self, hub: Hub) -> None:
        async with httpx.AsyncClient(base_url=hub.url) as client:
            assert (await client.post("/v1/track", json=track("Cart Viewed"))).status_code == 401
        assert (await hub.post("/v1/track", track("Cart Viewed"), key="unknown")).status_code == 401
        assert (await hub.post("/v1/track", track("Cart Viewed"), key=hub.browse_key)).status_code == 403
        assert (await hub.rooms.counts())["events"] == 0


class TestABeacon:
    """A browser's `sendBeacon` sets no header: the write key comes in the body."""

    async def send(self, hub: Hub, body: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(base_url=hub.url) as client:
            return await client.post(
                "/v1/batch", content=json.dumps(body), headers={"Content-Type": "text/plain;charset=UTF-8"}
            )

    async def test_its_write_key_is_taken_and_kept_nowhere(self, hub):
        click = track("Product Clicked", "clicks", product_id="rose-1", id="click-1")
        answer = await self.send(hub, {"writeKey": hub.key, "batch": [click]})
        assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
        kept = await hub.rooms.store.db["events"].find_one({"_id": "click-1"})
        assert kept is not None
        assert hub.key not in str(kept)

    @pytest.mark.parametrize("key", [None, "no such key", 5])
    async def test_without_a_good_one_nothing_is_taken(self, hub, key):
        answer = await self.send(hub, {"writeKey": key, "batch": [track("Cart Viewed", "clicks")]})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")

    async def test_a_front_ends_own_key_records_no_events(self, hub):
        answer = await self.send(hub, {"writeKey": hub.browse_key, "batch": []})
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
