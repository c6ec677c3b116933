"""An event log read from a file, as an import would read it, without a store.

Contents are made of the lines before an instant alone: a title or a price that came later is not known yet.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.catalogue.intake import parse_entry
from hub.catalogue.model import Content, ContentKind
from hub.errors import InvalidInput
from hub.events.model import Event
from hub.events.segment import parse
from hub.imports.entry_shaping import EntryShaper
from hub.imports.event_shaping import EventShaper
from hub.imports.mapping import ImportMapping
from hub.imports.plain import PlainShaper
from hub.imports.readers import Reader
from hub.imports.service import make_plan
from hub.imports.shaping import Shaper, Unit
from hub.imports.templates import Dialect, Render, Unfit, compile_template

BOUGHT = "Order Completed"
SOURCE = "evaluation"
Share = Callable[[float], None]
_EVERY = 4_096


def _quiet(_share: float) -> None:
    return


@dataclass(frozen=True, slots=True, eq=False)
class EventLog:
    """Events, oldest first, and the contents as they were known before an instant."""

    events: tuple[Event, ...]
    contents_before: Callable[[datetime], Sequence[Content]]


def read_log(path: Path, mapping: Path | None, *, now: datetime, progress: Share = _quiet) -> EventLog:
    """Read the events of a file; without a mapping its lines are messages of the Segment spec.

    Args:
        path: JSON Lines, CSV or Parquet.
        mapping: as for `tutti import`.
        now: when the events are taken to have arrived.
        progress: told the share of the file that was read.

    Raises:
        InvalidInput: the file or the mapping cannot be used, or there is no event in it.
    """
    plan = make_plan(path, mapping, "events" if mapping is None else None)
    given = plan.mapping
    shaper: Shaper = (
        PlainShaper()
        if given is None
        else EventShaper(given.events, given.once, given.reject, Dialect(ZoneInfo(given.read.timezone)))
    )
    events: list[Event] = []
    for unit in _units(plan.reader, shaper, progress):
        try:
            events.append(parse(unit.value, received_at=now, source=SOURCE))
        except InvalidInput:
            continue  # as an import rejects it
    if not events:
        raise InvalidInput("there is no event in this file that the hub understands", path=("file",))
    events.sort(key=lambda event: (event.at, event.id))
    log = tuple(events)
    if given is not None and given.contents is not None:
        return EventLog(log, _Mapped(plan.reader, given))
    return EventLog(log, _Told(log))


def _units(reader: Reader, shaper: Shaper, progress: Share) -> Iterable[Unit]:
    for number, line in enumerate(reader.lines()):
        if number % _EVERY == 0:
            progress(reader.share())
        yield from (made for made in shaper.take(line) if isinstance(made, Unit))
    yield from (made for made in shaper.finish() if isinstance(made, Unit))
    progress(1.0)


class _Mapped:
    """Contents by the mapping's own section, of the lines before an instant."""

    def __init__(self, reader: Reader, mapping: ImportMapping) -> None:
        self._reader = reader
        self._mapping = mapping

    def __call__(self, at: datetime) -> Sequence[Content]:
        section = self._mapping.contents
        assert section is not None
        if section.order is None:
            raise InvalidInput(
                "to know what was known when, [contents] needs an `order` that is the instant of a line",
                path=("mapping", "contents", "order"),
            )
        dialect = Dialect(ZoneInfo(self._mapping.read.timezone))
        order = compile_template(section.order, dialect, ("contents", "order"))
        shaper = EntryShaper("contents", section, self._mapping.reject, dialect)
        contents: list[Content] = []
        for line in self._reader.lines():
            if line.fault is None and _earlier(order, line.row, at):
                contents.extend(_content(made) for made in shaper.take(line) if isinstance(made, Unit))
        contents.extend(_content(made) for made in shaper.finish() if isinstance(made, Unit))
        return contents


def _earlier(order: Render, row: object, at: datetime) -> bool:
    try:
        instant = order(row)  # type: ignore[arg-type]
    except Unfit:
        return False
    return isinstance(instant, datetime) and instant < at


def _content(unit: Unit) -> Content:
    made = parse_entry("contents", unit.value)
    assert isinstance(made, Content)
    return made


class _Told:
    """Contents as the orders themselves tell: key and title, published when first sold."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def __call__(self, at: datetime) -> Sequence[Content]:
        known: dict[str, Content] = {}
        for event in self._events:
            if event.at >= at:
                break
            for item in event.items:
                if item.key not in known:
                    known[item.key] = Content(
                        key=item.key,
                        kind=ContentKind.PRODUCT,
                        title=item.title or item.key,
                        published_at=event.at,
                    )
        return tuple(known.values())
