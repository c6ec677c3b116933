"""The demand outlook: how long it takes for many customers, and how near it comes to asking everybody.

    python -m benchmarks.demand [--customers N] [--histories N] [--workers N] [--write FILE.json]

The demo house with N profiles made of fewer histories (shoppers as in the demo's crowd), some of which are many
people's and some few's (multiplicities follow 1 / rank): a history is ingested once, and its profile copied under new ids. So the full
enumeration is known without N decisions: every history is asked `--truth` times under different ids (a layer may
draw by id) and weighed by how many people have it. The outlook knows nothing of that; it draws from N ids.
"""

import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from pymongo import WriteConcern

from benchmarks import command
from benchmarks.shop import settings_for
from hub.app import open_services
from hub.catalogue import learning, popularity
from hub.cli.insights import open_demand
from hub.decisions.model import Channel
from hub.demo.crowd import Shopper, crowd_messages, load_circles
from hub.demo.house import load_house
from hub.demo.play import install
from hub.insights.demand import WORTH_KNOWING, DemandOutlook
from hub.insights.outlook import Question
from hub.insights.workers import workers
from hub.kit.ids import new_id
from hub.store.database import Store
from resolvers.context import Services

TOGETHER = 500
WANTED = 0.07
SCENARIO = "home"


async def people(services: Services, histories: int) -> None:
    """Let so many shoppers of the demo's circles come in."""
    circles = load_circles()
    crowd = [Shopper(f"shopper-{n:03d}", circles[n % len(circles)]) for n in range(histories)]
    told = list(crowd_messages(load_house().content, services.clock.now(), crowd))
    for start in range(0, len(told), TOGETHER):
        receipt = await services.ingest.record(told[start : start + TOGETHER], source="benchmark")
        assert not receipt.rejected, receipt.rejected[0]


async def populate(store: Store, customers: int) -> dict[str, list[str]]:
    """Copy the profiles there are until there are `customers`; return the ids of each history."""
    profiles = store.db["profiles"].with_options(write_concern=WriteConcern(1))
    originals = await profiles.find({}).sort("_id", 1).to_list()
    rng = np.random.default_rng(7)
    rng.shuffle(originals)  # type: ignore[arg-type]
    weights = 1 / (np.arange(len(originals)) + 20.0)
    which = rng.choice(len(originals), customers - len(originals), p=weights / weights.sum())
    ids: dict[str, list[str]] = {document["_id"]: [document["_id"]] for document in originals}
    for start in range(0, len(which), TOGETHER):
        copies = []
        for number in which[start : start + TOGETHER].tolist():
            original = originals[number]
            copy = {**original, "_id": new_id("prf"), "former_ids": []}
            ids[original["_id"]].append(copy["_id"])
            copies.append(copy)
        await profiles.insert_many(copies, ordered=False)
    return ids


async def truth(
    services: Services, question: Question, ids: dict[str, list[str]], times: int
) -> Counter[str]:
    """Return how many pages each item stands on, over everybody: each history asked a few times and weighed."""
    pages: Counter[str] = Counter()
    for people in ids.values():
        asked = people[:times]
        for page in await services.demand.pages(asked, question):
            for key, _ in page.shown:
                pages[key] += len(people) / len(asked)  # type: ignore[assignment]
    return pages


def deviations(outlook: DemandOutlook, pages: Counter[str]) -> list[float]:
    """Return how far the outlook is from the truth, for every item that truly has more than 1% of impressions."""
    told = {item.content.key: item.impressions for item in outlook.items}
    least = WORTH_KNOWING * pages.total()
    return [abs(told.get(key, 0.0) - count) / count for key, count in pages.items() if count > least]


async def _measure(folder: Path, customers: int, histories: int, count: int, times: int) -> dict[str, Any]:
    settings = settings_for(folder)
    async with open_services(settings) as (services, _auth, _signer, store):
        await install(services)
        await services.catalogue.refresh()
        await people(services, histories)
        await popularity.refresh(store, services.clock)
        await learning.refresh(store, services.clock)
        await services.catalogue.refresh()
        await services.profiles.get_many(await services.profiles.page_of_ids(most=histories))
        ids = await populate(store, customers)
        scenario = await services.scenarios.get(SCENARIO)
        question = Question(scenario, False, Channel.WEB, services.clock.now())
        began, computing = time.perf_counter(), _cpu()
        pool: Any = workers(count, open_demand, settings) if count > 1 else nullcontext()
        async with pool as make:
            outlook = await services.demand.outlook(
                question, wanted_error=WANTED, make=make, side_by_side=2 * count if count > 1 else 1
            )
        taken, computed = time.perf_counter() - began, _cpu() - computing
        off: Sequence[float] = deviations(outlook, await truth(services, question, ids, times))
    return {
        "customers": customers,
        "histories": histories,
        "processes": count,
        "customers asked": outlook.asked,
        "seconds, opening the processes included": taken,
        "CPU seconds of all its processes, MongoDB's not counted": computed,
        "stated error of items above 1% share": outlook.largest_error,
        "items above 1% share": len(off),
        "largest deviation from the full enumeration": max(off, default=0.0),
        "mean deviation from the full enumeration": float(np.mean(off)) if off else 0.0,
    }


def _cpu() -> float:
    """Seconds of CPU of this process and of the children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(customers: int, histories: int, count: int, times: int) -> dict[str, Any]:
    """Return every figure."""
    with tempfile.TemporaryDirectory(prefix="tutti-bench-") as folder:
        found = command.run(_measure(Path(folder) / "data", customers, histories, count, times))
    return {what: round(figure, 4) for what, figure in found.items()}


def main() -> None:
    """Run from the command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--histories", type=int, default=600, help="at most 999")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--truth", type=int, default=4, help="how often each history is asked for the truth")
    given = parser.parse_args()
    told = measure(given.customers, given.histories, given.workers, given.truth)
    command.tell("Demand outlook", told, given.write)


if __name__ == "__main__":
    main()
