"""Saying things in the brand's voice: lines from a table, filled from the decision, never generated.

A brand describes its voice in words of its own; those words choose a register. Every line is checked
against the words the brand forbids, as everything else that leaves the hub.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from liquid import Environment, StrictUndefined
from liquid.exceptions import UndefinedError
from liquid.template import BoundTemplate

from hub.catalogue.brand import forbidden_word
from hub.catalogue.model import BrandFacts

PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Lines:
    """The table of lines, compiled: (what, moment, register) -> templates to try in order."""

    registers: Mapping[str, frozenset[str]]
    templates: Mapping[tuple[str, str, str], tuple[BoundTemplate, ...]]

    def register(self, voice: str) -> str:
        """Return the register that the first telling word of a brand's voice calls for."""
        for word in re.findall(r"[a-z]+", voice.lower()):
            for register, words in self.registers.items():
                if word in words:
                    return register
        return PLAIN

    def say(
        self,
        what: str,
        moments: Sequence[str],
        speaker: BrandFacts,
        values: Mapping[str, str],
        *,
        most: int = 1_000,
    ) -> str:
        """Return the first line that can be said, at most `most` characters; "" if there is none.

        A value that is "" counts as not known. The moments are tried in
        order, each in the brand's register and then plainly.
        """
        known = {name: value for name, value in values.items() if value}
        register = self.register(speaker.voice)
        for moment, tone in product(moments, (register, PLAIN)):
            for template in self.templates.get((what, moment, tone), ()):
                try:
                    line = " ".join(template.render(**known).split())
                except UndefinedError:
                    continue
                if len(line) <= most and forbidden_word((line,), speaker) is None:
                    return line[:1].upper() + line[1:]
        return ""


@cache
def lines() -> Lines:
    """Read the table that ships with the hub; made once."""
    source = (files(__package__) / "templates" / "voice.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(source)
    # Lines are plain text: what goes into HTML is escaped where it is put there.
    environment = Environment(undefined=StrictUndefined)
    return Lines(
        registers={name: frozenset(words) for name, words in table.pop("registers").items()},
        templates={
            (what, moment, register): tuple(environment.from_string(line) for line in said)
            for what, moments in table.items()
            for moment, by_register in moments.items()
            for register, said in by_register.items()
        },
    )
