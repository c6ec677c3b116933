"""What one decision costs, and where: ratios of one run.

    python -m benchmarks.decision [--items N ...] [--profile] [--write FILE.json]

The customer has six interests, a session, something declared and something avoided, 60 purchases of
every need pattern; the first 20 items of the ranking are explained. The yardstick is the bare exact
search of the same eight directions in numpy: one matrix product in float32 with the whole catalogue,
and the best 40 of each. Times are medians of CPU time of this process on one thread.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads that wait by spinning would count as work

import cProfile
import pstats
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from benchmarks import command
from hub.catalogue.building import build_snapshot
from hub.catalogue.model import BrandFacts, Content, ContentKind, Need, NeedPattern
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.decide import decide
from hub.decisions.model import Scenario
from hub.decisions.scenario_files import shipped_scenarios
from hub.decisions.shelf import Shelf, arrange
from hub.kit.money import Money
from hub.layers.base import Layer
from hub.layers.registry import load_layers
from hub.profiles.model import Evidence, Ownership
from hub.profiles.view import Directions, ProfileView

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
DIMENSIONS = 384
TOPICS = 200
NEEDS = (
    *[Need()] * 6,
    Need(NeedPattern.ONCE),
    Need(NeedPattern.DURABLE, 900),
    Need(NeedPattern.REPLENISHABLE, 30),
    Need(NeedPattern.COLLECTIBLE),
)
EXPLAINED = 20
ROUNDS = 6


def catalogue(count: int, rng: np.random.Generator) -> CatalogueSnapshot:
    """A catalogue of topics; every fiftieth content is an article."""
    topic = rng.integers(0, TOPICS, count)
    centres = rng.standard_normal((TOPICS, DIMENSIONS))
    vectors = (centres[topic] + 1.2 * rng.standard_normal((count, DIMENSIONS))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    contents = [
        Content(
            key=f"item-{row}",
            kind=ContentKind.PRODUCT if row % 50 else ContentKind.ARTICLE,
            title=f"Item {row}",
            brand="bench",
            category=f"part-{topic[row] // 20}/shelf-{topic[row]}",
            price=Money(Decimal(row % 90 + 5), "GBP") if row % 50 else None,
            need=NEEDS[topic[row] % len(NEEDS)],
            goes_with=(f"part-{topic[row] % 10}",),
            published_at=AT - timedelta(days=float(rng.integers(0, 1000))),
        )
        for row in range(count)
    ]
    return build_snapshot(
        contents,
        vectors={content.embedding_text: vectors[row] for row, content in enumerate(contents)},
        encoder_id="benchmark",
        dimensions=DIMENSIONS,
        facts=(BrandFacts(key="bench", name="Bench", voice="Exact."),),
        popularity={content.key: float(rng.random()) for content in contents},
    )


def customer(snapshot: CatalogueSnapshot, rng: np.random.Generator) -> ProfileView:
    """Somebody of whom much is known."""

    def directions(count: int) -> Directions:
        rows = rng.choice(len(snapshot), count, replace=False)
        return Directions(
            vectors=snapshot.vectors[rows],
            weights=np.full(count, 1 / count),
            labels=tuple(snapshot.contents[row].title for row in rows),
            ids=tuple(f"direction-{row}" for row in rows),
            evidence=tuple((Evidence(snapshot.contents[row].key, AT),) for row in rows),
        )

    bought = {
        snapshot.contents[row].key: AT - timedelta(days=float(rng.integers(1, 400)))
        for row in rng.choice(len(snapshot), 60, replace=False)
    }
    return ProfileView(
        profile_id="prf_bench",
        profile_version=1,
        at=AT,
        personal=True,
        interests=directions(6),
        session=directions(1),
        declared=directions(1),
        avoided=directions(1),
        owned={key: Ownership(1, at, at) for key, at in bought.items()},
        hidden=frozenset({"item-3"}),
        first_seen_at=AT - timedelta(days=400),
        last_seen_at=AT,
    )


def stranger() -> ProfileView:
    """Somebody of whom nothing is known."""
    none = Directions.none(DIMENSIONS)
    return ProfileView(
        profile_id=None, profile_version=0, at=AT, personal=False,
        interests=none, session=none, declared=none, avoided=none,
    )  # fmt: skip


def decision(view: ProfileView, shelf: Shelf, home: Scenario, layers: Mapping[str, Layer]) -> None:
    """One decision for the home page, its first page explained, for somebody whose first page it is."""
    shelf.nearest.forget()
    next_page(view, shelf, home, layers)


def next_page(view: ProfileView, shelf: Shelf, home: Scenario, layers: Mapping[str, Layer]) -> None:
    """The same for somebody who was here a moment ago."""
    decide(view, shelf, home, home.mix, layers).ranking.first(EXPLAINED)


def bare_search(view: ProfileView, snapshot: CatalogueSnapshot) -> None:
    """The yardstick."""
    queries = np.concatenate([view.interests.vectors, view.session.vectors, view.declared.vectors])
    cosines = queries @ snapshot.vectors.T
    nearest = np.argpartition(cosines, -40, axis=1)[:, -40:]
    np.argsort(np.take_along_axis(cosines, nearest, 1), axis=1)


def index_search(view: ProfileView, snapshot: CatalogueSnapshot) -> None:
    """The part of a decision that looks through the whole catalogue."""
    queries = np.concatenate([view.interests.vectors, view.session.vectors, view.declared.vectors])
    snapshot.index.search(queries, 40)


def cost(call: Callable[[ProfileView], None], views: list[ProfileView]) -> float:
    """The median CPU time of one call, in milliseconds."""
    taken = []
    for view in views * ROUNDS:
        began = time.process_time()
        call(view)
        taken.append(time.process_time() - began)
    return statistics.median(taken) * 1e3


def measure(items: int, *, profile: bool) -> dict[str, float]:
    """Measure with a catalogue of `items`."""
    rng = np.random.default_rng(1)
    snapshot = catalogue(items, rng)
    shelf = arrange(snapshot)
    layers, home = load_layers(), shipped_scenarios()["home"]
    views = [customer(snapshot, rng) for _ in range(20)]
    nobody = [stranger()] * 20
    if profile:
        profiler = cProfile.Profile()
        profiler.enable()
        for view in views * 3:
            decision(view, shelf, home, layers)
        profiler.disable()
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    known = cost(lambda view: decision(view, shelf, home, layers), views)
    again = cost(lambda view: next_page(view, shelf, home, layers), views)
    unknown = cost(lambda view: decision(view, shelf, home, layers), nobody)
    bare = cost(lambda view: bare_search(view, snapshot), views)
    index = cost(lambda view: index_search(view, snapshot), views)
    return {
        f"decision, {items} items: CPU ms": round(known, 2),
        f"decision, {items} items: times the bare float32 search": round(known / bare, 2),
        f"decision, {items} items: share of it in the index": round(index / known, 2),
        f"decision for the next page, {items} items: share of the first one's": round(again / known, 2),
        f"decision for a stranger, {items} items: share of a known customer's": round(unknown / known, 2),
    }


def main() -> None:
    """Run from the command line."""
    parser = command.parser(__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[5_000, 50_000])
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    for items in arguments.items:
        figures |= measure(items, profile=arguments.profile)
    command.tell("Decisions", figures, arguments.write)


if __name__ == "__main__":
    main()
