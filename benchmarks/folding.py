"""What one more event costs a profile as its history grows, and how fast large batches reach the profiles.

    python -m benchmarks.folding [--write FILE.json] [--histories 10 100 1000 5000] [--customers 400]

"One more event" is recorded alone: when it is acknowledged, its profile is folded. "To decision" is from
sending an event to holding an experience that knows of it. Orders have 20 lines and come in batches of
100 for customers in turn, five each; they are "projected" when every profile is folded. The yardstick is
a bare write of as many documents, one by one or in the same batches, acknowledged the same way. CPU is this
process's own (MongoDB not counted); it is blurred less than the clock by what else runs on the machine.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads that wait by spinning would count as work

import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import command
from benchmarks.shop import CATEGORIES, contents_of, settings_for
from hub.app import open_services
from hub.catalogue.model import BrandFacts
from hub.decisions.model import Channel
from hub.profiles.model import CustomerRef
from hub.store.database import Store
from resolvers.context import Services

ITEMS = 3_000
BATCH = 100
LINES = 20
ORDERS = 5  # of each customer
ROUNDS = 60  # events measured at each length of history
WARM = 5


def happening(customer: str, number: int, at: datetime, *, lines: int = 1, liked: int = 4) -> dict[str, Any]:
    """Return a view of an item, or an order of several, around `liked` categories, within the last 200 days."""
    rng = np.random.default_rng([number, *customer.encode()])
    around = np.random.default_rng([*customer.encode()]).permutation(CATEGORIES)[:liked]
    items = rng.choice(around, lines) + CATEGORIES * rng.integers(0, ITEMS // CATEGORIES, lines)
    products = [{"product_id": f"item-{item}", "quantity": 1} for item in items]
    order = lines > 1 or number % 7 == 0
    message_id = f"{customer}-{number}"
    return {
        "type": "track",
        "userId": customer,
        "messageId": message_id,
        "event": "Order Completed" if order else "Product Viewed",
        "timestamp": (at - timedelta(days=float(rng.random() * 200))).isoformat(),
        "properties": {"products": products, "order_id": message_id} if order else products[0],
    }


async def bare(store: Store, documents: Sequence[dict[str, Any]], *, together: int) -> float:
    """Return the seconds of writing documents with nothing else."""
    collection = store.db["bare"]
    begun = time.perf_counter()
    for start in range(0, len(documents), together):
        await collection.insert_many([{**one} for one in documents[start : start + together]], ordered=False)
    return time.perf_counter() - begun


async def one_more(services: Services, store: Store, length: int, at: datetime) -> dict[str, float]:
    """Measure single events for a customer of whom `length` are known."""
    name = f"customer-of-{length}"
    for start in range(0, length, 500):
        part = range(start, min(start + 500, length))
        await services.ingest.record(
            [happening(name, n, at, liked=CATEGORIES) for n in part], source="benchmark"
        )
    took, decided, yardstick, worked = [], [], [], []
    for n in range(length, length + ROUNDS + WARM):
        message = happening(name, n, at, liked=CATEGORIES)
        begun, cpu = time.perf_counter(), time.process_time()
        await services.ingest.record([message], source="benchmark")
        worked.append(time.process_time() - cpu)
        recorded = time.perf_counter()
        shown = await services.experiences.assemble(
            CustomerRef("user_id", name), channel=Channel.WEB, scenario="home"
        )
        ended = time.perf_counter()
        if shown.decision.degraded is not None:
            raise SystemExit(f"a degraded decision: {shown.decision.degraded.code}")
        took.append(recorded - begun)
        decided.append(ended - begun)
        yardstick.append(await bare(store, [message], together=1))
    took, decided, yardstick = took[WARM:], decided[WARM:], yardstick[WARM:]
    middle = statistics.median(took)
    return {
        f"one more event after {length}: CPU ms": round(statistics.median(worked[WARM:]) * 1000, 2),
        f"one more event after {length}: p50 ms": round(middle * 1000, 1),
        f"one more event after {length}: p50 / bare write": round(middle / statistics.median(yardstick), 1),
        f"event to decision after {length}: p99 ms": round(
            sorted(decided)[int(len(decided) * 0.99)] * 1000, 1
        ),
    }


async def orders(services: Services, store: Store, customers: int, at: datetime) -> dict[str, float]:
    """Measure orders of many lines, for many customers."""
    messages = [
        happening(f"buyer-{customer}", number, at, lines=LINES)
        for number in range(ORDERS)
        for customer in range(customers)
    ]
    begun, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(messages), BATCH):
        await services.ingest.record(messages[start : start + BATCH], source="benchmark")
    acknowledged = time.perf_counter() - begun
    await services.ingest.recover()
    projected, worked = time.perf_counter() - begun, time.process_time() - cpu
    behind = await store.db["events"].count_documents({"projected": False})
    if behind:
        raise SystemExit(f"{behind} events are not in their profiles")
    least = await bare(store, messages, together=BATCH)
    return {
        f"orders of {LINES} lines a second, acknowledged": round(len(messages) / acknowledged),
        f"orders of {LINES} lines a second, projected": round(len(messages) / projected),
        f"an order of {LINES} lines to its profile: CPU ms": round(worked / len(messages) * 1000, 2),
        "acknowledged / bare": round(least / acknowledged, 2),
        "projected / bare": round(least / projected, 2),
    }


async def measure(folder: Path, histories: Sequence[int], customers: int) -> dict[str, float]:
    """Return milliseconds and events a second, and the ratios that outlive this machine."""
    async with open_services(settings_for(folder)) as (services, _auth, _signer, store):
        await services.catalogue.put_brand_facts([BrandFacts(key="bench", name="Bench", voice="Exact.")])
        await services.catalogue.put_contents(contents_of(ITEMS))
        at = services.clock.now()
        found: dict[str, float] = {}
        for length in histories:
            found |= await one_more(services, store, length, at)
        first, last = (f"one more event after {length}: CPU ms" for length in (histories[0], histories[-1]))
        found[f"CPU of one more event, after {histories[-1]} / after {histories[0]}"] = round(
            found[last] / found[first], 1
        )
        return found | await orders(services, store, customers, at)


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--histories", type=int, nargs="+", default=[10, 100, 1_000, 5_000])
    parser.add_argument("--customers", type=int, default=400)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = command.run(measure(Path(folder), arguments.histories, arguments.customers))
    command.tell("Folding", found, arguments.write)


if __name__ == "__main__":
    main()
