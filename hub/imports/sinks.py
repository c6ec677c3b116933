"""Sinks: where units go. A sink takes a batch whole, or tells which of it cannot be taken and why."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from hub.catalogue.intake import Entry, parse_entry
from hub.catalogue.model import Answer, BrandFacts, Content, Offer
from hub.catalogue.putting import PutResult
from hub.catalogue.service import CatalogueService
from hub.errors import InvalidInput
from hub.events.model import Receipt
from hub.events.segment import parse
from hub.imports.repository import ImportRepository
from hub.imports.shaping import Unit

Refused = Mapping[int, str]
EmbeddingProgress = Callable[[int, int], None]


class Ingest(Protocol):
    """What an import needs of `hub.events.service.IngestService`."""

    async def record(self, messages: Sequence[Mapping[str, Any]], *, source: str) -> Receipt: ...

    async def recover(self, *, progress: Callable[[int], None] | None = None) -> int: ...


class Sink(Protocol):
    """Whatever takes units; `tally` counts what became of them, in words."""

    tally: Counter[str]

    async def take(self, units: Sequence[Unit]) -> Refused:
        """Import a batch; return position in it -> reason for those that cannot be taken.

        Raises:
            Unavailable: nothing is known of this batch; taking it again is safe.
        """
        ...


def _parsed(what: str, units: Sequence[Unit]) -> tuple[dict[int, Entry], dict[int, str]]:
    entries: dict[int, Entry] = {}
    refused: dict[int, str] = {}
    for at, unit in enumerate(units):
        try:
            entries[at] = parse_entry(what, unit.value)
        except InvalidInput as error:
            refused[at] = error.message
    return entries, refused


class EntrySink:
    """Puts catalogue entries."""

    def __init__(
        self,
        what: str,
        catalogue: CatalogueService,
        progress: EmbeddingProgress | None = None,
        *,
        keep_faulty: bool = False,
    ) -> None:
        self._what = what
        self._keep_faulty = keep_faulty
        self._catalogue = catalogue
        self._progress = progress
        self.tally: Counter[str] = Counter()

    async def take(self, units: Sequence[Unit]) -> Refused:
        entries, refused = _parsed(self._what, units)
        # Later lines of a batch win over earlier ones of the same key, as they would in a later batch.
        while entries:
            try:
                done = await self._put(list(entries.values()))
            except InvalidInput as error:
                at = error.path[0] if error.path else None
                if not isinstance(at, int):
                    raise
                wrong = list(entries)[at]
                refused[wrong] = error.message
                del entries[wrong]
            else:
                self.tally.update(added=done.added, changed=done.changed, unchanged=done.unchanged)
                break
        return refused

    async def _put(self, entries: Sequence[Entry]) -> PutResult:
        if self._what == "contents":
            contents = [entry for entry in entries if isinstance(entry, Content)]
            return await self._catalogue.put_contents(
                contents, progress=self._progress, refresh=False, keep_faulty=self._keep_faulty
            )
        if self._what == "answers":
            answers = [entry for entry in entries if isinstance(entry, Answer)]
            return await self._catalogue.put_answers(answers, progress=self._progress, refresh=False)
        if self._what == "offers":
            offers = [entry for entry in entries if isinstance(entry, Offer)]
            return await self._catalogue.put_offers(offers, refresh=False)
        facts = [entry for entry in entries if isinstance(entry, BrandFacts)]
        return await self._catalogue.put_brand_facts(facts, refresh=False)


class EventSink:
    """Records messages, each stamped with the file and the line that it comes from."""

    def __init__(self, ingest: Ingest, repository: ImportRepository, file: str, source: str) -> None:
        self._ingest = ingest
        self._repository = repository
        self._file = file
        self._source = source
        self.tally: Counter[str] = Counter()

    async def take(self, units: Sequence[Unit]) -> Refused:
        messages = {at: self._stamped(unit) for at, unit in enumerate(units)}
        refused = await self._torn(units, messages)
        for at in refused:
            del messages[at]
        if messages:
            receipt = await self._ingest.record(list(messages.values()), source=self._source)
            places = list(messages)
            for rejection in receipt.rejected:
                where = ".".join(str(step) for step in rejection.path)
                refused[places[rejection.index]] = (
                    f"{where}: {rejection.message}" if where else rejection.message
                )
            self.tally.update({"recorded": receipt.accepted, "there already": receipt.duplicates})
        return refused

    def _stamped(self, unit: Unit) -> dict[str, Any]:
        context = unit.value.get("context")
        origin = {"file": self._file, "line": unit.lines[0].number}
        stamped = {
            **unit.value,
            "context": {**(context if isinstance(context, dict) else {}), "import": origin},
        }
        if not stamped.get("messageId"):
            # Made of where it stands, so that a line counts once however often its file is imported.
            stamped["messageId"] = f"import-{self._file}-{unit.lines[0].number}"
        return stamped

    async def _torn(self, units: Sequence[Unit], messages: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
        """Find groups of which an earlier part is recorded already: the store would drop the rest unsaid."""
        grouped = [(str(messages[at]["messageId"]), at) for at, unit in enumerate(units) if unit.label]
        begun = await self._repository.first_lines(self._file, [message for message, _ in grouped])
        torn: dict[int, str] = {}
        for message, at in grouped:
            line = units[at].lines[0].number
            # What this batch holds of the group counts as well: the store does not know of it yet.
            first = begun.setdefault(message, line)
            if first != line:
                torn[at] = (
                    f"lines of {units[at].label} stand too far apart: the first part began in line {first}; "
                    "sort the file, or give the section a larger window"
                )
        return torn


class DryEntrySink:
    """Checks catalogue entries and puts nothing."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.tally: Counter[str] = Counter()

    async def take(self, units: Sequence[Unit]) -> Refused:
        entries, refused = _parsed(self._what, units)
        self.tally.update(valid=len(entries))
        return refused


class DryEventSink:
    """Checks messages and records nothing."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.tally: Counter[str] = Counter()

    async def take(self, units: Sequence[Unit]) -> Refused:
        refused: dict[int, str] = {}
        for at, unit in enumerate(units):
            try:
                parse(unit.value, received_at=self._now, source="import")
            except InvalidInput as error:
                refused[at] = error.message
        self.tally.update(valid=len(units) - len(refused))
        return refused
