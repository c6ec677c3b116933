"""The gates: hard rules that remove. No mix mutes them, and every absence names its gate and rule.

All but consent are decided for the whole catalogue at once, so that retrieval can look among what is
eligible; consent looks at how a candidate was found. Both are a few gathers over int8 arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hub.catalogue.model import NeedPattern
from hub.decisions.candidates import EXPLAINED, PERSONAL, Found
from hub.decisions.model import Removed, Scenario
from hub.decisions.rules import (
    ALREADY_COLLECTED,
    BOUGHT_ONCE,
    ELIGIBLE,
    HIDDEN,
    IN_CART,
    NOT_ASKED_FOR,
    NOT_PUBLISHED_YET,
    NOT_YET_RUN_OUT,
    PERSONALIZATION_REFUSED,
    RULES,
    SCENARIO_GUARD,
    SHOWN_OFTEN,
    SISTER_BRAND,
    STILL_LASTING,
)
from hub.decisions.shelf import Shelf
from hub.layers.base import Moment
from hub.layers.lasting import Owned
from hub.layers.needs import lasting_sentence
from hub.layers.words import day, thing, when
from hub.profiles.view import ProfileView

CLOSES_CATEGORY = {NeedPattern.ONCE: BOUGHT_ONCE, NeedPattern.DURABLE: STILL_LASTING}


@dataclass(slots=True, eq=False)
class Verdict:
    """What the gates say of the whole catalogue.

    `codes` is (n,) int8: of each row the first rule in RULES that removes it, or ELIGIBLE.
    `causes` maps a row to the purchase that closed it, `category_causes` a category's code.
    """

    codes: NDArray[np.int8]
    causes: dict[int, Owned] = field(default_factory=dict)
    category_causes: dict[int, Owned] = field(default_factory=dict)
    worn: dict[int, str] = field(default_factory=dict)  # what was shown often enough, and how often

    def remove(self, rows: NDArray[np.intp] | NDArray[np.bool_] | int, code: int) -> None:
        """Remove rows by a rule; where an earlier rule removes them already, that one stays the first."""
        known = self.codes[rows]
        self.codes[rows] = np.where((known == ELIGIBLE) | (known > code), np.int8(code), known)


def judge(
    view: ProfileView,
    shelf: Shelf,
    scenario: Scenario,
    moment: Moment,
    owned: Sequence[Owned],
    worn: Mapping[str, str] = MappingProxyType({}),
) -> Verdict:
    """Return what suppression, availability, brand and frequency say of every content for one customer.

    `worn` maps the keys of what was shown often enough to the reason in a sentence.
    """
    snapshot = shelf.snapshot
    verdict = Verdict(shelf.standing.copy())
    for key, sentence in worn.items():
        if (row := snapshot.row(key)) is not None:
            verdict.remove(row, SHOWN_OFTEN)
            verdict.worn[row] = sentence
    verdict.remove(snapshot.published > view.at.timestamp(), NOT_PUBLISHED_YET)
    if scenario.brands:
        foreign = np.array([brand not in scenario.brands for brand in snapshot.brands], np.bool_)
        verdict.remove(foreign[snapshot.brand_codes], SISTER_BRAND)
    _keep_to_the_wish(shelf, scenario, verdict)
    for key in view.hidden:
        if (row := snapshot.row(key)) is not None:
            verdict.remove(row, HIDDEN)
    if moment.key != "cart_left":
        for key in view.cart:
            if (row := snapshot.row(key)) is not None:
                verdict.remove(row, IN_CART)
    _suppress_what_is_owned(owned, view.at, shelf, verdict)
    return verdict


def _keep_to_the_wish(shelf: Shelf, scenario: Scenario, verdict: Verdict) -> None:
    """Remove what the scenario does not show, and what this call did not ask for."""
    if scenario.guards.any:
        verdict.remove(shelf.kept_out(scenario.guards), SCENARIO_GUARD)
    for choice in scenario.guards.chosen:
        verdict.remove(shelf.not_chosen(choice), NOT_ASKED_FOR)


def _suppress_what_is_owned(owned: Sequence[Owned], at: datetime, shelf: Shelf, verdict: Verdict) -> None:
    """Close items and categories by the needs that purchases have satisfied.

    ONCE closes the leaf category for ever, DURABLE until it wears out, REPLENISHABLE the item until it
    runs out, COLLECTIBLE the item. CONSUMABLE closes nothing.
    """
    snapshot = shelf.snapshot
    closed = np.full(len(snapshot.categories), len(RULES), np.int8)
    for item in owned:
        pattern = item.content.need.pattern
        if pattern is NeedPattern.CONSUMABLE:
            continue
        until = item.lasts_until
        if until is not None and until <= at:
            continue
        if pattern in CLOSES_CATEGORY:
            code = CLOSES_CATEGORY[pattern]
            category = int(snapshot.category_codes[item.row])
            verdict.causes[item.row] = item
            verdict.remove(item.row, code)
            if item.content.category and _closes_longer(code, item, closed[category], verdict, category):
                closed[category] = code
                verdict.category_causes[category] = item
        else:
            code = NOT_YET_RUN_OUT if pattern is NeedPattern.REPLENISHABLE else ALREADY_COLLECTED
            verdict.causes[item.row] = item
            verdict.remove(item.row, code)
    if verdict.category_causes:
        codes = closed[snapshot.category_codes]
        rows = np.flatnonzero(codes < len(RULES))
        known = verdict.codes[rows]
        first = (known == ELIGIBLE) | (known > codes[rows])
        verdict.codes[rows[first]] = codes[rows[first]]


def _closes_longer(code: int, item: Owned, closed: int, verdict: Verdict, category: int) -> bool:
    """Tell whether `item` is the better reason than the one known: an earlier rule, or a longer life."""
    if code != closed:
        return code < closed
    known = verdict.category_causes[category]
    return (item.lasts_until or item.ownership.last_at, item.content.key) > (
        known.lasts_until or known.ownership.last_at,
        known.content.key,
    )


def remove(
    view: ProfileView, shelf: Shelf, verdict: Verdict, found: Found
) -> tuple[NDArray[np.intp], tuple[Removed, ...]]:
    """Split what was found into the rows that stay, ascending, and what was removed, explained.

    What was removed is ordered by gate and rule, then by how it was found: the nearest first.
    """
    codes = verdict.codes[found.rows]
    if not view.personal:
        only_personal = (found.sources & ~(PERSONAL | EXPLAINED) == 0) & (found.sources & PERSONAL != 0)
        codes = np.where(only_personal, np.int8(PERSONALIZATION_REFUSED), codes)
    out = np.flatnonzero(codes != ELIGIBLE)
    out = out[np.argsort(codes[out], kind="stable")]
    tell = _Teller(view, shelf, verdict)
    contents = shelf.snapshot.contents
    removed = tuple(
        Removed(contents[row], RULES[code].gate, RULES[code].name, tell(row, code))
        for row, code in zip(found.rows[out].tolist(), codes[out].tolist(), strict=True)
    )
    return np.sort(found.rows[codes == ELIGIBLE]), removed


class _Teller:
    """Says why a row was removed; siblings closed by one purchase share a sentence."""

    def __init__(self, view: ProfileView, shelf: Shelf, verdict: Verdict) -> None:
        self.view = view
        self.snapshot = shelf.snapshot
        self.verdict = verdict
        self.told: dict[tuple[int, str], str] = {}

    def __call__(self, row: int, code: int) -> str:
        if code == NOT_PUBLISHED_YET:
            published = self.snapshot.contents[row].published_at
            return (
                f"Not published before {day(published, self.view.at)}" if published else RULES[code].sentence
            )
        if code == SHOWN_OFTEN:
            return self.verdict.worn.get(row, RULES[code].sentence)
        cause = self._cause(row, code)
        if cause is None:
            return RULES[code].sentence
        known = self.told.get((code, cause.content.key))
        if known is None:
            known = self.told[code, cause.content.key] = PARTICULAR[code](cause, self.view.at)
        return known

    def _cause(self, row: int, code: int) -> Owned | None:
        if code not in PARTICULAR:
            return None
        own = self.verdict.causes.get(row)
        if own is not None:
            return own
        return self.verdict.category_causes.get(int(self.snapshot.category_codes[row]))


def _bought_once(item: Owned, at: datetime) -> str:
    return f"You bought the {thing(item.content)} {when(item.ownership.last_at, at)}, and one is enough"


def _collected(item: Owned, at: datetime) -> str:
    return f"You have this one already: you bought it {when(item.ownership.last_at, at)}"


PARTICULAR: Mapping[int, Callable[[Owned, datetime], str]] = {
    BOUGHT_ONCE: _bought_once,
    STILL_LASTING: lasting_sentence,
    NOT_YET_RUN_OUT: lasting_sentence,
    ALREADY_COLLECTED: _collected,
}
