"""Scenarios as a marketer changes them: drafted, looked at, published, rolled back.

    scenarios           what is in force, one document a scenario; `before` are the versions it replaced
    scenario_versions   every version ever drafted or replaced, never changed:  home:1, home:2, ...

Publishing is one compare-and-set of the document in force, so of two who publish at once one is told
so. Every process has what was published within two seconds (`hub.decisions.scenarios`).
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.model import Scenario
from hub.decisions.scenario_check import check_scenario, check_specifications
from hub.decisions.scenario_files import parse_file, shipped_texts
from hub.decisions.scenarios import ScenarioService
from hub.errors import Conflict, InvalidInput, NotFound
from hub.kit.clock import Clock
from hub.store.codecs import from_document, to_document
from hub.store.database import Store
from hub.store.faults import store_faults

ATTEMPTS = 5
MOST_REMEMBERED = 50
LONGEST_NOTE = 500
LONGEST_DEFINITION = 20_000  # characters


class ScenarioState(StrEnum):
    """Where a version of a scenario stands."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedScenario:
    """One version of a scenario. What it says never changes; `state` is read off what is in force.

    `definition` is the TOML text that it was made of, its checks and comments included; None where a
    release before such texts were kept saved it.
    """

    scenario: Scenario
    created_at: datetime
    created_by: str = ""
    note: str = ""
    state: ScenarioState = ScenarioState.DRAFT
    definition: str | None = None


