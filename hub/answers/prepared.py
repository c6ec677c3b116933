"""What is learned of the answers that hold together: how they are asked for, and how those words are spelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hub.answers.reading import Spelling, spelling_of
from hub.answers.resolver import Resolver
from hub.catalogue.building import answer_texts
from hub.catalogue.model import Answer
from hub.catalogue.snapshot import CatalogueSnapshot


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was learned of a set of answers: the keys of those that the resolver's rows are, and their spelling."""

    keys: tuple[str, ...]
    resolver: Resolver
    spelling: Spelling
    encoder_id: str


def held_at(snapshot: CatalogueSnapshot, at: datetime) -> tuple[int, ...]:
    """Return the rows of the answers that are approved, hold at an instant and break no rule of their brand.

    A catalogue may come from elsewhere, and what is forbidden may have changed since an answer was put:
    the brand's rules are asked again here.
    """
    return tuple(
        row
        for row, answer in enumerate(snapshot.answers)
        if answer.holds_at(at) and row not in snapshot.answer_faults
    )


def in_force(snapshot: CatalogueSnapshot, held: Sequence[int]) -> Mapping[str, Answer]:
    """Return the answers at some rows of a snapshot, by key."""
    return {snapshot.answers[row].key: snapshot.answers[row] for row in held}


def prepare(snapshot: CatalogueSnapshot, held: tuple[int, ...]) -> Prepared:
    """Fit a resolver to some answers of a snapshot."""
    place = np.full(len(snapshot.answers), -1, np.int32)
    place[list(held)] = np.arange(len(held), dtype=np.int32)
    rows = place[snapshot.answer_rows]
    texts = [text for answer in snapshot.answers for text in answer_texts(answer)]
    wanted = rows >= 0
    return Prepared(
        tuple(snapshot.answers[row].key for row in held),
        Resolver(
            snapshot.answer_vectors[wanted],
            [text for text, taken in zip(texts, wanted, strict=True) if taken],
            rows[wanted],
        ),
        spelling_of(snapshot.answers[row] for row in held),
        snapshot.encoder_id,
    )
