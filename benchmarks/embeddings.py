"""What int8 costs and brings, and what the index loses against exact search: ratios of one run.

    python -m benchmarks.embeddings [--data FOLDER] [--write FILE.json]

FOLDER holds `online_retail/online_retail.parquet` and `banking77/{train,test}.csv`; without it the
texts are composed from word lists, and the question-answering figure is left out. Times are CPU time
of this process on one thread, so that a busy machine blurs them less; only ratios are worth comparing.
Run it as a process of its own: numpy must not have been imported with more threads before.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads that wait by spinning would count as work

import csv
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import command
from embeddings.encoder import Encoder, unit_rows
from embeddings.index import VectorIndex
from embeddings.interests import cluster
from embeddings.labels import Labeller
from embeddings.models import load
from hub.config import load_settings

Tell = Callable[[str], None]
Vectors = NDArray[np.float32]

THINGS = "lunch bag|tea towel|garden fork|night light|cake tin|paper chain|hand warmer|rose bush|bread knife|picnic rug"
LOOKS = "red spotted|blue striped|vintage|hand painted|folding|woodland|enamel|recycled|oak|children's"
FORS = "for the garden|for a birthday|for the kitchen|for small flats|with a handle|set of four|made in Wales|for travel"
LONG = (
    "Roses forgive nearly everything but a blunt blade. Cut in late winter, when buds swell but have not "
    "opened, a finger's breadth above a bud that looks outward, slanting away from it. Take out what is dead, "
    "what is ill and what crosses; leave five strong shoots like the fingers of an open hand. Feed in spring, "
    "water at the foot and never at dusk, and you will have flowers from June until the first frost comes."
)


def texts_of(data: Path | None) -> list[str]:
    """Item titles and questions: real ones where there are some."""
    if data is None:
        parts = (LOOKS.split("|"), THINGS.split("|"), FORS.split("|"))
        return [" ".join(words) for words in itertools.product(*parts)]
    import pyarrow.parquet as pq

    column = pq.read_table(data / "online_retail" / "online_retail.parquet", columns=["Description"]).column(
        0
    )
    titles = sorted({title.strip() for title in column.to_pylist() if title and len(title) > 8})
    rng = np.random.default_rng(0)
    questions = [question for question, _ in questions_of(data, "train")]
    return [titles[i] for i in rng.choice(len(titles), 1_200, replace=False)] + [
        questions[i] for i in rng.choice(len(questions), 800, replace=False)
    ]


def questions_of(data: Path, part: str) -> list[tuple[str, str]]:
    with (data / "banking77" / f"{part}.csv").open(newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def cpu_ms(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Median CPU milliseconds of this process for one call."""
    work()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) * 1e3)
    return statistics.median(spent)


def spearman(one: Vectors, other: Vectors) -> float:
    """Rank correlation of all similarities to the first 200 texts, averaged over them."""
    values = []
    for row in range(min(200, len(one))):
        ranks = [np.argsort(np.argsort(vectors @ vectors[row])) for vectors in (one, other)]
        values.append(np.corrcoef(*ranks)[0, 1])
    return float(np.mean(values))


def reciprocal_rank(encoder: Encoder, data: Path) -> float:
    """Mean reciprocal rank of the first question of the same intent: 300 asked, ten an intent to find."""
    by_intent: dict[str, list[str]] = {}
    for question, intent in questions_of(data, "train"):
        by_intent.setdefault(intent, []).append(question)
    known = [(question, intent) for intent, asked in sorted(by_intent.items()) for question in asked[:10]]
    tests = questions_of(data, "test")[::10][:300]
    nearness = encoder.encode([q for q, _ in tests]) @ encoder.encode([q for q, _ in known]).T
    intents = np.array([intent for _, intent in known])
    ranks = [
        np.flatnonzero(intents[np.argsort(-line, kind="stable")] == intent)[0] + 1
        for line, (_, intent) in zip(nearness, tests, strict=True)
    ]
    return float(np.mean(1 / np.array(ranks)))


def measure_encoders(
    int8: Encoder, texts: Sequence[str], vectors: Vectors, data: Path | None, tell: Tell
) -> dict[str, Any]:
    tell("loading full precision")
    import torch

    full = load("minilm", load_settings().model_dir)
    torch.set_num_threads(1)  # as int8 has
    short = list(texts[:32])
    found: dict[str, Any] = {}
    for name, some in {
        "one short text": short[:1],
        "32 short texts": short,
        "one text of 100 tokens": [LONG],
    }.items():
        tell(f"encoding {name}")
        found[f"full / int8, CPU time, {name}"] = round(
            cpu_ms(partial(full.encode, some)) / cpu_ms(partial(int8.encode, some)), 2
        )
    tell(f"encoding {len(texts)} texts in full precision")
    reference = full.encode(texts)
    found["Spearman of similarities, int8 to full"] = round(spearman(reference, vectors), 4)
    found["cosine of a text's two vectors, least"] = round(
        float(np.einsum("ij,ij->i", vectors, reference).min()), 4
    )
    if data is not None:
        tell("asking 300 questions of both")
        found["MRR of banking questions, int8"] = round(reciprocal_rank(int8, data), 3)
        found["MRR of banking questions, full"] = round(reciprocal_rank(full, data), 3)
    return found


