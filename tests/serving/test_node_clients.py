"""Subscriptions by the clients that front-ends use: npm's graphql-sse and graphql-ws."""

import asyncio
import json

import pytest

from tests.node_tools import FOLDER, installed, node
from tests.serving.conftest import until

pytestmark = pytest.mark.parametrize("way", ["sse", "ws"])
TOLD = "subscription { told { name } }"


async def start(way, url, query, *, key="good", most=99):
    installed("graphql-sse")
    command = (node(), str(FOLDER / "watch.mjs"), way, url, key, query, str(most))
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


async def line(process):
    async with asyncio.timeout(30):
        return json.loads(await process.stdout.readline())


async def said(way, url, query, **how):
    """Return all that a client prints."""
    process = await start(way, url, query, **how)
    async with asyncio.timeout(30):
        told, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(each) for each in told.splitlines()]


async def test_results_come_until_the_stream_completes(way, url):
    assert await said(way, url, "subscription { ticks(most: 2) }") == [
        {"data": {"ticks": 0}},
        {"data": {"ticks": 1}},
        "completed",
    ]


async def test_they_come_as_they_happen_and_who_stops_frees_everything(way, url, door):
    process = await start(way, url, TOLD, most=2)
    for name in ("first", "second"):
        door.news.put_nowait(name)
        assert await line(process) == {"data": {"told": {"name": name}}}
    await until(lambda: door.sources == ["opened", "closed"])
    assert await line(process) == "completed"
    assert await process.wait() == 0


async def test_a_refusal_is_understood(way, url):
    *before, last = await said(way, url, "subscription { refusing }")
    errors = before[0]["errors"] if way == "sse" else last["refused"]
    assert [error["extensions"]["code"] for error in errors] == ["NOBODY"]


async def test_and_so_is_a_refused_key(way, url):
    assert await said(way, url, TOLD, key="wrong") == [{"refused": {"sse": 401, "ws": 4403}[way]}]
