"""The service desk: what an agent should know, mind and could say, before the first sentence is spoken."""

from hub.catalogue.model import ContentKind, Offer
from hub.channels.cautions import cautions_for
from hub.channels.context import PresentationContext
from hub.channels.model import ServiceDeskExperience, Slot, Suggestion
from hub.channels.slots import slots_of
from hub.channels.words import day, full_day, listed, plural
from hub.decisions.model import Channel, Decision, RankedItem
from hub.ledger.items import items_of
from hub.offers.model import Grant
from hub.profiles.model import InterestKind, Profile, Signal, SignalKind

MOST_SUGGESTIONS = 6
SEARCHED_FURTHEST = 200  # places of the ranking in which what a moment is about is looked for

CHANNEL_WORDS = {"WEB": "on the website", "EMAIL": "by email", "SERVICE_DESK": "at the service desk"}
DONE = {
    SignalKind.VIEWED: "looked at",
    SignalKind.CLICKED: "looked at",
    SignalKind.READ: "read",
    SignalKind.ADDED: "put into the cart",
    SignalKind.REMOVED: "took out of the cart",
    SignalKind.PURCHASED: "bought",
    SignalKind.REFUNDED: "returned",
    SignalKind.SAVED: "saved",
}


class ServiceDeskPresenter:
    """Presents a decision as a brief, cautions and suggestions."""

    channel = Channel.SERVICE_DESK

    def present(self, decision: Decision, context: PresentationContext) -> ServiceDeskExperience:
        """Return what an agent needs in one conversation."""
        slots = () if context.withheld else slots_of(decision, Channel.SERVICE_DESK)
        return ServiceDeskExperience(
            served_id=context.served_id,
            channel=Channel.SERVICE_DESK,
            assembled_at=context.assembled_at,
            decision=decision,
            withheld=context.withheld,
            brief=brief(context),
            cautions=cautions_for(decision, context),
            suggestions=suggestions(decision, context, slots),
            slots=slots,
        )


def brief(context: PresentationContext) -> str:
    """Return who this is, what they did, care about and were shown, in a few sentences."""
    profile = context.profile
    if profile is None:
        return (
            "We have not met this customer. Ask for the email address or an order number"
            " to find what they did with us before."
        )
    sentences = [_acquaintance(profile, context), _purchases(profile, context), _latest(profile, context)]
    if context.personal:
        sentences.append(_interests(profile))
    sentences.append(_cart(profile, context))
    sentences.append(_shown(context))
    return " ".join(sentence for sentence in sentences if sentence)


def _acquaintance(profile: Profile, context: PresentationContext) -> str:
    since = profile.first_seen_at
    if since is None:
        return f"{profile.display_name}."
    today = since.date() == context.assembled_at.date()
    return f"{profile.display_name}, {'new today' if today else 'with us since ' + f'{since:%B %Y}'}."


def _purchases(profile: Profile, context: PresentationContext) -> str:
    kept = sorted(
        ((owned.last_at, key) for key, owned in profile.owned.items() if owned.count > 0), reverse=True
    )
    if not kept:
        return "Has bought nothing from us so far."
    last_at = kept[0][0]
    together = [context.title_of(key) for at, key in kept if at == last_at]
    others = f" and {plural(len(together) - 2, 'more item')}" if len(together) > 2 else ""
    named = ", ".join(together[:2]) if others else listed(together)
    items = plural(len(kept), "thing")
    return f"Has bought {items} from us, last {day(last_at, context.assembled_at)}: {named}{others}."


def _latest(profile: Profile, context: PresentationContext) -> str:
    """Tell the latest thing done that was no order: that is told already."""
    for signal in reversed(profile.recent):
        if signal.kind is not SignalKind.PURCHASED:
            return _told(signal, context)
    return ""


def _told(signal: Signal, context: PresentationContext) -> str:
    when = day(signal.stamp.at, context.assembled_at)
    when = when[0].upper() + when[1:]
    if signal.kind is SignalKind.SEARCHED:
        return f"{when} searched for “{signal.text or ''}”."
    if signal.kind is SignalKind.CONTACTED:
        return f"{when} contacted our service."
    return f"{when} {DONE[signal.kind]} {context.title_of(signal.content_key or '')}."


