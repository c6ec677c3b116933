"""Which records may speak of the same person: Fellegi and Sunter's model, fitted without examples.

Pairs that agree on some key (blocks) are compared field by field; an expectation-maximisation works out, from
the pairs alone, how telling each agreement is. Needs the extra `dedupe` (recordlinkage).
Source: I. Fellegi, A. Sunter, "A Theory for Record Linkage", JASA 64 (1969); W. Winkler on its EM (1988).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.errors import NotAvailable

FIELDS = (
    "given",
    "family",
    "born",
    "street_number",
    "street",
    "place",
    "postcode",
    "state",
    "email",
    "phone",
)
FUZZY = {"given": 0.85, "family": 0.85, "street": 0.85, "place": 0.85, "born": 0.93, "postcode": 0.9}
BLOCKS = (
    ("born",),
    ("family",),
    ("given",),
    ("street",),
    ("postcode", "street_number"),
    ("email",),
    ("phone",),
)
LARGEST_BLOCK = 400  # records that share a key; more make a name that says nothing ("smith")
COMPARED_TOGETHER = 20_000  # pairs between two words on progress
FEWEST = 20  # pairs without which nothing can be learnt


@dataclass(frozen=True, slots=True)
class Match:
    """Two records, by position, and how likely they speak of the same person, in [0, 1]."""

    one: int
    other: int
    score: float


@dataclass(frozen=True, slots=True)
class Matches:
    """Matches, the likeliest first, out of so many pairs compared."""

    found: tuple[Match, ...]
    compared: int


def _silent(_done: int, _of: int) -> None:
    """Tell nobody."""


def match(
    records: Sequence[Mapping[str, str]],
    *,
    least: float,
    progress: Callable[[int, int], None] = _silent,
) -> Matches:
    """Return pairs that are at least so likely one person.

    Args:
        records: of each person what is known of `FIELDS`, in any case; what is not known is left out.
        least: the probability from which on a pair is a match.
        progress: told how many pairs are compared, and of how many.

    Raises:
        NotAvailable: the extra `dedupe` is not installed.
    """
    linkage, frames = _libraries()
    frame = frames.DataFrame(
        [[(record.get(field) or "").strip().lower() or None for field in FIELDS] for record in records],
        columns=list(FIELDS),
    )
    known = [field for field in FIELDS if frame[field].notna().any()]
    pairs = _pairs(linkage, frames, frame, known)
    if len(pairs) < FEWEST:
        return Matches((), len(pairs))
    compare = linkage.Compare()
    for field in known:
        if field in FUZZY:
            compare.string(
                field, field, method="jarowinkler", threshold=FUZZY[field], missing_value=0.0, label=field
            )
        else:
            compare.exact(field, field, missing_value=0, label=field)
    parts = []
    for start in range(0, len(pairs), COMPARED_TOGETHER):
        progress(start, len(pairs))
        parts.append(compare.compute(pairs[start : start + COMPARED_TOGETHER], frame))
    progress(len(pairs), len(pairs))
    agreements = frames.concat(parts)
    telling = [field for field in known if agreements[field].nunique() > 1]
    if len(telling) < 2:
        return Matches((), len(pairs))
    agreements = agreements[telling].astype(int)
    model = linkage.ECMClassifier(binarize=None)
    model.fit(agreements)
    probabilities = model.prob(agreements)
    likely = probabilities[probabilities >= least].sort_values(ascending=False, kind="stable")
    found = (Match(min(pair), max(pair), float(score)) for pair, score in likely.items())
    return Matches(tuple(found), len(pairs))


def _pairs(linkage: Any, frames: Any, frame: Any, known: Sequence[str]) -> Any:
    """Return pairs that share some key, but for keys that too many share."""
    pairs = frames.MultiIndex.from_arrays([[], []])
    for keys in BLOCKS:
        if not set(keys) <= set(known):
            continue
        present = frame.dropna(subset=list(keys))
        sizes = present.groupby(list(keys))[keys[0]].transform("size")
        present = present[(sizes > 1) & (sizes <= LARGEST_BLOCK)]
        if len(present):
            pairs = pairs.union(linkage.index.Block(left_on=list(keys)).index(present))
    return pairs


def _libraries() -> tuple[Any, Any]:
    try:
        import pandas as pd
        import recordlinkage
    except ImportError:
        raise NotAvailable(
            "finding customers who are alike needs the extra 'dedupe': pip install 'tutti-hub[dedupe]'"
        ) from None
    return recordlinkage, pd
