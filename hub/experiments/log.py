"""An event log read from a file, as an import would read it, without a store.

Contents are made of the lines before an instant alone: a title or a price that came later is not known yet.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hub.catalogue.intake import parse_entry
from hub.catalogue.model import Content, ContentKind, Segment
from hub.errors import InvalidInput
from hub.events.items import items_of
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
from hub.kit.money import Money

BOUGHT = "Order Completed"
SOURCE = "evaluation"
Share = Callable[[float], None]
LONGEST_CATEGORY = 200
NO_CURRENCY = "XXX"  # ISO 4217's own for none
_EVERY = 4_096
_STEPS = re.compile(r"[>/|]")


def _quiet(_share: float) -> None:
    return


@dataclass(frozen=True, slots=True, eq=False)
class EventLog:
    """Events, oldest first, the contents as they were known before an instant, and the segments that there are."""

    events: tuple[Event, ...]
    contents_before: Callable[[datetime], Sequence[Content]]
    segments: tuple[Segment, ...] = ()


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
    log = told_by(events)
    if given is not None and given.contents is not None:
        return replace(log, contents_before=_Mapped(plan.reader, given))
    return log


def told_by(events: Iterable[Event]) -> EventLog:
    """Return the log of some events, with contents as they tell of them."""
    log = tuple(sorted(events, key=lambda event: (event.at, event.id)))
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
    """Contents as the events themselves tell: key, title, category and price, published when first heard of.

    What was told last before the instant counts. A brand is not taken over: it would name facts that nobody gave.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = events

    def __call__(self, at: datetime) -> Sequence[Content]:
        known: dict[str, dict[str, Any]] = {}
        for event in self._events:
            if event.at >= at:
                break
            categories = _categories(event.properties) if event.items else {}
            currency = event.properties.get("currency")
            for item in event.items:
                told = known.setdefault(item.key, {"title": item.key, "published_at": event.at})
                if item.title:
                    told["title"] = item.title
                if category := categories.get(item.key):
                    told["category"] = category
                if item.price is not None:
                    told["price"] = _money(item.price, currency)
        return tuple(Content(key=key, kind=ContentKind.PRODUCT, **told) for key, told in known.items())


def _categories(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the category of each product that has one, as a path: "Garden > Roses" is "Garden/Roses"."""
    listed = properties.get("products")
    found: dict[str, str] = {}
    for product in listed if isinstance(listed, list) else [properties]:
        told = product.get("category")
        if isinstance(told, str) and (path := "/".join(filter(None, map(str.strip, _STEPS.split(told))))):
            found[items_of(dict(product), needed=True)[0].key] = path[:LONGEST_CATEGORY]
    return found


def _money(price: Decimal, currency: object) -> Money:
    known = isinstance(currency, str) and len(currency) == 3 and currency.isalpha() and currency.isascii()
    return Money(price, str(currency).upper() if known else NO_CURRENCY)
