"""Which columns a mapping names, so that a misspelt one is found before the first line is read."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from hub.imports.mapping import ENTRY_SECTIONS, EVENTS, EntrySection, ImportMapping, fault
from hub.imports.templates import columns_of


def check_columns(mapping: ImportMapping, columns: Iterable[str]) -> None:
    """Refuse a mapping that names a column which the file does not have.

    Raises:
        InvalidInput: names the column, where the mapping names it, and the columns that there are.
    """
    there = tuple(columns)
    for column, path in columns_needed(mapping):
        if column not in there:
            raise fault(path, f"the file has no column {column!r}; it has: {', '.join(there)}")


def columns_needed(mapping: ImportMapping) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield every column that the mapping names, with the path of the field that names it."""
    for at, rule in enumerate(mapping.reject):
        yield from ((column, ("reject", at, "when", column)) for column in rule.when)
    for name in ENTRY_SECTIONS:
        entries: EntrySection | None = getattr(mapping, name)
        if entries is not None:
            yield from _columns_in(entries, (name,))
    for at, section in enumerate(mapping.events):
        yield from _columns_in(section, (EVENTS, at))
    for at, once in enumerate(mapping.once):
        yield from _columns_in(once, ("once", at))


def _columns_in(
    section: BaseModel, path: tuple[str | int, ...]
) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for field in ("where",):
        yield from ((column, (*path, field, column)) for column in getattr(section, field))
    for at, rule in enumerate(getattr(section, "reject", ())):
        yield from ((column, (*path, "reject", at, "when", column)) for column in rule.when)
    for field in ("group", "order", "by", "fields", "message", "item"):
        yield from _columns_of_value(getattr(section, field, None), (*path, field))


def _columns_of_value(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    if isinstance(value, str):
        yield from ((column, path) for column in columns_of(value))
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "when" and "value" in value:
                yield from ((column, (*path, key, column)) for column in each)
            else:
                yield from _columns_of_value(each, (*path, key))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _columns_of_value(each, (*path, at))
