"""Ingest, against what the same engine does with bare `insert_many` of the same documents.

    python -m benchmarks.ingest [--write FILE.json] [--customers 1000] [--events 20]

Both are acknowledged by a majority, journaled, in batches of 100. "Acknowledged" is what a client
waits for; "projected" is until every profile is folded.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import command
from benchmarks.shop import contents_of, history, settings_for
from hub.app import open_services
from hub.catalogue.model import BrandFacts

ITEMS = 1_000
BATCH = 100
ROUNDS = 3


async def measure(folder: Path, customers: int, events: int) -> dict[str, float]:
    """Return events a second, and the ratios."""
    async with open_services(settings_for(folder)) as (services, _auth, _signer, store):
        await services.catalogue.put_brand_facts([BrandFacts(key="bench", name="Bench", voice="Exact.")])
        await services.catalogue.put_contents(contents_of(ITEMS))
        at = services.clock.now()
        messages: list[dict[str, Any]] = []
        # As they come in life: customers in turn, not one after the other.
        for turn in zip(*(list(history(c, ITEMS, at, length=events)) for c in range(customers)), strict=True):
            messages += turn
        begun = time.perf_counter()
        for start in range(0, len(messages), BATCH):
            await services.ingest.record(messages[start : start + BATCH], source="benchmark")
        acknowledged = time.perf_counter() - begun
        await services.ingest.recover()
        projected = time.perf_counter() - begun
        stored = [document async for document in store.db["events"].find()]
        if len(stored) != len(messages):
            raise SystemExit(f"{len(messages)} events were sent, {len(stored)} are stored")
        bare = []
        for n in range(ROUNDS):
            collection = store.db[f"bare_{n}"]
            begun = time.perf_counter()
            for start in range(0, len(stored), BATCH):
                await collection.insert_many(stored[start : start + BATCH], ordered=False)
            bare.append(time.perf_counter() - begun)
        least = sorted(bare)[ROUNDS // 2]
    return {
        "events": len(messages),
        "events a second, acknowledged": round(len(messages) / acknowledged),
        "events a second, projected": round(len(messages) / projected),
        "bare insert_many, documents a second": round(len(messages) / least),
        "acknowledged / bare": round(least / acknowledged, 2),
        "projected / bare": round(least / projected, 2),
    }


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=20)
    arguments = parser.parse_args()
    command.step(f"{arguments.customers} customers, {arguments.events} events each")
    with tempfile.TemporaryDirectory() as folder:
        found = command.run(measure(Path(folder), arguments.customers, arguments.events))
    command.tell("Ingest", found, arguments.write)


if __name__ == "__main__":
    main()
