"""Versions of scenarios, for administrators."""

from hub.channels.model import Experience
from hub.decisions.editing import SavedScenario
from hub.decisions.model import Channel
from hub.profiles.model import CustomerRef
from resolvers import access
from resolvers.context import Context
from resolvers.outcomes import Outcome, outcome


async def versions(context: Context, key: str) -> tuple[SavedScenario, ...]:
    """Return every version of a scenario, newest first."""
    access.need(context, doing="reading the versions of a scenario")
    return await context.services.editing.versions(key)


async def preview(context: Context, key: str, version: int, ref: CustomerRef, channel: Channel) -> Experience:
    """Return what a version would show one customer; nothing is kept."""
    access.need(context, doing="previewing a draft")
    saved = await context.services.editing.version(key, version)
    return await context.services.experiences.assemble(
        ref, channel=channel, scenario=key, preview=True, at=context.at, draft=saved.scenario
    )


async def draft(context: Context, definition: str, note: str) -> Outcome[SavedScenario]:
    """Save a new version."""

    async def doing() -> SavedScenario:
        access.need(context, doing="drafting a scenario")
        return await context.services.editing.draft(definition, by=context.caller.key_name, note=note)

    return await outcome(doing())


async def publish(context: Context, key: str, version: int) -> Outcome[SavedScenario]:
    """Put a version in force."""

    async def doing() -> SavedScenario:
        access.need(context, doing="publishing a scenario")
        return await context.services.editing.publish(key, version)

    return await outcome(doing())


async def roll_back(context: Context, key: str) -> Outcome[SavedScenario]:
    """Put in force what was before."""

    async def doing() -> SavedScenario:
        access.need(context, doing="rolling a scenario back")
        return await context.services.editing.roll_back(key)

    return await outcome(doing())
