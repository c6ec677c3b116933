"""The brand's rules as pure functions: what may be said, judged by the brand facts alone.

Two moments ask them. When an answer, a claim or a content is *put*, what can never be right is
refused: a claim that the brand does not make, an answer or a claim that says a forbidden word. When a
*snapshot* is built, content that has come to break a rule (a claim was withdrawn, a word forbidden
since, or a feed brought it in) is marked with the rule, and the brand gate of a decision removes it
with that reason. Content with a forbidden word is therefore kept but never shown: feeds are not
always ours to correct, and an absence with a reason is better than a failed import.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from hub.catalogue.model import Answer, BrandFacts, Content
from hub.errors import InvalidInput

FORBIDDEN_WORD = "forbidden_word"
UNKNOWN_CLAIM = "unknown_claim"

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


def _speaker(brand: str, facts: Mapping[str, BrandFacts]) -> BrandFacts:
    return facts.get(brand or house_of(facts), NO_FACTS)


def _missing_claim(claims: Iterable[str], brand: BrandFacts) -> tuple[int, str] | None:
    known = {claim.key for claim in brand.claims}
    return next(((i, key) for i, key in enumerate(claims) if key not in known), None)


def fault_of(content: Content, facts: Mapping[str, BrandFacts]) -> str | None:
    """Return the rule of the brand gate that a content breaks, None if it breaks none."""
    brand = _speaker(content.brand, facts)
    if forbidden_word((content.title, content.summary, content.text, *content.tags), brand) is not None:
        return FORBIDDEN_WORD
    if _missing_claim(content.claims, brand) is not None:
        return UNKNOWN_CLAIM
    return None


def _refuse_unknown_claim(
    what: str, claims: tuple[str, ...], brand: BrandFacts, path: tuple[str | int, ...]
) -> None:
    missing = _missing_claim(claims, brand)
    if missing is None:
        return
    at, key = missing
    known = ", ".join(sorted(claim.key for claim in brand.claims)) or "none"
    raise InvalidInput(
        f"{what} relies on the claim {key!r}, which the brand {brand.key!r} does not make (it makes: {known})",
        path=(*path, "claims", at),
        code="UNKNOWN_CLAIM",
    )


def check_content(
    content: Content, facts: Mapping[str, BrandFacts], path: tuple[str | int, ...] = ()
) -> None:
    """Refuse a content that can never be right.

    Raises:
        InvalidInput: UNKNOWN_CLAIM, with the path of the claim.
    """
    _refuse_unknown_claim(f"content {content.key!r}", content.claims, _speaker(content.brand, facts), path)


def check_answer(answer: Answer, facts: Mapping[str, BrandFacts], path: tuple[str | int, ...] = ()) -> None:
    """Refuse an answer that the brand cannot stand behind: it would be said word for word.

    Raises:
        InvalidInput: UNKNOWN_CLAIM or FORBIDDEN_WORD, with the path of the field.
    """
    brand = _speaker(answer.brand, facts)
    _refuse_unknown_claim(f"answer {answer.key!r}", answer.claims, brand, path)
    for name, text in (("title", answer.title), ("text", answer.text)):
        word = forbidden_word((text,), brand)
        if word is not None:
            raise InvalidInput(
                f"answer {answer.key!r} says {word!r}, a word that the brand {brand.key!r} never says",
                path=(*path, name),
                code="FORBIDDEN_WORD",
            )


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
