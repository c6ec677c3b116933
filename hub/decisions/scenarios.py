"""Where scenarios are kept, and the name of the configuration that a decision was made with.

The hub ships four; `seed` puts them into the store, and replaces one that nobody changed when a later
release ships it otherwise. Every process keeps what it read for two seconds, and keeps it on when the
store does not answer: a page must not fail for want of a scenario it had a moment ago.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pymongo.errors import DuplicateKeyError

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.model import Scenario
from hub.decisions.scenario_files import shipped_scenarios
from hub.errors import NotFound
from hub.kit.canonical import digest
from hub.kit.kept import Kept
from hub.layers.base import Layer
from hub.layers.mix import Mix
from hub.store.codecs import from_document, to_document
from hub.store.database import Store
from hub.store.faults import store_faults

KEPT_SECONDS = 2.0


def configuration_version(
    snapshot: CatalogueSnapshot, scenario: Scenario, mix: Mix, layers: Mapping[str, Layer]
) -> str:
    """Return the name of everything but the customer and the instant that a decision depends on.

    A version of the catalogue and of a scenario names all that is in it. The mix as played counts, not
    the scenario's own: a muted layer and one that was never there are the same configuration.
    """
    played = ",".join(f"{name}:{layers[name].version}:{weight!r}" for name, weight in mix.weights.items())
    dials = f"{scenario.variety!r},{mix.diversity!r},{mix.stretch!r}"
    whole = f"{snapshot.version}|{scenario.key}:{scenario.version}|{played}|{dials}"
    if scenario.guards.chosen:  # what the call asked for
        whole += "|" + "\x1f".join(choice.key for choice in scenario.guards.chosen)
    return f"cfg_{hashlib.sha256(whole.encode()).hexdigest()[:16]}"


class ScenarioService:
    """Scenarios by key."""

    def __init__(self, store: Store, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._scenarios = store.db["scenarios"]
        self._in_force: Kept[Mapping[str, Scenario]] = Kept(self._read, KEPT_SECONDS, {}, monotonic=monotonic)

    async def get(self, key: str) -> Scenario:
        """Return the scenario with this key.

        Raises:
            NotFound: with code UNKNOWN_SCENARIO, naming those there are.
            Unavailable: if the store does not answer and has not answered before.
        """
        known = await self._in_force.get()
        if key not in known:
            raise NotFound(
                f"there is no scenario {key!r}; there are {', '.join(sorted(known)) or 'none yet'}",
                path=("scenario",),
                code="UNKNOWN_SCENARIO",
            )
        return known[key]

    async def list(self) -> tuple[Scenario, ...]:
        """Return all scenarios in the order of their keys.

        Raises:
            Unavailable: if the store does not answer and has not answered before.
        """
        known = await self._in_force.get()
        return tuple(known[key] for key in sorted(known))

    def last_known(self, key: str) -> Scenario | None:
        """Return a scenario without asking the store: as last read, else as shipped; for degraded pages."""
        return self._in_force.last.get(key) or shipped_scenarios().get(key)

    def forget(self) -> None:
        """Read again when next asked: what is in force has changed."""
        self._in_force.forget()

    async def seed(self) -> tuple[str, ...]:
        """Put the shipped scenarios into the store and return the keys of those that were written.

        One that is there is replaced, as a new version, only if it is as an earlier release shipped it.
        Several processes may seed at once.

        Raises:
            Unavailable: if the store does not answer.
        """
        written = [key for key, scenario in shipped_scenarios().items() if await self._seed(key, scenario)]
        self._in_force.forget()
        return tuple(written)

    @store_faults()
    async def _seed(self, key: str, scenario: Scenario) -> bool:
        shipped = _fingerprint(scenario)
        found: dict[str, Any] | None = await self._scenarios.find_one({"_id": key})
        if found is None:
            try:
                await self._scenarios.insert_one(to_document(scenario, _id=key, shipped=shipped))
            except DuplicateKeyError:  # another process was faster, with the same file
                return False
            return True
        stored = _scenario(found)
        if found.get("shipped") == shipped or found.get("shipped") != _fingerprint(stored):
            return False
        newer = replace(scenario, version=stored.version + 1)
        result = await self._scenarios.replace_one(
            {"_id": key, "version": stored.version}, to_document(newer, _id=key, shipped=shipped)
        )
        return bool(result.modified_count)

    @store_faults()
    async def _read(self) -> dict[str, Scenario]:
        return {document["_id"]: _scenario(document) async for document in self._scenarios.find({})}


def _scenario(document: Mapping[str, Any]) -> Scenario:
    return from_document(Scenario, document)


def _fingerprint(scenario: Scenario) -> str:
    """Return a name of what a scenario says, whatever its version."""
    return digest(replace(scenario, version=1))
