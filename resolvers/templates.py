"""Email templates, for administrators."""

from hub.channels.model import Experience
from hub.channels.template_service import SavedTemplate
from hub.decisions.model import Channel
from hub.profiles.model import CustomerRef
from resolvers import access
from resolvers.context import Context
from resolvers.outcomes import Outcome, outcome


async def versions(context: Context, key: str) -> tuple[SavedTemplate, ...]:
    """Return every version of a template, newest first."""
    access.need(context, doing="reading email templates")
    return await context.services.templates.versions(key)


async def preview(context: Context, key: str, version: int, scenario: str, ref: CustomerRef) -> Experience:
    """Return the message that a version would make for one customer; nothing is kept."""
    access.need(context, doing="previewing an email template")
    template = await context.services.templates.template(key, version)
    return await context.services.experiences.assemble(
        ref, channel=Channel.EMAIL, scenario=scenario, preview=True, at=context.at, template=template
    )


async def draft(context: Context, key: str, mjml: str, text: str | None, note: str) -> Outcome[SavedTemplate]:
    """Save a new version."""

    async def doing() -> SavedTemplate:
        access.need(context, doing="drafting an email template")
        return await context.services.templates.draft(key, mjml, text, by=context.caller.key_name, note=note)

    return await outcome(doing())


async def publish(context: Context, key: str, version: int) -> Outcome[SavedTemplate]:
    """Put a version in force."""

    async def doing() -> SavedTemplate:
        access.need(context, doing="publishing an email template")
        return await context.services.templates.publish(key, version)

    return await outcome(doing())


async def roll_back(context: Context, key: str) -> Outcome[SavedTemplate]:
    """Put in force what was before."""

    async def doing() -> SavedTemplate:
        access.need(context, doing="rolling an email template back")
        return await context.services.templates.roll_back(key)

    return await outcome(doing())
