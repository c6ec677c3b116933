"""The rule language of segments: small, checked, and the same in memory and in the store.

A rule is an object with one operator. All of it, with what it means for one customer at one instant:

    {"all": [rule, ...]}                       every rule holds (none: holds)
    {"any": [rule, ...]}                       at least one rule holds
    {"not": rule}                              the rule does not hold
    {"trait": "tier", "is": "gold"}            the trait has exactly this value (text, number, true or false)
    {"trait": "tier", "in": ["gold", "red"]}   the trait has one of these values
    {"trait": "age", "above": 17}              the trait is a number greater than this; `below`: less
    {"trait": "tier"}                          the trait is known
    {"did": "PURCHASED", "times": 2, "within_days": 90, "category": "garden"}
                                               so many signals of this kind, by default 1, at any time
    {"owns": "garden", "at_least": 2}          so many pieces, net of what came back, of this category or below
    {"interest": "roses", "at_least": 0.2}     an interest whose label holds this text, with at least this weight
    {"known_days": 365}                        first heard of at least so many days ago
    {"absent_days": 60}                        last heard of at least so many days ago

Signals are the latest hundred of a profile. Texts are compared as they are, capitals and all. A category
means itself and everything below it.

`hub.profiles.segments` evaluates rules in memory, `hub.profiles.segment_queries` in MongoDB; tests hold the
two to the same answer for each operator.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    TypeAdapter,
    ValidationError,
)

from hub.catalogue.model import Segment
from hub.errors import InvalidInput
from hub.profiles.model import SignalKind

Text = Annotated[str, Field(min_length=1, max_length=200)]
Days = Annotated[float, Field(ge=0, le=36_500, allow_inf_nan=False)]
Number = Annotated[StrictInt | StrictFloat, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Value = StrictBool | Number | Annotated[StrictStr, Field(max_length=200)]
DEEPEST = 8
OPERATORS = ("all", "any", "not", "trait", "did", "owns", "interest", "known_days", "absent_days")


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class All(_Rule):
    """Every rule holds."""

    all: Annotated[tuple["Rule", ...], Field(max_length=20)]


class AnyOf(_Rule):
    """At least one rule holds."""

    any: Annotated[tuple["Rule", ...], Field(min_length=1, max_length=20)]


class Not(_Rule):
    """The rule does not hold."""

    not_: Annotated["Rule", Field(alias="not")]


class Trait(_Rule):
    """A trait is known, or has a value."""

    trait: Text
    is_: Annotated[Value | None, Field(alias="is")] = None
    in_: Annotated[tuple[Value, ...] | None, Field(alias="in", min_length=1, max_length=100)] = None
    above: Number | None = None
    below: Number | None = None


class Did(_Rule):
    """So many signals of one kind."""

    did: SignalKind
    times: Annotated[int, Field(ge=1, le=100)] = 1
    within_days: Days | None = None
    category: Text | None = None


class Owns(_Rule):
    """So many pieces of a category."""

    owns: Text
    at_least: Annotated[int, Field(ge=1, le=100_000)] = 1


class HasInterest(_Rule):
    """An interest by its label."""

    interest: Text
    at_least: Annotated[float, Field(ge=0, le=1)] = 0.0
    kind: Literal["LONG_TERM", "DECLARED", "AVOIDED"] = "LONG_TERM"


class Known(_Rule):
    """First heard of so long ago."""

    known_days: Days


class Absent(_Rule):
    """Last heard of so long ago."""

    absent_days: Days


def _operator(told: Any) -> str | None:
    if isinstance(told, _Rule):
        named = type(told).__name__
        return {"All": "all", "AnyOf": "any", "Not": "not", "Trait": "trait", "Did": "did", "Owns": "owns",
                "HasInterest": "interest", "Known": "known_days", "Absent": "absent_days"}[named]  # fmt: skip
    found = [operator for operator in OPERATORS if isinstance(told, dict) and operator in told]
    return found[0] if len(found) == 1 else None


Rule = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Trait, Tag("trait")]
    | Annotated[Did, Tag("did")]
    | Annotated[Owns, Tag("owns")]
    | Annotated[HasInterest, Tag("interest")]
    | Annotated[Known, Tag("known_days")]
    | Annotated[Absent, Tag("absent_days")],
    Discriminator(
        _operator,
        custom_error_type="one_operator",
        custom_error_message=f"a rule is an object with exactly one operator of {', '.join(OPERATORS)}",
    ),
]
for _model in (All, AnyOf, Not):
    _model.model_rebuild()
_ADAPTER: TypeAdapter[Any] = TypeAdapter(Rule)


def parse_rule(told: Any, path: tuple[str | int, ...] = ("rule",)) -> Any:
    """Return a rule, checked.

    Raises:
        InvalidInput: INVALID_RULE, with the path of the first fault.
    """
    if _depth(told) > DEEPEST:
        raise InvalidInput(f"a rule is at most {DEEPEST} rules deep", path=path, code="INVALID_RULE")
    empty = _null_in(told)
    if empty is not None:
        raise InvalidInput(
            'null says nothing: leave it out, or write {"not": {"trait": ...}} for a trait that is not known',
            path=(*path, *empty),
            code="INVALID_RULE",
        )
    return _checked(told, path)


def _checked(told: Any, path: tuple[str | int, ...]) -> Any:
    try:
        return _ADAPTER.validate_python(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = _without_tags(first["loc"])
        raise InvalidInput(first["msg"], path=(*path, *where), code="INVALID_RULE") from None


def _without_tags(told: Iterable[str | int]) -> tuple[str | int, ...]:
    """Return a fault's place as it is in the rule: pydantic names the operator once more before each rule."""
    where: list[str | int] = []
    tag_comes = True
    for step in told:
        if tag_comes and step in OPERATORS:
            tag_comes = False
            continue
        where.append(step)
        tag_comes = isinstance(step, int) or step == "not"
    return tuple(where)


def _null_in(told: Any) -> tuple[str | int, ...] | None:
    """Return where the first null of a rule is, None if there is none."""
    if not isinstance(told, dict):
        return None
    for key, value in told.items():
        if value is None:
            return (key,)
    parts = [(name, at, part) for name in ("all", "any") for at, part in enumerate(_listed(told.get(name)))]
    for place, part in [((name, at), part) for name, at, part in parts] + [(("not",), told.get("not"))]:
        if (inside := _null_in(part)) is not None:
            return (*place, *inside)
    return None


def _depth(told: Any, depth: int = 1) -> int:
    if depth > DEEPEST or not isinstance(told, dict):
        return depth
    parts = [*_listed(told.get("all")), *_listed(told.get("any"))]
    if "not" in told:
        parts.append(told["not"])
    return max((_depth(part, depth + 1) for part in parts), default=depth)


def _listed(told: Any) -> list[Any]:
    return list(told) if isinstance(told, list | tuple) else []


def check_segment(segment: Segment, path: tuple[str | int, ...] = ()) -> None:
    """Let a segment pass whose rule can be understood.

    Raises:
        InvalidInput: INVALID_RULE.
    """
    parse_rule(segment.rule, (*path, "rule"))


def rule_of(segment: Segment) -> Any:
    """Return a stored segment's rule, parsed once."""
    return _parsed(orjson.dumps(segment.rule, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=1024)
def _parsed(told: bytes) -> Any:
    return _checked(orjson.loads(told), ("rule",))
