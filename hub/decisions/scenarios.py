"""Where scenarios are kept, and the name of the configuration that a decision was made with.

The hub ships ten; `seed` puts them into the store, and replaces one that nobody changed when a later
release ships it otherwise; one that somebody changed stays, and that is said. Every process keeps what it read for two seconds, and keeps it on when the
store does not answer: a page must not fail for want of a scenario it had a moment ago.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

import structlog
from pymongo.errors import DuplicateKeyError

from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.model import Scenario
from hub.decisions.scenario_files import shipped_scenarios
from hub.errors import NotFound
from hub.kit.canonical import digest, plain
from hub.kit.kept import Kept
from hub.layers.base import Layer
from hub.layers.mix import Mix
from hub.store.codecs import from_document, to_document
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

KEPT_SECONDS = 2.0
MOST_REMEMBERED = 50  # versions that can be rolled back to, of each scenario


class Shipped(Enum):
    """How a scenario in force stands to the one that this release ships under its key."""

    AS_SHIPPED = "as shipped"
    EDITED = "edited here"
    LEFT_BEHIND = "edited here; this release ships another one"
    OWN = ""


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
        self._versions = store.db["scenario_versions"]
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

        One that is there is replaced, as a new version that can be rolled back, only if it is as an earlier release
        shipped it. The log names those that were edited and that this release ships otherwise. Several
        processes may seed at once.

        Raises:
            Unavailable: if the store does not answer.
        """
        written = [key for key, scenario in shipped_scenarios().items() if await self._seed(key, scenario)]
        self._in_force.forget()
        for key, standing in (await self.standing()).items():
            if standing is Shipped.LEFT_BEHIND:
                log.info("scenario is kept as it was edited; this release ships another one", scenario=key)
        return tuple(written)

    @store_faults()
    async def standing(self) -> dict[str, Shipped]:
        """Return how each scenario in force stands to what is shipped, by key.

        Raises:
            Unavailable: if the store does not answer.
        """
        shipped = {key: _fingerprint(scenario) for key, scenario in shipped_scenarios().items()}
        found: dict[str, Shipped] = {}
        async for document in self._scenarios.find({}):
            key = document["_id"]
            if key not in shipped or "shipped" not in document:
                found[key] = Shipped.OWN
            elif _fingerprint(_scenario(document)) == shipped[key]:
                found[key] = Shipped.AS_SHIPPED
            else:
                seen = document["shipped"] == shipped[key]
                found[key] = Shipped.EDITED if seen else Shipped.LEFT_BEHIND
        return found

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
        if found.get("shipped") == shipped or found.get("shipped") not in _fingerprints(found):
            return False
        stored = int(found["version"])
        drafted = await self._versions.find_one({"key": key}, sort=[("version", -1)])
        newer = replace(scenario, version=1 + max(stored, int(drafted["version"]) if drafted else 0))
        replaced = {name: value for name, value in found.items() if name not in {"before", "_id"}}
        before = [*found.get("before", ()), replaced][-MOST_REMEMBERED:]
        result = await self._scenarios.replace_one(
            {"_id": key, "version": stored}, to_document(newer, _id=key, shipped=shipped, before=before)
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


def _fingerprints(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return the names of what a stored scenario says: as this release writes it, and as the one that stored it did.

    A release that knows more of scenarios than the one before gives what is stored new fields, at their defaults:
    nobody changed it for that.
    """
    scenario = replace(_scenario(document), version=1)
    return digest(scenario), digest(_only(plain(scenario), document))


def _only(said: Any, stored: Any) -> Any:
    """Return of what is said what has a place in what is stored."""
    if isinstance(said, dict) and isinstance(stored, Mapping):
        return {name: _only(value, stored[name]) for name, value in said.items() if name in stored}
    if isinstance(said, list) and isinstance(stored, (list, tuple)) and len(said) == len(stored):
        return [_only(*pair) for pair in zip(said, stored, strict=True)]
    return said
