"""What a message says, before it is rendered: one set of values for its HTML, its text and its subject."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from hub.catalogue.model import Availability, BrandFacts, ContentKind, Offer
from hub.channels.context import PresentationContext
from hub.channels.model import Slot
from hub.channels.opening import OpenLinks
from hub.channels.voice import lines
from hub.channels.words import full_day, price, shortened
from hub.decisions.model import Decision, RankedItem
from hub.offers.model import Grant
from hub.profiles.model import InterestKind

LONGEST_SUBJECT = 60  # characters that a phone shows
LONGEST_PREHEADER = 100
LONGEST_TITLE = 80
LONGEST_SUMMARY = 140
MOST_CLAIMS = 3
MOST_OFFERS = 2
FILLER = "\u034f\u200c\u00a0" * 60  # keeps a client from filling the preview line with the body's first words

ACTIONS = {ContentKind.PRODUCT: "Have a look"}
REMARKS = {Availability.PREORDER: "to be ordered in advance", Availability.LOW_STOCK: "only a few left"}
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
FALLBACK_COLOUR = "#1f3a5f"


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message that are said in words; `values` are what the templates read."""

    to: str | None
    subject: str
    preheader: str
    values: Mapping[str, Any]


def compose(decision: Decision, context: PresentationContext, slots: Sequence[Slot]) -> Message:
    """Return what the message says."""
    speaker = context.speaker
    words = _words(decision, context, slots)
    moments = (decision.moment.key, "default") if _tailored(context) else ("general",)
    say = lines().say
    subject = say("subject", moments, speaker, words, most=LONGEST_SUBJECT) or words["brand"]
    preheader = say("preheader", moments[-1:], speaker, words, most=LONGEST_PREHEADER)
    values = {
        "subject": subject,
        "preheader": preheader,
        "filler": FILLER,
        "greeting": say("greeting", ("default",), speaker, words),
        "intro": say("intro", moments, speaker, words),
        "brand": words["brand"],
        # Liquid takes only nil and false for "not there", not the empty text.
        "website": _http(speaker.website, context.base_url) or None,
        "address": speaker.postal_address or None,
        "colour": colour_of(speaker),
        "on_colour": ink_on(colour_of(speaker)),
        "claims": [claim.text for claim in decision.claims[:MOST_CLAIMS]],
        "offers": [
            _offer(offer, decision.grant_of(offer), context.open_links)
            for offer in decision.offers[:MOST_OFFERS]
        ],
        "slots": [_slot(slot, number == 0, context) for number, slot in enumerate(slots)],
        "unsubscribe": context.unsubscribe_url,
        "view": context.open_links.view() if context.open_links is not None else None,
    }
    to = context.profile.identity("email") if context.profile else None
    return Message(to, subject, preheader, values)


def _offer(offer: Offer, grant: Grant | None, open_links: OpenLinks | None) -> dict[str, Any]:
    """Return an offer in words; with its code and last day where it was issued.

    Words that were sent cannot change. How the offer stands when the message is read is told by a picture and a page.
    """
    code = None
    if grant is not None:
        until = f", until {full_day(grant.expires_at)}" if grant.expires_at is not None else ""
        code = f"Your code: {grant.code}{until}"
    return {
        "title": offer.title,
        "terms": offer.terms,
        "code": code,
        "now": open_links.offer_line(offer.key) if open_links is not None else None,
        "page": open_links.offer(offer.key) if open_links is not None else None,
    }


def _tailored(context: PresentationContext) -> bool:
    """Tell whether anything of the customer's own went into the choice, so that one may say so."""
    profile = context.profile
    return context.personal and profile is not None and bool(profile.interests or profile.recent)


def _words(decision: Decision, context: PresentationContext, slots: Sequence[Slot]) -> dict[str, str]:
    items = sorted((item for slot in slots for item in slot.items), key=lambda item: item.position)
    titles = [shortened(item.content.title, LONGEST_TITLE) for item in items[:3]] + ["", "", ""]
    about = decision.moment.about
    return {
        "name": context.first_name,
        "brand": context.speaker.name or "our shop",
        "first": titles[0],
        "second": titles[1],
        "third": titles[2],
        "label": _label(context),
        "about": context.title_of(about[0]) if about and about[0] in context.known else "",
        "offer": decision.offers[0].title if decision.offers else "",
    }


def _label(context: PresentationContext) -> str:
    if context.profile is None or not context.personal:
        return ""
    liked = [i for i in context.profile.interests if i.kind is not InterestKind.AVOIDED and i.label]
    return max(liked, key=lambda interest: interest.weight).label if liked else ""


def _slot(slot: Slot, is_first: bool, context: PresentationContext) -> dict[str, Any]:
    """Return a slot as rows: two by two; the message's very first item, and an odd last one, beside its picture."""
    shown = list(slot.items)
    rows: list[list[dict[str, Any]]] = []
    if is_first:
        rows.append([_item(shown.pop(0), context, wide=True, lead=True)])
    for start in range(0, len(shown), 2):
        pair = shown[start : start + 2]
        rows.append([_item(item, context, wide=len(pair) == 1) for item in pair])
    return {"title": slot.title, "rows": rows}


def _item(
    item: RankedItem, context: PresentationContext, *, wide: bool, lead: bool = False
) -> dict[str, Any]:
    content, open_links = item.content, context.open_links
    url = _http(content.url, context.speaker.website or context.base_url) or None
    image = _http(content.image_url, context.base_url) or None
    return {
        "title": shortened(content.title, LONGEST_TITLE),
        "summary": shortened(content.summary, LONGEST_SUMMARY) or None,
        "url": url,
        # Looked at again when it is opened; the plain text keeps the address that a reader can read.
        "link": (open_links.link(content.key) if open_links is not None and url else None) or url,
        "image": open_links.picture(content.key) if open_links is not None and image else image,
        "price": price(content.price) if content.price else None,
        "remark": REMARKS.get(content.availability),
        "why": item.why.sentence or None,
        "wide": wide,
        "lead": lead,
        "action": ACTIONS.get(content.kind, "Read on"),
    }


def _http(url: str | None, base: str) -> str:
    """Return `url` absolute and safe to put into a message; "" where it is none of the web's."""
    if not url or not url.strip():
        return ""
    try:
        absolute = urljoin(base.rstrip("/") + "/", url.strip()) if base else url.strip()
        parts = urlsplit(absolute)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return ""
    return quote(absolute, safe="/:?#[]@!$&'()*+,;=%-._~")


def colour_of(speaker: BrandFacts) -> str:
    """Return the brand's colour as `#rrggbb`; the house's default where it is none."""
    return speaker.colour if COLOUR.fullmatch(speaker.colour) else FALLBACK_COLOUR


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on `colour` (relative luminance of WCAG 2.1)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#111111"
