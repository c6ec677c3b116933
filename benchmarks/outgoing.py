"""What it costs to record what leaves the hub, and how fast a batch of email is rendered.

    python -m benchmarks.outgoing [--customers N] [--experiences N] [--write FILE.json]

The experience: the home page of the demo house for customers in turn, once with the ledger and once with one that takes a
row and keeps nothing, one after the other, so that both meet the same machine: what the ledger adds to the median.
The hub does besides what a running one does, and has settled its memory. The row: 23 kB, each durable before the next
(and sixteen at a time), beside bare inserts of the same documents into a collection of the same server. The answer: the
contract's web document, which is completed and spelled while its row is written. The batch: N customers, of whom each has
granted email and looked at three things.
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from benchmarks import command
from hub import background
from hub.app import open_services
from hub.auth.model import Caller, Scope
from hub.channels.batch import EmailBatch
from hub.channels.renderers import renderers, spare_processors
from hub.config import Settings
from hub.decisions.model import Channel
from hub.demo.house import load_house
from hub.demo.play import install
from hub.kit.canonical import canonical
from hub.kit.clock import SystemClock, isoformat
from hub.kit.ids import new_id
from hub.kit.memory import settle
from hub.ledger.model import Served
from hub.ledger.repository import served_document
from hub.ledger.service import LedgerService
from hub.profiles.model import CustomerRef
from hub.store.database import Store
from hub.web.graphql import graphql_app
from resolvers.context import Context, Services
from schema.schema import build

WEB_PAGE = (Path(__file__).parent.parent / "tests" / "contract" / "web.graphql").read_text()
ROWS = 300
LAYERS, ITEMS, WORDS = 13, 16, 110
GRANT = {"purpose": "EMAIL_MARKETING", "channel": "EMAIL", "state": "GRANTED"}


def body() -> bytes:
    """Return a body of 23 kB that packs to 7 as a real one does: words, and numbers that differ."""
    drawn = random.Random(5)
    items = [
        {
            "content": {"key": f"item-{n}", "summary": " ".join(f"{drawn.getrandbits(24):x}" for _ in range(WORDS))},
            "told": "the same names of the same fields again and again " * 9,
            "why": {
                "scores": [drawn.random() if layer < 5 else 0.0 for layer in range(LAYERS)],
                "ranks_before": [drawn.randrange(400) for _ in range(LAYERS)],
            },
        }
        for n in range(ITEMS)
    ]  # fmt: skip
    return canonical({"slots": [{"items": items}]})


BODY = body()


def row(customer: int) -> Served:
    """A row of usual size."""
    now = SystemClock().now()
    return Served(
        id=new_id("srv"),
        at=now,
        profile_id=f"prf_bench_{customer}",
        channel="WEB",
        scenario_key="home",
        scenario_version=1,
        configuration_version="cfg_bench",
        profile_version=1,
        body=BODY,
        expires_at=now + timedelta(days=400),
    )


async def median(writing: Callable[[Served], Awaitable[Any]], rows: list[Served], at_once: int) -> float:
    """Return the median time of a write in milliseconds, so many going on at once."""
    taken: list[float] = []
    free = asyncio.Semaphore(at_once)

    async def one(each: Served) -> None:
        async with free:
            began = time.perf_counter()
            await writing(each)
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(one(each) for each in rows))
    return statistics.median(taken) * 1e3


async def ledger_cost(store: Store) -> dict[str, float]:
    """Measure the ledger beside bare inserts, in turns, so that both meet the same machine."""
    ledger, bare = LedgerService(store, SystemClock()), store.db["bench_bare"]

    async def insert(each: Served) -> None:
        await bare.insert_one(served_document(each))

    async def add(each: Served) -> None:
        """Record a row of somebody whose chain's end came along with the profile, as an experience has it."""
        ledger.expect(each.profile_id or "", {"served": ()}, time.monotonic())
        await ledger.record(each)

    told: dict[str, float] = {}
    for at_once in (1, 16):
        ours: list[float] = []
        added: list[float] = []
        theirs: list[float] = []
        for turn in range(4):
            rows = [row(turn * 1000 + number) for number in range(ROWS // 4)]
            ours.append(await median(ledger.record, rows, at_once))
            strangers = [row(at_once * 10_000 + turn * 1000 + number) for number in range(ROWS // 4)]
            added.append(await median(add, strangers, at_once))
            theirs.append(await median(insert, [replace(r, id=new_id("srv")) for r in rows], at_once))
        told[f"ledger row, {at_once} at once: ms"] = statistics.median(ours)
        told[f"ledger row, its chain's end known, {at_once} at once: ms"] = statistics.median(added)
        told[f"bare insert, {at_once} at once: ms"] = statistics.median(theirs)
        told[f"ledger row, {at_once} at once: ms more than bare"] = statistics.median(
            ours
        ) - statistics.median(theirs)
    report = await ledger.verify()
    told["faults of the chain"] = len(report.faults)
    await store.db["served"].delete_many({})
    await bare.drop()
    return told


async def people(services: Services, customers: int) -> None:
    """Make customers who may be written to."""
    keys = [content.key for content in load_house().contents]
    now = isoformat(services.clock.now())
    for start in range(0, customers, 500):
        messages: list[dict[str, Any]] = []
        for number in range(start, min(start + 500, customers)):
            who = {"userId": f"bench-{number}", "timestamp": now}
            traits = {"email": f"bench-{number}@customers.example", "country": "GB"}
            messages.append({**who, "type": "identify", "messageId": f"b{number}", "traits": traits})
            messages.append(
                {
                    **who,
                    "type": "track",
                    "messageId": f"b{number}-c",
                    "event": "Consent Preference Updated",
                    "properties": GRANT,
                }
            )
            messages += [
                {
                    **who,
                    "type": "track",
                    "messageId": f"b{number}-{step}",
                    "event": "Product Viewed",
                    "properties": {"product_id": keys[(number * 7 + step * 3) % len(keys)]},
                }
                for step in range(3)
            ]
        receipt = await services.ingest.record(messages, source="benchmark")
        assert not receipt.rejected, receipt.rejected[0]


class NoLedger:
    """Takes rows and keeps nothing; otherwise the ledger."""

    def __init__(self, ledger: LedgerService) -> None:
        self.latest, self.beside = ledger.latest, ledger.beside
        self.bytes = 0

    def expect(self, profile_id: str, told: object = None, asked_at: float = 0.0) -> None:
        """Take note of nothing."""

    async def record(self, served: Served) -> None:
        """Return at once."""
        self.bytes += len(served.body)


async def experience_cost(services: Services, customers: int, rounds: int, at_once: int) -> dict[str, float]:
    """Measure what the ledger adds to the median experience of `customers`, so many being made side by side."""
    none = NoLedger(services.ledger)
    without = copy(services.experiences)
    without._ledger = none
    taken: dict[bool, list[float]] = {True: [], False: []}

    async def one(number: int, kept: bool) -> None:
        service = services.experiences if kept else without
        began = time.perf_counter()
        await service.assemble(
            CustomerRef("user_id", f"bench-{number}"), channel=Channel.WEB, scenario="home"
        )
        taken[kept].append(time.perf_counter() - began)

    known = min(rounds, customers, 400)
    for number in range(known):  # folded and issued before it is measured
        await one(number, False)
    settle()
    taken[False].clear()
    none.bytes = 0
    for start in range(0, rounds, at_once):
        order = (True, False) if start // at_once % 2 else (False, True)
        for kept in order:
            await asyncio.gather(*(one((start + n) % known, kept) for n in range(at_once)))
    with_it, without_it = statistics.median(taken[True]) * 1e3, statistics.median(taken[False]) * 1e3
    name = f"experience, {at_once} at once"
    return {
        f"{name}: ms with the ledger": with_it,
        f"{name}: ms without": without_it,
        f"{name}: ms that the ledger adds to the median": with_it - without_it,
        f"{name}: with / without": with_it / without_it,
        f"{name}: kB a row": none.bytes / len(taken[False]) / 1e3,
    }


async def answer_cost(services: Services, customers: int, rounds: int) -> dict[str, float]:
    """Measure what the ledger adds to the median answer of the contract's web document, asked one at a time."""
    without = copy(services.experiences)
    without._ledger = NoLedger(services.ledger)
    caller = Caller(Scope.ADMIN, "benchmark")
    clients = {}
    for kept, one in ((True, services), (False, replace(services, experiences=without))):

        async def context(_headers: Mapping[str, str], one: Services = one) -> Context:
            return Context(one, caller, one.clock.now())

        app = graphql_app(build(), context, services.settings)
        clients[kept] = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub")
    taken: dict[bool, list[float]] = {True: [], False: []}
    known = min(rounds, customers, 400)
    for number in range(-known, rounds):
        who = {"userId": f"bench-{number % known}"}
        asked = {
            "query": WEB_PAGE,
            "operationName": "WebPage",
            "variables": {"for": who, "scenario": "home", "first": 12},
        }
        for kept in (True, False) if number % 2 else (False, True):
            began = time.perf_counter()
            reply = await clients[kept].post("/graphql", json=asked)
            if number >= 0:
                taken[kept].append(time.perf_counter() - began)
            assert "errors" not in reply.json(), reply.text[:500]
        if number == -1:
            settle()
    for client in clients.values():
        await client.aclose()
    with_it, without_it = statistics.median(taken[True]) * 1e3, statistics.median(taken[False]) * 1e3
    return {
        "answer: ms with the ledger": with_it,
        "answer: ms without": without_it,
        "answer: ms that the ledger adds to the median": with_it - without_it,
        "answer: with / without": with_it / without_it,
    }


async def batch_rate(services: Services, store: Store, customers: int, folder: Path) -> dict[str, float]:
    """Measure a batch."""
    await store.db["served"].delete_many({})
    services.ledger.forget()
    count = spare_processors()
    with renderers(count) as others:
        side_by_side = services.experiences.side_by_side(services.profiles, services.offers, others)
        batch = EmailBatch(
            store,
            services.profiles,
            side_by_side,
            services.ledger,
            services.clock,
            segments=services.segments,
        )
        began, computing = time.perf_counter(), time.process_time()
        state = await batch.run("bench", "newsletter", {}, folder / "messages.jsonl", lambda _: None)
        taken = time.perf_counter() - began
        computed = time.process_time() - computing
    return {
        "customers": customers,
        "messages rendered and recorded": state.rendered,
        "rows in the ledger": await store.db["served"].count_documents({"channel": "EMAIL"}),
        "batch: seconds": taken,
        "batch: processes that render": count,
        "batch: messages a second": state.rendered / taken,
        "batch: CPU ms a message of the deciding process": computed / state.rendered * 1e3,
    }


async def _measure(customers: int, experiences: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tutti-bench-") as folder:
        settings = Settings(data_dir=Path(folder) / "data", log_level="error", store_deadline=60.0)
        async with open_services(settings) as (services, _auth, _signer, store):
            async with background.running(services, store):
                told = await ledger_cost(store)
                await install(services)
                await services.catalogue.refresh()
                await people(services, customers)
                for at_once in (1, 8):
                    told |= await experience_cost(services, customers, experiences, at_once)
                told |= await answer_cost(services, customers, experiences)
            return told | await batch_rate(services, store, customers, Path(folder))


def measure(customers: int = 2_000, experiences: int = 800) -> dict[str, float]:
    """Return every figure."""
    found = command.run(_measure(customers, experiences))
    return {what: round(figure, 3) for what, figure in found.items()}


def main() -> None:
    """Run from the command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--experiences", type=int, default=800)
    arguments = parser.parse_args()
    told = measure(arguments.customers, arguments.experiences)
    command.tell("What leaves the hub", told, arguments.write)


if __name__ == "__main__":
    main()
