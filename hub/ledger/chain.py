"""The chain: each row of a customer's ledger names the one before it, so that none can be changed unseen.

    seq      1, 2, 3 ... for each customer; a unique index gives every place once
    before   the hash of the row before; "" for the first
    lapses   when the row before is to be removed by retention; null for the first
    hash     SHA-256 over all of that, the row's facts, and listing and body as they are kept

A row that was changed no longer has its hash; one that was taken out leaves a gap; one that was put in
has no place. What the chain alone cannot show is that the *newest* rows were taken away: `verify` gives
the ends, to be kept elsewhere and compared the next time. Retention removes the oldest rows, so a chain
may begin later than 1, but only when the row before it has lapsed. Rows of somebody never seen belong to
no customer and are in no chain.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.kit.canonical import canonical

FACTS = (
    "_id", "at", "profile_id", "channel", "scenario", "configuration_version", "profile_version",
    "expires_at", "seq", "before", "lapses",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain."""

    seq: int
    hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ChainFault:
    """Where a chain is not as it was written: the row, and what is wrong with it."""

    profile_id: str
    seq: int
    served_id: str
    message: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a verification came to; `ends` is profile id -> (seq, hash)."""

    rows: int
    chains: int
    faults: tuple[ChainFault, ...]
    ends: Mapping[str, tuple[int, str]]


def hash_of(document: Mapping[str, Any]) -> str:
    """Return the hash that a row must have."""
    facts = {name: document.get(name) for name in FACTS}
    if "listing" in document:  # rows of a release before listings are hashed without
        facts["listing"] = hashlib.sha256(bytes(document["listing"])).hexdigest()
    made = hashlib.sha256(canonical(facts))
    made.update(b"\n")
    made.update(bytes(document["body"]))
    return made.hexdigest()


def chained(document: dict[str, Any], head: Head | None) -> dict[str, Any]:
    """Return a row with its place behind `head`; one of nobody known has no place."""
    if not document["profile_id"]:
        return document
    document["seq"] = 1 if head is None else head.seq + 1
    document["before"] = "" if head is None else head.hash
    document["lapses"] = None if head is None else head.expires_at
    document["hash"] = hash_of(document)
    return document


def head_of(document: Mapping[str, Any]) -> Head:
    """Return the end of the chain that a row is the last of."""
    return Head(document["seq"], document["hash"], document["expires_at"])


async def verify(
    rows: AsyncIterator[Mapping[str, Any]],
    now: datetime,
    known: Mapping[str, tuple[int, str]] | None = None,
) -> ChainReport:
    """Check rows that come chain by chain, oldest first.

    Args:
        rows: as the store keeps them.
        now: the instant, by which retention is judged.
        known: ends of chains from an earlier verification, which must still be there or have lapsed.
    """
    faults: list[ChainFault] = []
    ends: dict[str, tuple[int, str]] = {}
    met: set[str] = set()
    expected = known or {}
    count = 0
    last: Mapping[str, Any] | None = None
    async for row in rows:
        count += 1
        before = last if last is not None and last["profile_id"] == row["profile_id"] else None
        fault = _fault(row, before, now)
        profile_id, seq = row["profile_id"], row["seq"]
        if fault:
            faults.append(ChainFault(profile_id, seq, row["_id"], fault))
        wanted = expected.get(profile_id)
        if wanted is not None and wanted[0] == seq:
            met.add(profile_id)
            if wanted[1] != row["hash"]:
                faults.append(
                    ChainFault(profile_id, seq, row["_id"], "it is not the row that was verified before")
                )
        elif wanted is not None and before is None and seq > wanted[0]:
            met.add(profile_id)  # the end of then has lapsed; what follows says so itself
        ends[profile_id] = (seq, row["hash"])
        last = row
    faults += [
        ChainFault(profile_id, seq, "", "the chain ends before it, or is gone; it was there before")
        for profile_id, (seq, _) in expected.items()
        if profile_id not in met
    ]
    return ChainReport(count, len(ends), tuple(faults), ends)


def _fault(row: Mapping[str, Any], before: Mapping[str, Any] | None, now: datetime) -> str:
    if row.get("hash") != hash_of(row):
        return "its facts or its body were changed"
    if before is not None:
        if row["seq"] != before["seq"] + 1:
            return f"rows {before['seq'] + 1} to {row['seq'] - 1} are missing"
        return "" if row["before"] == before["hash"] else "it does not follow the row before it"
    if row["seq"] == 1:
        return "" if row["before"] == "" else "it is the first and names one before it"
    lapsed = row["lapses"] is not None and row["lapses"] <= now
    return "" if lapsed else "the row before it is missing and had not lapsed"
