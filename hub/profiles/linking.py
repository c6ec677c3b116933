"""Recognising a customer: which identities, facets and profiles are one person. Deterministic and resumable.

A facet belongs to one primary identity (a user id or an anonymous id) for ever. An event that names
several identities is evidence that they are one customer:

    unknown identity                            moves in: an anonymous id gets a facet of its own, an address
                                                or phone lives with the facet that named it
    known, of this customer                     nothing to do
    known, of a cluster without a user id       the cluster is linked into the user's profile
    known, of another user                      a contradiction: the two are kept apart, an agent is asked
    known, put apart by a split before          the same
    a visitor's id seen with several users      the same: a kiosk, a family's tablet. It is nobody's from then on:
                                                what an event had linked it to, it leaves

Linking costs writes for identities and facets, never for events: (1) the profile becomes a note that it
was merged away, one atomic write that decides every race; (2) the note is carried out: former id, facets,
hints of identities. A crash between leaves the note, and whoever meets it carries it out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.events.model import Mention
from hub.kit.ids import new_id
from hub.profiles.identity_repository import Home, NewIdentity
from hub.profiles.merge_model import (
    BY_ITSELF,
    Operation,
    OperationKind,
    OperationState,
    Proof,
    Review,
    ReviewKind,
    ReviewState,
)
from hub.profiles.merge_repository import review_id
from hub.profiles.model import CustomerRef, Facet, Link, LinkedFacet
from hub.profiles.profile_codec import Header
from hub.profiles.regrouping import Regrouper
from hub.profiles.repository import ProfileRepository

OPERATION_ID = re.compile(r"(mrg|spl)_[0-9a-z]{26}")
_WORDS = {
    ReviewKind.TWO_USERS: "an event says that two users are one",
    ReviewKind.SHARED_ADDRESS: "both gave the same address or number",
    ReviewKind.SHARED_DEVICE: "both used the same device",
    ReviewKind.SPLIT_BEFORE: "they were split before, and are named together again",
}


class Verdict(StrEnum):
    """What became of a mentioned identity."""

    SAME = "SAME"
    MOVED_IN = "MOVED_IN"
    LINKED = "LINKED"
    CONTRADICTION = "CONTRADICTION"
    SET_FREE = "SET_FREE"


@dataclass(frozen=True, slots=True)
class Claim:
    """An event's word that a mentioned identity is the customer of one facet."""

    facet_id: str
    profile_id: str
    by_user: bool  # the facet's primary identity is a user id
    mention: Mention
    at: datetime
    message_id: str
    received_at: datetime


