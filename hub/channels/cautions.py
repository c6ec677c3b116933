"""What an agent should mind: each caution has a code for the screen and a sentence that says what to do."""

from datetime import timedelta

from hub.catalogue.model import NeedPattern
from hub.channels.context import PresentationContext
from hub.channels.words import day, listed
from hub.decisions.model import Decision, Note
from hub.profiles.model import ConsentState, FeedbackKind, InterestKind, Profile, Purpose, SignalKind

RECENTLY = timedelta(days=30)  # how long a return stays on an agent's mind
MOST_NEEDS = 3
PROOF_TYPES = frozenset({"user_id", "email", "phone", "loyalty_id"})  # identities that say who somebody is


def cautions_for(decision: Decision, context: PresentationContext) -> tuple[Note, ...]:
    """Return what to mind, the gravest first."""
    notes: list[Note] = []
    if context.withheld is not None:
        notes.append(context.withheld)
    if decision.degraded is not None:
        message = f"{decision.degraded.message} What you see may be incomplete: ask, do not assume."
        notes.append(Note("DEGRADED", message))
    if context.profile is None:
        if decision.degraded is None:
            notes.append(Note("NOT_RECOGNISED", "Nobody is known here; give away nothing about any order."))
        return tuple(notes)
    profile = context.profile
    notes += _identity(profile)
    notes += _consents(profile, context)
    notes += _returns(profile, context)
    notes += _wishes(profile, context)
    notes += _needs(context)
    return tuple(notes)


def _identity(profile: Profile) -> list[Note]:
    proofs = [identity for identity in profile.identities if identity.type in PROOF_TYPES]
    if any(identity.verified for identity in proofs):
        return []
    if not proofs:
        return [Note("ANONYMOUS", "Known by a device only: ask who they are before speaking of orders.")]
    kinds = listed([identity.type.replace("_", " ") for identity in proofs])
    return [
        Note(
            "NOT_VERIFIED", f"Their {kinds} was never verified: check who they are before speaking of orders."
        )
    ]


def _consents(profile: Profile, context: PresentationContext) -> list[Note]:
    notes = []
    if not context.personal:
        notes.append(
            Note(
                "NO_PERSONALIZATION",
                "They refused personalization: suggestions are general, speak of them so.",
            )
        )
    states = {c.state for c in profile.consents if c.purpose is Purpose.EMAIL_MARKETING}
    if ConsentState.DENIED in states:
        notes.append(
            Note(
                "NO_MARKETING_EMAIL",
                "They said no to marketing email: do not offer to mail them anything of the kind.",
            )
        )
    elif ConsentState.GRANTED not in states:
        notes.append(
            Note(
                "MARKETING_EMAIL_UNKNOWN",
                "They never said yes to marketing email: ask first, and record the answer.",
            )
        )
    return notes


def _returns(profile: Profile, context: PresentationContext) -> list[Note]:
    returned = [
        signal
        for signal in reversed(profile.recent)
        if signal.kind is SignalKind.REFUNDED
        and signal.content_key
        and context.assembled_at - signal.stamp.at <= RECENTLY
    ]
    if not returned:
        return []
    titles = list(dict.fromkeys(context.title_of(signal.content_key or "") for signal in returned))
    when = day(returned[0].stamp.at, context.assembled_at)
    return [
        Note("RECENT_RETURN", f"Returned {listed(titles)} {when}: ask how it went before suggesting more.")
    ]


def _wishes(profile: Profile, context: PresentationContext) -> list[Note]:
    notes = []
    hidden = [
        context.title_of(k) for k, kind in sorted(profile.feedback.items()) if kind is FeedbackKind.HIDE
    ]
    if hidden:
        notes.append(Note("HIDDEN", f"Asked not to see {listed(hidden)} again: do not bring it up."))
    avoided = [i.label for i in profile.interests if i.kind is InterestKind.AVOIDED and i.label]
    if avoided and context.personal:
        notes.append(Note("AVOIDS", f"Would rather not have {listed(avoided)}."))
    return notes


def _needs(context: PresentationContext) -> list[Note]:
    """Tell of what they need no second time, those that last longest first."""
    closed = [n for n in context.needs if n.pattern in {NeedPattern.ONCE, NeedPattern.DURABLE}]
    now = context.assembled_at
    forever = [n for n in closed if n.satisfied_until is None]
    lasting = [n for n in closed if n.satisfied_until is not None and n.satisfied_until > now]
    lasting.sort(key=lambda need: need.satisfied_until or now, reverse=True)
    notes = []
    for need in [*forever, *lasting][:MOST_NEEDS]:
        what = need.category.rsplit("/", 1)[-1].replace("-", " ")
        until = "" if need.satisfied_until is None else f" before {need.satisfied_until:%B %Y}"
        notes.append(Note("NEED_MET", f"Has what they need of {what}: suggest no other{until}."))
    return notes
