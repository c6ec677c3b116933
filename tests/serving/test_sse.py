"""Results as Server-Sent Events: GraphQL over SSE in distinct connections mode, read as a browser would."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest

from hub.serving import sse
from tests.live import served
from tests.serving.conftest import until

EVENTS = "text/event-stream"


class Reader:
    """One response, read event by event."""

    def __init__(self, response):
        self.response = response
        self.lines = response.aiter_lines()

    async def event(self):
        """Return the next event as (name, data); ("comment", "") for a keep-alive, None at the end."""
        name, data = "", None
        async with asyncio.timeout(30):
            async for line in self.lines:
                field, _, value = line.partition(":")
                if not line:
                    return (name, json.loads(data) if data else None) if name else ("comment", "")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    data = value.strip()
        return None

    async def told(self):
        """Return the next event that says something."""
        while (found := await self.event()) is not None:
            if found[0] != "comment":
                return found
        return None

    async def rest(self):
        found = []
        while (event := await self.told()) is not None:
            found.append(event)
        return found


@pytest.fixture
def ask(url):
    @asynccontextmanager
    async def asking(query, *, accept=EVENTS, method="POST", **headers):
        sent = {"json": {"query": query}} if method == "POST" else {"params": {"query": query}}
        async with (
            httpx.AsyncClient(timeout=30) as client,
            client.stream(method, url, headers={"Accept": accept, **headers}, **sent) as response,
        ):
            yield Reader(response)

    return asking


class TestStream:
    @pytest.mark.parametrize("method", ["POST", "GET"])
    async def test_each_event_is_a_result_and_the_last_says_complete(self, ask, method):
        async with ask("subscription { ticks(most: 2) }", method=method) as reader:
            assert reader.response.status_code == 200
            assert reader.response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert reader.response.headers["x-accel-buffering"] == "no"
            assert reader.response.headers["cache-control"] == "private, no-store"
            assert await reader.rest() == [
                ("next", {"data": {"ticks": 0}}),
                ("next", {"data": {"ticks": 1}}),
                ("complete", None),
            ]

    async def test_events_come_as_they_happen(self, ask, door):
        async with ask("subscription { told { name } }") as reader:
            for name in ("first", "second"):
                door.news.put_nowait(name)
                assert await reader.told() == ("next", {"data": {"told": {"name": name}}})

    async def test_lines_of_data_are_one_line_of_the_stream(self, ask, door):
        async with ask("subscription { told { name } }") as reader:
            door.news.put_nowait("two\nlines\r\n\nevent: complete")
            _, told = await reader.told()
            assert told["data"]["told"]["name"] == "two\nlines\r\n\nevent: complete"

    async def test_a_query_is_one_result(self, ask):
        async with ask("{ hello }") as reader:
            assert await reader.rest() == [
                ("next", {"data": {"hello": "hello world from nobody"}}),
                ("complete", None),
            ]

    async def test_whoever_takes_both_gets_a_stream_for_subscriptions_alone(self, ask):
        both = "application/graphql-response+json, application/json, text/event-stream"
        async with ask("{ hello }", accept=both) as reader:
            assert reader.response.headers["content-type"].startswith("application/graphql-response+json")
        async with ask("subscription { ticks(most: 1) }", accept=both) as reader:
            assert reader.response.headers["content-type"].startswith(EVENTS)

    async def test_it_is_kept_alive_by_comments_and_outlives_the_deadline(self, ask, door, monkeypatch):
        monkeypatch.setattr(sse, "BEAT_SECONDS", 0.1)  # and the deadline is .3
        async with ask("subscription { told { name } }") as reader:
            for _ in range(6):
                assert await reader.event() == ("comment", "")
            door.news.put_nowait("late")
            assert await reader.told() == ("next", {"data": {"told": {"name": "late"}}})


class TestErrors:
    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("subscription {", "GRAPHQL_PARSE_FAILED"),
            ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription { ticks refusing }", "GRAPHQL_VALIDATION_FAILED"),
            ("subscription($n: Int!) { ticks(most: $n) }", "BAD_REQUEST"),
            ("subscription { told { items(first: 9999) { items { name } } } }", "COST_LIMIT"),
            ("subscription { refusing }", "NOBODY"),
            ("subscription { slow { slow } }", "DEADLINE_EXCEEDED"),
        ],
    )
    async def test_what_cannot_be_executed_is_told_in_the_stream(self, ask, query, code):
        async with ask(query) as reader:
            assert reader.response.status_code == 200
            (first, told), last = await reader.rest()
            assert (first, last) == ("next", ("complete", None))
            assert "data" not in told
            assert [error["extensions"]["code"] for error in told["errors"]] == [code]

    async def test_a_refusal_names_field_and_argument(self, ask):
        async with ask("subscription { mine: refusing }") as reader:
            _, told = await reader.told()
            assert told == {
                "errors": [
                    {
                        "message": "there is nobody",
                        "locations": [{"line": 1, "column": 16}],
                        "path": ["mine"],
                        "extensions": {"code": "NOBODY", "argument": ["by"]},
                    }
                ]
            }

    async def test_a_source_that_fails_is_masked(self, ask):
        async with ask("subscription { failing }") as reader:
            told = await reader.rest()
        assert [name for name, _ in told] == ["next", "next", "complete"]
        assert told[0][1] == {"data": {"failing": 1}}
        assert told[1][1]["errors"][0]["extensions"] == {"code": "INTERNAL"}
        assert "secret" not in json.dumps(told)

    async def test_a_refused_key_is_told_by_the_status(self, ask):
        async with ask("subscription { ticks }", Authorization="Bearer wrong") as reader:
            assert reader.response.status_code == 401
            assert "www-authenticate" in reader.response.headers
            await reader.response.aread()
            assert reader.response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}

    async def test_a_key_that_is_revoked_meanwhile_is_told_no_more(self, ask, door):
        async with ask("subscription { told { name } }", Authorization="Bearer good") as reader:
            door.news.put_nowait("first")
            assert (await reader.told())[1] == {"data": {"told": {"name": "first"}}}
            door.revoked.add("Bearer good")
            door.news.put_nowait("second")
            (_, told), last = await reader.rest()
            assert told["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
            assert last == ("complete", None)
        assert door.sources == ["opened", "closed"]

    async def test_a_mutation_is_not_sent_by_get(self, ask):
        async with ask("mutation { change }", method="GET") as reader:
            assert reader.response.status_code == 405


class TestEnding:
    async def test_a_client_that_goes_away_leaves_nothing_behind(self, ask, door):
        async with ask("subscription { told { name } }"):
            await until(lambda: door.sources == ["opened"])
        await until(lambda: door.sources == ["opened", "closed"])

    async def test_a_hub_that_stops_cuts_streams_off_without_complete(self, door):
        async with served(door.app) as base, httpx.AsyncClient(timeout=30) as client:
            asked = {"json": {"query": "subscription { told { name } }"}, "headers": {"Accept": EVENTS}}
            async with client.stream("POST", f"{base}/graphql", **asked) as response:
                reader = Reader(response)
                door.news.put_nowait("first")
                assert (await reader.told())[0] == "next"
                door.closing.set()
                assert await reader.rest() == []
        assert door.sources == ["opened", "closed"]

    async def test_a_client_that_takes_nothing_is_cut_off(self, door, monkeypatch):
        monkeypatch.setattr(sse, "SEND_SECONDS", 0.1)
        monkeypatch.setattr(sse, "FAREWELL_SECONDS", 0.1)
        async with served(door.app) as base:
            port = int(base.rpartition(":")[2])
            body = json.dumps({"query": "subscription { told { name } }"}).encode()
            head = (
                "POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
                f"Accept: {EVENTS}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            writer.write(head.encode() + body)
            await until(lambda: door.sources == ["opened"])
            for _ in range(200):  # more than the sockets' buffers hold
                door.news.put_nowait("x" * 200_000)
            await until(lambda: door.sources == ["opened", "closed"])
            assert door.news.qsize() > 0  # none was made that could not leave
            writer.transport.abort()
