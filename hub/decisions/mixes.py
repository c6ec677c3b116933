"""Saved mixes of scenarios, and the operator's mutes: drafted, published, rolled back, live in every process.

    mixes      every version ever drafted, never changed:  home:1, home:2, ...
    mix_board  what is in force: of each scenario the version published, and each muted layer

A published mix takes the place of its scenario's own; version 0 means the scenario's own. What is in force
is one small read, which every process repeats when what it knows is `KEPT_SECONDS` old, so that a mute is
live everywhere within a second without a message between processes. When the store does not answer, what
was last known stays in force (docs/decisions/0054).
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pymongo.errors import DuplicateKeyError

from hub.decisions.scenarios import ScenarioService
from hub.errors import Conflict, InvalidInput, NotFound
from hub.kit.clock import Clock
from hub.kit.kept import Kept
from hub.layers.mix import Mix, MixRequest, check_dial, resolve
from hub.store.codecs import from_document, to_document
from hub.store.database import Store
from hub.store.faults import store_faults

KEPT_SECONDS = 0.4
ATTEMPTS = 5
MOST_REMEMBERED = 50  # publications that can be rolled back, of each scenario
LONGEST_NOTE = 500


class MixState(StrEnum):
    """Where a version of a mix stands."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMix:
    """One version of a scenario's mix. Weights, dials and note never change; `state` is read off the board."""

    scenario_key: str
    version: int
    weights: Mapping[str, float]
    diversity: float | None = None
    stretch: float | None = None
    note: str = ""
    created_at: datetime
    created_by: str = ""
    published_at: datetime | None = None  # when it was first published
    state: MixState = MixState.DRAFT

    @property
    def mix(self) -> Mix:
        """The mix itself."""
        return Mix(dict(self.weights), self.diversity, self.stretch)


@dataclass(frozen=True, slots=True)
class Muted:
    """A layer that an operator has silenced everywhere."""

    layer: str
    at: datetime
    by: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """What is in force: `published` by scenario, `muted` by layer."""

    published: Mapping[str, SavedMix] = field(default_factory=dict)
    muted: Mapping[str, Muted] = field(default_factory=dict)


