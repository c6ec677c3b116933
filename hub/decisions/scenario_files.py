"""Scenarios as TOML files: read, checked, and turned into domain values."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hub.catalogue.model import ContentKind
from hub.decisions.choices import MOST_QUESTIONS
from hub.decisions.model import Channel, Goal, Guards, Scenario, SlotSpec
from hub.errors import InvalidInput
from hub.layers.mix import LOUDEST, Mix
from hub.ledger.frequency import CapOf, Counted, FrequencyCap

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, Field(min_length=1, max_length=200)]
Price = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class SlotFile(BaseModel):
    """A slot as it is written."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    title: Words
    size: Annotated[int, Field(ge=1, le=50)]
    kinds: Annotated[list[ContentKind], Field(min_length=1)]
    categories: list[Words] = []
    tags: list[Words] = []
    most_price: Price | None = None

    def spec(self) -> SlotSpec:
        """Return the domain value."""
        return SlotSpec(
            self.key,
            self.title,
            self.size,
            tuple(self.kinds),
            tuple(self.categories),
            tuple(self.tags),
            self.most_price,
        )


class GuardsFile(BaseModel):
    """What a scenario does not show."""

    model_config = ConfigDict(extra="forbid")

    without_categories: list[Words] = []
    without_tags: list[Words] = []
    most_price: Price | None = None


class CheckFile(BaseModel):
    """One executable specification: for whom, and what must be so. See `hub.demo.visions`."""

    model_config = ConfigDict(extra="forbid")

    title: Words
    customer: Annotated[str, Field(max_length=200)] = ""  # a user id; empty: somebody never seen before
    channel: Channel = Channel.WEB
    slot: str | None = None  # which slot is looked at; none: all of them
    hours_later: Annotated[float, Field(ge=0, le=87_600)] = 1.0  # after the customer was last heard of
    moment: str | None = None
    least: Annotated[int, Field(ge=0, le=200)] = 1  # items
    most: Annotated[int, Field(ge=0, le=200)] = 200
    categories: Annotated[int, Field(ge=0, le=200)] = 0  # at least so many different ones
    only_categories: list[Words] = []
    without_categories: list[Words] = []
    contains: list[Words] = []  # keys
    without: list[Words] = []  # keys
    most_price: Price | None = None
    led_by: dict[Key, Annotated[int, Field(ge=1, le=200)]] = {}  # layer -> it gives most to so many items
    silent: list[Key] = []  # layers that have no part in any item
    offer: str | None = None  # key of an offer that is made
    muted: list[Key] = []  # layers that are muted, as a customer may do

    @model_validator(mode="after")
    def least_is_no_more_than_most(self) -> "CheckFile":
        """Refuse a number of items that there cannot be."""
        if self.least > self.most:
            raise ValueError(f"at least {self.least} and at most {self.most} items cannot both hold")
        return self


class FrequencyFile(BaseModel):
    """How often a person is shown an item, or the message as a whole, within so many days."""

    model_config = ConfigDict(extra="forbid")

    of: CapOf
    most: Annotated[int, Field(ge=1, le=10_000)]
    days: Annotated[float, Field(gt=0, le=366)]
    counted: Counted = Counted.SERVED

    @model_validator(mode="after")
    def messages_are_counted_as_served(self) -> "FrequencyFile":
        """Refuse to count exposures of a message: exposures are of items."""
        if self.of is CapOf.MESSAGE and self.counted is Counted.EXPOSED:
            raise ValueError("a message is counted as served; exposures are of items")
        return self

    def cap(self) -> FrequencyCap:
        """Return the domain value."""
        return FrequencyCap(self.of, self.most, self.days, self.counted)


class ScenarioFile(BaseModel):
    """A scenario as it is written."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    title: Words
    description: str = ""
    variety: Annotated[float, Field(ge=0, le=1)] = 0.3
    goal: Words
    brands: list[str] = []
    moments: list[Key] = []
    frequency: list[FrequencyFile] = []
    mix: Annotated[dict[Key, Annotated[float, Field(ge=0, le=LOUDEST)]], Field(min_length=1)]
    diversity: Annotated[float, Field(ge=0, le=1)] | None = None
    stretch: Annotated[float, Field(ge=0, le=1)] | None = None
    questions: Annotated[int, Field(ge=0, le=MOST_QUESTIONS)] = 0
    for_another: bool = False
    guards: GuardsFile = GuardsFile()
    slots: Annotated[dict[Channel, Annotated[list[SlotFile], Field(min_length=1)]], Field(min_length=1)]
    checks: list[CheckFile] = []

    @model_validator(mode="after")
    def slots_have_keys_of_their_own(self) -> "ScenarioFile":
        """Refuse a channel with two slots of one key."""
        for channel, slots in self.slots.items():
            keys = [slot.key for slot in slots]
            if len(set(keys)) < len(keys):
                raise ValueError(f"two slots of {channel} have the same key")
        return self

    def scenario(self) -> Scenario:
        """Return the domain value, as version 1."""
        return Scenario(
            key=self.key,
            title=self.title,
            description=self.description,
            mix=Mix(dict(self.mix), self.diversity, self.stretch),
            slots={channel: tuple(slot.spec() for slot in slots) for channel, slots in self.slots.items()},
            moments=tuple(self.moments),
            guards=Guards(
                tuple(self.guards.without_categories), tuple(self.guards.without_tags), self.guards.most_price
            ),
            goal=Goal(self.goal),
            brands=tuple(self.brands),
            frequency=tuple(cap.cap() for cap in self.frequency),
            variety=self.variety,
            questions=self.questions,
            for_another=self.for_another,
        )


def parse_file(text: str, *, name: str = "scenario") -> ScenarioFile:
    """Return what a TOML text says of a scenario, its checks included.

    Raises:
        InvalidInput: with the path of the first fault.
    """
    try:
        return ScenarioFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {error}", code="INVALID_SCENARIO") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InvalidInput(
            f"{name}: {where}: {first['msg']}", path=tuple(first["loc"]), code="INVALID_SCENARIO"
        ) from None


def parse_scenario(text: str, *, name: str = "scenario") -> Scenario:
    """Return the scenario that a TOML text describes.

    Raises:
        InvalidInput: with the path of the first fault.
    """
    return parse_file(text, name=name).scenario()


@cache
def shipped_texts() -> Mapping[str, str]:
    """Return the texts of the scenarios that come with the hub, by key, in the order of their keys."""
    folder = files("hub.decisions") / "shipped"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {name.removesuffix(".toml"): (folder / name).read_text("utf-8") for name in names}


def shipped_files() -> dict[str, ScenarioFile]:
    """Return the scenarios that come with the hub as they are written, by key, in the order of their keys."""
    return {key: parse_file(text, name=f"{key}.toml") for key, text in shipped_texts().items()}


def shipped_scenarios() -> dict[str, Scenario]:
    """Return the scenarios that come with the hub, by key, in the order of their keys."""
    return {key: written.scenario() for key, written in shipped_files().items()}
