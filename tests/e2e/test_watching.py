"""A customer watched by those who have them on the line, over two hub processes beside one store."""

import asyncio
import json
import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport

from tests.e2e.hub_process import HubProcess, free_port

PATIENCE = 30  # seconds for what comes within one

pytestmark = pytest.mark.mongod


@pytest.fixture
def second(hub):
    other = HubProcess(hub.data_dir, free_port(), demo=False).start().wait_ready()
    yield other
    if other.process.poll() is None:
        assert other.stop() == 0


def send(hub, user, message_id, product):
    message = {
        "messageId": message_id,
        "userId": user,
        "event": "Product Viewed",
        "properties": {"product_id": product},
    }
    answer = httpx.post(f"{hub.url}/v1/track", json=message, auth=(hub.keys["ingest"], ""), timeout=30)
    assert answer.status_code == 200


def identify(hub, user):
    message = {"userId": user, "messageId": f"{user}-is", "traits": {"name": "Wes"}}
    answer = httpx.post(f"{hub.url}/v1/identify", json=message, auth=(hub.keys["ingest"], ""), timeout=30)
    assert answer.status_code == 200


def products(hub):
    page = hub.data(hub.contract("operations"), {"first": 2}, operation="Catalogue")["contents"]
    return [edge["node"] for edge in page["edges"]]


def watch(hub, user):
    return GraphQLRequest(
        hub.contract("operations"), variable_values={"for": {"userId": user}}, operation_name="Watch"
    )


def transport(hub):
    return WebsocketsTransport(
        url=f"{hub.url.replace('http:', 'ws:')}/graphql",
        init_payload={"Authorization": f"Bearer {hub.keys['agent']}"},
    )


@contextmanager
def stream(hub, user):
    """Yield what returns the next answer of a stream of events; {} at its end."""
    body = {
        "query": hub.contract("operations"),
        "variables": {"for": {"userId": user}},
        "operationName": "Watch",
    }
    headers = {"Authorization": f"Bearer {hub.keys['agent']}", "Accept": "text/event-stream"}
    asked = {"json": body, "headers": headers, "timeout": PATIENCE}
    with httpx.stream("POST", f"{hub.url}/graphql", **asked) as response:
        lines = response.iter_lines()
        yield lambda: next((json.loads(line[6:]) for line in lines if line.startswith("data: ")), {})


async def test_the_agent_s_screen_tells_of_what_the_shopper_does(hub, second):
    identify(hub, "watched-wes")
    content = products(hub)[0]
    async with Client(transport=transport(second)) as session:
        changes = session.subscribe(watch(second, "watched-wes"))
        before = (await asyncio.wait_for(anext(changes), PATIENCE))["customerChanged"]
        assert before["timeline"]["edges"][0]["node"]["title"] == "Gave details: name"
        await asyncio.to_thread(send, hub, "watched-wes", "wes-1", content["key"])
        after = (await asyncio.wait_for(anext(changes), PATIENCE))["customerChanged"]
        assert after["version"] > before["version"]
        assert after["timeline"]["edges"][0]["node"]["title"] == f"Viewed {content['title']}"
        await changes.aclose()


def test_the_stream_completes_when_the_customer_is_erased(hub, second):
    identify(hub, "watched-eve")
    erase = "mutation($for: CustomerRef!) { eraseCustomer(input: {for: $for}) { errors { code } } }"
    with stream(second, "watched-eve") as told:
        assert told()["data"]["customerChanged"]["version"] > 0
        erasing = threading.Thread(target=hub.data, args=(erase, {"for": {"userId": "watched-eve"}}))
        erasing.start()
        assert told() == {}
        erasing.join()


async def test_a_hub_stops_at_once_whoever_is_watching(hub, second):
    identify(hub, "watched-sam")
    with stream(second, "watched-sam") as told:
        assert told()["data"]["customerChanged"]
        async with Client(transport=transport(second)) as session:
            changes = session.subscribe(watch(second, "watched-sam"))
            await asyncio.wait_for(anext(changes), PATIENCE)
            begun = time.monotonic()
            assert await asyncio.to_thread(second.stop) == 0
            stopped = time.monotonic() - begun
            with pytest.raises(TransportConnectionFailed):
                await asyncio.wait_for(anext(changes), PATIENCE)
        assert told() == {}
    assert "graceful shutdown exceeded" not in second.log.read_text(), stopped
