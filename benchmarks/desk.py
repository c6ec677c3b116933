"""The service desk's one query beside a long ledger, over HTTP against a hub process.

    python -m benchmarks.desk [--rows N] [--requests N] [--write FILE.json]

The demo house with its personas and its crowd; the query is the console's own (`tests/contract/service_desk.graphql`):
who the customer is, their timeline, twenty things they were served with every item, grants, similar customers,
a new experience (recorded before it is answered) and an answer to a question. It is asked before the ledger is
filled and after. Of the N rows that fill it, fifty are each shopper's, as large as real ones; the others are of
customers whom nobody asks for, with a body of half a kilobyte: what counts is how many rows the indexes hold.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from pymongo import WriteConcern

from benchmarks import command
from benchmarks.serving import Client, free_port, server, until_ready
from benchmarks.shop import settings_for
from hub.app import open_services
from hub.auth.model import Scope
from hub.decisions.model import Channel
from hub.demo.crowd import crowd_messages, shoppers
from hub.demo.histories import messages
from hub.demo.house import load_house
from hub.demo.personas import load_personas
from hub.demo.play import install
from hub.kit.ids import new_id
from hub.ledger.chain import Head, chained, head_of
from hub.profiles.model import CustomerRef
from hub.store.database import Store
from resolvers.context import Services

DOCUMENT = Path(__file__).parent.parent / "tests" / "contract" / "service_desk.graphql"
OF_EACH = 50  # rows of a customer who is asked for
ROWS_OF_OTHERS = 40
TOGETHER = 2_000
QUESTIONS = ("how do I send something back?", "where is my parcel", "can I change my order", "who are you")
SMALL = b'{"format":1,"slots":[],"note":"' + b"x" * 480 + b'"}'


async def people(services: Services) -> list[str]:
    """Let the personas and the crowd come in; return their user ids."""
    house, now = load_house(), services.clock.now()
    told = [m for persona in load_personas() for m in messages(persona, house.content, now)]
    told += crowd_messages(house.content, now)
    for start in range(0, len(told), 500):
        receipt = await services.ingest.record(told[start : start + 500], source="benchmark")
        assert not receipt.rejected, receipt.rejected[0]
    await services.profiles.get_many(await services.profiles.page_of_ids(most=1_000))
    return [*(persona.user_id for persona in load_personas()), *(shopper.user_id for shopper in shoppers())]


def filling(template: dict[str, Any], profile_id: str, count: int, body: bytes) -> Iterator[dict[str, Any]]:
    """Yield the rows of one customer, chained, an hour apart and up to yesterday."""
    head: Head | None = None
    for number in range(count, 0, -1):
        row = {
            key: value for key, value in template.items() if key not in {"seq", "before", "lapses", "hash"}
        }
        row |= {"_id": new_id("srv"), "profile_id": profile_id, "body": body}
        if body == SMALL:
            del row["listing"]
        row["at"] = template["at"] - timedelta(days=1, hours=number)
        chained(row, head)
        head = head_of(row)
        yield row


async def fill(services: Services, store: Store, users: Sequence[str], rows: int) -> None:
    """Fill the ledger."""
    served = store.db["served"].with_options(write_concern=WriteConcern(1))
    sample = await services.experiences.assemble(
        CustomerRef("user_id", users[0]), channel=Channel.WEB, scenario="home"
    )
    template = await served.find_one({"_id": sample.served_id})
    assert template is not None
    await served.delete_many({})
    services.ledger.forget()
    waiting: list[dict[str, Any]] = []
    done = 0

    async def put(found: Iterator[dict[str, Any]], together: int) -> None:
        nonlocal waiting, done
        waiting += found
        if len(waiting) >= together:
            await served.insert_many(waiting, ordered=False)
            done += len(waiting)
            waiting = []

    for profile_id in await services.profiles.page_of_ids(most=1_000):
        await put(filling(template, profile_id, OF_EACH, template["body"]), OF_EACH)
    while done < rows:
        await put(filling(template, new_id("prf"), ROWS_OF_OTHERS, SMALL), TOGETHER)


async def plans(store: Store, profile_id: str) -> dict[str, float]:
    """Return how many keys and documents the query's readings of the ledger look at."""
    told: dict[str, float] = {}
    readings: dict[str, dict[str, Any]] = {
        "the latest 21 rows": {
            "find": "served", "filter": {"profile_id": {"$in": [profile_id]}}, "sort": {"at": -1, "_id": -1},
            "limit": 21,
        },
        "the end of the chain": {
            "find": "served", "filter": {"profile_id": {"$in": [profile_id]}, "seq": {"$gt": 0}},
            "sort": {"profile_id": -1, "seq": -1}, "limit": 1,
        },
    }  # fmt: skip
    for name, reading in readings.items():
        stats = (await store.db.command("explain", reading, verbosity="executionStats"))["executionStats"]
        told[f"{name}: keys looked at"] = stats["totalKeysExamined"]
        told[f"{name}: rows looked at"] = stats["totalDocsExamined"]
    return told


