"""The ranking in shops of other kinds than the one it was tuned on: made-up logs, the hub beside its peers.

    python -m benchmarks.kinds [--customers 300] [--write FILE.json]

    grocery     everybody has their own score of things, each in a rhythm of its own, and buys them again for ever
    fashion     hardly anything is bought twice; what is new sells, and everybody has a taste of their own
    small       sixty things in ten groups, three hundred customers, each of two groups

Half a year, the last 30 days are the truth, the shipped `home` mix. nDCG@10 of ALL and NEW, and what feedback gains in its
replay; the best peer of each, and how far the hub is ahead of it, with its 95% interval.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks import command
from hub.catalogue.model import ContentKind
from hub.cli.evaluate import encoder_of, scenario_of
from hub.events.segment import parse
from hub.experiments.bootstrap import interval
from hub.experiments.evaluation import Task, cases_of, hub_result, peer_results, without_variety
from hub.experiments.log import SOURCE, EventLog, told_by
from hub.experiments.peers import all_peers
from hub.experiments.replay import replay
from hub.experiments.world import DAY, Embedder, World, build_world
from hub.layers.registry import load_layers

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
WORDS = [
    "oat",
    "milk",
    "rye",
    "bread",
    "soap",
    "tea",
    "green",
    "apple",
    "pasta",
    "tomato",
    "rice",
    "black",
    "bean",
    "coffee",
    "dark",
    "mint",
    "lemon",
    "honey",
    "salt",
    "butter",
    "cheese",
    "yoghurt",
    "carrot",
    "onion",
    "garlic",
    "pepper",
    "olive",
    "oil",
    "vinegar",
    "sugar",
    "flour",
    "egg",
    "fish",
    "beef",
    "pork",
    "lamb",
    "crisp",
    "nut",
    "raisin",
    "date",
    "fig",
    "plum",
]
Order = tuple[int, float, list[int]]  # customer, day, things


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of shop: `orders` of a random generator, the titles of its things, and for how many days."""

    name: str
    days: int
    make: Callable[[np.random.Generator, int], tuple[list[str], list[Order]]]


def grocery(drawn: np.random.Generator, days: int) -> tuple[list[str], list[Order]]:
    """Regulars: 600 customers, 400 things."""
    things = 400
    titles = [f"{' '.join(drawn.choice(WORDS, 3, replace=False))} {n}" for n in range(things)]
    popular = np.minimum(drawn.zipf(1.3, things), 200).astype(np.float64)
    popular /= popular.sum()
    orders: list[Order] = []
    for customer in range(600):
        own = drawn.choice(things, int(drawn.integers(8, 25)), replace=False, p=popular)
        every = drawn.choice([7, 7, 14, 14, 28, 42], len(own))
        due, pause = drawn.uniform(0, every), float(drawn.choice([3, 4, 7, 7, 10]))
        day = float(drawn.uniform(0, 20))
        while day < days:
            now = due <= day
            due[now] = day + every[now] * drawn.lognormal(0, 0.2, int(now.sum()))
            others = drawn.choice(things, drawn.poisson(1.5), p=popular)
            if bought := list(dict.fromkeys([*own[now].tolist(), *others.tolist()])):
                orders.append((customer, day, bought))
            day += pause * drawn.lognormal(0, 0.3)
    return titles, orders


def fashion(drawn: np.random.Generator, days: int) -> tuple[list[str], list[Order]]:
    """Tastes: 1,500 customers, 800 things, each for a season; who has one is fifty times less likely to want it."""
    things, sides = 800, 8
    nature, appeal = drawn.normal(size=(things, sides)), drawn.normal(size=things)
    since = drawn.uniform(-120, days, things)
    titles = []
    for each in nature:
        first, second = np.argsort(-np.abs(each))[:2]
        titles.append(f"{WORDS[2 * first + int(each[first] > 0)]} {WORDS[20 + second]} {drawn.choice(WORDS)}")
    orders: list[Order] = []
    for customer in range(1_500):
        taste, had = drawn.normal(size=sides), np.zeros(things, np.bool_)
        day = float(drawn.uniform(0, 0.8 * days))
        while day < days:
            age = day - since
            wish = 0.8 * nature @ taste + appeal + np.where(age < 0, -50.0, -age / 40) - 4.0 * had
            chance = np.exp(wish - wish.max())
            bought = drawn.choice(things, int(drawn.integers(1, 4)), replace=False, p=chance / chance.sum())
            had[bought] = True
            orders.append((customer, day, bought.tolist()))
            day += float(drawn.exponential(25))
    return titles, orders


