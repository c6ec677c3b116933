"""Lines into catalogue entries: one a line, or one of all lines that share a value.

Entries made of scattered lines keep only what their fields need (a count of the texts seen, the first or
the latest value), so that memory grows with the entries and not with the lines.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.imports.mapping import EntrySection, Picking, Reject
from hub.imports.readers import Line
from hub.imports.shaping import NO_GROUP, NOT_TAKEN, Gate, Refusal, Unit
from hub.imports.templates import Dialect, Render, Unfit, compile_template, text_of
from hub.imports.values import compile_table, picks_of
from hub.kit.canonical import plain


@dataclass(slots=True)
class _Gathered:
    first: Line
    count: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Counter[bytes]] = field(default_factory=dict)


class EntryShaper:
    """A section of catalogue entries."""

    def __init__(
        self, name: str, section: EntrySection, rejects: tuple[Reject, ...], dialect: Dialect
    ) -> None:
        self._gates = (Gate({}, rejects), Gate({}, section.reject))
        self._where = Gate(section.where, ())
        self._fields = compile_table(section.fields, dialect, (name, "fields"))
        self._picks: dict[str, Picking] = picks_of(section.fields, (name, "fields"))
        self._group: Render | None = (
            compile_template(section.group, dialect, (name, "group")) if section.group else None
        )
        self._order = compile_template(section.order, dialect, (name, "order")) if section.order else None
        self._gathered: dict[str, _Gathered] = {}

    @property
    def scattered(self) -> bool:
        """Whether an entry is made of many lines, so that none is ready before the file's end."""
        return self._group is not None

    def take(self, line: Line) -> Iterator[Unit | Refusal]:
        """Yield what becomes clear with one more line."""
        if line.fault is not None:
            yield Refusal(line, line.fault)
            return
        try:
            reason = self._reason(line)
            if reason is not None:
                yield Refusal(line, reason)
            elif self._group is None:
                yield Unit(self._fields(line.row) or {}, [line], count=1)
            else:
                self._gather(line)
        except Unfit as reason:
            yield Refusal(line, str(reason))

    def _reason(self, line: Line) -> str | None:
        if not self._where.takes(line):
            return NOT_TAKEN
        return next((r for gate in self._gates if (r := gate.turns_away(line)) is not None), None)

    def pass_by(self, _line: Line) -> Iterator[Unit | Refusal]:
        """Nothing becomes clear by a line that is accounted for."""
        yield from ()

    def group_of(self, line: Line) -> str | None:
        """Return which entry a line belongs to; None where it is refused."""
        assert self._group is not None
        try:
            if line.fault is not None or self._reason(line) is not None:
                return None
            self._fields(line.row)
            value = self._group(line.row)
        except Unfit:
            return None
        return None if value is None else text_of(value)

    def _gather(self, line: Line) -> None:
        assert self._group is not None
        key = self._group(line.row)
        if key is None:
            raise Unfit(NO_GROUP)
        fields = self._fields(line.row) or {}
        mark = self._order(line.row) if self._order else line.position
        gathered = self._gathered.setdefault(text_of(key), _Gathered(line))
        gathered.count += 1
        for name, value in fields.items():
            _pick(gathered, name, value, self._picks[name], mark)

    def finish(self) -> Iterator[Unit | Refusal]:
        """Yield the entries of all groups, in the order in which they first came up."""
        for key, gathered in self._gathered.items():
            for name, seen in gathered.seen.items():
                gathered.values[name] = _most_frequent(seen)
            yield Unit(gathered.values, [gathered.first], gathered.count - 1, gathered.count, key)
        self._gathered = {}


def _pick(gathered: _Gathered, name: str, value: Any, pick: Picking, mark: Any) -> None:
    if pick == "most_frequent":
        gathered.seen.setdefault(name, Counter())[orjson.dumps(plain(value))] += 1
        return
    if name not in gathered.values or pick == "last":
        chosen = True
    elif pick == "first" or mark is None:
        chosen = False
    elif gathered.marks[name] is None:
        chosen = True
    else:
        # Of two lines with one mark the later is the latest and the earlier the earliest.
        chosen = mark >= gathered.marks[name] if pick == "latest" else mark < gathered.marks[name]
    if chosen:
        gathered.values[name] = value
        gathered.marks[name] = mark


def _most_frequent(seen: Counter[bytes]) -> Any:
    """Return the value seen most often; of equals the first in the order of their spelling."""
    most = max(seen.values())
    return orjson.loads(min(spelled for spelled, count in seen.items() if count == most))