def asked(data: Path, key: str, users: Sequence[str], requests: int) -> tuple[list[float], float]:
    """Return the latencies of the query in ms, sorted, and the hub's CPU ms a request."""
    port = free_port()
    environment = {
        "TUTTI_DATA_DIR": str(data),
        "TUTTI_PORT": str(port),
        "TUTTI_LOG_LEVEL": "error",
        "TUTTI_STORE_DEADLINE": "30",  # a slow answer is a slow answer here, and no degraded one
    }
    document = DOCUMENT.read_text(encoding="utf-8")
    with server(["hub", "run"], port, environment) as hub:
        until_ready(port)
        client = Client(port, key)

        def post(number: int) -> None:
            variables = {
                "for": {"userId": users[number % len(users)]},
                "question": QUESTIONS[number % len(QUESTIONS)],
            }
            answer = client.post(json.dumps({"query": document, "variables": variables}).encode())
            if b'"errors"' in answer or b'"servedId":null' in answer:
                raise SystemExit(f"{answer[-1500:]!r}")

        for number in range(len(users)):  # every customer once: profiles folded, offers issued
            post(number)
        process = psutil.Process(hub.pid)
        begun = process.cpu_times()
        took = []
        for number in range(requests):
            start = time.perf_counter()
            post(number)
            took.append((time.perf_counter() - start) * 1000)
        ended = process.cpu_times()
        cpu = (ended.user + ended.system - begun.user - begun.system) / requests * 1000
    return sorted(took), cpu


async def prepare(data: Path) -> tuple[str, list[str]]:
    """Make the demo house; return an agent's key and the customers."""
    async with open_services(settings_for(data)) as (services, auth, _signer, _store):
        await install(services)
        await services.catalogue.refresh()
        return await auth.create_key(Scope.AGENT, "benchmark"), await people(services)


async def fill_it(data: Path, users: Sequence[str], rows: int) -> dict[str, float]:
    """Fill the ledger of the house; return what explain says."""
    async with open_services(settings_for(data)) as (services, _auth, _signer, store):
        await fill(services, store, users, rows)
        some = (await services.profiles.page_of_ids(most=1))[0]
        return {"rows in the ledger": await store.db["served"].estimated_document_count()} | await plans(
            store, some
        )


def measure(rows: int, requests: int) -> dict[str, float]:
    """Return every figure."""
    told: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="tutti-bench-") as folder:
        data = Path(folder) / "data"
        key, users = command.run(prepare(data))
        for name in ("short ledger", "long ledger"):
            if name == "long ledger":
                told |= command.run(fill_it(data, users, rows))
            took, cpu = asked(data, key, users, requests)
            told[f"{name}: p50 ms"] = statistics.median(took)
            told[f"{name}: p95 ms"] = took[int(len(took) * 0.95)]
            told[f"{name}: CPU ms of the hub"] = cpu
        told["p95, long / short"] = told["long ledger: p95 ms"] / told["short ledger: p95 ms"]
    return {what: round(figure, 2) for what, figure in told.items()}


def main() -> None:
    """Run from the command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=500)
    given = parser.parse_args()
    told = measure(given.rows, given.requests)
    command.tell("The service desk's query", told, given.write)


if __name__ == "__main__":
    main()
