"""Email templates as a marketer changes them: drafted, looked at, published, rolled back.

    email_templates           what is in force: `_id` a scenario's key or `default`; `before` what it replaced
    email_template_versions   every version ever drafted, never changed: newsletter:1, newsletter:2, ...

A message is made with its scenario's template, else with `default`, else with the one that the hub ships.
Each process has what was published within two seconds. A template that fails all the same, or says what the house has
come to forbid since, costs its looks, never the message: that is made with the shipped one, and the log says so.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from hub.catalogue.brand import NO_FACTS
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.channels.template_check import MessageTemplate, check, compiled, shipped, shipped_sources, unsaid
from hub.decisions.scenarios import ScenarioService
from hub.errors import Conflict, InvalidInput, NotFound, Unavailable
from hub.kit.clock import Clock
from hub.kit.kept import Kept
from hub.store.database import Store
from hub.store.faults import store_faults

log = structlog.get_logger(__name__)

DEFAULT = "default"
ATTEMPTS = 5
KEPT_SECONDS = 2.0
LONGEST_NOTE = 500
MOST_BEFORE = 50
MOST_COMPILED = 100


class TemplateState(StrEnum):
    """Where a version of a template stands."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTemplate:
    """One version of a template; it never changes. Version 0 is what the hub ships."""

    key: str
    version: int
    mjml: str
    text: str | None  # None: the shipped one
    created_at: datetime | None
    created_by: str = ""
    note: str = ""
    state: TemplateState = TemplateState.DRAFT


