"""The customer's hand on their profile."""

from collections.abc import Sequence
from typing import Any

from hub.consent.control import Correction
from hub.decisions.model import Channel
from hub.errors import InvalidInput
from hub.profiles.model import ConsentState, FeedbackKind, Profile, Purpose
from resolvers import access
from resolvers.access import Given
from resolvers.context import Context
from resolvers.globalids import from_global
from resolvers.outcomes import Outcome, outcome


def source_of(context: Context) -> str:
    """Return what events say of where they come from: this door, and what sort of key opened it."""
    return f"graphql:{context.caller.scope.value}"


async def give_feedback(
    context: Context, given: Given, kind: FeedbackKind, content_key: str
) -> Outcome[Profile]:
    """Record what a customer thinks of one item."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="giving feedback")
        return await context.services.control.give_feedback(ref, kind, content_key, source=source_of(context))

    return await outcome(doing())


async def set_preferences(
    context: Context, given: Given, wishes: Sequence[tuple[str, Any]]
) -> Outcome[Profile]:
    """Record what a customer wishes."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="setting preferences")
        wanted: dict[str, Any] = {}
        for index, (key, value) in enumerate(wishes):
            if key in wanted:
                raise InvalidInput(f"{key!r} is named twice", path=("preferences", index, "key"))
            wanted[key] = value
        try:
            return await context.services.control.set_preferences(ref, wanted, source=source_of(context))
        except InvalidInput as error:
            raise InvalidInput(
                error.message, path=_place(error.path, list(wanted)), code=error.kind
            ) from None

    return await outcome(doing())


async def set_consent(
    context: Context,
    given: Given,
    *,
    purpose: Purpose,
    channel: Channel | None,
    state: ConsentState,
    source: str | None,
    policy_version: str | None,
    proof: str | None,
) -> Outcome[Profile]:
    """Record what a customer says about one purpose."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="setting consent")
        return await context.services.control.set_consent(
            ref,
            purpose,
            None if channel is None else channel.value,
            state,
            source=source or source_of(context),
            policy_version=policy_version or "",
            proof=proof or "",
        )

    return await outcome(doing())


async def correct_interest(
    context: Context, given: Given, interest_id: str, action: Correction, label: str | None
) -> Outcome[Profile]:
    """Remove or rename an interest."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="correcting an interest")
        return await context.services.control.correct_interest(
            ref, interest_id, action, label, source=source_of(context)
        )

    return await outcome(doing())


async def forget_events(context: Context, given: Given, event_ids: Sequence[str]) -> Outcome[Profile]:
    """Forget single things that a customer did or said."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="forgetting events")
        local = [
            from_global("TimelineEntry", event_id, path=("eventIds", index))
            for index, event_id in enumerate(event_ids)
        ]
        return await context.services.privacy.forgetting.forget(ref, local, by=source_of(context))

    return await outcome(doing())


async def switch_layer(context: Context, given: Given, layer: str, enabled: bool) -> Outcome[Profile]:
    """Switch a layer on or off for one customer."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="switching a layer")
        if layer not in context.services.layers:
            known = ", ".join(context.services.layers)
            raise InvalidInput(
                f"this hub has no layer {layer!r}; its layers are {known}",
                path=("layer",),
                code="UNKNOWN_LAYER",
            )
        return await context.services.control.switch_layer(ref, layer, enabled, source=source_of(context))

    return await outcome(doing())


def _place(path: tuple[str | int, ...], keys: Sequence[str]) -> tuple[str | int, ...]:
    """Return where a fault lies in the input, whose wishes are a list, from where it lies among the keys."""
    if len(path) > 1 and path[0] == "preferences" and path[1] in keys:
        return ("preferences", keys.index(str(path[1])))
    return path
