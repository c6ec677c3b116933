"""Operations over a WebSocket: graphql-transport-ws to the letter, and with a client that people use."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from hub.serving import sockets
from tests.serving.conftest import BODY_LIMIT, until

INIT = {"type": "connection_init"}
ACK = {"type": "connection_ack"}
TOLD = "subscription { told { name } }"


class Socket:
    """A client that says whatever a test wants."""

    def __init__(self, connection):
        self.connection = connection

    async def say(self, *messages):
        for message in messages:
            text = message if isinstance(message, (str, bytes)) else json.dumps(message)
            await self.connection.send(text)

    async def hear(self):
        async with asyncio.timeout(30):
            return json.loads(await self.connection.recv())

    async def closed(self):
        """Return the code with which the hub closes, and its reason."""
        try:
            while True:
                await self.hear()
        except ConnectionClosed as closing:
            return closing.rcvd.code, closing.rcvd.reason

    async def begin(self, **payload):
        await self.say(INIT | ({"payload": payload} if payload else {}))
        assert await self.hear() == ACK
        return self


def subscribe(key, query, **payload):
    return {"id": key, "type": "subscribe", "payload": {"query": query, **payload}}


@pytest.fixture
def opened(url):
    @asynccontextmanager
    async def opening(protocols=("graphql-transport-ws",), **how):
        address = url.replace("http:", "ws:")
        async with connect(address, subprotocols=protocols, open_timeout=30, **how) as connection:
            yield Socket(connection)

    return opening


class TestOperations:
    async def test_a_subscription_is_told_event_by_event(self, opened):
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("a", "subscription { ticks(most: 2) }"))
            assert [await socket.hear() for _ in range(3)] == [
                {"type": "next", "id": "a", "payload": {"data": {"ticks": 0}}},
                {"type": "next", "id": "a", "payload": {"data": {"ticks": 1}}},
                {"type": "complete", "id": "a"},
            ]

    async def test_a_query_and_a_mutation_are_one_result_each(self, opened):
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("q", "query($n: String!) { hello(name: $n) }", variables={"n": "Ada"}))
            assert (await socket.hear())["payload"] == {"data": {"hello": "hello Ada from nobody"}}
            assert await socket.hear() == {"type": "complete", "id": "q"}
            await socket.say(subscribe("m", "mutation { change }"))
            assert (await socket.hear())["payload"] == {"data": {"change": "changed"}}

    async def test_operations_run_side_by_side_and_one_is_completed_alone(self, opened, door):
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("a", TOLD))
            await until(lambda: door.sources == ["opened"])
            await socket.say({"type": "complete", "id": "a"}, {"type": "complete", "id": "never"})
            await until(lambda: door.sources == ["opened", "closed"])
            await socket.say(subscribe("a", TOLD))  # the id is free again
            door.news.put_nowait("news")
            assert (await socket.hear())["payload"] == {"data": {"told": {"name": "news"}}}

    async def test_pings_are_answered_before_and_after_the_beginning(self, opened):
        async with opened() as socket:
            await socket.say({"type": "ping"})
            assert await socket.hear() == {"type": "pong"}
            await socket.begin()
            await socket.say({"type": "pong"}, {"type": "ping", "payload": {}})
            assert await socket.hear() == {"type": "pong"}

    async def test_a_socket_outlives_the_deadline(self, opened, door, monkeypatch):
        monkeypatch.setattr(sockets, "INIT_SECONDS", 0.2)  # and the deadline is .3
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("a", TOLD))
            await asyncio.sleep(0.5)
            door.news.put_nowait("late")
            assert (await socket.hear())["payload"] == {"data": {"told": {"name": "late"}}}


class TestWhoIsAsking:
    async def test_key_and_token_come_in_the_payload(self, opened):
        async with opened() as socket:
            await socket.begin(authorization="Bearer good", **{"X-Tutti-Customer": ":ada"}, other=1)
            await socket.say(subscribe("q", "{ hello }"))
            assert (await socket.hear())["payload"]["data"] == {"hello": "hello world from Bearer good:ada"}

    async def test_or_in_the_handshake(self, opened):
        async with opened(additional_headers={"Authorization": "Bearer good"}) as socket:
            await socket.begin()
            await socket.say(subscribe("q", "{ hello }"))
            assert (await socket.hear())["payload"]["data"] == {"hello": "hello world from Bearer good"}

    async def test_a_refused_key_closes_the_socket(self, opened):
        async with opened() as socket:
            await socket.say(INIT | {"payload": {"Authorization": "Bearer wrong"}})
            assert await socket.closed() == (4403, "UNAUTHENTICATED: this key is unknown")

    async def test_a_key_that_cannot_be_looked_up_is_asked_for_again(self, opened):
        async with opened() as socket:
            await socket.say(INIT | {"payload": {"Authorization": "Bearer unknowable"}})
            assert (await socket.closed())[0] == 1013

    async def test_a_key_that_is_revoked_meanwhile_is_told_no_more(self, opened, door):
        async with opened() as socket:
            await socket.begin(Authorization="Bearer good")
            await socket.say(subscribe("a", TOLD))
            await until(lambda: door.sources == ["opened"])
            door.revoked.add("Bearer good")
            door.news.put_nowait("news")
            told = await socket.hear()
            assert (told["type"], told["id"]) == ("error", "a")
            assert told["payload"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
        assert door.sources == ["opened", "closed"]


class TestErrors:
    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("subscription {", "GRAPHQL_PARSE_FAILED"),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ items(first: 9999) { name } }", "COST_LIMIT"),
            ("subscription($n: Int!) { ticks(most: $n) }", "BAD_REQUEST"),
            ("subscription { refusing }", "NOBODY"),
            ("subscription { slow { slow } }", "DEADLINE_EXCEEDED"),
            ("{ slow }", "DEADLINE_EXCEEDED"),
        ],
    )
    async def test_what_cannot_be_executed_is_an_error_of_its_operation(self, opened, query, code):
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("a", query))
            told = await socket.hear()
            assert (told["type"], told["id"]) == ("error", "a")
            assert [error["extensions"]["code"] for error in told["payload"]] == [code]
            await socket.say(subscribe("a", "{ hello }"))
            assert (await socket.hear())["type"] == "next"

    async def test_an_error_of_a_field_stands_beside_the_data(self, opened):
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("a", "{ hello broken }"))
            payload = (await socket.hear())["payload"]
            assert payload["data"] == {"hello": "hello world from nobody", "broken": None}
            assert payload["errors"][0]["extensions"] == {"code": "INTERNAL"}
            assert await socket.hear() == {"type": "complete", "id": "a"}

    async def test_a_source_that_fails_is_masked(self, opened):
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("a", "subscription { failing }"))
            assert (await socket.hear())["payload"] == {"data": {"failing": 1}}
            told = await socket.hear()
            assert told["type"] == "error"
            assert told["payload"][0]["extensions"] == {"code": "INTERNAL"}
            assert "secret" not in json.dumps(told)

    async def test_more_operations_than_a_socket_may_have(self, opened, monkeypatch):
        monkeypatch.setattr(sockets, "MOST_OPERATIONS", 2)
        async with opened() as socket:
            await socket.begin()
            await socket.say(*(subscribe(key, TOLD) for key in "abc"))
            told = await socket.hear()
            assert (told["type"], told["id"]) == ("error", "c")
            assert told["payload"][0]["extensions"] == {"code": "TOO_MANY_OPERATIONS"}
            await socket.say({"type": "complete", "id": "a"}, subscribe("c", "{ hello }"))
            assert (await socket.hear())["type"] == "next"


class TestBrokenProtocol:
    @pytest.mark.parametrize(
        ("messages", "code"),
        [
            (["nonsense"], 4400),
            (["[]"], 4400),
            (["5"], 4400),
            ([{"id": "a"}], 4400),
            ([b"bytes"], 4400),
            (["[" * 1000 + "]" * 1000], 4400),
            ([{"type": "sing"}], 4400),
            ([subscribe("a", "{ hello }")], 4401),
            ([INIT, INIT], 4429),
            ([INIT, subscribe("a", TOLD), subscribe("a", TOLD)], 4409),
            ([INIT, {"type": "subscribe", "payload": {"query": "{ hello }"}}], 4400),
            ([INIT, subscribe("a" * 201, "{ hello }")], 4400),
            ([INIT, {"type": "complete"}], 4400),
            ([INIT, {"type": "subscribe", "id": "a"}], 4400),
            ([INIT, subscribe("a", "")], 4400),
            ([INIT, subscribe("a", "{ hello }", variables=5)], 4400),
            ([{"type": "ping", "payload": "x" * BODY_LIMIT}], 1009),
        ],
    )
    async def test_closes_the_socket(self, opened, door, messages, code):
        async with opened() as socket:
            await socket.say(*messages)
            assert (await socket.closed())[0] == code
        assert door.sources.count("opened") == door.sources.count("closed")

    async def test_no_beginning_in_time(self, opened, monkeypatch):
        monkeypatch.setattr(sockets, "INIT_SECONDS", 0.1)
        async with opened() as socket:
            assert await socket.closed() == (4408, "Connection initialisation timeout")

    @pytest.mark.parametrize("protocols", [None, ("graphql-ws",)])
    async def test_another_subprotocol(self, opened, protocols):
        async with opened(protocols) as socket:
            assert (await socket.closed())[0] == 4406


class TestPages:
    """CORS does not reach WebSockets: whose pages may connect is asked here."""

    async def test_of_an_origin_that_is_allowed_or_the_hub_s_own(self, opened, url):
        for origin in ("https://shop.example", url.removesuffix("/graphql")):
            async with opened(origin=Origin(origin)) as socket:
                await socket.begin()

    async def test_of_another(self, opened):
        with pytest.raises(InvalidStatus) as refusal:
            async with opened(origin=Origin("https://strange.example")):
                pytest.fail("it was let in")
        assert refusal.value.response.status_code == 403


class TestEnding:
    async def test_a_client_that_goes_away_leaves_nothing_behind(self, opened, door):
        async with opened() as socket:
            await socket.begin()
            await socket.say(subscribe("a", TOLD), subscribe("b", TOLD))
            await until(lambda: door.sources.count("opened") == 2)
            socket.connection.transport.abort()
        await until(lambda: door.sources.count("closed") == 2)


class TestRealClient:
    """The client library that our users have."""

    async def test_gql(self, url, door):
        transport = WebsocketsTransport(
            url=url.replace("http:", "ws:"), init_payload={"Authorization": "Bearer good"}
        )
        async with Client(transport=transport, fetch_schema_from_transport=True) as session:
            assert await session.execute(gql("{ hello }")) == {"hello": "hello world from Bearer good"}
            ticks = [event async for event in session.subscribe(gql("subscription { ticks }"))]
            assert ticks == [{"ticks": 0}, {"ticks": 1}, {"ticks": 2}]
            with pytest.raises(TransportQueryError, match="there is nobody"):
                await anext(session.subscribe(gql("subscription { refusing }")))
            door.news.put_nowait("news")
            stream = session.subscribe(gql(TOLD))
            assert await anext(stream) == {"told": {"name": "news"}}
            await stream.aclose()
            await until(lambda: door.sources == ["opened", "closed"])
