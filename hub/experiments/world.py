"""The hub as it would have been at an instant: catalogue, statistics and profiles, made in memory by its own code.

Events before T go the way they go in production (project, join, fold, the consent gate), statistics are
worked out by the functions whose results the store keeps, and nothing that happened at T or later is looked at.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from embeddings.encoder import Encoder
from embeddings.labels import Labeller
from hub.catalogue.building import build_snapshot
from hub.catalogue.intervals import learn_intervals
from hub.catalogue.model import Availability, Content
from hub.catalogue.neighbours import learn
from hub.catalogue.popularity import decayed_sums, scale
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.catalogue.tendencies import learn_tendencies
from hub.consent.gate import admit
from hub.decisions.shelf import Shelf, arrange
from hub.experiments.log import BOUGHT, EventLog
from hub.experiments.purchases import Purchases
from hub.profiles.facets import project
from hub.profiles.fold import fold
from hub.profiles.joining import join_all
from hub.profiles.knowledge import SnapshotKnowledge, naming, texts_of
from hub.profiles.model import CustomerRef, Facet, LinkedFacet
from hub.profiles.view import ProfileView

Embed = Callable[[Sequence[str]], Mapping[str, NDArray[np.float32]]]
Step = Callable[[int, int], None]
DAY = timedelta(days=1)


def _quiet(_done: int, _total: int) -> None:
    return


class Embedder:
    """Vectors of texts by an encoder, each text once."""

    def __init__(self, encoder: Encoder, progress: Step = _quiet) -> None:
        self.encoder = encoder
        self._progress = progress
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> Mapping[str, NDArray[np.float32]]:
        """Return text -> (d,) float32 of length 1."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            vectors = self.encoder.encode(missing, progress=self._progress)
            self._known.update(zip(missing, vectors, strict=True))
        return {text: self._known[text] for text in texts}


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What the hub knew at `at`, and what its customers did from then on for `days`.

    `views` are those of the customers who bought in the window, made of their `facets`; `truths` what each bought,
    by row, distinct. `had` are the rows that each had bought before. `strangers` bought in the window and never before.
    """

    at: datetime
    days: int
    shelf: Shelf
    views: Mapping[str, ProfileView]
    facets: Mapping[str, Facet]
    truths: Mapping[str, frozenset[int]]
    had: Mapping[str, frozenset[int]]
    strangers: Mapping[str, frozenset[int]]
    purchases: Purchases
    users: Mapping[str, int]  # customer -> code in `purchases`

    @property
    def snapshot(self) -> CatalogueSnapshot:
        return self.shelf.snapshot


def build_world(log: EventLog, at: datetime, *, days: int, embed: Embedder, progress: Step = _quiet) -> World:
    """Return the hub at `at`.

    Args:
        log: all events; those at `at` and later serve as truth alone.
        at: T.
        days: how long the window of truth is.
        embed: makes vectors of texts.
        progress: told (customers folded, customers).
    """
    before = [event for event in log.events if event.at < at]
    sold = {item.key for event in before if event.name == BOUGHT for item in event.items}
    contents = [content for content in log.contents_before(at) if content.key in sold]
    bought = [event for event in before if event.name == BOUGHT and event.user_id is not None]
    last = max((event.at for event in before), default=at)
    lines = [(event.user_id or "", item.key, event.at) for event in bought for item in event.items]
    taught = (
        [user for user, _, _ in lines],
        [key for _, key, _ in lines],
        np.array([(last - then) / DAY for _, _, then in lines]),
    )
    snapshot = build_snapshot(
        contents,
        vectors=embed([content.embedding_text for content in contents]),
        encoder_id=embed.encoder.id,
        dimensions=embed.encoder.dimensions,
        popularity=scale(
            decayed_sums(((e.name, e.at, [i.key for i in e.items]) for e in before), last),
            {content.key: content.kind.value for content in contents},
        ),
        popularity_version=last.isoformat(),
        neighbours=learn(*taught),
        intervals=learn_intervals(
            *taught, {content.key: content.category for content in contents if content.category}
        ),
        tendencies=learn_tendencies(*taught),
        segments=log.segments,
    )
    window = [e for e in log.events if at <= e.at < at + days * DAY and e.name == BOUGHT and e.user_id]
    truths: dict[str, set[int]] = defaultdict(set)
    for event in window:
        truths[event.user_id or ""].update(
            row for item in event.items if (row := snapshot.row(item.key)) is not None
        )
    purchases, users = _purchases(lines, snapshot, at)
    had: dict[str, set[int]] = defaultdict(set)
    for user, key, _ in lines:
        if (row := snapshot.row(key)) is not None:
            had[user].add(row)
    known = sorted(user for user, rows in truths.items() if rows and user in users)
    facets = _facets(log, at, known)
    reading = Reading.of(snapshot, at, embed)
    views: dict[str, ProfileView] = {}
    for number, user in enumerate(known):
        views[user] = reading(CustomerRef("user_id", user), facets[user])
        progress(number + 1, len(known))
    return World(
        at=at,
        days=days,
        shelf=arrange(snapshot),
        views=views,
        facets=facets,
        truths={user: frozenset(truths[user]) for user in known},
        had={user: frozenset(had[user]) for user in known},
        strangers={u: frozenset(rows) for u, rows in sorted(truths.items()) if rows and u not in users},
        purchases=purchases,
        users=users,
    )


def _purchases(
    lines: Sequence[tuple[str, str, datetime]], snapshot: CatalogueSnapshot, at: datetime
) -> tuple[Purchases, dict[str, int]]:
    """Return the purchases in the catalogue, each (customer, item, day) once."""
    codes = {user: code for code, user in enumerate(sorted({user for user, _, _ in lines}))}
    midnight = at.date().toordinal()
    unique = {
        (codes[user], row, midnight - then.date().toordinal())
        for user, key, then in lines
        if (row := snapshot.row(key)) is not None
    }
    table = np.array(sorted(unique), np.int64).reshape(len(unique), 3)
    titles = tuple(content.title for content in snapshot.contents)
    ages = np.maximum(table[:, 2], 1)
    return Purchases(table[:, 0], table[:, 1], ages, len(codes), len(snapshot), titles), codes


def _facets(log: EventLog, at: datetime, known: Sequence[str]) -> dict[str, Facet]:
    """Return what the events before `at` say of some customers."""
    wanted = set(known)
    facets: dict[str, list[Facet]] = defaultdict(list)
    for event in log.events:
        if event.at >= at:
            break
        if event.user_id in wanted:
            facets[event.user_id].append(project(event))
    return {user: join_all(facets[user]) for user in known}


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """How the hub reads a facet at an instant: the fold, then the consent gate."""

    snapshot: CatalogueSnapshot
    at: datetime
    embed: Embed
    labeller: Labeller

    @classmethod
    def of(cls, snapshot: CatalogueSnapshot, at: datetime, embed: Embed) -> "Reading":
        """Return the reading of facets by a catalogue."""
        return cls(snapshot, at, embed, Labeller.fit([naming(content) for content in snapshot.contents]))

    def __call__(self, ref: CustomerRef, facet: Facet) -> ProfileView:
        """Return what layers and gates see of the one customer of whom this facet tells."""
        texts = texts_of([facet])
        knowledge = SnapshotKnowledge(self.snapshot, self.embed(texts) if texts else {}, self.labeller)
        linked = LinkedFacet(
            id=f"fct_{ref.value}",
            version=1,
            profile_id=f"prf_{ref.value}",
            primary=ref,
            facet=facet,
        )
        profile = fold(linked.profile_id, 1, [linked], knowledge)
        return admit(profile, self.snapshot, channel="WEB", at=self.at).view


def with_newcomers(world: World, log: EventLog, embed: Embedder) -> tuple[Shelf, dict[str, frozenset[int]]]:
    """Return the shelf with nothing to be had but what was first sold in the window, and who bought it.

    Of these items nothing is known but their text: no popularity, no neighbours, no date.
    """
    end = world.at + world.days * DAY
    old = world.snapshot
    ever = {i.key for e in log.events if e.at < world.at and e.name == BOUGHT for i in e.items}
    window = [e for e in log.events if world.at <= e.at < end and e.name == BOUGHT and e.user_id]
    first = {item.key for event in window for item in event.items} - ever - old.rows.keys()
    new = [
        replace(content, published_at=None) for content in log.contents_before(end) if content.key in first
    ]
    contents: list[Content] = [
        *(replace(content, availability=Availability.DISCONTINUED) for content in old.contents),
        *new,
    ]
    vectors = dict(embed([content.embedding_text for content in contents]))
    snapshot = build_snapshot(
        contents, vectors=vectors, encoder_id=old.encoder_id, dimensions=old.vectors.shape[1],
        neighbours=old.neighbours if len(old.neighbours) else None,
    )  # fmt: skip
    truths: dict[str, set[int]] = defaultdict(set)
    for event in window:
        if event.user_id in world.users:
            truths[event.user_id or ""].update(
                snapshot.rows[i.key] for i in event.items if i.key in first and i.key in snapshot.rows
            )
    return arrange(snapshot), {
        user: frozenset(rows) for user, rows in sorted(truths.items()) if rows and user in world.views
    }