class MixService:
    """Saved mixes and mutes; holds what is in force for a moment."""

    def __init__(
        self,
        store: Store,
        scenarios: ScenarioService,
        layers: Collection[str],
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the store, the scenarios that mixes are for, and the names of this hub's layers."""
        self._mixes = store.db["mixes"]
        self._on_board = store.db["mix_board"]
        self._scenarios = scenarios
        self._layers = tuple(layers)
        self._clock = clock
        self._in_force: Kept[Board] = Kept(self._read, KEPT_SECONDS, Board(), monotonic=monotonic)

    @property
    def last_known(self) -> Board:
        """What was in force when it was last read."""
        return self._in_force.last

    async def board(self) -> Board:
        """Return what is in force, at most `KEPT_SECONDS` old.

        Raises:
            Unavailable: the store does not answer and has not answered before.
        """
        return await self._in_force.get()

    async def in_force(self, scenario_key: str) -> Mix:
        """Return the mix published for a scenario, else the scenario's own; mutes are not looked at.

        Raises:
            NotFound: UNKNOWN_SCENARIO.
            Unavailable: the store does not answer and has not answered before.
        """
        scenario = await self._scenarios.get(scenario_key)
        saved = (await self.board()).published.get(scenario_key)
        return scenario.mix if saved is None else saved.mix

    async def list(self, scenario_key: str) -> tuple[SavedMix, ...]:
        """Return every version for a scenario, newest first.

        Raises:
            NotFound: UNKNOWN_SCENARIO.
            Unavailable: the store does not answer.
        """
        await self._scenarios.get(scenario_key)
        with store_faults():
            cursor = self._mixes.find({"scenario_key": scenario_key}).sort("version", -1)
            found = [from_document(SavedMix, document) async for document in cursor]
        in_force = (await self._read()).published.get(scenario_key)
        return tuple(_with_state(mix, in_force) for mix in found)

    async def draft(
        self,
        scenario_key: str,
        weights: Mapping[str, float],
        *,
        diversity: float | None = None,
        stretch: float | None = None,
        note: str = "",
        by: str = "",
    ) -> SavedMix:
        """Save a new version of a scenario's mix; nothing that is served changes.

        Raises:
            NotFound: UNKNOWN_SCENARIO.
            InvalidInput: UNKNOWN_LAYER, INVALID_WEIGHT, INVALID_DIAL, SILENT_MIX, NOTE_TOO_LONG.
            Unavailable: the store does not answer.
        """
        scenario = await self._scenarios.get(scenario_key)
        if len(note) > LONGEST_NOTE:
            raise InvalidInput(
                f"a note has at most {LONGEST_NOTE} characters", path=("note",), code="NOTE_TOO_LONG"
            )
        self._validate(weights, diversity, stretch)
        for _ in range(ATTEMPTS):
            with store_faults():
                latest = await self._mixes.find_one({"scenario_key": scenario.key}, sort=[("version", -1)])
                made = SavedMix(
                    scenario_key=scenario.key,
                    version=1 if latest is None else latest["version"] + 1,
                    weights={name: float(weight) for name, weight in weights.items()},
                    diversity=diversity,
                    stretch=stretch,
                    note=note,
                    created_at=self._clock.now(),
                    created_by=by,
                )
                try:
                    await self._mixes.insert_one(to_document(made, _id=f"{made.scenario_key}:{made.version}"))
                except DuplicateKeyError:  # somebody else drafted this version just now
                    continue
                return made
        raise Conflict("others keep drafting mixes of this scenario; try again")

    async def publish(self, scenario_key: str, version: int) -> SavedMix:
        """Put a version in force in every process, within a second; return it as it stands then.

        Publishing what is published already changes nothing.

        Raises:
            NotFound: UNKNOWN_SCENARIO, UNKNOWN_MIX.
            InvalidInput: it names a layer that this hub no longer has.
            Conflict: somebody else published meanwhile.
            Unavailable: the store does not answer.
        """
        await self._scenarios.get(scenario_key)
        mix = await self._version(scenario_key, version)
        self._validate(mix.weights, mix.diversity, mix.stretch)
        with store_faults():
            found = await self._on_board.find_one({"_id": _place(scenario_key)}) or {}
        past = [*found.get("past", [])]
        if past[-1:] != [version]:
            await self._put(scenario_key, found.get("revision", 0), [*past, version])
        return replace(mix, state=MixState.PUBLISHED, published_at=mix.published_at or self._clock.now())

    async def roll_back(self, scenario_key: str) -> SavedMix | None:
        """Put in force what was before the last publication; return it, None for the scenario's own mix.

        Raises:
            NotFound: UNKNOWN_SCENARIO.
            Conflict: NOTHING_TO_ROLL_BACK, or somebody else published meanwhile.
            Unavailable: the store does not answer.
        """
        await self._scenarios.get(scenario_key)
        with store_faults():
            found = await self._on_board.find_one({"_id": _place(scenario_key)}) or {}
        past = [*found.get("past", [])]
        if not past:
            raise Conflict(
                "the scenario's own mix is in force; there is nothing to roll back to",
                path=("scenario",),
                code="NOTHING_TO_ROLL_BACK",
            )
        await self._put(scenario_key, found["revision"], past[:-1])
        if not past[:-1]:
            return None
        before = await self._version(scenario_key, past[-2])
        return replace(before, state=MixState.PUBLISHED)

    async def mute(self, layer: str, muted: bool, *, by: str = "") -> tuple[Muted, ...]:
        """Silence a layer in every decision of every process within a second, or let it play again.

        A layer that this hub does not have can be let play again, and not be muted.

        Raises:
            InvalidInput: UNKNOWN_LAYER.
            Unavailable: the store does not answer; nothing is known to be changed.
        """
        if muted and layer not in self._layers:
            raise InvalidInput(
                f"this hub has no layer {layer!r}; its layers are {', '.join(self._layers)}",
                path=("layer",),
                code="UNKNOWN_LAYER",
            )
        with store_faults():
            if muted:
                told = to_document(Muted(layer, self._clock.now(), by), kind="muted")
                await self._on_board.update_one(
                    {"_id": f"muted:{layer}"}, {"$setOnInsert": told}, upsert=True
                )
            else:
                await self._on_board.delete_one({"_id": f"muted:{layer}"})
        silent = (await self._in_force.again()).muted
        return tuple(silent[name] for name in sorted(silent))

    def _validate(self, weights: Mapping[str, float], diversity: float | None, stretch: float | None) -> None:
        for name, value in (("diversity", diversity), ("stretch", stretch)):
            check_dial(value, path=(name,))
        try:
            resolve(Mix({}), MixRequest(weights=weights), self._layers)
        except InvalidInput as error:
            # A request's path begins at `mix`; here the weights stand by themselves.
            raise InvalidInput(error.message, path=error.path[1:] or ("weights",), code=error.kind) from None
        if not weights:
            raise InvalidInput(
                "a mix needs at least one layer with a weight above 0", path=("weights",), code="SILENT_MIX"
            )

    async def _version(self, scenario_key: str, version: int) -> SavedMix:
        with store_faults():
            found = await self._mixes.find_one({"_id": f"{scenario_key}:{version}"})
        if found is None:
            raise NotFound(
                f"there is no version {version} of the mix of {scenario_key!r}",
                path=("version",),
                code="UNKNOWN_MIX",
            )
        return from_document(SavedMix, found)

    async def _put(self, scenario_key: str, revision: int, past: Sequence[int]) -> None:
        """Replace a scenario's place on the board; of two at once the first one wins."""
        kept = list(past)[-MOST_REMEMBERED:]
        document: dict[str, Any] = {"kind": "published", "scenario": scenario_key, "past": kept}
        conflict = Conflict("somebody else changed this scenario's mix just now; look, and try again")
        with store_faults():
            if kept:
                await self._mixes.update_one(
                    {"_id": f"{scenario_key}:{kept[-1]}", "published_at": None},
                    {"$set": {"published_at": self._clock.now()}},
                )
                document["mix"] = await self._mixes.find_one({"_id": f"{scenario_key}:{kept[-1]}"})
            document["revision"] = revision + 1
            try:
                result = await self._on_board.replace_one(
                    {"_id": _place(scenario_key), "revision": revision}, document, upsert=revision == 0
                )
            except DuplicateKeyError:
                raise conflict from None
        if not result.matched_count and result.upserted_id is None:
            raise conflict
        await self._in_force.again()

    @store_faults()
    async def _read(self) -> Board:
        published: dict[str, SavedMix] = {}
        muted: dict[str, Muted] = {}
        async for document in self._on_board.find({}):
            if document["kind"] == "muted":
                muted[document["layer"]] = from_document(Muted, document)
            elif document.get("mix") is not None:
                mix = from_document(SavedMix, document["mix"])
                published[document["scenario"]] = replace(mix, state=MixState.PUBLISHED)
        return Board(published, muted)


def _place(scenario_key: str) -> str:
    return f"published:{scenario_key}"


def _with_state(mix: SavedMix, in_force: SavedMix | None) -> SavedMix:
    if in_force is not None and in_force.version == mix.version:
        return replace(mix, state=MixState.PUBLISHED)
    return replace(mix, state=MixState.DRAFT if mix.published_at is None else MixState.RETIRED)
