"""Shaping: lines in, units out. A unit is one thing to import with the lines that it was made of.

                      +--> Refusal(line, reason)            --> rejects file
    line --section----+
                      +--> lines of one group --> Unit(value, lines) --> sink

`event_shaping` makes messages, `entry_shaping` catalogue entries; here is what both stand on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hub.imports.conditions import Check, Test, compile_conditions
from hub.imports.mapping import Reject
from hub.imports.readers import Line

NOT_TAKEN = "no section of the mapping takes this line"
NO_GROUP = "the line has no value to group it by"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that is not imported, and why."""

    line: Line
    reason: str


@dataclass(slots=True)
class Unit:
    """One message or entry, with the lines it was made of.

    `count` is how many lines there were, `merged` how many of them added to what another had begun. A
    unit of scattered lines does not keep them: `lines` holds the first alone. `label` names the group;
    `beside` the `once` section whose lines are accounted for elsewhere.
    """

    value: dict[str, Any]
    lines: list[Line]
    merged: int = 0
    count: int = 0
    label: str = ""
    beside: str | None = None


class Gate:
    """`where` and `reject` of a section, behind the mapping's own `reject`."""

    def __init__(self, where: Mapping[str, Test], rules: tuple[Reject, ...]) -> None:
        self._where: Check | None = compile_conditions(where) if where else None
        self._rules = tuple((compile_conditions(rule.when), rule.reason) for rule in rules)

    def takes(self, line: Line) -> bool:
        return self._where is None or self._where(line.row)

    def turns_away(self, line: Line) -> str | None:
        for holds, reason in self._rules:
            if holds(line.row):
                return reason
        return None


class Shaper(Protocol):
    """Whatever makes units of lines."""

    def take(self, line: Line) -> Iterator[Unit | Refusal]:
        """Yield what becomes clear with one more line."""
        ...

    def pass_by(self, line: Line) -> Iterator[Unit | Refusal]:
        """Yield what becomes clear with a line that is accounted for already."""
        ...

    def finish(self) -> Iterator[Unit | Refusal]:
        """Yield what is left at the file's end."""
        ...
