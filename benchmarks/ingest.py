"""Ingest, against what the same engine does with bare `insert_many` of the same documents.

    python -m benchmarks.ingest [--write FILE.json] [--customers 1000] [--events 20]

Twice: one sender whose batches of 100 are of a hundred customers, and eight at once with batches of 20.
"Acknowledged" is what a client waits for; "projected" is until every profile is folded.

The yardstick gets everything else for nothing. It writes the same documents, as they lie in the store, by the same
driver with the same write concern (majority, journaled), by as many senders in batches of the same size, into
a new collection without indexes and without a validator, where nothing has to be checked, encoded from messages,
looked up or told. "With the indexes of events" is the same into a collection that is declared as `events` is.
The clock is blurred by whatever else the machine does; CPU, of the hub and of MongoDB together, is less so.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import command
from benchmarks.shop import contents_of, history, settings_for
from hub.app import open_services
from hub.catalogue.model import BrandFacts
from hub.kit.memory import settle
from hub.store.collections import COLLECTIONS
from hub.store.database import Store

ITEMS = 1_000
ROUNDS = 3
SENDERS = ((1, 100), (8, 20))  # how many at once, events in a batch


@dataclass(frozen=True, slots=True)
class Cost:
    """What something took: seconds by the clock, and of CPU by this process and the server beside it."""

    seconds: float
    cpu: float


class Meter:
    """Reads the clocks; the server is the child process."""

    def __init__(self) -> None:
        self._processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        self._seconds, self._cpu = time.perf_counter(), self._spent()

    def _spent(self) -> float:
        return sum(times.user + times.system for times in (one.cpu_times() for one in self._processes))

    def read(self) -> Cost:
        """Return what was taken since the meter was made."""
        return Cost(time.perf_counter() - self._seconds, self._spent() - self._cpu)


async def sent(
    things: Sequence[Any], send: Callable[[Sequence[Any]], Awaitable[Any]], senders: int, batch: int
) -> Cost:
    """Return what it costs to send things in batches, by so many senders at once."""
    batches = iter([things[start : start + batch] for start in range(0, len(things), batch)])

    async def one() -> None:
        for each in batches:
            await send(each)

    meter = Meter()
    await asyncio.gather(*(one() for _ in range(senders)))
    return meter.read()


async def bare(
    store: Store, name: str, documents: Sequence[Any], senders: int, batch: int, *, declared: bool
) -> Cost:
    """Return what writing the same documents costs; the middle one of some rounds."""
    [spec] = [spec for spec in COLLECTIONS if spec.name == "events"]
    costs = []
    for n in range(ROUNDS):
        collection = await store.db.create_collection(
            f"{name}_{n}", **({"validator": spec.validator} if declared else {})
        )
        if declared:
            await collection.create_indexes(list(spec.indexes))
        costs.append(
            await sent(documents, lambda part: collection.insert_many(part, ordered=False), senders, batch)  # noqa: B023 - awaited here
        )
    return Cost(
        *(statistics.median(values) for values in zip(*((c.seconds, c.cpu) for c in costs), strict=True))
    )


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
        settle()  # as a hub does before it answers
        found: dict[str, float] = {"events": len(messages)}
        for senders, batch in SENDERS:
            name = f"{senders} x {batch}"
            own = [{**message, "messageId": f"{message['messageId']}-{senders}"} for message in messages]
            meter = Meter()
            taken = await sent(
                own, lambda part: services.ingest.record(part, source="benchmark"), senders, batch
            )
            stored = await store.db["events"].find({"_id": {"$in": [m["messageId"] for m in own]}}).to_list()
            if len(stored) != len(own):
                raise SystemExit(f"{len(own)} events were sent, {len(stored)} are stored")
            waited = meter.read().seconds - taken.seconds  # the reading just now is not ingest's
            await services.ingest.recover()
            projected = meter.read().seconds - waited
            plain = await bare(store, f"bare_{senders}", stored, senders, batch, declared=False)
            declared = await bare(store, f"declared_{senders}", stored, senders, batch, declared=True)
            count = len(own)
            found |= {
                f"{name}: events a second, acknowledged": round(count / taken.seconds),
                f"{name}: events a second, projected": round(count / projected),
                f"{name}: bare insert_many, documents a second": round(count / plain.seconds),
                f"{name}: acknowledged / bare": round(plain.seconds / taken.seconds, 2),
                f"{name}: projected / bare": round(plain.seconds / projected, 2),
                f"{name}: acknowledged / bare with the indexes of events": round(
                    declared.seconds / taken.seconds, 2
                ),
                f"{name}: CPU us an event, acknowledged": round(taken.cpu / count * 1e6),
                f"{name}: CPU us a document, bare": round(plain.cpu / count * 1e6),
                f"{name}: acknowledged / bare, by CPU": round(plain.cpu / taken.cpu, 2),
            }
    return found


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