class Linker:
    """Carries out claims."""

    def __init__(self, repository: ProfileRepository) -> None:
        self._repository = repository
        self._regrouper = Regrouper(repository.db, repository, repository.operations)

    async def link(self, claims: Sequence[Claim], known: Mapping[str, LinkedFacet]) -> bool:
        """Carry out claims; return whether any changed which facets a profile has.

        Args:
            claims: of events about to be projected.
            known: the facets of the claims' profiles, by id.

        Raises:
            Unavailable: the store does not answer; doing it again completes it.
        """
        homes = await self._repository.homes({key for claim in claims for key in _keys(claim.mention)})
        told = [(claim, _as_identity(claim.mention, homes)) for claim in _first_of_each(claims)]
        homes |= await self._house(told, homes)
        changed = False
        for claim, mention in told:
            home = homes[mention.key]
            if home.facet_id in known and known[home.facet_id].profile_id == claim.profile_id:
                if mention.verified and not home.verified and home.facet_id == claim.facet_id:
                    await self._repository.verify(mention.key)
                continue
            verdict = await self._settle(claim, mention, home)
            changed = changed or verdict in {Verdict.MOVED_IN, Verdict.LINKED, Verdict.SET_FREE}
        return changed

    async def _house(
        self, told: Sequence[tuple[Claim, Mention]], homes: Mapping[str, Home]
    ) -> dict[str, Home]:
        """Give a home to every mentioned identity that has none, by the first claim; all in one write.

        An address moves into the facet that named it; a visitor's id gets its own facet in the same profile.
        """
        wanted: dict[str, NewIdentity] = {}
        for claim, mention in told:
            if mention.key not in homes and mention.key not in wanted:
                home = (
                    self._repository.new_home(claim.profile_id)
                    if mention.type == "anonymous_id"
                    else Home(claim.facet_id, claim.profile_id)
                )
                wanted[mention.key] = NewIdentity(
                    mention.type, mention.value, mention.verified, claim.at, home
                )
        return await self._repository.house(wanted) if wanted else {}

    async def _settle(self, claim: Claim, mention: Mention, home: Home) -> Verdict:
        anonymous = mention.type == "anonymous_id"
        if not anonymous and home.facet_id == claim.facet_id:
            return Verdict.SAME
        facet = await self._facet(home, claim, mention)
        if facet is None:
            return await self._contradict(claim, mention, home.facet_id)
        if facet.profile_id == claim.profile_id:
            return Verdict.MOVED_IN if _by(facet) == claim.message_id else Verdict.SAME
        if not claim.by_user:
            return Verdict.CONTRADICTION  # whatever a visitor types is no evidence of who they are
        if not (anonymous or (mention.verified and home.verified)):
            return await self._contradict(claim, mention, facet.id)
        return await self._merge(facet, claim, mention)

    async def _contradict(
        self, claim: Claim, mention: Mention, facet_id: str, kind: ReviewKind | None = None
    ) -> Verdict:
        """Keep two customers apart, and ask an agent."""
        if not claim.by_user:
            return Verdict.CONTRADICTION
        kind = kind or _kind_of(mention)
        facets = (claim.facet_id, facet_id)
        proof = Proof(
            f"{_WORDS[kind]}: {mention.type} {mention.value}{' (verified)' if mention.verified else ''}",
            claim.at,
            claim.message_id,
        )
        await self._repository.reviews.open(
            Review(
                id=review_id(kind, facets),
                kind=kind,
                state=ReviewState.OPEN,
                facets=facets,
                identity=mention.key,
                evidence=(proof,),
                opened_at=claim.at,
            )
        )
        return Verdict.CONTRADICTION

    async def _set_free(self, facet: LinkedFacet, claim: Claim, mention: Mention) -> Verdict | None:
        """Take a device that another user turns out to use from the customer whom an event had linked it to.

        What a merge brought stays, since somebody decided that.
        """
        if mention.type != "anonymous_id" or not claim.by_user or not facet.links:
            return None
        if OPERATION_ID.match(facet.links[0].by):
            return None
        # By the review and not by the message: an erasure of the other user must find nothing of theirs here.
        review = review_id(ReviewKind.SHARED_DEVICE, (claim.facet_id, facet.id))
        proof = Proof(_WORDS[ReviewKind.SHARED_DEVICE], claim.at, review)
        intent = await self._repository.operations.intend(
            Operation(
                id=new_id("spl"),
                kind=OperationKind.SPLIT,
                state=OperationState.PENDING,
                at=claim.received_at,
                into=facet.profile_id,
                others=(),
                by=BY_ITSELF,
                reason="several customers use this device",
                evidence=(proof,),
                named=(mention.key,),
            )
        )
        if await self._regrouper.split(intent):
            return Verdict.SET_FREE
        await self._repository.operations.settle(intent.id, OperationState.VOID)
        return None

    async def _facet(self, home: Home, claim: Claim, mention: Mention) -> LinkedFacet | None:
        """Return the facet of a home, made where an identity has just moved in; None if it cannot be made yet."""
        found = await self._repository.facets([home.facet_id])
        if found:
            return found[0]
        if mention.type != "anonymous_id":
            return None
        moved_in = home.profile_id == claim.profile_id
        stub = LinkedFacet(
            id=home.facet_id,
            version=1,
            profile_id=home.profile_id,
            primary=CustomerRef(mention.type, mention.value),
            facet=Facet(),
            links=(Link(claim.at, claim.message_id),) if moved_in else (),
        )
        await self._repository.ensure_facet(stub)
        return (await self._repository.facets([home.facet_id]))[0]

    async def _merge(self, facet: LinkedFacet, claim: Claim, mention: Mention) -> Verdict:
        """Link the profile of an anonymous cluster into the claim's."""
        profile_id = facet.profile_id
        header = (await self._repository.headers([profile_id])).get(profile_id, Header(id=profile_id))
        if header.merged_into is None:
            if await self._repository.has_user(profile_id):
                verdict = await self._contradict(claim, mention, facet.id)
                return await self._set_free(facet, claim, mention) or verdict
            if mention.type == "anonymous_id" and await self._repository.reviews.is_of_several(mention.key):
                return await self._contradict(claim, mention, facet.id)
            if await self._put_apart(claim.profile_id, profile_id):
                return await self._contradict(claim, mention, facet.id, ReviewKind.SPLIT_BEFORE)
            await self._repository.ensure_profile(claim.profile_id, claim.facet_id)
            if not await self._repository.note_merge(header, claim.profile_id, claim.at, claim.message_id):
                return Verdict.LINKED  # somebody else changed it: look again
            header = (await self._repository.headers([profile_id]))[profile_id]
        if header.merged_into is not None:
            await self._repository.move(header)
        return Verdict.LINKED

    async def _is_contradicted(self, claim: Claim, mention: Mention, profile_id: str) -> bool:
        """Tell whether a visitor's profile would be kept apart from the claim's, or is on its way elsewhere."""
        header = (await self._repository.headers([profile_id])).get(profile_id)
        return (
            (header is not None and header.merged_into is not None)
            or await self._repository.has_user(profile_id)
            or (mention.type == "anonymous_id" and await self._repository.reviews.is_of_several(mention.key))
            or await self._put_apart(claim.profile_id, profile_id)
        )

    async def _put_apart(self, one: str, other: str) -> bool:
        facets = [await self._repository.facet_ids_of(profile_id) for profile_id in (one, other)]
        return await self._repository.operations.put_apart(*facets)

    async def foresee(self, claims: Sequence[Claim], profile_id: str) -> dict[str, Claim]:
        """Return which visitors' profiles claims would link into a profile, and which claim each; writes nothing."""
        homes = await self._repository.homes({key for claim in claims for key in _keys(claim.mention)})
        linked: dict[str, Claim] = {}
        for claim in _first_of_each(claims):
            mention = _as_identity(claim.mention, homes)
            home = homes.get(mention.key)
            if home is None or home.profile_id in {profile_id, *linked} or not claim.by_user:
                continue
            if mention.type != "anonymous_id" and not (mention.verified and home.verified):
                continue
            if not await self._is_contradicted(claim, mention, home.profile_id):
                linked[home.profile_id] = claim
        return linked

    async def follow(self, profile_ids: Iterable[str]) -> dict[str, str]:
        """Return where profiles are now, by id; notes that were not carried out yet are carried out."""
        roots, _ = await self.follow_to_headers(profile_ids)
        return roots

    async def follow_to_headers(self, profile_ids: Iterable[str]) -> tuple[dict[str, str], dict[str, Header]]:
        """Return what `follow` does, and the headers of those that exist there."""
        roots = {profile_id: profile_id for profile_id in profile_ids}
        while True:
            headers = await self._repository.headers(set(roots.values()))
            merged = {key: header for key, header in headers.items() if header.merged_into is not None}
            if not merged:
                return roots, headers
            for header in merged.values():
                await self._repository.move(header)
            roots = {
                key: merged[root].merged_into or root if root in merged else root
                for key, root in roots.items()
            }


