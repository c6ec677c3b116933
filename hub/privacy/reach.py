"""How far an erasure reaches: for every collection of the hub, by what a customer's documents are found.

    whole        what is known of one customer by id: profiles, facets, identities, texts, experiences
    REACH        collection -> the fields that name one of these, or why there is nothing to be found

A collection that is not listed here fails a test (`tests/privacy/test_reach.py`): whoever adds one says
whether it holds personal data. The order is the order of removal: identities go first, so that nobody finds
the customer any more while the rest is being removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Everything that documents of one customer are found by."""

    profile_ids: frozenset[str] = frozenset()  # the profile, and those that were merged into it
    facet_ids: frozenset[str] = frozenset()
    identity_keys: frozenset[str] = frozenset()  # "type:value"; for tombstones
    vector_keys: frozenset[str] = frozenset()  # of the cached vectors of what they searched for and said
    guard_keys: frozenset[str] = frozenset()  # of the locks under which offers are issued to them

    def with_(self, other: "Whole") -> "Whole":
        """Return both."""
        return Whole(
            profile_ids=self.profile_ids | other.profile_ids,
            facet_ids=self.facet_ids | other.facet_ids,
            identity_keys=self.identity_keys | other.identity_keys,
            vector_keys=self.vector_keys | other.vector_keys,
            guard_keys=self.guard_keys | other.guard_keys,
        )


@dataclass(frozen=True, slots=True)
class By:
    """A collection whose documents name a customer; any of the fields that are given is enough.

    `served` is for what belongs to a served experience: it is found through that.
    """

    profile: tuple[str, ...] = ()
    facet: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    vector: tuple[str, ...] = ()
    guard: tuple[str, ...] = ()
    served: tuple[str, ...] = ()

    def query(self, whole: Whole) -> dict[str, Any] | None:
        """Return the filter for one customer's documents; None where nothing can match."""
        pairs = (
            (self.profile, whole.profile_ids),
            (self.facet, whole.facet_ids),
            (self.identity, whole.identity_keys),
            (self.vector, whole.vector_keys),
            (self.guard, whole.guard_keys),
        )
        either = [{name: {"$in": sorted(ids)}} for names, ids in pairs if ids for name in names]
        return {"$or": either} if either else None


@dataclass(frozen=True, slots=True)
class Blank(By):
    """A collection whose documents must stay, since books are kept of them, but must name nobody.

    `change` is the update, an aggregation pipeline, after which the documents are not found any more.
    """

    change: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Struck(By):
    """A collection whose documents are about several; of one customer only the id is struck off their lists."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A collection that holds nothing of customers."""

    why: str


CATALOGUE: Final = Nothing("what the brand shows and says")

REACH: Final[Mapping[str, By | Nothing]] = {
    # Not by `_id`: who comes back under the same identity while an erasure is under way is a new customer.
    "identities": By(profile=("profile_id",), facet=("facet_id",)),
    "exports": By(profile=("profile_id",)),
    "exposures": By(served=("served_id",)),  # before `served`, by which they are found
    "served": By(profile=("profile_id",)),
    "questions": By(profile=("profile_id",)),
    "frequency": By(profile=("_id",)),
    "offer_guards": By(guard=("_id",)),
    # The books of an offer add up over all its grants: the grant stays, and nobody can tell whose it was.
    "grants": Blank(
        profile=("profile_id",),
        change=(
            {"$set": {"profile_id": "erased", "code": {"$concat": ["erased-", "$_id"]}, "reason": ""}},
            {"$unset": ["household", "order_id", "issue_key", "redeem_key"]},
        ),
    ),
    "merges": By(profile=("profiles",)),
    "reviews": By(facet=("facets",), identity=("identity",)),
    "events": By(facet=("facet_id",)),
    "facets": By(profile=("profile_id",), facet=("_id",)),
    "profiles": By(profile=("_id", "merged_into")),
    "embeddings": By(vector=("_id",)),
    "contents": CATALOGUE,
    "answers": CATALOGUE,
    "brand_facts": CATALOGUE,
    "offers": CATALOGUE,
    "scenarios": CATALOGUE,
    "segments": Nothing("rules by which customers are grouped, not who is in a group"),
    "audience": Nothing("what groups of customers have in common, made anew from those who are there"),
    "scenario_versions": Nothing("drafts and former versions of scenarios"),
    "email_templates": Nothing("which version of a message's template is in force"),
    "email_template_versions": Nothing("what messages look like, for everybody"),
    "email_batches": Nothing(
        "how far a batch came: as bookmark a profile's random id, which erasure leads nowhere"
    ),
    "mixes": Nothing("how layers are weighed"),
    "mix_board": Nothing("which weights are in force"),
    "offer_entries": Nothing("amounts by grant"),
    "offer_counters": Nothing("sums by offer"),
    "history": Nothing("earlier versions of the catalogue's entries"),
    "popularity": Nothing("sums over all customers, by content"),
    "neighbours": Nothing("weights between contents, learned where enough customers bought both"),
    "intervals": Nothing("days after which things are bought again, learned where enough customers did"),
    "tendencies": Nothing("how likely contents are chosen first and bought again, over all customers"),
    "imports": Nothing("how far the import of a file came"),
    "api_keys": Nothing("hashes of keys, and what they are for"),
    "secrets": Nothing("the hub's own secrets"),
    "versions": Nothing("what changed last, and leases"),
    "tombstones": Nothing("keyed hashes of erased identities: what an erasure leaves on purpose"),
    # How a request stands must be told still; a request that waits is then about nobody.
    "subject_requests": Struck(profile=("profile_ids",)),
    "erasures": Nothing("what was removed, in numbers; ids only while an erasure is under way"),
}
