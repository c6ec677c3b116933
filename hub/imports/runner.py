"""The runner: reads, shapes, sinks, and keeps a checkpoint so that it can be killed anywhere.

    for each section:  line -> shaper -> units -> sink (durable) -> rejects (fsync) -> checkpoint

The order makes it safe: what a checkpoint says is imported *is* imported. What was imported behind the
last checkpoint is imported again, which changes nothing, since messages count once by their id and
entries are compared with what is there. The rejects file is cut back to the checkpoint.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.imports.entry_shaping import EntryShaper
from hub.imports.readers import Line, Reader
from hub.imports.rejects import RejectsFile
from hub.imports.shaping import Refusal, Shaper, Unit
from hub.imports.sinks import Sink
from hub.imports.state import ImportState, SectionState

MOST_UNITS = 1_000
MOST_LINES = 10_000
SHOWN_EVERY = 2_000  # lines between two signs of life


class Progress(Protocol):
    """Whoever is told how far it is."""

    def begin(self, section: str) -> None:
        """A section begins."""
        ...

    def advance(self, share: float, lines: int) -> None:
        """So much of the file (0 to 1) has been read, so many lines are accounted for."""
        ...

    def fold(self, facets: int) -> None:
        """So many customers have been folded out of what was recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One section: its name, what shapes its lines, where they go."""

    name: str
    shaper: Shaper
    sink: Sink


Save = Callable[[ImportState], Awaitable[None]]


async def run(
    reader: Reader,
    jobs: list[Job],
    state: ImportState,
    rejects: RejectsFile,
    *,
    save: Save,
    progress: Progress,
) -> None:
    """Import what is not imported yet; `state` says how far that is and is moved along.

    Raises:
        Unavailable: the store stopped answering; running again goes on from the last checkpoint.
    """
    for job in jobs:
        section = state.sections[job.name]
        if not section.done:
            progress.begin(job.name)
            await _Section(reader, job, state, rejects, save, progress).run()


class _Section:
    """One run over the file for one section."""

    def __init__(
        self,
        reader: Reader,
        job: Job,
        state: ImportState,
        rejects: RejectsFile,
        save: Save,
        progress: Progress,
    ) -> None:
        self._reader = reader
        self._job = job
        self._state = state
        self._section: SectionState = state.sections[job.name]
        self._rejects = rejects
        self._save = save
        self._progress = progress
        self._units: list[Unit] = []
        self._lines = 0
        self._refused_groups: dict[str, str] = {}

    @property
    def _scattered(self) -> bool:
        return isinstance(self._job.shaper, EntryShaper) and self._job.shaper.scattered

    async def run(self) -> None:
        shaper = self._job.shaper
        # A tally of an earlier, killed run goes on where its checkpoint left it.
        self._job.sink.tally = Counter(self._section.counts.tally)
        for at, line in enumerate(self._reader.lines(self._section.position)):
            known = line.position in self._section.ahead
            for made in shaper.pass_by(line) if known else shaper.take(line):
                await self._handle(made)
            if at % SHOWN_EVERY == 0:
                self._progress.advance(self._reader.share(), self._section.counts.lines)
        for made in shaper.finish():
            await self._handle(made)
        await self._flush()
        if self._refused_groups:
            self._refuse_scattered()
        self._section.done = True
        await self._checkpoint()
        self._progress.advance(1.0, self._section.counts.lines)

    async def _handle(self, made: Unit | Refusal) -> None:
        if isinstance(made, Refusal):
            self._refuse(made.line, made.reason)
            self._lines += 1
        else:
            self._units.append(made)
            self._lines += len(made.lines)
        if len(self._units) >= MOST_UNITS or self._lines >= MOST_LINES:
            await self._flush()
            # A section of scattered lines has nothing to show for itself before the file's end.
            if not self._scattered:
                await self._checkpoint()

    async def _flush(self) -> None:
        units, self._units, self._lines = self._units, [], 0
        if not units:
            return
        refused = await self._job.sink.take(units)
        counts = self._section.counts
        for at, unit in enumerate(units):
            reason = refused.get(at)
            if unit.beside is not None:
                if reason is not None:
                    counts.beside.setdefault(unit.beside, Counter())[reason] += 1
                    self._rejects.write(unit.beside, unit.lines[0], reason)
            elif reason is None:
                counts.imported += unit.count - unit.merged
                counts.merged += unit.merged
                for line in unit.lines if not self._scattered else ():
                    self._section.account(line.position)
            elif self._scattered:
                self._refused_groups[unit.label] = reason
            else:
                for line in unit.lines:
                    self._refuse(line, reason)

    def _refuse(self, line: Line, reason: str) -> None:
        self._rejects.write(self._job.name, line, reason)
        self._section.counts.rejected += 1
        self._section.counts.reasons[reason] += 1
        if not self._scattered:
            self._section.account(line.position)

    def _refuse_scattered(self) -> None:
        """Read once more for the lines of the entries that were refused: they were not kept."""
        shaper = self._job.shaper
        assert isinstance(shaper, EntryShaper)
        for line in self._reader.lines():
            reason = self._refused_groups.get(shaper.group_of(line) or "")
            if reason is not None:
                self._refuse(line, reason)

    async def _checkpoint(self) -> None:
        self._section.counts.tally = Counter(self._job.sink.tally)
        self._state.rejects_size, self._state.rejects_sha256 = self._rejects.checkpoint()
        await self._save(self._state)


def restart_scattered(state: ImportState, scattered: Mapping[str, bool]) -> None:
    """Forget what a killed run counted in sections that can only be done whole."""
    for name, section in list(state.sections.items()):
        if scattered.get(name) and not section.done:
            state.sections[name] = SectionState()
