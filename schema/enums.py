"""The enums of the schema: the domain's own, each with a description of itself and of every value."""

from typing import Any

import strawberry

from hub.catalogue.model import Availability, ContentKind, NeedOrigin, NeedPattern
from hub.channels.template_service import TemplateState
from hub.consent.control import Correction
from hub.decisions.editing import ScenarioState
from hub.decisions.mixes import MixState
from hub.decisions.model import Channel
from hub.events.names import TimelineKind
from hub.offers.model import Account, GrantState
from hub.privacy.model import JobState
from hub.profiles.merge_model import OperationKind, ReviewKind, ReviewState
from hub.profiles.model import ConsentState, FeedbackKind, InterestKind, Purpose, Source

__all__ = [
    "Account",
    "Availability",
    "Channel",
    "ConsentState",
    "ContentKind",
    "Correction",
    "FeedbackKind",
    "GrantState",
    "InterestKind",
    "JobState",
    "MixState",
    "NeedOrigin",
    "NeedPattern",
    "OperationKind",
    "Purpose",
    "ReviewKind",
    "ReviewState",
    "ScenarioState",
    "Source",
    "TemplateState",
    "TimelineKind",
]


def describe(enum: Any, description: str, values: dict[str, str], *, name: str | None = None) -> None:
    """Register an enum with a description of itself and of every value; `name` is its name in the schema.

    Raises:
        KeyError: if a value has no description.
    """
    for value in strawberry.enum(enum, name=name, description=description).__strawberry_definition__.values:
        value.description = values[value.name]


describe(
    Correction,
    "What to do with an interest.",
    {"REMOVE": "It is wrong: forget it.", "RENAME": "It is right, but has another name."},
    name="InterestAction",
)

describe(
    MixState,
    "Where a version of a mix stands.",
    {
        "DRAFT": "It was never in force.",
        "PUBLISHED": "It is in force.",
        "RETIRED": "It was in force, and another one is now.",
    },
)

describe(
    ContentKind,
    "What a piece of content is.",
    {
        "PRODUCT": "Something that can be bought.",
        "ARTICLE": "A text of the brand's magazine.",
        "STORY": "A story about people or makers.",
        "GUIDE": "Advice on how to choose or do something.",
    },
)

describe(
    Availability,
    "Whether a product can be had now. Content that is not sold is always IN_STOCK.",
    {
        "IN_STOCK": "It can be had.",
        "LOW_STOCK": "It can be had, but few are left.",
        "PREORDER": "It can be ordered before it comes.",
        "OUT_OF_STOCK": "It cannot be had now; it is never shown.",
        "DISCONTINUED": "It will not come back; it is never shown.",
    },
)

describe(
    NeedOrigin,
    "Who says what a purchase does to the demand.",
    {
        "DECLARED": "The catalogue.",
        "UNSTATED": "Nobody: it is taken as CONSUMABLE until purchases teach otherwise.",
        "LEARNED": "Purchases: enough customers buy it again, and regularly.",
        "ASSUMED": "The catalogue says REPLENISHABLE without an interval, and purchases do not tell one yet.",
    },
)

describe(
    NeedPattern,
    "What a purchase does to the demand for its like.",
    {
        "ONCE": "One is enough for life: its category is closed after the purchase.",
        "DURABLE": "It lasts for a known time: its category is closed until then.",
        "REPLENISHABLE": "It runs out after a known time: the item comes back when it does.",
        "CONSUMABLE": "It is used up at no rhythm: nothing is ever closed.",
        "COLLECTIBLE": "One of each: the item is closed, its category is wanted more.",
    },
)

describe(
    Channel,
    "Where an experience is presented.",
    {
        "WEB": "A page or an app: slots as data.",
        "EMAIL": "A finished message.",
        "SERVICE_DESK": "What an agent needs in one conversation.",
    },
)

describe(
    Source,
    "Where a fact comes from. Declared beats observed beats inferred.",
    {
        "DECLARED": "The customer said so.",
        "OBSERVED": "An event carried it.",
        "INFERRED": "The hub worked it out.",
    },
)

describe(
    InterestKind,
    "What sort of direction an interest is.",
    {
        "LONG_TERM": "Grown from what the customer did over time; it decays.",
        "SESSION": "What the customer is after right now.",
        "DECLARED": "The customer said so.",
        "AVOIDED": "The customer does not want to see this.",
    },
)

