"""The brand's rules as pure functions: what may be said, judged by the brand facts alone.

    forbidden_word      it says what the brand never says
    unknown_claim       it relies on, or refers to, a claim that the brand does not make
    unproven_claim      it says a guarded word ("climate neutral") without relying on a claim that says it
    price_disagrees     a product's own words state an amount that is not its price
    unknown_reference   it refers to a price that there is not, or misspells a reference

Two moments ask them. When content, an answer, an offer or a claim is *put*, text that breaks a rule is refused
with the path of the field. When a *snapshot* is built they are asked again, since a claim may have
been withdrawn, a word forbidden or a price changed: content that has come to break a rule is removed
by the brand gate with that reason, an answer is not said, an offer is not made any more (what was promised is
kept). A feed that is not ours to correct may be
put as it is (`keep_faulty`): its faulty content is kept and never shown.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from hub.catalogue.amounts import disagreeing
from hub.catalogue.model import Answer, BrandFacts, Content, Offer
from hub.catalogue.references import Prices, Unresolved, claims_in, resolved, without_references
from hub.errors import InvalidInput
from hub.kit.money import Money

FORBIDDEN_WORD = "forbidden_word"
UNKNOWN_CLAIM = "unknown_claim"
UNPROVEN_CLAIM = "unproven_claim"
PRICE_DISAGREES = "price_disagrees"
UNKNOWN_REFERENCE = "unknown_reference"

NO_FACTS = BrandFacts(key="", name="", voice="Clear, friendly and brief.")
"""What speaks for a house that has not said anything about itself yet: no claims, no forbidden words."""


def house_of(facts: Mapping[str, BrandFacts]) -> str:
    """Return the key of the brand that speaks where no other is named.

    It is the brand marked as `house`; without a mark the first by key; without any brand the empty one.
    """
    marked = sorted(key for key, brand in facts.items() if brand.house)
    return (marked or sorted(facts) or [NO_FACTS.key])[0]


@lru_cache(maxsize=256)
def _forbidden_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    wanted = [r"\s+".join(re.escape(part) for part in word.split()) for word in words if word.strip()]
    if not wanted:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", re.IGNORECASE)


def forbidden_word(texts: Iterable[str], brand: BrandFacts) -> str | None:
    """Return the first forbidden word found in `texts`, matched whole and in any case, as it stands there."""
    pattern = _forbidden_pattern(brand.forbidden)
    if pattern is None:
        return None
    for text in texts:
        found = pattern.search(text)
        if found is not None:
            return found.group()
    return None


def speaker_of(brand: str, facts: Mapping[str, BrandFacts]) -> BrandFacts:
    """Return who speaks of an entry: the brand it names, else the house, whose page it stands on all the same."""
    return facts.get(brand) or facts.get(house_of(facts), NO_FACTS)


def _missing_claim(claims: Iterable[str], brand: BrandFacts) -> tuple[int, str] | None:
    known = {claim.key for claim in brand.claims}
    return next(((i, key) for i, key in enumerate(claims) if key not in known), None)


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that a text breaks: where, and in words."""

    rule: str
    path: tuple[str | int, ...]
    message: str


def _no_prices(_key: str) -> Money | None:
    return None


