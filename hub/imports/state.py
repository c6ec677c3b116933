"""How far an import has come: what a checkpoint holds, exactly.

Lines are accounted for one by one, and not always in their order: a line of a group waits until the
group is closed, while a later one may have been rejected already. So a checkpoint holds the first line
that is *not* accounted for, and the few behind it that are.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(slots=True)
class Counts:
    """What became of a section's lines: `imported + merged + rejected = lines`, always."""

    imported: int = 0
    merged: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    tally: Counter[str] = field(default_factory=Counter)  # what became of messages or entries
    beside: dict[str, Counter[str]] = field(default_factory=dict)  # `once` sections: refused by reason

    @property
    def lines(self) -> int:
        return self.imported + self.merged + self.rejected


@dataclass(slots=True)
class SectionState:
    """One section's checkpoint: `position` is the first record not accounted for, `ahead` those behind it that are."""

    position: int = 0
    ahead: set[int] = field(default_factory=set)
    counts: Counts = field(default_factory=Counts)
    done: bool = False

    def account(self, position: int) -> None:
        """Note that a record is accounted for."""
        self.ahead.add(position)
        while self.position in self.ahead:
            self.ahead.remove(self.position)
            self.position += 1


@dataclass(slots=True)
class ImportState:
    """A whole import's checkpoint."""

    file: str
    sections: dict[str, SectionState]
    rejects_size: int = 0
    rejects_sha256: str = ""
    done: bool = False


def state_to_document(state: ImportState) -> dict[str, Any]:
    """Return the document that keeps a state."""
    return {
        "state": "done" if state.done else "under way",
        "file": state.file,
        "rejects": {"size": state.rejects_size, "sha256": state.rejects_sha256},
        "sections": [
            {
                "name": name,
                "position": section.position,
                "ahead": np.array(sorted(section.ahead), "<i8").tobytes(),
                "done": section.done,
                "imported": section.counts.imported,
                "merged": section.counts.merged,
                "rejected": section.counts.rejected,
                # Lists of pairs, since reasons may hold dots and dollars.
                "reasons": _pairs(section.counts.reasons),
                "tally": _pairs(section.counts.tally),
                "beside": [[name, _pairs(counter)] for name, counter in section.counts.beside.items()],
            }
            for name, section in state.sections.items()
        ],
    }


def state_from_document(document: Mapping[str, Any]) -> ImportState:
    """Return the state that a document keeps."""
    return ImportState(
        file=document["file"],
        sections={
            section["name"]: SectionState(
                position=section["position"],
                ahead=set(np.frombuffer(section["ahead"], "<i8").tolist()),
                counts=Counts(
                    imported=section["imported"],
                    merged=section["merged"],
                    rejected=section["rejected"],
                    reasons=_counter(section["reasons"]),
                    tally=_counter(section["tally"]),
                    beside={name: _counter(pairs) for name, pairs in section["beside"]},
                ),
                done=section["done"],
            )
            for section in document["sections"]
        },
        rejects_size=document["rejects"]["size"],
        rejects_sha256=document["rejects"]["sha256"],
        done=document["state"] == "done",
    )


def _pairs(counter: Mapping[str, int]) -> list[list[Any]]:
    return [[name, count] for name, count in counter.items()]


def _counter(pairs: list[list[Any]]) -> Counter[str]:
    return Counter(dict(pairs))
