"""The mapping language: a TOML file that says what a file's lines mean. Told in docs/importing.md.

A mapping has *sections*. A section of entries (`[contents]`, `[answers]`, `[brand_facts]`,
`[offers]`) makes catalogue entries, one a line or, with `group`, one of all lines that share a value.
Sections of events (`[[events]]`) make messages of the Segment spec, one a line or, with `group`, one of
neighbouring lines. `[[once]]` makes a message for each distinct value, such as an `identify` for each
customer, beside what a line is otherwise used for.

Everything here is validated before a line is read, and a fault names the field that holds it.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from hub.errors import InvalidInput
from hub.imports.conditions import Conditions, Test
from hub.kit.canonical import digest

ENTRY_SECTIONS = ("brand_facts", "offers", "contents", "answers")  # the order in which they can refer
EVENTS = "events"
SECTIONS = (*ENTRY_SECTIONS, EVENTS)
COUNTS_ONCE = "made of what tells it apart, so that importing twice counts once"
Picking = Literal["first", "last", "earliest", "latest", "most_frequent"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone such as 'Europe/London'") from None
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Read(_Strict):
    """How the file is read, where its name does not say."""

    format: Literal["jsonl", "csv", "parquet"] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str | None = None
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"


class Reject(_Strict):
    """A rule that turns lines away, with the reason that the rejects file gives."""

    when: Annotated[Conditions, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class Picked(_Strict):
    """A field with more to it than a value: only sometimes there, or one of many lines' values."""

    value: Any
    when: Conditions = {}
    pick: Picking | None = None


class Section(_Strict):
    """What all sections have."""

    where: Conditions = {}
    reject: tuple[Reject, ...] = ()


class EntrySection(Section):
    """Lines that make catalogue entries. With `group`, lines that share it make one, wherever they stand."""

    group: str | None = None
    order: str | None = None  # what `earliest` and `latest` go by
    fields: Annotated[dict[str, Any], Field(min_length=1)]


class Merge(_Strict):
    """Items of one message that agree in `same` become one; the numbers in `add` are added."""

    same: Annotated[tuple[str, ...], Field(min_length=1)]
    add: tuple[str, ...] = ()


class EventSection(Section):
    """Lines that make messages of the Segment spec.

    With `group`, neighbouring lines that share it make one message; each of them becomes an `item`,
    listed in the message under `items`. A group is closed when `window` lines went by without it.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    message: Annotated[dict[str, Any], Field(min_length=1)]
    group: str | None = None
    window: Annotated[int, Field(ge=1, le=50_000)] = 1_000
    item: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    items: str = "properties.products"
    merge: Merge | None = None


class OnceSection(_Strict):
    """A message for each distinct value of `by`, made of the first line that has it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    by: str
    where: Conditions = {}
    message: Annotated[dict[str, Any], Field(min_length=1)]


class ImportMapping(_Strict):
    """A whole mapping."""

    title: str = ""
    read: Read = Read()
    reject: tuple[Reject, ...] = ()
    brand_facts: EntrySection | None = None
    offers: EntrySection | None = None
    contents: EntrySection | None = None
    answers: EntrySection | None = None
    events: tuple[EventSection, ...] = ()
    once: tuple[OnceSection, ...] = ()

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of the sections that are there, in the order in which they are imported."""
        there = [name for name in ENTRY_SECTIONS if getattr(self, name) is not None]
        return (*there, EVENTS) if self.events or self.once else tuple(there)

    @property
    def digest(self) -> str:
        """A name of what the mapping says, whatever its spelling."""
        return digest(self.model_dump(mode="json"))


def load_mapping(path: Path) -> ImportMapping:
    """Read and validate a mapping.

    Raises:
        InvalidInput: names the field and what is wrong with it; `path` points at it.
    """
    try:
        with path.open("rb") as file:
            given = tomllib.load(file)
    except OSError as error:
        raise InvalidInput(
            f"the mapping {path} cannot be read: {error.strerror}", path=("mapping",)
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path.name} is no TOML: {error}", path=("mapping",)) from None
    return parse_mapping(given, name=path.name)


def parse_mapping(given: Mapping[str, Any], *, name: str = "the mapping") -> ImportMapping:
    """Validate a mapping. Errors as for `load_mapping`."""
    try:
        mapping = ImportMapping.model_validate(given)
    except ValidationError as error:
        raise _first_fault(error, name) from None
    _check_together(mapping, name)
    return mapping


def spell(path: tuple[str | int, ...]) -> str:
    """Return a path as a person writes it: `events[0].message.event`."""
    spelled = ""
    for step in path:
        if isinstance(step, int):
            spelled += f"[{step}]"
        else:
            quoted = step if re.fullmatch(r"[\w-]+", step) else f'"{step}"'
            spelled += f".{quoted}" if spelled else quoted
    return spelled


def fault(path: tuple[str | int, ...], message: str, name: str = "the mapping") -> InvalidInput:
    """Return the error that a field of the mapping deserves."""
    return InvalidInput(f"{name}: {spell(path)}: {message}", path=path, code="BAD_MAPPING")


def _first_fault(error: ValidationError, name: str) -> InvalidInput:
    first = error.errors()[0]
    path = tuple(first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        known = ", ".join(_fields_at(path[:-1]))
        message = "there is no such field" + (f"; there are: {known}" if known else "")
    more = error.error_count() - 1
    return fault(path, message + (f" (and {more} more)" if more else ""), name)


def _fields_at(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Return the names of the fields that a table of the mapping may have."""
    model: type[BaseModel] = ImportMapping
    shapes: Mapping[str, type[BaseModel]] = {
        "read": Read,
        "reject": Reject,
        "merge": Merge,
        "events": EventSection,
        "once": OnceSection,
        **dict.fromkeys(ENTRY_SECTIONS, EntrySection),
    }
    for step in path:
        if step in {"when", "where"}:
            model = Test
        elif isinstance(step, str) and step in shapes:
            model = shapes[step]
    return tuple(model.model_fields)


def _check_together(mapping: ImportMapping, name: str) -> None:
    if not mapping.sections:
        raise InvalidInput(
            f"{name} makes nothing: it needs one of the sections {', '.join(SECTIONS)}", code="BAD_MAPPING"
        )
    names = [section.name for section in mapping.events] + [once.name for once in mapping.once]
    for at, section in enumerate(mapping.events):
        if names.count(section.name) > 1:
            raise fault((EVENTS, at, "name"), "another section has this name", name)
        _check_group(section, (EVENTS, at), name)
    for at, once in enumerate(mapping.once):
        if "messageId" not in once.message:
            raise fault(("once", at, "message"), f"needs a `messageId` {COUNTS_ONCE}", name)
    for section_name in ENTRY_SECTIONS:
        entries: EntrySection | None = getattr(mapping, section_name)
        if entries is not None and "key" not in entries.fields:
            raise fault((section_name, "fields"), "an entry needs a `key`", name)


def _check_group(section: EventSection, path: tuple[str | int, ...], name: str) -> None:
    if section.group is None:
        if section.item is not None or section.merge is not None:
            raise fault((*path, "item"), "items are made of the lines of a `group`, which is missing", name)
        return
    if section.item is None:
        raise fault((*path, "group"), "a group needs an `item`: what each of its lines becomes", name)
    if "messageId" not in section.message:
        raise fault((*path, "message"), f"a group needs a `messageId` {COUNTS_ONCE}", name)