def _faults(
    what: str,
    texts: Mapping[str, str],
    claims: tuple[str, ...],
    price: Money | None,
    brand: BrandFacts,
    prices: Prices,
) -> Iterator[Fault]:
    """Yield every rule that texts by field break, the gravest first."""
    for name, text in texts.items():
        word = forbidden_word((text,), brand)
        if word is not None:
            yield Fault(
                FORBIDDEN_WORD,
                (name,),
                f"{what} says {word!r}, a word that the brand {brand.key!r} never says",
            )
    known = ", ".join(sorted(claim.key for claim in brand.claims)) or "none"
    makes = f"which the brand {brand.key!r} does not make (it makes: {known})"
    missing = _missing_claim(claims, brand)
    if missing is not None:
        at, key = missing
        yield Fault(UNKNOWN_CLAIM, ("claims", at), f"{what} relies on the claim {key!r}, {makes}")
    for name, text in texts.items():
        missing = _missing_claim(claims_in((text,)), brand)
        if missing is not None:
            yield Fault(UNKNOWN_CLAIM, (name,), f"{what} refers to the claim {missing[1]!r}, {makes}")
            continue
        try:
            resolved(text, brand, price, prices)
        except Unresolved as error:
            yield Fault(UNKNOWN_REFERENCE, (name,), f"{what}: {error}")
    yield from _unproven(what, texts, claims, brand)
    if price is not None:
        for name, stated in disagreeing(texts, price):
            yield Fault(
                PRICE_DISAGREES,
                (name,),
                f"{what} costs {price} and says {stated}; refer to an amount by {{{{price}}}}, "
                "{{price:CONTENT}} or {{claim:KEY}}",
            )


def _unproven(
    what: str, texts: Mapping[str, str], claims: tuple[str, ...], brand: BrandFacts
) -> Iterator[Fault]:
    pattern = _forbidden_pattern(brand.guarded)
    if pattern is None:
        return
    relied = {*claims, *claims_in(texts.values())}
    proven = " ".join(claim.text for claim in brand.claims if claim.key in relied).casefold()
    for name, text in texts.items():
        for found in pattern.finditer(without_references(text)):
            said = " ".join(found.group().split())
            if said.casefold() not in proven:
                yield Fault(
                    UNPROVEN_CLAIM, (name,), f"{what} says {said!r} and relies on no claim that proves it"
                )
                break


def content_faults(content: Content, facts: Mapping[str, BrandFacts], prices: Prices) -> Iterator[Fault]:
    """Yield every rule that a content breaks, the gravest first."""
    texts = {"title": content.title, "summary": content.summary, "text": content.text}
    texts |= {f"tags.{at}": tag for at, tag in enumerate(content.tags)}
    brand = speaker_of(content.brand, facts)
    return _faults(f"content {content.key!r}", texts, content.claims, content.price, brand, prices)


def answer_faults(answer: Answer, facts: Mapping[str, BrandFacts], prices: Prices) -> Iterator[Fault]:
    """Yield every rule that an answer breaks, the gravest first."""
    texts = {"title": answer.title, "text": answer.text}
    brand = speaker_of(answer.brand, facts)
    return _faults(f"answer {answer.key!r}", texts, answer.claims, None, brand, prices)


def offer_faults(offer: Offer, facts: Mapping[str, BrandFacts]) -> Iterator[Fault]:
    """Yield every rule that an offer's title and terms break, the gravest first.

    They hold no references: a grant keeps them as they were promised, whatever a claim becomes.
    """
    texts = {"title": offer.title, "terms": offer.terms}
    yield from _verbatim_faults(f"offer {offer.key!r}", texts, offer.brand, facts)


def _verbatim_faults(
    what: str, texts: Mapping[str, str], brand: str, facts: Mapping[str, BrandFacts]
) -> Iterator[Fault]:
    """Yield every rule that texts break which are said as they stand, so that they can hold no reference."""
    yield from _faults(what, texts, (), None, speaker_of(brand, facts), _no_prices)
    for name, text in texts.items():
        if "{{" in text:
            yield Fault(UNKNOWN_REFERENCE, (name,), f"{what} is said word for word: write it out")


def wording_fault_of(text: str, brand: str, facts: Mapping[str, BrandFacts]) -> str | None:
    """Return the brand's rule that a text breaks which stands for itself, None if it breaks none."""
    fault = next(_verbatim_faults("it", {"text": text}, brand, facts), None)
    return None if fault is None else fault.rule