describe(
    Purpose,
    "What personal data may be used for.",
    {
        "PERSONALIZATION": "To choose what is shown.",
        "EMAIL_MARKETING": "To send email.",
        "ANALYTICS": "To learn from in groups.",
    },
)

describe(
    ConsentState,
    "What the customer said about a purpose.",
    {
        "GRANTED": "Yes.",
        "DENIED": "No.",
        "UNKNOWN": "Nothing yet: the region's default applies.",
    },
)

describe(
    FeedbackKind,
    "What a customer thinks of one item shown.",
    {
        "SKIP": "Not now.",
        "REPEAT": "Show it again.",
        "HIDE": "Never show it again; it is gone on the next call.",
        "LESS": "Less like this.",
        "MORE": "More like this.",
        "SAVE": "Keep it for me.",
    },
)

describe(
    GrantState,
    "Where a grant stands.",
    {
        "ISSUED": "It can be redeemed.",
        "REDEEMED": "It was used.",
        "REVERSED": "It was taken back.",
        "EXPIRED": "Its time is over.",
    },
)

describe(
    Account,
    "Where the units and amounts of offers lie. Of each offer and currency all accounts sum to zero.",
    {
        "OFFERED": "What was ever issued, below zero: everything comes from here.",
        "GRANTED": "What is owed: issued, and neither used nor ended.",
        "REDEEMED": "What was used.",
        "REVERSED": "What was taken back.",
        "EXPIRED": "What ended unused.",
    },
    name="OfferAccount",
)

describe(
    JobState,
    "Where a longer job stands.",
    {
        "PENDING": "It waits for its turn.",
        "RUNNING": "It is under way.",
        "DONE": "It is done.",
        "FAILED": "It could not be done.",
    },
)

describe(
    TimelineKind,
    "What sort of thing happened.",
    {
        "VIEWED": "They looked at something.",
        "CLICKED": "They followed a link to something.",
        "ADDED": "They put something in the cart.",
        "REMOVED": "They took something out of the cart.",
        "CHECKOUT": "They began or went on to pay.",
        "PURCHASED": "They bought something.",
        "REFUNDED": "Something came back, or an order was cancelled.",
        "SEARCHED": "They searched.",
        "SAVED": "They kept something for later.",
        "READ": "They read something.",
        "EMAIL": "They did something with a message.",
        "VISITED": "They came to a page or a screen.",
        "IDENTIFIED": "They said who they are, or were recognised.",
        "FEEDBACK": "They said what they think of an item.",
        "PREFERENCE": "They said what they wish.",
        "CONSENT": "They said what their data may be used for.",
        "CORRECTION": "They corrected what the hub believes.",
        "SERVED": "They were served an experience, on whatever channel.",
        "MERGED": "They turned out to be the same person as another customer.",
        "SPLIT": "They turned out to be another person than a customer they had been merged with.",
        "OTHER": "Something else.",
    },
)
describe(
    OperationKind,
    "What was done to customers.",
    {"MERGE": "Two became one.", "SPLIT": "A merge was taken back."},
    name="MergeOperationKind",
)
describe(
    ReviewKind,
    "Why two customers may be one, and were not merged.",
    {
        "TWO_USERS": "An event says that two users are one.",
        "SHARED_ADDRESS": "Both gave the same address or number: one person, or a family.",
        "SHARED_DEVICE": "Both used the same device: one person, a family or a kiosk.",
        "SPLIT_BEFORE": "They were split before, and an event names them together again.",
        "SIMILAR": "`tutti dedupe` finds them alike.",
    },
    name="MergeReviewKind",
)
describe(
    ReviewState,
    "Whether an agent has decided.",
    {"OPEN": "Not yet.", "ACCEPTED": "They are one.", "REFUSED": "They are two."},
    name="MergeReviewState",
)
describe(
    ScenarioState,
    "Where a version of a scenario stands.",
    {
        "DRAFT": "It was never in force.",
        "PUBLISHED": "It is in force.",
        "RETIRED": "It was in force, and another one is now.",
    },
)
describe(
    TemplateState,
    "Where a version of an email template stands.",
    {
        "DRAFT": "It was never in force.",
        "PUBLISHED": "It is in force.",
        "RETIRED": "It was in force, and another one is now.",
    },
)
