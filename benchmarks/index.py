"""The vector index at 10,000, 100,000 and a million items: recall, time, memory, build and update.

    python -m benchmarks.index [--sizes 10000,100000,1000000] [--queries 30] [--write FILE.json]

Vectors are drawn as a catalogue's lie: families of some fifty items about a centre, a likeness of about .67 within
a family (as titles of one shelf have, see docs/embeddings.md), and families in groups. Queries lie near items, as
interests do. Truth is numpy's exact comparison in float32. Times are CPU time of one thread over three queries at
once, k = 100, as a decision asks; a million items take 1.5 GB for the vectors and some 2 GB more while measuring.
Each size is measured in a process of its own. Building needs a segment's worth beside what it leaves: some 150 MB.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is there: both sides on one thread

import numpy as np
from numpy.typing import NDArray

from benchmarks import command
from embeddings.index import VectorIndex

DIMENSIONS = 384
SIZES = (10_000, 100_000, 1_000_000)
SHARES = (1.0, 0.5, 0.1, 0.01)
K = 100
FAMILY = 50  # items
SPREAD = 0.7  # length of an item's own part beside its family's of length 1
CHANGED = 500  # items of an update
CHUNK = 50_000

Vectors = NDArray[np.float32]


def unit(vectors: Vectors) -> Vectors:
    """Return rows of length 1."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    made: Vectors = (vectors / length).astype(np.float32)
    return made


def catalogue(count: int, rng: np.random.Generator) -> Vectors:
    """Return (count, DIMENSIONS) vectors in families, and families in groups of twenty."""
    groups = unit(rng.standard_normal((max(1, count // FAMILY // 20), DIMENSIONS), np.float32))
    families = max(1, count // FAMILY)
    own = rng.standard_normal((families, DIMENSIONS), np.float32) / np.sqrt(np.float32(DIMENSIONS))
    centres = unit(groups[rng.integers(len(groups), size=families)] + own)
    found = np.empty((count, DIMENSIONS), np.float32)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        noise = rng.standard_normal((size, DIMENSIONS), np.float32) * (SPREAD / np.sqrt(DIMENSIONS))
        found[start : start + size] = unit(
            centres[rng.integers(families, size=size)] + noise.astype(np.float32)
        )
    return found


def cpu_ms(call: Callable[[int], Any], repeats: int) -> float:
    """Return the median CPU time of a call in milliseconds, after one that does not count."""
    call(0)
    taken = []
    for at in range(repeats):
        began = time.process_time()
        call(at)
        taken.append((time.process_time() - began) * 1e3)
    return float(np.median(taken))


def exactly(vectors: Vectors, queries: Vectors, allowed: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """Return (q, K) the nearest rows, compared one by one."""
    cosines = queries @ vectors.T
    if allowed is not None:
        cosines[:, ~allowed] = -2
    nearest = np.argpartition(-cosines, K, axis=1)[:, :K]
    order = np.take_along_axis(-cosines, nearest, axis=1).argsort(axis=1, kind="stable")
    return np.take_along_axis(nearest, order, axis=1)


def ask(index: VectorIndex, three: Sequence[Vectors], allowed: NDArray[np.bool_] | None, at: int) -> Any:
    """Ask the index three queries."""
    return index.search(three[at], K, allowed=allowed)


def compare(vectors: Vectors, three: Sequence[Vectors], allowed: NDArray[np.bool_] | None, at: int) -> Any:
    """Compare three queries with everything."""
    return exactly(vectors, three[at], allowed)


def measure_one(count: int, asked: int) -> dict[str, Any]:
    """Measure one size."""
    rng = np.random.default_rng(count)
    vectors = catalogue(count, rng)
    gc.collect()
    began, wall = time.process_time(), time.perf_counter()
    index = VectorIndex.build(vectors)
    name = f"{count // 1000:,}k"
    found: dict[str, Any] = {
        f"build, s CPU, {name}": round(time.process_time() - began, 2),
        f"build, s, {name}": round(time.perf_counter() - wall, 2),
        f"index beside the vectors, MB, {name}": round(index.size / 2**20, 1),
    }
    noise = rng.standard_normal((asked, DIMENSIONS), np.float32) * np.float32(0.3 / np.sqrt(DIMENSIONS))
    queries = unit(vectors[rng.integers(count, size=asked)] + noise)
    for share in SHARES:
        allowed = None if share == 1 else rng.random(count) < share
        what = f"{name}, {share:.0%} allowed"
        reach = K if allowed is None else min(K, int(allowed.sum()))
        truth = np.concatenate([exactly(vectors, three, allowed) for three in np.split(queries, asked // 3)])
        ours = index.search(queries, K, allowed=allowed)[0]
        hits = [len(set(a[:reach]) & set(b[:reach])) / reach for a, b in zip(ours, truth, strict=True)]
        found[f"recall@100, {what}"] = round(float(np.mean(hits)), 4)
        three = [queries[at * 3 % asked :][:3] for at in range(10)]
        fast = cpu_ms(partial(ask, index, three, allowed), 10)
        found[f"three queries, ms CPU, {what}"] = round(fast, 2)
        if share in {1.0, 0.1}:
            slow = cpu_ms(partial(compare, vectors, three, allowed), 3)
            found[f"exact / index, CPU time, {what}"] = round(slow / fast, 1)
    return found | measure_update(index, vectors, name, rng)


def measure_update(
    index: VectorIndex, vectors: Vectors, name: str, rng: np.random.Generator
) -> dict[str, Any]:
    """Measure taking an index over after some items went, some came and some changed."""
    came_from = np.arange(len(vectors))
    changed = rng.choice(len(vectors), CHANGED, replace=False)
    vectors[changed] = unit(rng.standard_normal((CHANGED, DIMENSIONS), np.float32))
    came_from[changed] = -1
    began, wall = time.process_time(), time.perf_counter()
    followed = VectorIndex.build(vectors, before=index, came_from=came_from)
    took, wall = time.process_time() - began, time.perf_counter() - wall
    rows, _ = followed.search(vectors[changed[:20]], 1)
    assert rows[:, 0].tolist() == changed[:20].tolist(), "what is new is found"
    return {
        f"index after {CHANGED} items changed, s CPU, {name}": round(took, 3),
        f"index after {CHANGED} items changed, s, {name}": round(wall, 3),
    }


def main() -> None:
    parser = command.parser(__doc__)
    parser.add_argument(
        "--sizes", default=",".join(map(str, SIZES)), help="how many items, e.g. 10000,100000"
    )
    parser.add_argument("--queries", type=int, default=30, help="how many are asked, a multiple of three")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        sys.stdout.write(json.dumps(measure_one(arguments.one, arguments.queries)))
        return
    found: dict[str, Any] = {}
    for size in (int(each) for each in arguments.sizes.split(",")):
        command.step(f"measuring {size:,} items")
        asked = [
            sys.executable,
            "-m",
            "benchmarks.index",
            "--one",
            str(size),
            "--queries",
            str(arguments.queries),
        ]
        done = subprocess.run(asked, check=True, capture_output=True, text=True)
        found |= json.loads(done.stdout)
    command.tell("Vector index", found, arguments.write)


if __name__ == "__main__":
    main()
