"""Every rule by which a gate removes a candidate, in the order in which the gates stand.

    consent      what may be used
    suppression  what the customer has, had enough of, or asked not to see
    availability what cannot be had
    brand        what the brand must not say, or not here
    frequency    what was shown often enough for now

The order is that of whose word weighs most: the customer's, then the world's, then the brand's
(docs/decisions/0053). A candidate that several rules would remove is told by the first of them.
"""

from dataclasses import dataclass
from typing import Final

ELIGIBLE: Final = -1
GATES: Final = ("consent", "suppression", "availability", "brand", "frequency")


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for an absence; `sentence` is what is said where there is nothing particular to tell."""

    gate: str
    name: str
    sentence: str


RULES: Final[tuple[Rule, ...]] = (
    Rule("consent", "personalization_refused", "Only personal data led here, and its use was refused"),
    Rule("suppression", "hidden", "You asked not to see this"),
    Rule("suppression", "bought_once", "You have one, and one is enough"),
    Rule("suppression", "still_lasting", "The one you have should still last"),
    Rule("suppression", "not_yet_run_out", "What you have should not have run out yet"),
    Rule("suppression", "already_collected", "You have this one already"),
    Rule("suppression", "in_cart", "It is in your basket already"),
    Rule("suppression", "not_asked_for", "It is not what was asked for"),
    Rule("availability", "discontinued", "No longer sold"),
    Rule("availability", "out_of_stock", "Out of stock at the moment"),
    Rule("availability", "not_published_yet", "Not published yet"),
    Rule("brand", "forbidden_word", "Its text uses a word that the brand does not use"),
    Rule("brand", "unknown_claim", "It relies on a claim that the brand has not approved"),
    Rule("brand", "unproven_claim", "It claims something that the brand has not proven"),
    Rule("brand", "price_disagrees", "Its text states an amount that is not its price"),
    Rule("brand", "unknown_reference", "Its text refers to a brand fact that there is not"),
    Rule("brand", "sister_brand", "It belongs to a brand that this scenario does not show"),
    Rule("brand", "scenario_guard", "This scenario does not show such things"),
    Rule("frequency", "shown_often", "Shown often enough for now"),
)
_CODES = {(rule.gate, rule.name): code for code, rule in enumerate(RULES)}


def rule_code(gate: str, name: str) -> int:
    """Return the position of a rule in RULES; a lower one removes first.

    Raises:
        KeyError: if there is no such rule.
    """
    return _CODES[gate, name]


PERSONALIZATION_REFUSED: Final = rule_code("consent", "personalization_refused")
HIDDEN: Final = rule_code("suppression", "hidden")
BOUGHT_ONCE: Final = rule_code("suppression", "bought_once")
STILL_LASTING: Final = rule_code("suppression", "still_lasting")
NOT_YET_RUN_OUT: Final = rule_code("suppression", "not_yet_run_out")
ALREADY_COLLECTED: Final = rule_code("suppression", "already_collected")
IN_CART: Final = rule_code("suppression", "in_cart")
NOT_ASKED_FOR: Final = rule_code("suppression", "not_asked_for")
DISCONTINUED: Final = rule_code("availability", "discontinued")
OUT_OF_STOCK: Final = rule_code("availability", "out_of_stock")
NOT_PUBLISHED_YET: Final = rule_code("availability", "not_published_yet")
SISTER_BRAND: Final = rule_code("brand", "sister_brand")
SCENARIO_GUARD: Final = rule_code("brand", "scenario_guard")
SHOWN_OFTEN: Final = rule_code("frequency", "shown_often")