class TemplateService:
    """Versions of templates, and which are in force."""

    def __init__(
        self,
        store: Store,
        scenarios: ScenarioService,
        snapshot: Callable[[], CatalogueSnapshot],
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._in_force = store.db["email_templates"]
        self._versions = store.db["email_template_versions"]
        self._scenarios = scenarios
        self._snapshot = snapshot
        self._clock = clock
        self._versions_in_force: Kept[Mapping[str, int]] = Kept(
            self._read_in_force, KEPT_SECONDS, {}, monotonic=monotonic
        )
        self._compiled: dict[tuple[str, int], MessageTemplate] = {}
        self._judged: dict[tuple[str, int, str, int], str | None] = {}

    async def for_scenario(self, scenario_key: str) -> MessageTemplate:
        """Return what messages of a scenario are made with; what was known where the store does not answer."""
        try:
            in_force = await self._versions_in_force.get()
        except Unavailable:
            return shipped()
        for key in (scenario_key, DEFAULT):
            version = in_force.get(key, 0)
            if version:
                template = await self.template(key, version)
                return template if self._may_be_said(template) else shipped()
        return shipped()

    def _may_be_said(self, template: MessageTemplate) -> bool:
        """Tell whether the house has not come to forbid what a template says since it was published."""
        snapshot = self._snapshot()
        house = snapshot.facts.get(snapshot.house_brand, NO_FACTS)
        asked = (template.key, template.version, house.key, house.version)
        if asked not in self._judged:
            if len(self._judged) >= MOST_COMPILED:
                self._judged.clear()
            self._judged[asked] = fault = unsaid(template, house)
            if fault is not None:
                log.warning("email template is not used", template=template.key, reason=fault)
        return self._judged[asked] is None

    @store_faults()
    async def _read_in_force(self) -> Mapping[str, int]:
        found = await self._in_force.find({}, {"version": 1}).to_list()
        return {each["_id"]: int(each["version"]) for each in found}

    async def template(self, key: str, version: int) -> MessageTemplate:
        """Return one version, ready to render.

        Raises:
            NotFound: UNKNOWN_VERSION.
        """
        made = self._compiled.get((key, version))
        if made is None:
            saved = await self.version(key, version)
            if len(self._compiled) >= MOST_COMPILED:
                self._compiled.clear()
            made = self._compiled[key, version] = compiled(key, version, saved.mjml, saved.text)
        return made

    async def versions(self, key: str) -> tuple[SavedTemplate, ...]:
        """Return every version of a template, newest first; the last is what the hub ships."""
        with store_faults():
            found = await self._versions.find({"key": key}).sort("version", DESCENDING).to_list()
            current = await self._in_force.find_one({"_id": key})
        now = 0 if current is None else int(current["version"])
        before = set() if current is None else set(current["before"])
        saved = [_saved(each, _state(int(each["version"]), now, before)) for each in found]
        mjml, text = shipped_sources()
        own = SavedTemplate(
            key=key,
            version=0,
            mjml=mjml,
            text=text,
            created_at=None,
            note="as shipped",
            state=_state(0, now, before),
        )
        return (*saved, own)

    async def version(self, key: str, version: int) -> SavedTemplate:
        """Return one version.

        Raises:
            NotFound: UNKNOWN_VERSION.
        """
        found = next((each for each in await self.versions(key) if each.version == version), None)
        if found is None:
            raise NotFound(f"{key!r} has no version {version}", path=("version",), code="UNKNOWN_VERSION")
        return found

    async def draft(
        self, key: str, mjml: str, text: str | None = None, *, by: str = "", note: str = ""
    ) -> SavedTemplate:
        """Save a new version; no message changes.

        Raises:
            InvalidInput: see `hub.channels.template_check`; the path ends in the line.
            NotFound: UNKNOWN_SCENARIO, if the key is neither `default` nor a scenario's.
            Conflict: if others keep drafting the same template.
        """
        if len(note) > LONGEST_NOTE:
            raise InvalidInput(f"a note has at most {LONGEST_NOTE} characters", path=("note",))
        await self._check(key, mjml, text)
        for _ in range(ATTEMPTS):
            with store_faults():
                last = await self._versions.find_one({"key": key}, sort=[("version", DESCENDING)])
                version = 1 + (int(last["version"]) if last else 0)
                document = {
                    "_id": f"{key}:{version}",
                    "key": key,
                    "version": version,
                    "mjml": mjml,
                    "text": text,
                    "created_at": self._clock.now(),
                    "created_by": by,
                    "note": note,
                }
                try:
                    await self._versions.insert_one(document)
                except DuplicateKeyError:
                    continue
            return _saved(document, TemplateState.DRAFT)
        raise Conflict(f"others keep drafting {key!r}; try again")

    async def publish(self, key: str, version: int) -> SavedTemplate:
        """Put a version in force; 0 is the shipped one.

        Raises:
            NotFound: UNKNOWN_VERSION.
            InvalidInput: if the brand forbids by now what it says.
            Conflict: if somebody else published at the same time.
        """
        saved = await self.version(key, version)
        if saved.state is TemplateState.PUBLISHED:
            return saved
        if version:
            await self._check(key, saved.mjml, saved.text)
        with store_faults():
            current = await self._in_force.find_one({"_id": key})
            now = 0 if current is None else int(current["version"])
            before = [*([] if current is None else current["before"]), now][-MOST_BEFORE:]
        await self._replace(key, current, version, before)
        return await self.version(key, version)

    async def roll_back(self, key: str) -> SavedTemplate:
        """Put in force what the version in force replaced.

        Raises:
            NotFound: NOTHING_BEFORE.
            Conflict: if somebody else published at the same time.
        """
        with store_faults():
            current = await self._in_force.find_one({"_id": key})
        if current is None or not current["before"]:
            raise NotFound(f"nothing was in force before in {key!r}", path=("key",), code="NOTHING_BEFORE")
        *before, last = current["before"]
        await self._replace(key, current, int(last), before)
        return await self.version(key, int(last))

    async def _check(self, key: str, mjml: str, text: str | None) -> None:
        if key != DEFAULT:
            try:
                await self._scenarios.get(key)
            except NotFound as error:
                raise NotFound(error.message, path=("key",), code=error.kind) from None
        snapshot = self._snapshot()
        check(mjml, text, snapshot.facts.get(snapshot.house_brand, NO_FACTS))

    async def _replace(
        self, key: str, current: Mapping[str, Any] | None, version: int, before: list[int]
    ) -> None:
        document = {"version": version, "before": before, "published_at": self._clock.now()}
        same = {"_id": key, "version": None if current is None else current["version"]}
        with store_faults():
            try:
                if current is None:
                    await self._in_force.insert_one({"_id": key, **document})
                elif not (await self._in_force.replace_one(same, document)).matched_count:
                    raise Conflict(f"somebody else published {key!r} at the same time")
            except DuplicateKeyError:
                raise Conflict(f"somebody else published {key!r} at the same time") from None
        self._versions_in_force.forget()


def _state(version: int, now: int, before: set[int]) -> TemplateState:
    if version == now:
        return TemplateState.PUBLISHED
    return TemplateState.RETIRED if version in before else TemplateState.DRAFT


def _saved(document: Mapping[str, Any], state: TemplateState) -> SavedTemplate:
    return SavedTemplate(
        key=document["key"],
        version=int(document["version"]),
        mjml=document["mjml"],
        text=document["text"],
        created_at=document["created_at"],
        created_by=document["created_by"],
        note=document["note"],
        state=state,
    )
