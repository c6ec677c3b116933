"""The reply to a question."""

from hub.answers.model import AnswerResult
from hub.auth.model import Scope
from hub.decisions.model import Channel
from hub.errors import Forbidden
from hub.profiles.model import CustomerRef
from resolvers import access
from resolvers.context import Context


async def answer(
    context: Context,
    question: str | None,
    who: CustomerRef | None,
    channel: Channel | None,
    *,
    preview: bool,
    locale: str | None = None,
) -> AnswerResult | None:
    """Return the reply; None if nothing is asked. Unless it is a preview, the house learns how it fared.

    An approved answer is the same for everybody on every channel who asks in one locale. `who` and `channel` are
    looked at for what the caller may: a front-end asks for its own customer, on the web.

    Raises:
        Forbidden: if the caller may not ask, or not for that customer or channel.
        InvalidInput: if the question is empty or too long, or there is no such locale.
    """
    access.need(context, Scope.BROWSE, Scope.AGENT, doing="asking a question")
    if context.caller.scope is Scope.BROWSE:
        if channel not in {None, Channel.WEB}:
            raise Forbidden("a front-end asks on WEB only", path=("channel",))
        who = (
            context.caller.customer
            if who is None
            else await access.experience_for(context, who, Channel.WEB, keep=not preview)
        )
    if question is None:
        return None
    return await context.services.questions.ask(
        question,
        at=context.at,
        who=who,
        channel=channel,
        keep=not preview and not context.gpc,
        locale=locale,
    )
