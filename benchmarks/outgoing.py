"""What it costs to record what leaves the hub, and how fast a batch of email is rendered.

    python -m benchmarks.outgoing [--customers N] [--write FILE.json]

The ledger: rows of 40 kB, each durable before the next (and sixteen at a time), beside bare inserts of the
same documents into a collection of the same server: what the chain and the service add to the median. The
batch: the demo house, N customers of whom each has granted email and looked at three things.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hub.app import open_services
from hub.channels.batch import EmailBatch
from hub.config import Settings
from hub.demo.house import load_house
from hub.demo.play import install
from hub.kit.clock import SystemClock, isoformat
from hub.kit.ids import new_id
from hub.ledger.model import Served
from hub.ledger.repository import served_document
from hub.ledger.service import LedgerService
from hub.store.database import Store
from resolvers.context import Services

ROWS = 300
BODY = b'{"slots":[' + b'"' + b"x" * 40_000 + b'"]}'
GRANT = {"purpose": "EMAIL_MARKETING", "channel": "EMAIL", "state": "GRANTED"}


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

    told: dict[str, float] = {}
    for at_once in (1, 16):
        ours: list[float] = []
        theirs: list[float] = []
        for turn in range(4):
            rows = [row(turn * 1000 + number) for number in range(ROWS // 4)]
            ours.append(await median(ledger.record, rows, at_once))
            theirs.append(await median(insert, [replace(r, id=new_id("srv")) for r in rows], at_once))
        told[f"ledger row, {at_once} at once: ms"] = statistics.median(ours)
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


async def batch_rate(services: Services, store: Store, customers: int, folder: Path) -> dict[str, float]:
    """Measure a batch."""
    await install(services)
    await services.catalogue.refresh()
    await people(services, customers)
    batch = EmailBatch(store, services.profiles, services.experiences, services.ledger, services.clock)
    began = time.perf_counter()
    state = await batch.run("bench", "newsletter", {}, folder / "messages.jsonl", lambda _: None)
    taken = time.perf_counter() - began
    return {
        "customers": customers,
        "messages rendered and recorded": state.rendered,
        "rows in the ledger": await store.db["served"].count_documents({"channel": "EMAIL"}),
        "batch: seconds": taken,
        "batch: messages a second, one process": state.rendered / taken,
    }


async def _measure(customers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tutti-bench-") as folder:
        settings = Settings(data_dir=Path(folder) / "data", log_level="error", store_deadline=60.0)
        async with open_services(settings) as (services, _auth, _signer, store):
            told = await ledger_cost(store)
            return told | await batch_rate(services, store, customers, Path(folder))


def measure(customers: int = 2_000) -> dict[str, float]:
    """Return every figure."""
    return {what: round(figure, 3) for what, figure in asyncio.run(_measure(customers)).items()}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    told = measure(arguments.customers)
    table = Table("what", "figure", title="What leaves the hub")
    for what, figure in told.items():
        table.add_row(what, f"{figure:g}")
    Console().print(table)
    if arguments.write:
        arguments.write.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
