"""How soon a process tells of what another one took, and what looking costs while nothing happens.

    python -m benchmarks.watching [--customers 1000] [--events 30] [--write FILE.json]

So many customers with a short history each in the embedded store. A second process watches them all; this one
takes one event at a time, and is told by the other when its stream told of it. Then the second process looks
at one, a hundred and all of them, as it does four times a second, and says what a look costs. Vectors are
drawn: what is measured is the store, the fold and the watch.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks import command
from benchmarks.freshness import Drawn
from benchmarks.shop import contents_of, history, settings_for
from embeddings.cache import CachedEncoder
from hub.catalogue.model import BrandFacts
from hub.catalogue.service import CatalogueService
from hub.events.service import IngestService
from hub.kit.clock import SystemClock
from hub.profiles.model import CustomerRef
from hub.profiles.service import ProfileService
from hub.profiles.watching import WatchService
from hub.store.database import open_store

ITEMS = 200
LOOKS = 40


@asynccontextmanager
async def rooms(folder: Path) -> AsyncIterator[tuple[CatalogueService, ProfileService, IngestService]]:
    """Open what watching and taking events need."""
    async with open_store(settings_for(folder)) as store:
        encoder = CachedEncoder(Drawn())
        catalogue = CatalogueService(store, encoder, SystemClock())
        await catalogue.refresh()
        profiles = ProfileService(store, lambda: catalogue.snapshot, encoder)
        yield catalogue, profiles, IngestService(store, profiles, SystemClock())


def say(what: Any) -> None:
    """Tell the first process something."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def follow(folder: Path, customers: int) -> None:
    """Be the second process: say when each watch tells of something, and at last what a look costs."""
    async with rooms(folder) as (_, profiles, _):
        watches = WatchService(profiles, most=customers, most_per_key=customers)
        begun = asyncio.Semaphore(0)

        async def watch(number: int) -> None:
            seen = 0
            async for _ in watches.watch(CustomerRef("user_id", f"customer-{number}"), key="bench"):
                begun.release()
                seen += 1
                if seen > 1:
                    say({"told": time.time()})

        watching = [asyncio.create_task(watch(number)) for number in range(customers)]
        for _ in watching:
            await begun.acquire()
        say("ready")
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        ids = list(watches._watches)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        for count in sorted({1, min(100, customers), customers}):
            walls, cpu = [], time.process_time()
            for _ in range(LOOKS):
                began = time.perf_counter()
                await profiles.repository.versions(ids[:count])
                walls.append(time.perf_counter() - began)
            cost = (time.process_time() - cpu) / LOOKS
            say({"watched": count, "cpu": cost * 1000, "wall": statistics.median(walls) * 1000})


async def measure(folder: Path, customers: int, events: int) -> dict[str, float]:
    """Return the figures."""
    found: dict[str, float] = {}
    async with rooms(folder) as (catalogue, _, ingest):
        await catalogue.put_brand_facts([BrandFacts(key="bench", name="Bench", voice="Exact.")])
        await catalogue.put_contents(contents_of(ITEMS))
        now = SystemClock().now()
        for number in range(customers):
            await ingest.record(list(history(number, ITEMS, now, length=20)), source="bench")
        command = [sys.executable, "-m", "benchmarks.watching", "--follow", str(folder)]
        other = await asyncio.create_subprocess_exec(
            *command, "--customers", str(customers), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, env={**os.environ, "TUTTI_LOG_LEVEL": "error"},
        )  # fmt: skip
        assert other.stdin is not None
        assert other.stdout is not None

        async def heard() -> Any:
            while True:
                line = await other.stdout.readline()
                if line.startswith((b"{", b'"')):
                    return json.loads(line)

        assert await heard() == "ready"
        sent, acknowledged = [], []
        for number in range(events):
            await asyncio.sleep(0.05 + 0.37 * (number % 7) / 7)  # at every phase of the other's looks
            message = {
                "type": "track", "event": "Product Viewed", "userId": f"customer-{number % customers}",
                "messageId": f"watched-{number}", "properties": {"product_id": f"item-{number % ITEMS}"},
            }  # fmt: skip
            began = time.time()
            await ingest.record([message], source="bench")
            done = time.time()
            told = (await heard())["told"]
            sent.append(told - began)
            acknowledged.append(max(0.0, told - done))
        found["told elsewhere after it was sent, ms, median"] = round(statistics.median(sent) * 1000)
        found["told elsewhere after it was sent, ms, at most"] = round(max(sent) * 1000)
        found["after it was acknowledged, ms, median"] = round(statistics.median(acknowledged) * 1000)
        other.stdin.write(b"done\n")
        for _ in range(len({1, min(100, customers), customers})):
            cost = await heard()
            found[f"one look at {cost['watched']} watched, CPU ms"] = round(cost["cpu"], 2)
            found[f"one look at {cost['watched']} watched, ms, median"] = round(cost["wall"], 2)
        await other.wait()
    return found


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--follow", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.follow:
        command.run(follow(arguments.follow, arguments.customers))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = command.run(measure(Path(folder), arguments.customers, arguments.events))
    command.tell("A customer watched from another process", found, arguments.write)


if __name__ == "__main__":
    main()
