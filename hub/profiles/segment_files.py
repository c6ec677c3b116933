"""Segments as a marketer writes them: a TOML text with one `[[segments]]` for each.

[[segments]]
key = "gold"
title = "gold customers"            # stands in sentences: "Chosen for gold customers"
favours = ["living/sofas"]          # categories that members shall see more of
rule = { trait = "loyalty_tier", is = "gold" }
"""

import tomllib
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.catalogue.model import Segment
from hub.errors import InvalidInput
from hub.profiles.segment_rules import check_segment

LONGEST_FILE = 200_000  # characters
MOST_SEGMENTS = 200


class SegmentFile(BaseModel):
    """One segment as it is written."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    title: Annotated[str, Field(min_length=1, max_length=100)]
    rule: dict[str, Any]
    favours: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=50)] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    segments: Annotated[list[SegmentFile], Field(min_length=1, max_length=MOST_SEGMENTS)]


def make_segment(told: Any, path: tuple[str | int, ...] = ()) -> Segment:
    """Return a segment as it was told: `key`, `title`, `rule` and perhaps `favours`.

    Raises:
        InvalidInput: INVALID_SEGMENT or INVALID_RULE, with the path of the first fault behind `path`.
    """
    try:
        written = SegmentFile.model_validate(told)
    except ValidationError as error:
        raise _fault(error, path) from None
    return _checked(written, path)


def parse_segments(text: str, *, name: str = "segments") -> tuple[Segment, ...]:
    """Return the segments that a TOML text defines, in its order.

    Raises:
        InvalidInput: INVALID_SEGMENT or INVALID_RULE, with the path of the first fault.
    """
    if len(text) > LONGEST_FILE:
        raise InvalidInput(f"{name} has more than {LONGEST_FILE} characters", code="INVALID_SEGMENT")
    try:
        written = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {error}", code="INVALID_SEGMENT") from None
    except ValidationError as error:
        raise _fault(error, ()) from None
    keys = [each.key for each in written.segments]
    for at, key in enumerate(keys):
        if key in keys[:at]:
            raise InvalidInput(
                f"{key!r} is defined twice", path=("segments", at, "key"), code="INVALID_SEGMENT"
            )
    return tuple(_checked(each, ("segments", at)) for at, each in enumerate(written.segments))


def _checked(written: SegmentFile, path: tuple[str | int, ...]) -> Segment:
    segment = Segment(key=written.key, title=written.title, rule=written.rule, favours=tuple(written.favours))
    check_segment(segment, path)
    return segment


def _fault(error: ValidationError, path: tuple[str | int, ...]) -> InvalidInput:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return InvalidInput(first["msg"], path=(*path, *first["loc"]), code="INVALID_SEGMENT")
