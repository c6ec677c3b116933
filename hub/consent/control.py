"""The customer's hand on the hub: feedback, preferences, consent, corrections, layers.

Each is an event like any other, recorded durably through ingest, so that it is on the timeline, survives
a crash, and is in force on the next read.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from hub.errors import InvalidInput, NotFound, Unavailable
from hub.events.names import (
    CONSENT_UPDATED,
    EMAIL_LINK_CLICKED,
    FEEDBACK_GIVEN,
    INTEREST_CORRECTED,
    PREFERENCES_SET,
)
from hub.events.segment import FARTHEST_AHEAD
from hub.events.service import IngestService
from hub.kit.clock import isoformat
from hub.kit.ids import new_id
from hub.profiles.consents import consent_state
from hub.profiles.model import ConsentState, CustomerRef, FeedbackKind, Profile, Purpose
from hub.profiles.service import ProfileService

LAYER_PREFIX = "layer."
OFF = "off"
MILLISECOND = timedelta(milliseconds=1)
_LAYER = re.compile(r"[a-z][a-z0-9_]{0,57}")

PreferenceValue = str | int | float | bool | None


class Correction(StrEnum):
    """What a customer does with an interest."""

    REMOVE = "REMOVE"
    RENAME = "RENAME"


class ControlService:
    """Records what customers, or agents for them, decide about what the hub believes and does."""

    def __init__(self, ingest: IngestService, profiles: ProfileService) -> None:
        self._ingest = ingest
        self._profiles = profiles

    async def give_feedback(
        self, ref: CustomerRef, kind: FeedbackKind, content_key: str, *, source: str = "control"
    ) -> Profile:
        """Record what a customer thinks of one content; return the profile after.

        Raises:
            NotFound: UNKNOWN_CUSTOMER or UNKNOWN_CONTENT.
            Unavailable: nothing was acknowledged.
        """
        profile = await self._profiles.require(ref)
        if self._profiles.snapshot().row(content_key) is None:
            raise NotFound(
                "the catalogue has no content with this key", path=("contentKey",), code="UNKNOWN_CONTENT"
            )
        return await self._record(
            profile,
            ref,
            FEEDBACK_GIVEN,
            {"kind": FeedbackKind(kind).value, "content_key": content_key},
            source,
        )

    async def set_preferences(
        self, ref: CustomerRef, preferences: Mapping[str, PreferenceValue], *, source: str = "control"
    ) -> Profile:
        """Record declared preferences, None taking one back; return the profile after.

        `likes` and `dislikes` are read as words: "roses, not lilies" likes the one and avoids the other.

        Raises:
            InvalidInput: no preference, a name or a value that cannot be one.
            NotFound: UNKNOWN_CUSTOMER.
        """
        profile = await self._profiles.require(ref)
        if not preferences:
            raise InvalidInput("name at least one preference", path=("preferences",))
        for key in ("likes", "dislikes"):
            if not isinstance(preferences.get(key, ""), str | None):
                raise InvalidInput(f"{key} are words", path=("preferences", key))
        return await self._record(profile, ref, PREFERENCES_SET, {"preferences": dict(preferences)}, source)

    async def set_consent(
        self,
        ref: CustomerRef,
        purpose: Purpose,
        channel: str | None,
        state: ConsentState,
        *,
        source: str = "control",
        policy_version: str = "",
        proof: str = "",
    ) -> Profile:
        """Record consent for a purpose on a channel (None: on every one); return the profile after.

        Raises:
            InvalidInput: UNKNOWN is what nobody says.
            NotFound: UNKNOWN_CUSTOMER.
        """
        profile = await self._profiles.require(ref)
        if state is ConsentState.UNKNOWN:
            raise InvalidInput("consent is GRANTED or DENIED", path=("state",))
        properties = {
            "purpose": Purpose(purpose).value,
            "channel": channel,
            "state": ConsentState(state).value,
            "source": source,
            "policy_version": policy_version,
            "proof": proof,
        }
        return await self._record(profile, ref, CONSENT_UPDATED, properties, source)

    async def correct_interest(
        self,
        ref: CustomerRef,
        interest_id: str,
        action: Correction | str,
        label: str | None = None,
        *,
        source: str = "control",
    ) -> Profile:
        """Disown an interest or give it another name; return the profile after.

        What is disowned is its evidence up to now; if the customer goes on to buy such things, it comes back.

        Raises:
            InvalidInput: renaming without a label.
            NotFound: UNKNOWN_CUSTOMER or UNKNOWN_INTEREST.
        """
        profile = await self._profiles.require(ref)
        interest = next((one for one in profile.interests if one.id == interest_id), None)
        if interest is None:
            raise NotFound(
                "the customer has no such interest (any more)", path=("interestId",), code="UNKNOWN_INTEREST"
            )
        action = Correction(action)
        if action is Correction.RENAME and not (label or "").strip():
            raise InvalidInput("renaming an interest needs its new label", path=("label",))
        properties = {
            "interest_id": interest_id,
            "action": action.value,
            "label": (label or "").strip() or None,
            "former_label": interest.label,
            "subjects": list(interest.subjects),
        }
        return await self._record(profile, ref, INTEREST_CORRECTED, properties, source)

    async def switch_layer(
        self, ref: CustomerRef, layer: str, enabled: bool, *, source: str = "control"
    ) -> Profile:
        """Switch a layer off, or on again, for one customer; return the profile after.

        Raises:
            InvalidInput: the name cannot be a layer's.
            NotFound: UNKNOWN_CUSTOMER.
        """
        if not _LAYER.fullmatch(layer):
            raise InvalidInput(
                "a layer's name is lower-case letters, digits and underscores", path=("layer",)
            )
        return await self.set_preferences(
            ref, {f"{LAYER_PREFIX}{layer}": None if enabled else OFF}, source=source
        )

    async def clicked(self, profile_id: str, served_id: str, content_key: str) -> bool:
        """Record that a link of a message was followed, once; only where the customer agreed to be counted.

        Silence is no here, whatever the region: nobody expects a link to tell on them. Returns whether it
        was recorded.
        """
        ref = CustomerRef("id", profile_id)
        profile = await self._profiles.find(ref)  # the id may have been merged since
        if profile is None:
            return False
        if consent_state(profile.consents, Purpose.ANALYTICS, "EMAIL") is not ConsentState.GRANTED:
            return False
        mark = hashlib.sha256(f"{served_id}|{content_key}".encode()).hexdigest()[:26]
        properties = {"product_id": content_key, "served_id": served_id}
        await self._record(profile, ref, EMAIL_LINK_CLICKED, properties, "email", message_id=f"clk_{mark}")
        return True

    def _after(self, profile: Profile) -> datetime:
        """Return an instant behind all that is known, so that what is decided now is in force on the next read.

        A sender's clock may be ahead of ours, by at most what ingest lets pass.
        """
        now = self._ingest.now()
        last = profile.last_seen_at
        return now if last is None or last < now else min(last + MILLISECOND, now + FARTHEST_AHEAD)

    async def _record(
        self,
        profile: Profile,
        ref: CustomerRef,
        event: str,
        properties: dict[str, Any],
        source: str,
        *,
        message_id: str | None = None,
    ) -> Profile:
        message = {
            "type": "track",
            "messageId": message_id or new_id("ctl"),
            "event": event,
            "properties": properties,
            "timestamp": isoformat(self._after(profile)),
            **_speaker(profile, ref),
        }
        receipt = await self._ingest.record([message], source=source)
        if receipt.rejected:
            fault = receipt.rejected[0]
            path = fault.path[1:] if fault.path[:1] == ("properties",) else fault.path
            raise InvalidInput(fault.message, path=path, code=fault.code)
        after = await self._profiles.get(profile.id)
        if after is None:
            raise Unavailable("the change is recorded, but the profile cannot be read now; try again")
        return after


def _speaker(profile: Profile, ref: CustomerRef) -> dict[str, str]:
    """Return the id under which a customer speaks: the one they were named by where that can be, else the user's."""
    fields = {"user_id": "userId", "anonymous_id": "anonymousId"}
    if ref.type in fields and ref.key in {identity.key for identity in profile.identities}:
        return {fields[ref.type]: ref.value}
    for kind, field in fields.items():
        value = profile.identity(kind)
        if value is not None:
            return {field: value}
    raise NotFound("this customer has no id to speak under", code="UNKNOWN_CUSTOMER")