def blended(vectors: Vectors, count: int) -> Vectors:
    """More vectors like the real ones: blends of two with a little noise."""
    rng = np.random.default_rng(count)
    first, second = (vectors[rng.integers(0, len(vectors), count)] for _ in range(2))
    share = rng.random((count, 1), np.float32)
    noise = rng.normal(scale=0.02, size=(count, vectors.shape[1])).astype(np.float32)
    return unit_rows(share * first + (1 - share) * second + noise)


def exact(vectors: Vectors, queries: Vectors, k: int, allowed: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """What one would write with numpy alone."""
    similarities = queries @ vectors.T
    if allowed is not None:
        similarities[:, ~allowed] = -2
    nearest = np.argpartition(-similarities, k, axis=1)[:, :k]
    order = np.take_along_axis(similarities, nearest, axis=1).argsort(axis=1)[:, ::-1]
    return np.take_along_axis(nearest, order, axis=1)


def measure_index(base: Vectors, tell: Tell) -> dict[str, Any]:
    found: dict[str, Any] = {}
    k = 100
    for count in (5_000, 50_000):
        tell(f"searching {count:,} vectors")
        vectors = blended(base, count)
        index = VectorIndex.build(vectors)
        queries = blended(base, 90)
        rng = np.random.default_rng(1)
        for share in (1.0, 0.5, 0.1, 0.01):
            allowed = None if share == 1 else rng.random(count) < share
            name = f"{count // 1000}k" + ("" if allowed is None else f", {share:.0%} allowed")
            reach = min(k, count if allowed is None else int(allowed.sum()))
            overlap = [
                len(set(ours) & set(truth)) / reach
                for three in np.split(queries, 30)
                for ours, truth in zip(
                    index.search(three, reach, allowed=allowed)[0],
                    exact(vectors, three, reach, allowed),
                    strict=True,
                )
            ]
            slow = cpu_ms(partial(exact, vectors, queries[:3], reach, allowed), repeats=15)
            fast = cpu_ms(partial(index.search, queries[:3], reach, allowed=allowed), repeats=15)
            found[f"recall@{reach}, {name}"] = round(float(np.mean(overlap)), 4)
            found[f"exact / index, CPU time, {name}"] = round(slow / fast, 1)
        build = cpu_ms(partial(VectorIndex.build, vectors), repeats=3)
        search = cpu_ms(partial(index.search, queries[:3], k), repeats=15)
        found[f"build / one search, CPU time, {count // 1000}k"] = round(build / search, 1)
    return found


def measure_interests(
    texts: Sequence[str], vectors: Vectors, one_text_ms: float, tell: Tell
) -> dict[str, Any]:
    tell("folding 300 signals into interests")
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(texts), 300)
    times = np.arange(300) * 86_400.0
    directions = cluster(vectors[rows], np.ones(300), times)
    folding = cpu_ms(lambda: cluster(vectors[rows], np.ones(300), times), repeats=15)
    labeller = Labeller.fit(texts)
    naming = cpu_ms(
        lambda: [labeller.label([texts[rows[m]] for m in d.members]) for d in directions], repeats=15
    )
    return {
        "300 signals into interests / encoding one short text, CPU time": round(folding / one_text_ms, 2),
        "naming 8 interests / encoding one short text, CPU time": round(naming / one_text_ms, 2),
    }


def measure(data: Path | None = None, tell: Tell = print) -> dict[str, Any]:
    """Measure everything; returns figures by name. torch comes last: its threads would disturb the rest."""
    tell("loading int8")
    int8 = load("minilm-int8", load_settings().model_dir, threads=1)
    texts = texts_of(data)
    tell(f"encoding {len(texts)} texts")
    vectors = int8.encode(texts)
    one_text = cpu_ms(partial(int8.encode, texts[:1]), repeats=15)
    found = measure_index(vectors, tell)
    found |= measure_interests(texts, vectors, one_text, tell)
    return found | measure_encoders(int8, texts, vectors, data, tell)


def main() -> None:
    parser = command.parser(__doc__)
    given = os.environ.get("TUTTI_TEST_DATA")
    parser.add_argument("--data", type=Path, default=Path(given) if given else None)
    arguments = parser.parse_args()
    found = measure(arguments.data, command.step)
    command.tell("Embeddings", found, arguments.write)


if __name__ == "__main__":
    main()
