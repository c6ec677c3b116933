"""Guided choice: at most five questions to one good item, each the one whose answer is expected to tell most.

What is still in question are the contents that the gates let through and that fit the answers so far. Each
has a likelihood that falls with its place in the ranking, so what suits the customer steers what is asked.
An answer is determined by the item, hence the information that a question is expected to give is the
entropy of its answers (Shannon 1948; as in the splits of ID3, Quinlan 1986). Asked is what gives most:

    category   the first level at which what is left differs, the four heaviest groups and "something else"
    price      bands of about equal weight, cut at round amounts
    tag        yes or no

The same decision asks the same question, and nothing is kept between two: see `hub.decisions.choices`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import Content
from hub.catalogue.snapshot import CatalogueSnapshot
from hub.decisions.choices import Attribute, Choice, between
from hub.decisions.model import Option, Question, Scenario
from hub.decisions.rules import ELIGIBLE

GROUPS = 4  # categories that are named in one question
BANDS = 4  # of prices
LEAST_BITS = 0.15  # what tells less is not worth a person's time
FEWEST = 2  # things left between which is worth asking
MOST_IN_QUESTION = 4_096  # the likeliest are looked at, which is enough to know what to ask
PLACE = 10.0  # likelihood falls as 1 / (PLACE + place in the ranking)
INDIFFERENT = "I do not mind"
_STEPS = tuple(map(Decimal, ("1", "1.5", "2", "2.5", "3", "4", "5", "6", "7.5", "8")))


def next_question(
    snapshot: CatalogueSnapshot,
    scenario: Scenario,
    codes: NDArray[np.int8],
    ranked: Sequence[Content],
) -> Question | None:
    """Return what to ask next, None where enough was asked or nothing is worth asking.

    Args:
        snapshot: the catalogue.
        scenario: it says how many questions there may be; its guards hold the answers so far.
        codes: (n,) int8, what the gates say of each row.
        ranked: what the decision ranked, best first.
    """
    chosen = scenario.guards.chosen
    asked = sum(not choice.beforehand for choice in chosen)
    if asked >= scenario.questions:
        return None
    rows, likely = _in_question(snapshot, scenario, codes, ranked)
    if len(rows) < FEWEST:
        return None
    contents = [snapshot.contents[row] for row in rows.tolist()]
    found = [
        *_of_category(contents, likely, chosen),
        *_of_price(contents, likely, chosen),
        *_of_tags(contents, likely, chosen),
    ]
    best = max(found, key=lambda one: one[0], default=None)  # of equals the first
    if best is None or best[0] < LEAST_BITS:
        return None
    bits, text, options = best
    return Question(
        key=options[0].key.partition(":")[0] if len(options) else "",
        text=text,
        options=options,
        bits=round(bits, 6),
        number=asked + 1,
        most=scenario.questions,
        left=len(rows),
    )


def _in_question(
    snapshot: CatalogueSnapshot, scenario: Scenario, codes: NDArray[np.int8], ranked: Sequence[Content]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the rows that are still in question, and how likely each is; likelihoods sum to 1."""
    slot = next(iter(scenario.slots.values()))[0]
    wanted = np.array([name in {kind.value for kind in slot.kinds} for name in snapshot.kinds], np.bool_)
    open_rows = np.flatnonzero((codes == ELIGIBLE) & wanted[snapshot.kind_codes])
    if slot.categories or slot.tags or slot.most_price is not None:
        fits = [slot.takes(snapshot.contents[row]) for row in open_rows.tolist()]
        open_rows = open_rows[np.array(fits, np.bool_)] if fits else open_rows
    likely = np.full(len(snapshot), 1.0 / (PLACE + len(ranked) + 1))
    places = [snapshot.rows[content.key] for content in ranked]
    likely[places] = 1.0 / (PLACE + np.arange(1, len(places) + 1))
    weights = likely[open_rows]
    if len(open_rows) > MOST_IN_QUESTION:
        # Equals are thinned evenly over the catalogue, so that no part of it falls silent.
        spread = np.argsort(np.arange(len(open_rows)) * 0.6180339887498949 % 1.0, kind="stable")
        first = spread[np.argsort(-weights[spread], kind="stable")][:MOST_IN_QUESTION]
        first.sort()
        open_rows, weights = open_rows[first], weights[first]
    return open_rows, weights / weights.sum() if len(weights) else weights


Asked = tuple[float, str, tuple[Option, ...]]


def _entropy(shares: Iterable[float]) -> float:
    return -sum(share * math.log2(share) for share in shares if share > 0)


