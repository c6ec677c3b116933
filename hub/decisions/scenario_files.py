"""Scenarios as TOML files: read, checked, and turned into domain values."""

import tomllib
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hub.catalogue.model import ContentKind
from hub.decisions.model import Channel, Goal, Scenario, SlotSpec
from hub.errors import InvalidInput
from hub.layers.mix import LOUDEST, Mix

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class SlotFile(BaseModel):
    """A slot as it is written."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    title: Words
    size: Annotated[int, Field(ge=1, le=50)]
    kinds: Annotated[list[ContentKind], Field(min_length=1)]


class ScenarioFile(BaseModel):
    """A scenario as it is written."""

    model_config = ConfigDict(extra="forbid")

    key: Key
    title: Words
    description: str = ""
    variety: Annotated[float, Field(ge=0, le=1)] = 0.3
    goal: Words
    brands: list[str] = []
    mix: Annotated[dict[Key, Annotated[float, Field(ge=0, le=LOUDEST)]], Field(min_length=1)]
    slots: Annotated[dict[Channel, Annotated[list[SlotFile], Field(min_length=1)]], Field(min_length=1)]

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
            mix=Mix(dict(self.mix)),
            slots={
                channel: tuple(SlotSpec(slot.key, slot.title, slot.size, tuple(slot.kinds)) for slot in slots)
                for channel, slots in self.slots.items()
            },
            goal=Goal(self.goal),
            brands=tuple(self.brands),
            variety=self.variety,
        )


def parse_scenario(text: str, *, name: str = "scenario") -> Scenario:
    """Return the scenario that a TOML text describes.

    Raises:
        InvalidInput: with the path of the first fault.
    """
    try:
        return ScenarioFile.model_validate(tomllib.loads(text)).scenario()
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {error}", code="INVALID_SCENARIO") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InvalidInput(
            f"{name}: {where}: {first['msg']}", path=tuple(first["loc"]), code="INVALID_SCENARIO"
        ) from None


def shipped_scenarios() -> dict[str, Scenario]:
    """Return the scenarios that come with the hub, by key, in the order of their keys."""
    folder = files("hub.decisions") / "shipped"
    texts = sorted(
        (entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".toml")
    )
    made = (parse_scenario(text, name=name) for name, text in texts)
    return {scenario.key: scenario for scenario in made}
