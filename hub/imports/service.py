"""`tutti import` without its terminal: put together the reader, the mapping's sections and the sinks."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.catalogue import learning, popularity
from hub.catalogue.service import CatalogueService
from hub.errors import InvalidInput
from hub.imports.columns import check_columns
from hub.imports.entry_shaping import EntryShaper
from hub.imports.event_shaping import EventShaper
from hub.imports.mapping import EVENTS, SECTIONS, EntrySection, ImportMapping, load_mapping
from hub.imports.plain import PlainShaper
from hub.imports.readers import Reader, file_digest, open_reader
from hub.imports.rejects import RejectsFile
from hub.imports.repository import ImportRepository
from hub.imports.runner import Job, Progress, restart_scattered, run
from hub.imports.shaping import Shaper
from hub.imports.sinks import DryEntrySink, DryEventSink, EntrySink, EventSink, Ingest, Sink
from hub.imports.state import ImportState, SectionState, state_from_document, state_to_document
from hub.imports.templates import Dialect
from hub.kit.canonical import digest
from hub.kit.clock import Clock, isoformat
from hub.store.database import Store

SOURCE = "import"


@dataclass(frozen=True, slots=True)
class Plan:
    """A file that can be read and a mapping that fits it, checked before anything is touched."""

    path: Path
    reader: Reader
    mapping: ImportMapping | None
    sections: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """A name of what the file's lines are taken to mean."""
        return digest([self.mapping.digest if self.mapping else "plain", list(self.sections)])


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of an import; `already` says that it had been done before and nothing was touched."""

    state: ImportState
    rejects: Path
    already: bool = False

    @property
    def rejected(self) -> int:
        """How many records the rejects file holds."""
        return sum(
            section.counts.rejected + sum(sum(c.values()) for c in section.counts.beside.values())
            for section in self.state.sections.values()
        )


def make_plan(path: Path, mapping_path: Path | None, what: str | None) -> Plan:
    """Check everything that can be checked before the first line.

    Args:
        path: the file.
        mapping_path: its mapping; without one the fields are the model's own names.
        what: one section alone; needed where there is no mapping.

    Raises:
        InvalidInput: says which argument, or which field of the mapping, is wrong.
    """
    mapping = load_mapping(mapping_path) if mapping_path is not None else None
    if what is not None and what not in SECTIONS:
        raise InvalidInput(f"--what is one of {', '.join(SECTIONS)}, not {what!r}", path=("what",))
    if mapping is None:
        if what is None:
            raise InvalidInput(
                f"without a mapping, --what says what the lines are: {', '.join(SECTIONS)}", path=("what",)
            )
        return Plan(path, open_reader(path), None, (what,))
    if what is not None and what not in mapping.sections:
        raise InvalidInput(
            f"the mapping has no section for {what}; it has: {', '.join(mapping.sections)}", path=("what",)
        )
    read = mapping.read
    reader = open_reader(path, form=read.format, delimiter=read.delimiter, encoding=read.encoding)
    if reader.columns is not None:
        check_columns(mapping, reader.columns)
    _shapers(mapping, mapping.sections)
    return Plan(path, reader, mapping, mapping.sections if what is None else (what,))


def _shapers(mapping: ImportMapping | None, sections: tuple[str, ...]) -> dict[str, Shaper]:
    if mapping is None:
        return {name: PlainShaper() for name in sections}
    dialect = Dialect(ZoneInfo(mapping.read.timezone))
    made: dict[str, Shaper] = {}
    for name in sections:
        if name == EVENTS:
            made[name] = EventShaper(mapping.events, mapping.once, mapping.reject, dialect)
        else:
            section: EntrySection = getattr(mapping, name)
            made[name] = EntryShaper(name, section, mapping.reject, dialect)
    return made


class ImportService:
    """Imports files into one store."""

    def __init__(self, store: Store, catalogue: CatalogueService, ingest: Ingest, clock: Clock) -> None:
        self._store = store
        self._repository = ImportRepository(store.db)
        self._catalogue = catalogue
        self._ingest = ingest
        self._clock = clock

    async def bring_in(
        self,
        plan: Plan,
        rejects: Path,
        *,
        progress: Progress,
        embedding: Callable[[int, int], None] | None = None,
        again: bool = False,
        keep_faulty: bool = False,
    ) -> Summary:
        """Import a file, or go on with it where an earlier run was stopped.

        Args:
            plan: what `make_plan` returned.
            rejects: where rejected lines are written.
            progress: told how far it is.
            embedding: told (embedded, texts to embed) where content is embedded.
            again: go through a file that was imported before, and compare.
            keep_faulty: take contents that break a brand rule too; they are kept and never shown.

        Raises:
            InvalidInput, SetupError: an argument does not work; nothing was touched.
            Unavailable: the store stopped answering; running again goes on.
        """
        file = await asyncio.to_thread(file_digest, plan.path)
        key = digest([file, plan.meaning, *(["keep_faulty"] if keep_faulty else [])])
        found = await self._repository.load(key)
        if found is not None and found["state"] == "done" and not again:
            return Summary(state_from_document(found), rejects, already=True)
        with RejectsFile(rejects, source=plan.path) as writing:
            state = self._begin(plan, found if not again else None, writing)
            await run(
                plan.reader,
                self._jobs(plan, file, embedding, keep_faulty=keep_faulty),
                state,
                writing,
                save=lambda state: self._save(key, state),
                progress=progress,
            )
            await self._catalogue.refresh()
            if EVENTS in plan.sections:
                await self._ingest.recover(progress=progress.fold)
            moved = await popularity.refresh(self._store, self._clock)
            if await learning.refresh(self._store, self._clock) or moved:
                await self._catalogue.refresh()
            state.done = True
            await self._save(key, state)
        return Summary(state, rejects)

    def _begin(self, plan: Plan, found: Mapping[str, Any] | None, rejects: RejectsFile) -> ImportState:
        fresh = ImportState(plan.path.name, {name: SectionState() for name in plan.sections})
        if found is not None:
            state = state_from_document(found)
            if rejects.resume(state.rejects_size, state.rejects_sha256):
                shapers = _shapers(plan.mapping, plan.sections)
                restart_scattered(
                    state, {n: isinstance(s, EntryShaper) and s.scattered for n, s in shapers.items()}
                )
                return state
        rejects.resume(0, "")
        return fresh

    def _jobs(
        self, plan: Plan, file: str, embedding: Callable[[int, int], None] | None, *, keep_faulty: bool
    ) -> list[Job]:
        jobs: list[Job] = []
        for name, shaper in _shapers(plan.mapping, plan.sections).items():
            sink: Sink = (
                _KnowingSink(self._catalogue, EventSink(self._ingest, self._repository, file[:12], SOURCE))
                if name == EVENTS
                else EntrySink(name, self._catalogue, embedding, keep_faulty=keep_faulty)
            )
            jobs.append(Job(name, shaper, sink))
        return jobs

    async def _save(self, key: str, state: ImportState) -> None:
        document = state_to_document(state)
        await self._repository.save(key, {**document, "updated_at": isoformat(self._clock.now())})


class _KnowingSink:
    """Events fold into profiles by what the catalogue knows, so it is loaded before the first of them."""

    def __init__(self, catalogue: CatalogueService, sink: EventSink) -> None:
        self._catalogue = catalogue
        self._sink = sink
        self._known = False

    @property
    def tally(self) -> Any:
        return self._sink.tally

    @tally.setter
    def tally(self, tally: Any) -> None:
        self._sink.tally = tally

    async def take(self, units: Any) -> Any:
        if not self._known:
            await self._catalogue.refresh()
            self._known = True
        return await self._sink.take(units)


async def rehearse(plan: Plan, rejects: Path, *, progress: Progress, clock: Clock) -> Summary:
    """Read, shape and check everything, and import nothing; no store is needed."""
    shapers = _shapers(plan.mapping, plan.sections)
    jobs = [
        Job(name, shaper, DryEventSink(clock.now()) if name == EVENTS else DryEntrySink(name))
        for name, shaper in shapers.items()
    ]
    state = ImportState(plan.path.name, {name: SectionState() for name in plan.sections})

    async def forget(_state: ImportState) -> None:
        return None

    with RejectsFile(rejects, source=plan.path) as writing:
        writing.resume(0, "")
        await run(plan.reader, jobs, state, writing, save=forget, progress=progress)
    return Summary(state, rejects)