class ScenarioEditing:
    """Versions of scenarios."""

    def __init__(
        self,
        store: Store,
        scenarios: ScenarioService,
        layers: Collection[str],
        snapshot: Callable[[], CatalogueSnapshot],
        clock: Clock,
    ) -> None:
        """Take the store, the scenarios in force, the names of the layers, the catalogue and the clock."""
        self._in_force = store.db["scenarios"]
        self._versions = store.db["scenario_versions"]
        self._scenarios = scenarios
        self._layers = tuple(layers)
        self._snapshot = snapshot
        self._clock = clock

    async def draft(self, definition: str, *, by: str = "", note: str = "") -> SavedScenario:
        """Save a new version of the scenario that a TOML text describes; nothing that is served changes.

        Raises:
            InvalidInput: with the path of the first field that is wrong.
            Conflict: if others keep drafting the same scenario.
        """
        if len(definition) > LONGEST_DEFINITION:
            raise InvalidInput(
                f"a definition has at most {LONGEST_DEFINITION} characters", path=("definition",)
            )
        if len(note) > LONGEST_NOTE:
            raise InvalidInput(f"a note has at most {LONGEST_NOTE} characters", path=("note",))
        try:
            written = parse_file(definition)
            scenario = written.scenario()
            self.check(scenario)
            check_specifications(written, self._layers, self._snapshot())
        except InvalidInput as error:
            raise InvalidInput(error.message, path=("definition", *error.path), code=error.kind) from None
        now = self._clock.now()
        with store_faults():
            for _ in range(ATTEMPTS):
                saved = SavedScenario(
                    scenario=replace(scenario, version=await self._next(scenario.key)),
                    created_at=now,
                    created_by=by,
                    note=note,
                    definition=definition,
                )
                try:
                    await self._versions.insert_one(_document(saved))
                except DuplicateKeyError:
                    continue
                return saved
        raise Conflict(f"others keep drafting {scenario.key!r}; try again")

    def check(self, scenario: Scenario) -> None:
        """Refuse a scenario that does not fit this hub, see `check_scenario`."""
        check_scenario(scenario, self._layers, self._snapshot())

    async def versions(self, key: str) -> tuple[SavedScenario, ...]:
        """Return every version of a scenario, newest first."""
        with store_faults():
            found = await self._versions.find({"key": key}).sort("version", DESCENDING).to_list()
            current = await self._in_force.find_one({"_id": key})
        now = 0 if current is None else int(current["version"])
        retired = set() if current is None else {entry["version"] for entry in current.get("before", ())}
        saved = [_saved(document, now, retired) for document in found]
        if current is not None and all(each.scenario.version != now for each in saved):
            shipped = SavedScenario(
                scenario=from_document(Scenario, current),
                created_at=current.get("published_at", self._clock.now()),
                note="as shipped",
                state=ScenarioState.PUBLISHED,
            )
            saved = sorted([*saved, shipped], key=lambda each: -each.scenario.version)
        return tuple(_with_shipped_text(each) for each in saved)

    async def in_force(self, key: str) -> SavedScenario:
        """Return the version of a scenario that is in force.

        Raises:
            NotFound: UNKNOWN_SCENARIO.
        """
        scenario = await self._scenarios.get(key)
        return await self.version(key, scenario.version)

    async def version(self, key: str, version: int) -> SavedScenario:
        """Return one version of a scenario.

        Raises:
            NotFound: UNKNOWN_VERSION.
        """
        found = next((s for s in await self.versions(key) if s.scenario.version == version), None)
        if found is None:
            raise NotFound(f"{key!r} has no version {version}", path=("version",), code="UNKNOWN_VERSION")
        return found

    async def publish(self, key: str, version: int) -> SavedScenario:
        """Put a version in force; that which it replaces can be put back.

        Raises:
            NotFound: UNKNOWN_VERSION.
            InvalidInput: if what it names is no longer there, or the brand may no longer say its titles.
            Conflict: if somebody else published at the same time.
        """
        saved = await self.version(key, version)
        if saved.state is ScenarioState.PUBLISHED:
            return saved
        self.check(saved.scenario)
        with store_faults():
            current = await self._in_force.find_one({"_id": key})
            before = [] if current is None else list(current.get("before", ()))
            if current is not None:
                before = [*before, _plain(current)][-MOST_REMEMBERED:]
            await self._replace(current, saved.scenario, before)
        return replace(saved, state=ScenarioState.PUBLISHED)

    async def roll_back(self, key: str) -> SavedScenario:
        """Put in force what the version in force replaced.

        Raises:
            NotFound: NOTHING_BEFORE.
            Conflict: if somebody else published at the same time.
        """
        with store_faults():
            current = await self._in_force.find_one({"_id": key})
            before = [] if current is None else list(current.get("before", ()))
            if current is None or not before:
                raise NotFound(
                    f"nothing was in force before in {key!r}", path=("scenario",), code="NOTHING_BEFORE"
                )
            last = from_document(Scenario, before[-1])
            await self._replace(current, last, before[:-1])
        return await self.version(key, last.version)

    async def _replace(
        self, current: Mapping[str, Any] | None, scenario: Scenario, before: list[dict[str, Any]]
    ) -> None:
        now = self._clock.now()
        document = to_document(scenario, _id=scenario.key, before=before, published_at=now)
        if current is None:
            try:
                await self._in_force.insert_one(document)
            except DuplicateKeyError:
                raise Conflict(f"somebody else published {scenario.key!r} at the same time") from None
        else:
            if "shipped" in current:
                document["shipped"] = current["shipped"]
            same = {"_id": scenario.key, "version": current["version"], "title": current["title"]}
            done = await self._in_force.replace_one(same, document)
            if not done.matched_count:
                raise Conflict(f"somebody else published {scenario.key!r} at the same time")
            replaced = SavedScenario(
                scenario=from_document(Scenario, current), created_at=now, note="as it was in force"
            )
            with suppress(DuplicateKeyError):  # it was drafted here, or replaced before
                await self._versions.insert_one(_document(replaced))
        self._scenarios.forget()

    async def _next(self, key: str) -> int:
        last = await self._versions.find_one({"key": key}, sort=[("version", DESCENDING)])
        current = await self._in_force.find_one({"_id": key}, {"version": 1})
        return 1 + max(int(found["version"]) if found else 0 for found in (last, current))


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in {"before", "_id"}}


def _document(saved: SavedScenario) -> dict[str, Any]:
    return {
        "_id": f"{saved.scenario.key}:{saved.scenario.version}",
        "key": saved.scenario.key,
        "version": saved.scenario.version,
        "scenario": to_document(saved.scenario),
        "created_at": saved.created_at,
        "created_by": saved.created_by,
        "note": saved.note,
        "definition": saved.definition,
    }


def _saved(document: Mapping[str, Any], current: int, retired: Collection[int]) -> SavedScenario:
    version = int(document["version"])
    state = ScenarioState.RETIRED if version in retired else ScenarioState.DRAFT
    return SavedScenario(
        scenario=from_document(Scenario, document["scenario"]),
        created_at=document["created_at"],
        created_by=document["created_by"],
        note=document["note"],
        state=ScenarioState.PUBLISHED if version == current else state,
        definition=document.get("definition"),
    )


def _with_shipped_text(saved: SavedScenario) -> SavedScenario:
    """Return a version with the text that ships, if it was not drafted here and says what ships."""
    text = shipped_texts().get(saved.scenario.key)
    if saved.definition is not None or text is None:
        return saved
    same = replace(saved.scenario, version=1) == parse_file(text).scenario()
    return replace(saved, definition=text) if same else saved
