"""What a merge and a split cost as the history of a customer grows: it moves pointers, never events.

    python -m benchmarks.merging [--write FILE.json] [--events 10,100,1000,10000,100000] [--rounds 15]

Two customers with so many events each; "merge" and "split" are the service's own calls, with the intent, the
transaction and the fold of whoever is answered. Events are `page` views and product views in turn. CPU is this
process's own (MongoDB not counted); it is blurred less than the clock by what else runs on the machine.
"""

import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks import command
from benchmarks.shop import contents_of, settings_for
from hub.app import open_services
from hub.catalogue.model import BrandFacts
from hub.profiles.identity import parse_ref
from resolvers.context import Services

ITEMS = 200
BATCH = 2_000
KEYS = [content.key for content in contents_of(ITEMS)]


async def grow(services: Services, user: str, events: int) -> None:
    """Let a customer do so many things."""
    for start in range(0, events, BATCH):
        messages: list[dict[str, Any]] = [
            {"type": "page", "name": "Home", "userId": user, "messageId": f"{user}-{n}"}
            if n % 2
            else {
                "type": "track",
                "event": "Product Viewed",
                "userId": user,
                "messageId": f"{user}-{n}",
                "properties": {"product_id": KEYS[n % ITEMS]},
            }
            for n in range(start, min(start + BATCH, events))
        ]
        await services.ingest.record(messages, source="benchmark")


async def measure(folder: Path, sizes: list[int], rounds: int) -> dict[str, float]:
    """Return medians in ms; all sizes take turns in each round, so that what else runs disturbs all alike."""
    taken: dict[str, list[float]] = defaultdict(list)
    async with open_services(settings_for(folder)) as (services, _auth, _signer, _store):
        await services.catalogue.put_brand_facts([BrandFacts(key="bench", name="Bench", voice="Exact.")])
        await services.catalogue.put_contents(contents_of(ITEMS))
        pairs = {}
        for size in sizes:
            pairs[size] = [parse_ref("user_id", f"{name}{size}") for name in ("a", "b")]
            for ref in pairs[size]:
                await grow(services, ref.value, size)
        for _ in range(rounds):
            for size, (one, other) in pairs.items():
                for what, doing in (
                    ("merge", services.merges.merge(one, [other], by="benchmark")),
                    ("split", services.merges.split(one, [other], by="benchmark")),
                ):
                    begun, spent = time.perf_counter(), time.process_time()
                    await doing
                    taken[f"{what}, ms, {size} events each"].append(time.perf_counter() - begun)
                    taken[f"{what}, CPU ms, {size} events each"].append(time.process_time() - spent)
    return {name: round(statistics.median(seconds) * 1000, 1) for name, seconds in taken.items()}


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--events", default="10,100,1000,10000,100000")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.events.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        found = command.run(measure(Path(folder), sizes, arguments.rounds))
    columns = [f"{what}, {unit}" for unit in ("ms", "CPU ms") for what in ("merge", "split")]
    table = Table("events each", *columns, "merge / first", title="Merging as histories grow")
    first = found[f"merge, ms, {sizes[0]} events each"]
    for size in sizes:
        values = [found[f"{column}, {size} events each"] for column in columns]
        table.add_row(f"{size:,}", *(f"{value:g}" for value in values), f"{values[0] / first:.2f}")
    command.CONSOLE.print(table)
    command.keep(found, arguments.write)


if __name__ == "__main__":
    main()