def check_wording(
    what: str, text: str, brand: str, facts: Mapping[str, BrandFacts], path: tuple[str | int, ...]
) -> None:
    """Refuse a text that the brand may not say, such as a slot's title.

    Raises:
        InvalidInput: with the rule in capitals as its code, and the path.
    """
    for fault in _verbatim_faults(what, {"text": text}, brand, facts):
        raise InvalidInput(fault.message, path=path, code=fault.rule.upper())


def offer_fault_of(offer: Offer, facts: Mapping[str, BrandFacts]) -> str | None:
    """Return the brand's rule that an offer breaks, None if it breaks none."""
    fault = next(offer_faults(offer, facts), None)
    return None if fault is None else fault.rule


def fault_of(content: Content, facts: Mapping[str, BrandFacts], prices: Prices = _no_prices) -> str | None:
    """Return the rule of the brand gate that a content breaks, None if it breaks none."""
    fault = next(content_faults(content, facts, prices), None)
    return None if fault is None else fault.rule


def answer_fault_of(
    answer: Answer, facts: Mapping[str, BrandFacts], prices: Prices = _no_prices
) -> str | None:
    """Return the brand's rule that an answer breaks, None if it breaks none."""
    fault = next(answer_faults(answer, facts, prices), None)
    return None if fault is None else fault.rule


def check_content(
    content: Content,
    facts: Mapping[str, BrandFacts],
    path: tuple[str | int, ...] = (),
    *,
    prices: Prices = _no_prices,
    keep_faulty: bool = False,
) -> None:
    """Refuse a content that breaks a rule of its brand; with `keep_faulty` only an unknown claim.

    Raises:
        InvalidInput: with the rule in capitals as its code, and the path of the field.
    """
    for fault in content_faults(content, facts, prices):
        if not keep_faulty or (fault.rule == UNKNOWN_CLAIM and fault.path[0] == "claims"):
            _refuse(fault, path)


def check_offer(offer: Offer, facts: Mapping[str, BrandFacts], path: tuple[str | int, ...] = ()) -> None:
    """Refuse an offer that the brand cannot stand behind.

    Raises:
        InvalidInput: with the rule in capitals as its code, and the path of the field.
    """
    for fault in offer_faults(offer, facts):
        _refuse(fault, path)


def check_answer(
    answer: Answer,
    facts: Mapping[str, BrandFacts],
    path: tuple[str | int, ...] = (),
    *,
    prices: Prices = _no_prices,
) -> None:
    """Refuse an answer that the brand cannot stand behind: it would be said word for word.

    Raises:
        InvalidInput: with the rule in capitals as its code, and the path of the field.
    """
    for fault in answer_faults(answer, facts, prices):
        _refuse(fault, path)


def _refuse(fault: Fault, path: tuple[str | int, ...]) -> NoReturn:
    steps = [part for step in fault.path for part in (step.split(".") if isinstance(step, str) else [step])]
    where = tuple(int(step) if isinstance(step, str) and step.isdigit() else step for step in steps)
    raise InvalidInput(fault.message, path=(*path, *where), code=fault.rule.upper())


def check_brand_facts(brand: BrandFacts, path: tuple[str | int, ...] = ()) -> None:
    """Refuse brand facts that contradict themselves.

    Raises:
        InvalidInput: FORBIDDEN_WORD (a claim says what is forbidden) or DUPLICATE_CLAIM.
    """
    seen: set[str] = set()
    for at, claim in enumerate(brand.claims):
        if claim.key in seen:
            raise InvalidInput(
                f"the brand {brand.key!r} makes the claim {claim.key!r} twice",
                path=(*path, "claims", at, "key"),
                code="DUPLICATE_CLAIM",
            )
        seen.add(claim.key)
        word = forbidden_word((claim.text,), brand)
        if word is not None:
            raise InvalidInput(
                f"the claim {claim.key!r} says {word!r}, a word that the brand {brand.key!r} never says",
                path=(*path, "claims", at, "text"),
                code="FORBIDDEN_WORD",
            )