def _kind_of(mention: Mention) -> ReviewKind:
    kinds = {"anonymous_id": ReviewKind.SHARED_DEVICE, "user_id": ReviewKind.TWO_USERS}
    return kinds.get(mention.type, ReviewKind.SHARED_ADDRESS)


def _by(facet: LinkedFacet) -> str | None:
    return facet.links[-1].by if facet.links else None


def _keys(mention: Mention) -> tuple[str, ...]:
    if mention.type == "previous_id":
        return (f"user_id:{mention.value}", f"anonymous_id:{mention.value}")
    return (mention.key,)


def _as_identity(mention: Mention, homes: Mapping[str, Home]) -> Mention:
    """Return what an alias's previous id is: a user's id where there is such a user, else a visitor's."""
    if mention.type != "previous_id":
        return mention
    user = Mention("user_id", mention.value)
    return user if user.key in homes else Mention("anonymous_id", mention.value)


def _first_of_each(claims: Sequence[Claim]) -> list[Claim]:
    """Return, of claims that say the same, the earliest; verified ones count for more."""
    ordered = sorted(claims, key=lambda claim: (claim.at, claim.message_id))
    first: dict[tuple[str, str, bool], Claim] = {}
    for claim in ordered:
        first.setdefault((claim.facet_id, claim.mention.key, claim.mention.verified), claim)
    return list(first.values())
