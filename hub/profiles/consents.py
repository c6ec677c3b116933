"""The consent in force, out of what several facets hold.

Within one facet the later statement counts. Between facets that were found to be one customer, the
strictest counts, until the customer speaks again: a statement made after the last facet was linked is
made for the whole person and beats what was said before. See
docs/decisions/0041-the-strictest-consent-wins-a-merge-until-the-customer-speaks-again.md.
"""

from collections.abc import Iterable, Sequence

from hub.profiles.joining import consent_order
from hub.profiles.model import Consent, ConsentRecord, ConsentState, LinkedFacet, Purpose

EVERY = "*"
_STRICTNESS = {ConsentState.DENIED: 2, ConsentState.UNKNOWN: 1, ConsentState.GRANTED: 0}


def consents_of(facets: Sequence[LinkedFacet]) -> tuple[Consent, ...]:
    """Return, for each purpose, the consent on every channel (`*`) and on each channel spoken of."""
    said: dict[Purpose, set[str]] = {purpose: {EVERY} for purpose in Purpose}
    for linked in facets:
        for key in linked.facet.consents:
            purpose, _, channel = key.partition("|")
            said[Purpose(purpose)].add(channel)
    return tuple(
        _consent(facets, purpose, channel) for purpose in Purpose for channel in sorted(said[purpose])
    )


def consent_state(consents: Iterable[Consent], purpose: Purpose, channel: str) -> ConsentState:
    """Return what holds for a purpose on a channel: what was said of it, else what was said of all."""
    consent = consent_of(consents, purpose, channel)
    return ConsentState.UNKNOWN if consent is None else consent.state


def consent_of(consents: Iterable[Consent], purpose: Purpose, channel: str) -> Consent | None:
    """Return the consent that holds for a purpose on a channel, None if nothing was ever asked."""
    found = {consent.channel: consent for consent in consents if consent.purpose is purpose}
    return found.get(channel, found.get(EVERY))


def _consent(facets: Sequence[LinkedFacet], purpose: Purpose, channel: str) -> Consent:
    spoken = [record for linked in facets if (record := _latest(linked, purpose, channel)) is not None]
    if not spoken:
        return Consent(purpose, channel, ConsentState.UNKNOWN, None, "")
    since = max((linked.linked_at for linked in facets if linked.linked_at is not None), default=None)
    if since is not None:
        whole = [record for record in spoken if record.stamp.at > since]
        chosen = (
            max(whole, key=consent_order)
            if whole
            else max(spoken, key=lambda record: (_STRICTNESS[record.state], consent_order(record)))
        )
    else:
        chosen = max(spoken, key=consent_order)
    proof = chosen.proof or f"message {chosen.stamp.message_id}"
    return Consent(
        purpose, channel, chosen.state, chosen.stamp.at, chosen.source, chosen.policy_version, proof
    )


def _latest(linked: LinkedFacet, purpose: Purpose, channel: str) -> ConsentRecord | None:
    """Return what one facet last said of a purpose on a channel, be it of that channel or of all."""
    keys = {f"{purpose.value}|{channel}", f"{purpose.value}|{EVERY}"}
    records = [linked.facet.consents[key] for key in keys if key in linked.facet.consents]
    return max(records, key=consent_order, default=None)
