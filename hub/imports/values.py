"""Values of a mapping's tables, compiled once into functions of a row."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from hub.errors import InvalidInput
from hub.imports.conditions import compile_conditions
from hub.imports.mapping import Picked, Picking, fault
from hub.imports.templates import Dialect, Render, Row, compile_template
from hub.kit.clock import isoformat

Path = tuple[str | int, ...]
Fields = Callable[[Row], dict[str, Any]]


def compile_value(value: Any, dialect: Dialect, path: Path) -> Render:
    """Return a function that makes `value` for a row: templates rendered, tables and lists within them too.

    A table of `value` and `when` is the value where the conditions hold, and absent elsewhere.

    Raises:
        InvalidInput: with the path of the field that cannot be understood.
    """
    if isinstance(value, str):
        return compile_template(value, dialect, path)
    if isinstance(value, Mapping):
        picked = picked_of(value, path)
        return (
            compile_table(value, dialect, path) if picked is None else _compile_picked(picked, dialect, path)
        )
    if isinstance(value, list):
        parts = tuple(compile_value(each, dialect, (*path, at)) for at, each in enumerate(value))
        return lambda row: [made for part in parts if (made := part(row)) is not None]
    return lambda _row: value


def picked_of(value: Any, path: Path) -> Picked | None:
    """Return what a table says if it is one of `value`, `when` and `pick`; None if it is an ordinary one."""
    if (
        not isinstance(value, Mapping)
        or "value" not in value
        or not value.keys() <= {"value", "when", "pick"}
    ):
        return None
    try:
        return Picked.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise fault((*path, *first["loc"]), first["msg"].removeprefix("Value error, ")) from None


def _compile_picked(picked: Picked, dialect: Dialect, path: Path) -> Render:
    make = compile_value(picked.value, dialect, (*path, "value"))
    if not picked.when:
        return make
    holds = compile_conditions(picked.when)
    return lambda row: make(row) if holds(row) else None


def compile_table(table: Mapping[str, Any], dialect: Dialect, path: Path = ()) -> Render:
    """Return a function that makes a table; fields that are absent are left out, an empty table is absent."""
    parts = tuple((name, compile_value(value, dialect, (*path, name))) for name, value in table.items())

    def make(row: Row) -> dict[str, Any] | None:
        made: dict[str, Any] = {}
        for name, part in parts:
            value = part(row)
            if value is not None:
                made[name] = value
        return made or None

    return make


def picks_of(fields: Mapping[str, Any], path: Path) -> dict[str, Picking]:
    """Return which of many lines' values each field of an entry takes; `first` where nothing is said."""
    picks: dict[str, Picking] = {}
    for name, value in fields.items():
        picked = picked_of(value, (*path, name))
        picks[name] = (picked.pick if picked else None) or "first"
    return picks


def put_in(message: dict[str, Any], where: str, value: Any) -> None:
    """Put a value into a message under a dotted path, making tables on the way.

    Raises:
        InvalidInput: something else than a table is in the way.
    """
    *way, last = where.split(".")
    table = message
    for step in way:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            raise InvalidInput(f"{where} cannot be put into the message: {step} is no table")
    table[last] = value


def as_json(value: Any) -> Any:
    """Return a value with its times spelled, as a message of the Segment spec has them."""
    if isinstance(value, datetime):
        return isoformat(value)
    if isinstance(value, dict):
        return {name: as_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return value
