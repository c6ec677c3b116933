"""The catalogue of events: every name the hub acts on, and what it does with it.

Any other name is welcome: it is stored, shown on the timeline and counted, and moves no profile.
`docs/events.md` is checked against this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub.profiles.model import SignalKind


class TimelineKind(StrEnum):
    """What sort of thing happened; a timeline can be filtered by it."""

    VIEWED = "VIEWED"
    CLICKED = "CLICKED"
    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHECKOUT = "CHECKOUT"
    PURCHASED = "PURCHASED"
    REFUNDED = "REFUNDED"
    SEARCHED = "SEARCHED"
    SAVED = "SAVED"
    READ = "READ"
    EMAIL = "EMAIL"
    VISITED = "VISITED"  # a page or a screen
    IDENTIFIED = "IDENTIFIED"
    FEEDBACK = "FEEDBACK"
    PREFERENCE = "PREFERENCE"
    CONSENT = "CONSENT"
    CORRECTION = "CORRECTION"
    SERVED = "SERVED"  # no event: the ledger's
    MERGED = "MERGED"  # no event: the audit trail's
    SPLIT = "SPLIT"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Handled:
    """One event name: how it shows on the timeline and what it does to the profile.

    `signal` is the sign of interest it makes of each of its items (or of its query); `cart` says whether
    it puts its items in (True) or takes them out; `purchase` is +1 where its items were bought, -1 where
    they came back; `voids` says that, naming an order and no items (or cancelling it), it undoes that whole
    order; `needs_item` that it makes no sense without a product; `ticket` that it opens a matter at the service
    (True) or closes it, and `complaint` that the matter is one.
    """

    name: str
    kind: TimelineKind
    does: str
    signal: SignalKind | None = None
    cart: bool | None = None
    purchase: int = 0
    voids: bool = False
    needs_item: bool = False
    ticket: bool | None = None
    complaint: bool = False


FEEDBACK_GIVEN = "Feedback Given"
PREFERENCES_SET = "Preferences Set"
CONSENT_UPDATED = "Consent Preference Updated"
INTEREST_CORRECTED = "Interest Corrected"
PRODUCTS_SEARCHED = "Products Searched"
EMAIL_LINK_CLICKED = "Email Link Clicked"
UNSUBSCRIBED = frozenset({"Unsubscribed", "Email Marked as Spam"})

_K, _S = TimelineKind, SignalKind
_TABLE = (
    Handled("Product Viewed", _K.VIEWED, "a weak sign of interest in the product", _S.VIEWED, needs_item=True),
    Handled("Product Clicked", _K.CLICKED, "a sign of interest in the product", _S.CLICKED, needs_item=True),
    Handled(
        "Product Added", _K.ADDED, "a sign of interest; the product lies in the cart", _S.ADDED,
        cart=True, needs_item=True,
    ),
    Handled(
        "Wishlist Product Added to Cart", _K.ADDED, "as Product Added", _S.ADDED, cart=True, needs_item=True,
    ),
    Handled(
        "Product Removed", _K.REMOVED, "the product no longer lies in the cart", _S.REMOVED,
        cart=False, needs_item=True,
    ),
    Handled(
        "Product Added to Wishlist", _K.SAVED, "a strong sign of interest in the product", _S.SAVED, needs_item=True,
    ),
    Handled("Product Shared", _K.SAVED, "a strong sign of interest in the product", _S.SAVED, needs_item=True),
    Handled("Product List Viewed", _K.OTHER, "kept; having been shown a list is no sign of interest"),
    Handled(PRODUCTS_SEARCHED, _K.SEARCHED, "the query is embedded and counts as an interest in words", _S.SEARCHED),
    Handled("Cart Viewed", _K.CHECKOUT, "kept; the cart is known from what was added and removed"),
    Handled("Checkout Started", _K.CHECKOUT, "kept; the cart is known from what was added and removed"),
    Handled(
        "Order Completed", _K.PURCHASED,
        "the items are owned and leave the cart; the strongest sign of interest; categories' needs are met",
        _S.PURCHASED, purchase=1,
    ),
    Handled(
        "Order Refunded", _K.REFUNDED,
        "the items given back no longer count as owned; with an order_id and no products, the whole order",
        _S.REFUNDED, purchase=-1, voids=True,
    ),
    Handled(
        "Order Cancelled", _K.REFUNDED,
        "the whole order no longer counts; without an order_id, the items named",
        _S.REFUNDED, purchase=-1, voids=True,
    ),
    Handled("Article Read", _K.READ, "a sign of interest in the article", _S.READ, needs_item=True),
    Handled("Content Viewed", _K.VIEWED, "a weak sign of interest in the content", _S.VIEWED, needs_item=True),
    Handled("Email Delivered", _K.EMAIL, "kept"),
    Handled("Email Opened", _K.EMAIL, "kept; mail programs open mail by themselves, so it says little"),
    Handled(EMAIL_LINK_CLICKED, _K.EMAIL, "a sign of interest where it names a product or content", _S.CLICKED),
    Handled("Live Chat Conversation Started", _K.OTHER, "a moment: the customer contacted service", _S.CONTACTED),
    Handled(
        "Support Ticket Opened", _K.OTHER,
        "a moment: the customer contacted service; agents are told of it until it is closed, with `type` "
        "complaint as a complaint",
        _S.CONTACTED, ticket=True,
    ),
    Handled("Support Ticket Closed", _K.OTHER, "the ticket of this `ticket_id` is no longer open", ticket=False),
    Handled(
        "Complaint Opened", _K.OTHER,
        "a moment: the customer contacted service; agents are told of it until it is closed",
        _S.CONTACTED, ticket=True, complaint=True,
    ),
    Handled("Complaint Closed", _K.OTHER, "the complaint of this `complaint_id` is no longer open", ticket=False),
    Handled("Unsubscribed", _K.CONSENT, "consent to email marketing is denied"),
    Handled("Email Marked as Spam", _K.CONSENT, "consent to email marketing is denied"),
    Handled(FEEDBACK_GIVEN, _K.FEEDBACK, "SKIP, REPEAT, HIDE, LESS, MORE or SAVE for one content, from the next call on"),
    Handled(PREFERENCES_SET, _K.PREFERENCE, "declared preferences; `likes` and `dislikes` are understood as words"),
    Handled(CONSENT_UPDATED, _K.CONSENT, "consent for a purpose, on a channel or on all"),
    Handled(INTEREST_CORRECTED, _K.CORRECTION, "an interest is disowned or given the customer's own name"),
)  # fmt: skip

HANDLED: Mapping[str, Handled] = {entry.name: entry for entry in _TABLE}
_SPELLINGS = {name.casefold(): name for name in HANDLED} | {
    "segment consent preference updated": CONSENT_UPDATED,
    "order canceled": "Order Cancelled",
    "email clicked": EMAIL_LINK_CLICKED,
    "content read": "Article Read",
    "support ticket reopened": "Support Ticket Opened",
    "support ticket solved": "Support Ticket Closed",
    "support ticket resolved": "Support Ticket Closed",
    "complaint made": "Complaint Opened",
    "complaint raised": "Complaint Opened",
    "complaint filed": "Complaint Opened",
    "complaint received": "Complaint Opened",
    "complaint settled": "Complaint Closed",
    "complaint solved": "Complaint Closed",
    "complaint resolved": "Complaint Closed",
}


def canonical_name(name: str) -> str:
    """Return the catalogue's spelling of an event name, or the name itself where it has none."""
    return _SPELLINGS.get(name.casefold(), name)
