"""What an agent should mind: each caution has a code for the screen and a sentence that says what to do."""

from datetime import timedelta

from hub.catalogue.model import NeedPattern
from hub.channels.context import PresentationContext
from hub.channels.words import day, listed, plural, shortened
from hub.decisions.model import Channel, Decision, Note
from hub.profiles.consents import consent_of
from hub.profiles.model import (
    ConsentState,
    FeedbackKind,
    InterestKind,
    Profile,
    Purpose,
    SignalKind,
    Ticket,
)

RECENTLY = timedelta(days=30)  # how long a return stays on an agent's mind
WAITING = timedelta(days=30)  # how long a question that nobody closed is taken for unanswered
MOST_NEEDS = 3
MOST_TICKETS = 3
LONGEST_QUOTE = 120
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
    notes += _reviews(context)
    notes += _tickets(profile, context)
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


def _reviews(context: PresentationContext) -> list[Note]:
    if not context.reviews:
        return []
    said = shortened(context.reviews[0].evidence[0].text, LONGEST_QUOTE)
    more = len(context.reviews) - 1
    others = f", and {plural(more, 'more review')}" if more else ""
    return [
        Note(
            "MERGE_REVIEW",
            f"They may be one with another customer ({said}{others}): what you see may be half of them, or of"
            " somebody else. Make sure whom you speak with, and decide the review.",
        )
    ]


def _tickets(profile: Profile, context: PresentationContext) -> list[Note]:
    """Tell of what is open with us, complaints first, the latest first.

    Not every shop says when a question was answered, so one is told of for a while only; a complaint, until it is settled.
    """
    since = context.assembled_at - WAITING
    waiting = [ticket for ticket in profile.tickets if ticket.complaint or ticket.stamp.at >= since]
    newest = sorted(waiting, key=lambda ticket: (ticket.complaint, ticket.stamp), reverse=True)
    return [_ticket(ticket, context) for ticket in newest[:MOST_TICKETS]]


def _ticket(ticket: Ticket, context: PresentationContext) -> Note:
    about = f" about “{ticket.about}”" if ticket.about else ""
    number = f" (ticket {ticket.id})" if ticket.id else ""
    since = day(ticket.stamp.at, context.assembled_at)
    if ticket.complaint:
        message = f"Complained {since}{about}{number}, and it is not settled: speak of that first, and sell nothing."
        return Note("OPEN_COMPLAINT", message)
    message = f"Asked our service {since}{about}{number}, and waits for the answer: say how it stands."
    return Note("OPEN_TICKET", message)


def _consents(profile: Profile, context: PresentationContext) -> list[Note]:
    """Tell what was refused or withdrawn, when and where, and what was never said."""

    def told(purpose: Purpose, channel: str) -> tuple[ConsentState, str]:
        consent = consent_of(profile.consents, purpose, channel)
        if consent is None or consent.updated_at is None:
            return ConsentState.UNKNOWN, ""
        source = consent.source.replace("_", " ")
        where = f" ({source})" if source else ""
        return consent.state, f" {day(consent.updated_at, context.assembled_at)}{where}"

    notes = []
    if not context.personal:
        state, when = told(Purpose.PERSONALIZATION, Channel.SERVICE_DESK.value)
        match state:
            case ConsentState.DENIED:
                why = f"They said no to personalization{when}"
            case ConsentState.UNKNOWN:
                why = "They never said yes to personalization, which is needed where they live"
            case ConsentState.GRANTED:
                why = "This request came under Global Privacy Control"
        notes.append(Note("NO_PERSONALIZATION", f"{why}: suggestions are general, speak of them so."))
    state, when = told(Purpose.EMAIL_MARKETING, Channel.EMAIL.value)
    if state is ConsentState.DENIED:
        message = f"They said no to marketing email{when}: do not offer to mail them anything of the kind."
        notes.append(Note("NO_MARKETING_EMAIL", message))
    elif state is ConsentState.UNKNOWN:
        message = "They never said yes to marketing email: ask first, and record the answer."
        notes.append(Note("MARKETING_EMAIL_UNKNOWN", message))
    state, when = told(Purpose.ANALYTICS, Channel.SERVICE_DESK.value)
    if state is ConsentState.DENIED:
        message = f"They said no to analytics{when}: ask them for no survey, and count them in none."
        notes.append(Note("NO_ANALYTICS", message))
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
