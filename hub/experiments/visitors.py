"""Unknown visitors: what would somebody buy of whom nothing is known yet, or one look, or three?

Every buyer of the window is met as a visitor without a name. They look at three things: what the log says that they
looked at in the window before their first order, else the first lines of that order. The hub decides at T
after 0, 1 and 3 of these looks; what it must find is all else that they bought in the window. The three are kept out of
every list, the hub's and popularity's, before and after they are looked at, so that all are asked the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.decisions.model import Scenario
from hub.events.segment import parse
from hub.experiments.evaluation import AT, Case, Result, hiding, hub_result, judge, played
from hub.experiments.log import BOUGHT, SOURCE, EventLog
from hub.experiments.world import DAY, Embed, Reading, World
from hub.layers.base import Layer
from hub.layers.mix import Mix
from hub.profiles.facets import project
from hub.profiles.joining import join_all
from hub.profiles.model import CustomerRef, Facet
from hub.profiles.view import ProfileView

LOOKS = (0, 1, 3)
LOOKED = frozenset({"Product Viewed", "Product Clicked", "Product Added"})
SINCE_A_LOOK = timedelta(minutes=2)
POPULAR_DAYS = (7, 30)


@dataclass(frozen=True, slots=True)
class Visit:
    """Rows that a visitor looks at, in order, and what else they bought."""

    user: str
    looked: tuple[int, ...]
    truth: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """How a group of visitors was served: the hub after so many looks, and popularity of so many days."""

    users: tuple[str, ...]
    hub: Mapping[int, Result]
    popularity: Mapping[int, Result]

    def of(self, users: frozenset[str]) -> NDArray[np.bool_]:
        """Return which of the visitors are among `users`."""
        return np.array([user in users for user in self.users], np.bool_)


def visits_of(world: World, log: EventLog) -> list[Visit]:
    """Return the visits of all buyers of the window who bought more than they looked at."""
    end = world.at + world.days * DAY
    looked: dict[str, dict[int, None]] = {}
    ordered: dict[str, dict[int, None]] = {}
    for event in log.events:
        user = event.user_id
        if user is None or not world.at <= event.at < end:
            continue
        rows = [row for item in event.items if (row := world.snapshot.row(item.key)) is not None]
        if event.name in LOOKED and user not in ordered:
            looked.setdefault(user, {}).update(dict.fromkeys(rows))
        elif event.name == BOUGHT and rows and user not in ordered:
            ordered[user] = dict.fromkeys(rows)
    visits = []
    for user, truth in sorted({**world.truths, **world.strangers}.items()):
        first = tuple(dict.fromkeys((*looked.get(user, ()), *ordered.get(user, ()))))[: max(LOOKS)]
        if len(first) == max(LOOKS) and truth.difference(first):
            visits.append(Visit(user, first, truth.difference(first)))
    return visits


def meet(
    world: World,
    visits: Sequence[Visit],
    embed: Embed,
    scenario: Scenario,
    layers: Mapping[str, Layer],
    mix: Mapping[str, float],
    progress: Callable[[int, int], None],
) -> Met:
    """Decide for visitors after 0, 1 and 3 looks, and set popularity beside it."""
    reading = Reading.of(world.snapshot, world.at, embed)
    everything = Mix(dict.fromkeys(layers, 1.0))
    cases: dict[int, list[Case]] = {looks: [] for looks in LOOKS}
    for number, visit in enumerate(visits):
        progress(number, len(visits))
        for looks in LOOKS:
            view = hiding(_view(reading, world, visit, looks), world, frozenset(visit.looked))
            rows, scores = played(view, world.shelf, scenario, everything, layers)
            cases[looks].append(Case(visit.user, rows, scores, visit.truth, frozenset()))
    progress(len(visits), len(visits))
    return Met(
        tuple(visit.user for visit in visits),
        {looks: hub_result(f"hub after {looks} looks", cases[looks], mix) for looks in LOOKS},
        {
            days: judge(f"popularity, {days} days", _popular(world, visits, days), cases[0])
            for days in POPULAR_DAYS
        },
    )


def _view(reading: Reading, world: World, visit: Visit, looks: int) -> ProfileView:
    """Return what the hub knows of a visitor who came by and looked at so many things, the last just now."""
    messages: list[dict[str, Any]] = [{"type": "page", "name": "Home"}]
    messages += [
        {
            "type": "track",
            "event": "Product Viewed",
            "properties": {"product_id": world.snapshot.contents[row].key},
        }
        for row in visit.looked[:looks]
    ]
    facets: list[Facet] = []
    for place, message in enumerate(messages):
        then = world.at - (len(messages) - place) * SINCE_A_LOOK
        sent = {
            **message,
            "anonymousId": f"visitor of {visit.user}",
            "messageId": f"{visit.user} looks {place}",
            "timestamp": then.isoformat(),
        }
        facets.append(project(parse(sent, received_at=world.at, source=SOURCE)))
    return reading(CustomerRef("anonymous_id", f"visitor of {visit.user}"), join_all(facets))


def _popular(world: World, visits: Sequence[Visit], days: int) -> list[NDArray[np.intp]]:
    best = np.argsort(-world.purchases.sold(days), kind="stable")[: AT + max(LOOKS)]
    return [best[~np.isin(best, visit.looked)] for visit in visits]
