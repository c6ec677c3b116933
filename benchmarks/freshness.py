"""How long until a new item is found by a decision, in the process that took it and in another one.

    python -m benchmarks.freshness [--items 10000 50000] [--puts 7] [--write FILE.json]

A shop of so many items in the embedded store; this process puts one item at a time, and a second process,
which watches the catalogue as every hub process does, says when a search of its index finds the item. Vectors
are drawn, so what is measured is the store, the snapshot and the index, and not the encoder.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import command
from benchmarks.shop import contents_of, settings_for
from embeddings.cache import CachedEncoder
from hub.catalogue.model import BrandFacts, Content, ContentKind
from hub.catalogue.service import CatalogueService
from hub.kit.clock import SystemClock
from hub.store.database import open_store

DIMENSIONS = 384
PAUSE = 0.005  # seconds between two looks of the second process


class Drawn:
    """An encoder that draws a vector from the text itself."""

    id = "drawn"
    dimensions = DIMENSIONS

    def encode(self, texts: Sequence[str], *, progress: Any = None) -> Any:  # noqa: ARG002 - as encoders are
        rows = [np.random.default_rng(abs(hash_of(text))).standard_normal(DIMENSIONS) for text in texts]
        vectors = np.stack(rows).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def hash_of(text: str) -> int:
    """Return a number that is the same in every process."""
    return int.from_bytes(text.encode()[-16:].rjust(16, b"\0"), "big") ^ len(text)


def probe(number: int) -> Content:
    """Return the item that is put in a turn."""
    return Content(
        key=f"probe-{number}", kind=ContentKind.PRODUCT, title=f"Probe number {number}", brand="bench",
        category="category-1",
    )  # fmt: skip


async def follow(folder: Path, puts: int) -> None:
    """Be the second process: print the instant at which each probe is found."""
    async with open_store(settings_for(folder)) as store:
        encoder = CachedEncoder(Drawn())
        catalogue = CatalogueService(store, encoder, SystemClock())
        await catalogue.refresh()
        watching = asyncio.create_task(catalogue.watch())
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for number in range(puts):
            query = Drawn().encode([probe(number).embedding_text])
            while True:
                snapshot = catalogue.snapshot
                row = int(snapshot.index.search(query, 1)[0][0, 0])
                if row >= 0 and snapshot.contents[row].key == f"probe-{number}":
                    break
                await asyncio.sleep(PAUSE)
            sys.stdout.write(f"{time.time()}\n")
            sys.stdout.flush()
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


async def measure(items: int, puts: int, folder: Path, tell: Callable[[str], None]) -> dict[str, float]:
    """Measure on a catalogue of one size."""
    async with open_store(settings_for(folder)) as store:
        catalogue = CatalogueService(store, CachedEncoder(Drawn()), SystemClock())
        await catalogue.put_brand_facts([BrandFacts(key="bench", name="Bench", voice="Exact.")])
        tell(f"putting {items} items")
        await catalogue.put_contents(contents_of(items))
        command = [sys.executable, "-m", "benchmarks.freshness", "--follow", str(folder), "--puts", str(puts)]
        other = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, "TUTTI_LOG_LEVEL": "error"}
        )
        assert other.stdout is not None
        while (await other.stdout.readline()).strip() != b"ready":
            pass
        tell(f"{puts} items, one at a time")
        here, there = [], []
        for number in range(puts):
            await asyncio.sleep(0.3)
            began = time.time()
            await catalogue.put_contents([probe(number)])
            here.append(time.time() - began)
            while not (line := (await other.stdout.readline()).strip()).replace(b".", b"").isdigit():
                pass
            there.append(float(line) - began)
        await other.wait()
    return {
        f"found in the process that took it, s, median, {items} items": round(statistics.median(here), 3),
        f"found in another process, s, median, {items} items": round(statistics.median(there), 3),
        f"found in another process, s, at most, {items} items": round(max(there), 3),
    }


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--puts", type=int, default=7)
    parser.add_argument("--follow", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.follow:
        command.run(follow(arguments.follow, arguments.puts))
        return
    found: dict[str, float] = {}
    for items in arguments.items:
        with tempfile.TemporaryDirectory() as folder:
            found |= command.run(measure(items, arguments.puts, Path(folder), command.step))
    command.tell("A new item, until it is found", found, arguments.write)


if __name__ == "__main__":
    main()
