"""Which constants one window would choose: each that data can tell, at its value and beside others, all else as it ships.

    python -m benchmarks.choosing LOG [--mapping MAPPING.toml] [--at 2011-10-10] [--only TEXT] [--write FILE.json]

Weights of the `home` mix and constants of layers are judged by nDCG@10 of ALL and NEW together; those of visits, of feedback
and of new items by the table that `tutti evaluate` has for these. A value is told with its mean difference from what
ships and the standard error of that (paired over customers). `better` marks what is better by more than 1.96 of these: what
ships should be replaced by it, unless it is the one in twenty that chance alone would mark. Half an hour on one core.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import command
from hub.catalogue.model import ContentKind
from hub.cli.evaluate import encoder_of, scenario_of
from hub.experiments.evaluation import Case, Task, cases_of, hub_result, without_variety
from hub.experiments.log import EventLog, read_log
from hub.experiments.newcomers import newcomers
from hub.experiments.replay import replay
from hub.experiments.visitors import meet, visits_of
from hub.experiments.world import Embedder, World, build_world, with_newcomers
from hub.layers.registry import load_layers

Values = NDArray[np.float64]
LISTS, VISITS, FEEDBACK, NEW_ITEMS = "lists", "visits", "feedback", "new items"


@dataclass(frozen=True, slots=True)
class Choice:
    """A constant, of one module or of several that share it; `learned`: the world is to be built anew."""

    modules: tuple[str, ...]
    name: str
    values: tuple[Any, ...]
    judged: str = LISTS
    learned: bool = False
    also: Callable[[Any], dict[str, Any]] = field(default=lambda _value: {})  # what else depends on it

    @property
    def title(self) -> str:
        return f"{self.modules[0].removeprefix('hub.')}.{self.name}"

    @property
    def ships(self) -> Any:
        return getattr(importlib.import_module(self.modules[0]), self.name)

    @contextmanager
    def set_to(self, value: Any) -> Iterator[None]:
        """Let the hub have another value for a while."""
        modules = [importlib.import_module(name) for name in self.modules]
        wanted = {self.name: value, **self.also(value)}
        before = [
            (module, name, getattr(module, name))
            for module in modules
            for name in wanted
            if hasattr(module, name)
        ]
        for module, name, _ in before:
            setattr(module, name, wanted[name])
        try:
            yield
        finally:
            for module, name, former in before:
                setattr(module, name, former)


HABIT, INTERESTS, SESSION = "hub.layers.habit", "hub.layers.interests", "hub.layers.session"
COMPANY, NEXT, POPULARITY = "hub.layers.company", "hub.catalogue.neighbours", "hub.catalogue.popularity"
CHOICES = (
    Choice((HABIT,), "LEARNED_SHARE", (0.5, 0.7, 1.0)),
    Choice((HABIT,), "COUNTED", (0.0, 0.06, 0.12, 0.24)),
    Choice((HABIT,), "AGAINST", (0.0, 0.05, 0.1, 0.2)),
    Choice((HABIT,), "TOO_SOON", (0.1, 0.25, 0.5)),
    Choice((HABIT,), "LEAST", (0.25, 0.5, 1.0)),
    Choice(("hub.layers.popularity",), "NOVELTY_SHARE", (0.0, 0.02, 0.1)),
    Choice((INTERESTS,), "NEAREST_SHARE", (0.0, 0.25, 0.5)),
    Choice((INTERESTS,), "COMPANY_SHARE", (0.25, 0.5, 0.75)),
    Choice((INTERESTS,), "WORDS_SHARE", (0.0, 0.25, 0.5)),
    Choice((INTERESTS,), "SHARPNESS", (2, 4, 6)),
    Choice((INTERESTS,), "MEANT_ALIKE", (3.0, 6.0, 12.0)),
    Choice((INTERESTS,), "CALLED_ALIKE", (6.0, 12.0, 24.0)),
    Choice((NEXT,), "TOGETHER_SHARE", (0.2, 0.4, 0.8)),
    Choice((NEXT,), "RIDGE_TOGETHER", (2.0, 4.0, 8.0), learned=True),
    Choice((NEXT,), "RIDGE_NEXT", (5.0, 10.0, 20.0), learned=True),
    Choice((NEXT, COMPANY), "FADING_DAYS", (30.0, 60.0, 120.0), learned=True),
    Choice(
        (POPULARITY,), "HALF_LIFE", tuple(timedelta(days=d) for d in (3.5, 7.0, 14.0)), learned=True,
        also=lambda half_life: {"WINDOW": 8 * half_life},
    ),
    Choice(("hub.catalogue.returning",), "SHRINKAGE", (3.0, 10.0, 30.0), learned=True),
    Choice(("hub.catalogue.returning",), "PENALTY", (0.1, 1.0, 10.0), learned=True),
    Choice((SESSION,), "BESIDE_OTHERS", (0.0, 0.1, 0.3), VISITS),
    Choice((SESSION,), "TOGETHER_GAIN", (2.5, 5.0, 10.0), VISITS),
    Choice((NEXT,), "RIDGE_BASKET", (5.0, 10.0, 20.0), VISITS, learned=True),
    Choice(("hub.layers.lookalike",), "ENOUGH", (1.5, 3.0, 6.0), VISITS),
    Choice(("hub.catalogue.first_choices",), "HEAD", (100, 200, 400), VISITS, learned=True),
    Choice((COMPANY,), "EXPECTED", ((1.0, 1.0), (1.0, 2.5), (1.0, 5.0), (1.0, 10.0)), FEEDBACK),
    Choice((COMPANY,), "WISH_SHARE", (0.05, 0.1, 0.2, 0.4), FEEDBACK),
    Choice((HABIT,), "UNSURE", (1.0, 2.0, 4.0), FEEDBACK),
    Choice(("hub.catalogue.borrowing",), "LENDERS", (20, 60, 120), NEW_ITEMS, learned=True),
    Choice(("hub.catalogue.borrowing",), "SHARPNESS", (3, 6, 12), NEW_ITEMS, learned=True),
    Choice((INTERESTS,), "NEW_SHARPNESS", (4, 6, 8), NEW_ITEMS),
    Choice((INTERESTS,), "NEW_ALIKE", (20.0, 40.0, 80.0), NEW_ITEMS),
)  # fmt: skip
SURE = 1.96  # standard errors
FACTORS = (0.5, 1.0, 2.0)  # of each weight of the mix


class Window:
    """The hub at T, and what it comes to, judged in one of the ways."""

    def __init__(self, log: EventLog, at: datetime) -> None:
        self._log, self._at = log, at
        self._embed = Embedder(encoder_of())
        self._layers = load_layers()
        scenario, _ = scenario_of("home", stored=False)
        self.mix = dict(scenario.mix.weights)
        self._scenario = without_variety(scenario, [ContentKind.PRODUCT])
        self._world = self._build()
        self._cases = self._decided(self._world)
        self._ships: dict[str, list[Values]] = {LISTS: self.mixed(self.mix)}

    def _build(self) -> World:
        return build_world(self._log, self._at, days=30, embed=self._embed)

    def _decided(self, world: World) -> list[list[Case]]:
        return [cases_of(world, task, self._scenario, self._layers) for task in Task]

    def mixed(self, mix: Mapping[str, float], cases: list[list[Case]] | None = None) -> list[Values]:
        """Return nDCG@10 of each customer, task by task, by a mix."""
        return [hub_result("hub", each, mix).ndcg for each in cases or self._cases]

    def ships(self, how: str) -> list[Values]:
        """Return what it comes to with all as it ships."""
        if how not in self._ships:
            self._ships[how] = self.judged(how, learned=False)
        return self._ships[how]

    def judged(self, how: str, *, learned: bool) -> list[Values]:
        """Return nDCG@10 (of new items recall@5) of each customer, task by task, with the constants of now."""
        world = self._build() if learned else self._world
        told = (self._scenario, self._layers, self.mix)
        if how == VISITS:
            met = meet(world, visits_of(world, self._log), self._embed, *told, lambda _done, _all: None)
            return [result.ndcg for result in met.hub.values()]
        if how == FEEDBACK:
            found = replay(world, self._embed, *told, lambda _done, _all: None)
            assert found is not None, "nobody in the window bought of both halves of the catalogue"
            return [found.with_feedback.ndcg]
        if how == NEW_ITEMS:
            shelf, truths = with_newcomers(world, self._log, self._embed)
            return [newcomers(world, shelf, truths, *told).hub.per_list["recall"]]
        return self.mixed(self.mix, self._decided(world))


def compared(values: Sequence[Values], ships: Sequence[Values]) -> dict[str, float | str]:
    """Return the mean over tasks, the difference from what ships and its standard error."""
    apart = [one - other for one, other in zip(values, ships, strict=True)]
    gain = float(np.mean([each.mean() for each in apart]))
    error = float(np.sqrt(sum(each.var() / len(each) for each in apart))) / len(apart)
    mark = "better" if gain > SURE * error else "worse" if gain < -SURE * error else ""
    return {"mean": float(np.mean([v.mean() for v in values])), "ahead": gain, "error": error, "mark": mark}


def measure(window: Window, only: str) -> Iterator[dict[str, Any]]:
    """Yield a line for each value of each weight and constant whose name has `only` in it."""
    for layer, weight in window.mix.items():
        for factor in FACTORS if only in f"mix.{layer}" else ():
            mixed = window.mixed({**window.mix, layer: factor * weight})
            line = compared(mixed, window.ships(LISTS))
            yield {"what": f"mix.{layer}", "value": factor * weight, "ships": factor == 1.0, **line}
    for choice in CHOICES:
        ships = choice.ships
        for value in choice.values if only in choice.title else ():
            before = window.ships(choice.judged)
            values = before
            if value != ships:
                with choice.set_to(value):
                    values = window.judged(choice.judged, learned=choice.learned)
            yield {
                "what": choice.title, "judged": choice.judged, "value": str(value), "ships": value == ships,
                **compared(values, before),
            }  # fmt: skip


def main() -> None:
    """Measure and tell, line by line."""
    parser = command.parser(__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--mapping", type=Path)
    parser.add_argument("--at", default="2011-10-10")
    parser.add_argument("--only", default="", help="constants whose name has this in it")
    asked = parser.parse_args()
    command.step("reading the log and building the hub at T")
    log = read_log(asked.log, asked.mapping, now=datetime.now(UTC))
    window = Window(log, datetime.fromisoformat(asked.at).replace(tzinfo=UTC))
    lines = []
    for line in measure(window, asked.only):
        lines.append(line)
        mark = "ships" if line["ships"] else line["mark"]
        told = f"{line['mean']:.4f}  {line['ahead']:+.4f} ({line['error']:.4f})  {mark}"
        command.CONSOLE.print(f"{line['what']:42} {line['value']!s:>18}  {told}", soft_wrap=True)
    command.keep({"at": asked.at, "lines": lines}, asked.write)


if __name__ == "__main__":
    main()
