"""The customer's hand on their profile."""

from collections.abc import Sequence
from typing import Any

from hub.decisions.model import Channel
from hub.errors import InvalidInput
from hub.profiles.model import ConsentState, FeedbackKind, Profile, Purpose
from resolvers import access
from resolvers.access import Given
from resolvers.context import Context
from resolvers.outcomes import Outcome, outcome

SOURCE = "graphql"


async def give_feedback(
    context: Context, given: Given, kind: FeedbackKind, content_key: str
) -> Outcome[Profile]:
    """Record what a customer thinks of one item."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="giving feedback")
        return await context.services.control.give_feedback(ref, kind, content_key)

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
        return await context.services.control.set_preferences(ref, wanted)

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
) -> Outcome[Profile]:
    """Record what a customer says about one purpose."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="setting consent")
        return await context.services.control.set_consent(
            ref,
            purpose,
            channel,
            state,
            source=source or f"{SOURCE} ({context.caller.scope.value})",
            policy_version=policy_version or "",
        )

    return await outcome(doing())


async def correct_interest(
    context: Context, given: Given, interest_id: str, action: Any, label: str | None
) -> Outcome[Profile]:
    """Remove or rename an interest."""

    async def doing() -> Profile:
        ref = await access.customer_meant(context, given, doing="correcting an interest")
        return await context.services.control.correct_interest(ref, interest_id, action, label)

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
        return await context.services.control.switch_layer(ref, layer, enabled)

    return await outcome(doing())
