"""Lines into messages of the Segment spec.

A group of lines becomes one message. Groups hold neighbouring lines: one is closed when `window` lines
went by without it, so that memory does not grow with the file.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.imports.mapping import EventSection, OnceSection, Reject
from hub.imports.readers import Line
from hub.imports.shaping import NO_GROUP, NOT_TAKEN, Gate, Refusal, Unit
from hub.imports.templates import Dialect, Unfit, compile_template, text_of
from hub.imports.values import as_json, compile_table, put_in

MOST_REMEMBERED = 50_000  # distinct values of `once` kept in memory; the store knows the older ones


@dataclass(slots=True)
class _Group:
    section: "EventShape"
    key: str
    lines: list[Line] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)
    merged: int = 0
    last: int = 0


class EventShape:
    """One section of events, compiled."""

    def __init__(self, section: EventSection, dialect: Dialect, path: tuple[str | int, ...]) -> None:
        self.section = section
        self.gate = Gate(section.where, section.reject)
        self.message = compile_table(section.message, dialect, (*path, "message"))
        self.item = compile_table(section.item, dialect, (*path, "item")) if section.item else None
        self.group = compile_template(section.group, dialect, (*path, "group")) if section.group else None

    def add(self, group: _Group, line: Line) -> None:
        """Make an item of a line, or add it to the one that is the same.

        Raises:
            Unfit: the line makes no item.
        """
        assert self.item is not None
        item = self.item(line.row)
        if item is None:
            raise Unfit("the line has nothing of what makes an item")
        merge = self.section.merge
        place = None
        if merge is not None:
            same = orjson.dumps([as_json(item.get(name)) for name in merge.same], default=str)
            place = group.places.setdefault(same, len(group.items))
        if place is None or place == len(group.items):
            group.items.append(item)
        else:
            assert merge is not None
            present = group.items[place]
            for name in merge.add:
                present[name] = (present.get(name) or 0) + (item.get(name) or 0)
            group.merged += 1
        group.lines.append(line)
        group.last = line.position

    def close(self, group: _Group) -> Unit:
        """Make the message of a group.

        Raises:
            Unfit: its first line makes no message.
        """
        message = self.message(group.lines[0].row) or {}
        put_in(message, self.section.items, group.items)
        return Unit(as_json(message), group.lines, group.merged, len(group.lines), group.key)


class OnceShape:
    """One `once`, compiled: a message for each distinct value."""

    def __init__(self, section: OnceSection, dialect: Dialect, path: tuple[str | int, ...]) -> None:
        self.name = section.name
        self._gate = Gate(section.where, ())
        self._by = compile_template(section.by, dialect, (*path, "by"))
        self._message = compile_table(section.message, dialect, (*path, "message"))
        self._seen: OrderedDict[str, None] = OrderedDict()

    def of(self, line: Line) -> Unit | None:
        """Return the message that a line makes, None where its value was seen before or is absent."""
        if not self._gate.takes(line):
            return None
        value = self._by(line.row)
        if value is None:
            return None
        key = text_of(value)
        if key in self._seen:
            self._seen.move_to_end(key)
            return None
        message = self._message(line.row)
        self._seen[key] = None
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return Unit(as_json(message or {}), [line], beside=self.name)


class EventShaper:
    """All sections of events together: every line goes to the first that takes it."""

    def __init__(
        self,
        sections: tuple[EventSection, ...],
        once: tuple[OnceSection, ...],
        rejects: tuple[Reject, ...],
        dialect: Dialect,
    ) -> None:
        self._rejects = Gate({}, rejects)
        self._shapes = [EventShape(s, dialect, ("events", at)) for at, s in enumerate(sections)]
        self._once = [OnceShape(s, dialect, ("once", at)) for at, s in enumerate(once)]
        self._open: OrderedDict[tuple[str, str], _Group] = OrderedDict()
        self._nearest = min((s.window for s in sections), default=1)

    def take(self, line: Line) -> Iterator[Unit | Refusal]:
        """Yield what becomes clear with one more line."""
        if line.fault is not None:
            yield Refusal(line, line.fault)
            return
        for once in self._once:
            try:
                unit = once.of(line)
            except Unfit:
                unit = None  # what is wrong with the line is told below, where the line is accounted for
            if unit is not None:
                yield unit
        try:
            made = self._place(line)
        except Unfit as reason:
            made = Refusal(line, str(reason))
        if made is not None:
            yield made
        yield from self._close_those_behind(line.position)

    def pass_by(self, line: Line) -> Iterator[Unit | Refusal]:
        """Yield what becomes clear with a line that is accounted for already."""
        yield from self._close_those_behind(line.position)

    def _place(self, line: Line) -> Unit | Refusal | None:
        reason = self._rejects.turns_away(line)
        if reason is not None:
            return Refusal(line, reason)
        shape = next((shape for shape in self._shapes if shape.gate.takes(line)), None)
        if shape is None:
            return Refusal(line, NOT_TAKEN)
        reason = shape.gate.turns_away(line)
        if reason is not None:
            return Refusal(line, reason)
        if shape.group is None:
            return Unit(as_json(shape.message(line.row) or {}), [line], count=1)
        value = shape.group(line.row)
        if value is None:
            return Refusal(line, NO_GROUP)
        key = (shape.section.name, text_of(value))
        group = self._open.get(key) or _Group(shape, key[1])
        shape.add(group, line)
        self._open[key] = group
        self._open.move_to_end(key)
        return None

    def _close_those_behind(self, position: int) -> Iterator[Unit | Refusal]:
        # The order of `_open` is that of the groups' last lines, so the first ones are the oldest.
        while self._open:
            group = next(iter(self._open.values()))
            if position - group.last < self._nearest:
                return
            yield from self._close(group)

    def finish(self) -> Iterator[Unit | Refusal]:
        """Close every group: the file is at its end."""
        while self._open:
            yield from self._close(next(iter(self._open.values())))

    def _close(self, group: _Group) -> Iterator[Unit | Refusal]:
        del self._open[group.section.section.name, group.key]
        try:
            yield group.section.close(group)
        except Unfit as reason:
            yield from (Refusal(line, str(reason)) for line in group.lines)
