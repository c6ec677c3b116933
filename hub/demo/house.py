"""The demo house as data: what its two brands show and say, read from the files beside this module."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from hub.catalogue.model import Answer, BrandFacts, Content, Offer, Segment
from hub.errors import InvalidInput
from hub.profiles.segment_files import parse_segments

Entry = TypeVar("Entry", Content, Answer, BrandFacts, Offer)

SEGMENTS = "segments.toml"
CONTENT_FILES = ("products.jsonl", "articles.jsonl")


@dataclass(frozen=True)
class House:
    """Everything that the demo house shows and says."""

    contents: tuple[Content, ...]
    answers: tuple[Answer, ...]
    brand_facts: tuple[BrandFacts, ...]
    offers: tuple[Offer, ...]
    segments: tuple[Segment, ...]

    @cached_property
    def content(self) -> Mapping[str, Content]:
        """The contents by key."""
        return {content.key: content for content in self.contents}


def load_house(folder: Traversable | None = None) -> House:
    """Read the demo house from `folder`, by default from the package's own `brand/`.

    Raises:
        InvalidInput: a line is no entry of its sort; the path names the file, the line and the field.
    """
    where = folder if folder is not None else files(__package__) / "brand"
    contents: list[Content] = []
    for name in CONTENT_FILES:
        contents.extend(_read(where / name, TypeAdapter(Content)))
    return House(
        contents=tuple(contents),
        answers=_read(where / "answers.jsonl", TypeAdapter(Answer)),
        brand_facts=_read(where / "brand_facts.jsonl", TypeAdapter(BrandFacts)),
        offers=_read(where / "offers.jsonl", TypeAdapter(Offer)),
        segments=parse_segments((where / SEGMENTS).read_text(encoding="utf-8"), name=SEGMENTS),
    )


def _read(file: Traversable, adapter: TypeAdapter[Entry]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
            entries.append(adapter.validate_python(row))
        except json.JSONDecodeError as error:
            raise InvalidInput(f"{file.name}, line {number}: {error}", path=(file.name, number)) from None
        except ValidationError as error:
            fault: Any = error.errors(include_url=False, include_input=False)[0]
            raise InvalidInput(
                f"{file.name}, line {number}: {fault['msg']}", path=(file.name, number, *fault["loc"])
            ) from None
    return tuple(entries)
