"""Templates: how a mapping makes a value out of a line's columns.

    "{Invoice}"                          the column as it is
    "online-retail-{Invoice}"            text with columns in it
    "{Customer ID|int}@customers.example"  pipes change a column on its way
    "GBP", 12, true                      constants

A template of which any column is absent is itself absent: the field is left out. `{Col|default:x}`
says what stands for an absent column. Braces are doubled to be meant literally.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from hub.errors import InvalidInput
from hub.kit.money import parse_amount

Row = Mapping[str, Any]
Render = Callable[[Row], Any]
Pipe = Callable[[Any], Any]


class Unfit(ValueError):
    """A line does not fit the mapping; the message is the reason of its rejection."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What templates of one mapping share: the zone of times that name none."""

    zone: tzinfo = UTC


def _int(value: Any) -> int:
    if type(value) is int:
        return value
    try:
        number = parse_amount(value)
    except ValueError:
        raise Unfit(f"{value!r} is not a number") from None
    if number != number.to_integral_value():
        raise Unfit(f"{value!r} is not a whole number")
    return int(number)


def number_of(value: Any) -> Decimal:
    """Return the number that a column holds.

    Raises:
        Unfit: it holds none.
    """
    if isinstance(value, bool):
        raise Unfit(f"{value!r} is not a number")
    try:
        return parse_amount(value)
    except ValueError:
        raise Unfit(f"{value!r} is not a number") from None


def _number(value: Any) -> int | float:
    number = number_of(value)
    return int(number) if number == number.to_integral_value() else float(number)


def text_of(value: Any) -> str:
    """Return a column as text: whole floats lose their `.0`, times are ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _sentence(value: Any) -> str:
    text = " ".join(text_of(value).lower().split())
    return text[:1].upper() + text[1:]


def _slug(value: Any) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text_of(value).lower()).strip("-")


@lru_cache(maxsize=4_096)
def _parse_time(text: str, form: str, zone: tzinfo) -> datetime:
    try:
        moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
    except ValueError:
        raise Unfit(f"{text!r} is not a time" + (f" of the form {form}" if form else "")) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _time(form: str, zone: tzinfo) -> Pipe:
    def parse(value: Any) -> datetime:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
        return _parse_time(text_of(value).strip(), form, zone)

    return parse


def _split(separator: str) -> Pipe:
    return lambda value: [part for piece in text_of(value).split(separator) if (part := piece.strip())]


PLAIN_PIPES: Mapping[str, Pipe] = {
    "int": _int,
    "number": _number,
    "text": text_of,
    "strip": lambda value: " ".join(text_of(value).split()),
    "lower": lambda value: text_of(value).lower(),
    "upper": lambda value: text_of(value).upper(),
    "sentence": _sentence,
    "slug": _slug,
    "abs": lambda value: abs(_number(value)),
}
PIPES = (*PLAIN_PIPES, "time", "split", "default")

_HOLE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def columns_of(template: str) -> tuple[str, ...]:
    """Return the names of the columns that a template needs."""
    return tuple(
        hole.group(1).split("|")[0].strip() for hole in _HOLE.finditer(template) if hole.group(1) is not None
    )


def compile_template(template: str, dialect: Dialect, path: tuple[str | int, ...] = ()) -> Render:
    """Return a function that renders `template` for a row; it returns None where a column is absent.

    The function raises `Unfit`, naming the column, where a pipe cannot do its work.

    Raises:
        InvalidInput: the template cannot be understood; `path` points at it.
    """
    parts: list[str | Render] = []
    end = 0
    for hole in _HOLE.finditer(template):
        if hole.start() > end:
            parts.append(template[end : hole.start()])
        end = hole.end()
        if hole.group() in {"{{", "}}"}:
            parts.append(hole.group()[0])
        elif hole.group(1) is None:
            raise InvalidInput(f"in {template!r} a brace is left open; double it to mean it", path=path)
        else:
            parts.append(_compile_hole(hole.group(1), template, dialect, path))
    if end < len(template):
        parts.append(template[end:])
    if len(parts) == 1 and callable(parts[0]):
        return parts[0]
    if all(isinstance(part, str) for part in parts):
        constant = "".join(str(part) for part in parts)
        return lambda _row: constant
    return _joined(tuple(parts))


def _joined(parts: tuple[str | Render, ...]) -> Render:
    def render(row: Row) -> str | None:
        texts: list[str] = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            value = part(row)
            if value is None:
                return None
            texts.append(text_of(value))
        return "".join(texts)

    return render


def _compile_hole(hole: str, template: str, dialect: Dialect, path: tuple[str | int, ...]) -> Render:
    column, *names = hole.split("|")
    column = column.strip()
    if not column:
        raise InvalidInput(f"in {template!r} a pair of braces names no column", path=path)
    default: Any = None
    pipes: list[Pipe] = []
    for spec in names:
        name, _, argument = spec.strip().partition(":")
        if name == "default":
            default = argument
        elif name == "time":
            pipes.append(_time(argument, dialect.zone))
        elif name == "split":
            pipes.append(_split(argument or ","))
        elif name in PLAIN_PIPES and not argument:
            pipes.append(PLAIN_PIPES[name])
        else:
            raise InvalidInput(
                f"in {template!r} there is no pipe {spec.strip()!r}; there are: {', '.join(PIPES)}", path=path
            )
    return _piped(column, default, tuple(pipes))


def _piped(column: str, default: Any, pipes: tuple[Pipe, ...]) -> Render:
    def render(row: Row) -> Any:
        value = row.get(column)
        if value is None or value == "":
            if default is None:
                return None
            value = default
        try:
            for pipe in pipes:
                value = pipe(value)
        except Unfit as reason:
            raise Unfit(f"{column}: {reason}") from None
        return None if value == "" else value

    return render