def _of_category(
    contents: Sequence[Content], likely: NDArray[np.float64], chosen: Sequence[Choice]
) -> list[Asked]:
    said = [choice for choice in chosen if choice.attribute is Attribute.CATEGORY]
    if any(choice.indifferent for choice in said):
        return []
    paths = [content.category.split("/") for content in contents]
    deepest = max(map(len, paths))
    for depth in range(1, deepest + 1):
        groups: dict[str, float] = {}
        for path, share in zip(paths, likely.tolist(), strict=True):
            name = "/".join(path[:depth])
            groups[name] = groups.get(name, 0.0) + share
        groups.pop("", None)
        if len(groups) > 1:
            break
    else:
        return []
    ordered = sorted(groups, key=lambda name: (-groups[name], name))
    named = ordered if len(ordered) <= GROUPS + 1 else ordered[:GROUPS]
    options = [
        Option(Choice(Attribute.CATEGORY, (name,)).key, _told(name), round(groups[name], 6)) for name in named
    ]
    rest = 1.0 - sum(groups[name] for name in named)
    shares = [groups[name] for name in named]
    if rest > 1e-9:  # of other categories, or of none
        other = Choice(Attribute.CATEGORY, tuple(named), refused=True)
        options.append(Option(other.key, "Something else", round(rest, 6)))
        shares.append(rest)
    options.append(Option(Choice(Attribute.CATEGORY, indifferent=True).key, INDIFFERENT, 1.0))
    text = "What kind of thing shall it be?" if not said else "And more exactly?"
    return [(_entropy(shares), text, tuple(options))]


def _of_price(
    contents: Sequence[Content], likely: NDArray[np.float64], chosen: Sequence[Choice]
) -> list[Asked]:
    if any(choice.attribute is Attribute.PRICE for choice in chosen):
        return []
    priced = [
        (content.price.amount, share, content.price.currency)
        for content, share in zip(contents, likely.tolist(), strict=True)
        if content.price is not None
    ]
    if not priced or len({currency for _, _, currency in priced}) > 1:
        return []
    priced.sort(key=lambda one: one[0])
    cuts = _cuts([amount for amount, _, _ in priced], [share for _, share, _ in priced])
    if not cuts:
        return []
    bounds: list[tuple[Decimal | None, Decimal | None]] = list(zip([None, *cuts], [*cuts, None], strict=True))
    shares = [0.0] * len(bounds)
    for amount, share, _ in priced:
        shares[sum(amount > cut for cut in cuts)] += share
    total = sum(shares)
    currency = priced[0][2]
    options = [
        Option(between(least, most).key, _band(least, most, currency), round(share, 6))
        for (least, most), share in zip(bounds, shares, strict=True)
    ]
    options.append(Option(Choice(Attribute.PRICE, indifferent=True).key, INDIFFERENT, 1.0))
    # What has no price cannot be told apart by it: it stands aside, as one answer that nobody gives.
    bits = _entropy(share / total for share in shares) * total
    return [(bits, "What may it cost?", tuple(options))]


def _cuts(amounts: Sequence[Decimal], shares: Sequence[float]) -> list[Decimal]:
    """Return round amounts that cut prices (ascending) into bands of about equal weight."""
    heaviness = np.cumsum(shares)
    cuts: list[Decimal] = []
    for band in range(1, BANDS):
        at = int(np.searchsorted(heaviness, heaviness[-1] * band / BANDS))
        cut = _round(amounts[min(at, len(amounts) - 1)])
        if amounts[0] <= cut < amounts[-1] and cut not in cuts:
            cuts.append(cut)
    return sorted(cuts)


def _round(amount: Decimal) -> Decimal:
    """Return the amount that a person would say: 18.90 is 20, 43.50 is 40, 63 is 60."""
    if amount <= 0:
        return Decimal(0)
    power = Decimal(10) ** amount.adjusted()
    steps = [step * power for step in (*_STEPS, Decimal(10))]
    return min(steps, key=lambda step: (abs(step - amount), step))


def _of_tags(
    contents: Sequence[Content], likely: NDArray[np.float64], chosen: Sequence[Choice]
) -> list[Asked]:
    said = [choice for choice in chosen if choice.attribute is Attribute.TAG]
    if any(choice.indifferent and not choice.values for choice in said):
        return []
    known = {tag for choice in said for tag in choice.values}
    shares: dict[str, float] = {}
    for content, share in zip(contents, likely.tolist(), strict=True):
        for tag in dict.fromkeys(content.tags):
            shares[tag] = shares.get(tag, 0.0) + share
    return [_of_tag(tag, min(shares[tag], 1.0)) for tag in _askable(shares, known)]


def _askable(shares: Mapping[str, float], known: set[str]) -> list[str]:
    """Return the tag that splits best: the others tell less. One that cannot be spelled in a key is not asked."""
    fit = [tag for tag in shares if tag not in known and not set(tag) & set("|:!")]
    return sorted(fit, key=lambda tag: (abs(shares[tag] - 0.5), tag))[:1]


def _of_tag(tag: str, share: float) -> Asked:
    options = (
        Option(Choice(Attribute.TAG, (tag,)).key, "Yes", round(share, 6)),
        Option(Choice(Attribute.TAG, (tag,), refused=True).key, "No", round(1.0 - share, 6)),
        Option(Choice(Attribute.TAG, (tag,), indifferent=True).key, INDIFFERENT, 1.0),
    )
    told = tag.replace("-", " ").replace("_", " ")
    return _entropy((share, 1.0 - share)), f"Shall it have to do with: {told}?", options


def _told(category: str) -> str:
    name = category.rpartition("/")[2].replace("-", " ").replace("_", " ")
    return name[:1].upper() + name[1:]


def _band(least: Decimal | None, most: Decimal | None, currency: str) -> str:
    low, high = (None if each is None else f"{each.normalize():f}" for each in (least, most))
    if low is None:
        return f"Up to {high} {currency}"
    return f"More than {low} {currency}" if high is None else f"{low} to {high} {currency}"