def small(drawn: np.random.Generator, days: int) -> tuple[list[str], list[Order]]:
    """Groups: 300 customers of two groups each, of ten groups of six things."""
    titles = [f"{WORDS[n // 6]} {WORDS[20 + n // 6]} {drawn.choice(WORDS)}" for n in range(60)]
    orders: list[Order] = []
    for customer in range(300):
        groups, day = drawn.choice(10, 2, replace=False), float(drawn.uniform(0, 60))
        while day < days:
            bought = 6 * drawn.choice(groups) + drawn.choice(6, int(drawn.integers(1, 4)), replace=False)
            other = [int(drawn.integers(60))] if drawn.random() < 0.2 else []
            orders.append((customer, day, list(dict.fromkeys([*bought.tolist(), *other]))))
            day += float(drawn.exponential(20))
    return titles, orders


KINDS = (Kind("grocery", 235, grocery), Kind("fashion", 235, fashion), Kind("small", 195, small))


def log_of(kind: Kind, seed: int) -> EventLog:
    """Return the log of a shop of this kind."""
    titles, orders = kind.make(np.random.default_rng(seed), kind.days)
    messages: list[dict[str, Any]] = [
        {
            "type": "track", "event": "Order Completed", "userId": f"u{customer}", "messageId": f"m{number}",
            "timestamp": (BEGAN + timedelta(days=day)).isoformat(),
            "properties": {
                "order_id": f"o{number}", "currency": "GBP",
                "products": [
                    {"product_id": f"p{thing}", "name": titles[thing], "price": 3.0, "quantity": 1} for thing in things
                ],
            },
        }
        for number, (customer, day, things) in enumerate(orders)
    ]  # fmt: skip
    end = BEGAN + timedelta(days=kind.days)
    events = [parse(message, received_at=end, source=SOURCE) for message in messages]
    return told_by(events)


def of_some(world: World, customers: int) -> World:
    """Return the world with so many of its customers, evenly spaced."""
    users = list(world.truths)
    kept = users[:: max(-(-len(users) // customers), 1)]
    return replace(world, truths={user: world.truths[user] for user in kept})


def measure(kind: Kind, embed: Embedder, customers: int) -> Iterator[tuple[str, float]]:
    """Yield what a kind of shop comes to."""
    scenario, _ = scenario_of("home", stored=False)
    scenario, layers, mix = (
        without_variety(scenario, [ContentKind.PRODUCT]), load_layers(), dict(scenario.mix.weights),
    )  # fmt: skip
    at = BEGAN + timedelta(days=kind.days - DAYS)
    world = of_some(build_world(log_of(kind, 1), at, days=DAYS, embed=embed), customers)
    yield f"{kind.name}: gain of neighbours", world.snapshot.neighbours.gain
    tried = {task: cases_of(world, task, scenario, layers) for task in Task}
    judged = [(peer.name, peer_results(peer, world, tried)) for peer in all_peers()]
    for task, cases in tried.items():
        ours = hub_result("hub", cases, mix).ndcg
        best, found = max(judged, key=lambda each: float(each[1][task].ndcg.mean()))
        ahead = interval(ours - found[task].ndcg)
        yield f"{kind.name}: {task.value}, hub", float(ours.mean())
        yield f"{kind.name}: {task.value}, {best}", float(found[task].ndcg.mean())
        for name, value in (("", ahead.mean), (", from", ahead.low), (", to", ahead.high)):
            yield f"{kind.name}: {task.value}, ahead{name}", value
    told = replay(world, embed, scenario, layers, mix, lambda _done, _all: None)
    if told is not None:
        gained = told.with_feedback.ndcg.mean() / told.without.ndcg.mean() - 1.0
        yield f"{kind.name}: feedback gains", float(gained)


def main() -> None:
    """Measure and tell."""
    parser = command.parser(__doc__)
    parser.add_argument("--customers", type=int, default=300, help="whose lists are made, of each shop")
    asked = parser.parse_args()
    embed = Embedder(encoder_of())
    figures: dict[str, float] = {}
    for kind in KINDS:
        command.step(f"{kind.name}: the hub and its peers at {BEGAN + (kind.days - DAYS) * DAY:%Y-%m-%d}")
        figures |= dict(measure(kind, embed, asked.customers))
    command.tell("shops of other kinds", figures, asked.write)


if __name__ == "__main__":
    main()