def _interests(profile: Profile) -> str:
    strongest = sorted(profile.interests, key=lambda interest: -interest.weight)
    said = [i.label for i in strongest if i.kind is InterestKind.DECLARED and i.label]
    shown = [i.label for i in strongest if i.kind is InterestKind.LONG_TERM and i.label]
    parts = []
    if said:
        parts.append(f"Told us they like {listed(said)}.")
    if shown:
        parts.append(f"Their choices speak of {listed(shown)}.")
    return " ".join(parts)


def _cart(profile: Profile, context: PresentationContext) -> str:
    if not profile.cart:
        return ""
    titles = [context.title_of(key) for key in profile.cart]
    more = f" and {plural(len(titles) - 3, 'more item')}" if len(titles) > 3 else ""
    named = ", ".join(titles[:3]) if more else listed(titles)
    return f"In the cart: {named}{more}."


def _shown(context: PresentationContext) -> str:
    """Tell what was last shown elsewhere, so that the agent speaks of the same things."""
    for served in context.seen:
        if served.channel == Channel.SERVICE_DESK:
            continue
        items = items_of(served)
        if items:
            first = items[0].content.title
            where = CHANNEL_WORDS.get(served.channel, served.channel.lower())
            return f"Last shown {where} {day(served.at, context.assembled_at)}, first of all {first}."
    return ""


def suggestions(
    decision: Decision, context: PresentationContext, slots: tuple[Slot, ...]
) -> tuple[Suggestion, ...]:
    """Return what the agent could do or say, the most pressing first; items come from the ranking alone."""
    if context.withheld:
        return ()
    found = [*_about_the_moment(decision, context)]
    taken = {suggestion.item.content.key for suggestion in found if suggestion.item}
    items = sorted((item for slot in slots for item in slot.items), key=lambda item: item.position)
    if _complains(context):  # help is welcome then, goods are not
        items = [item for item in items if item.content.kind is not ContentKind.PRODUCT]
    offers = [
        Suggestion(f"Offer: {offer.title}", _offered(offer, decision.grant_of(offer)), None, offer)
        for offer in decision.offers[:2]
    ]
    room = MOST_SUGGESTIONS - len(found) - len(offers)
    shown = [item for item in items if item.content.key not in taken][: max(room, 1)]
    found += [Suggestion(f"Suggest {item.content.title}", _reason(item), item) for item in shown]
    return (*found, *offers)


def _complains(context: PresentationContext) -> bool:
    return context.profile is not None and any(ticket.complaint for ticket in context.profile.tickets)


def _offered(offer: Offer, grant: Grant | None) -> str:
    """Return an offer's terms, with the code that the customer holds."""
    if grant is None:
        return offer.terms
    until = f", good until {full_day(grant.expires_at)}" if grant.expires_at is not None else ""
    return f"{offer.terms} Their code: {grant.code}{until}."


def _about_the_moment(decision: Decision, context: PresentationContext) -> list[Suggestion]:
    """Return the suggestion that the moment itself calls for."""
    moment = decision.moment
    if _complains(context):
        return [
            Suggestion("Settle their complaint", "It is open with us: nothing else is worth saying before.")
        ]
    about = [context.title_of(key) for key in moment.about]
    named = listed(about)
    match moment.key:
        case "cart_left" if about:
            return [
                Suggestion(
                    "Ask what held them back",
                    f"{named} {'is' if len(about) == 1 else 'are'} still in the cart.",
                    _ranked(decision, moment.about),
                )
            ]
        case "replenishment_due" if about:
            return [
                Suggestion(
                    "Ask whether it has run out",
                    f"By our reckoning {named} should be used up about now.",
                    _ranked(decision, moment.about),
                )
            ]
        case "just_bought" if about:
            return [Suggestion("Ask whether everything arrived well", f"They have just bought {named}.")]
        case _:
            return []


def _ranked(decision: Decision, keys: tuple[str, ...]) -> RankedItem | None:
    wanted = set(keys)
    for index, content in enumerate(decision.ranking.contents[:SEARCHED_FURTHEST]):
        if content.key in wanted:
            return decision.ranking.item(index)
    return None


def _reason(item: RankedItem) -> str:
    return item.why.sentence or item.content.summary or "One of our favourites at the moment."
