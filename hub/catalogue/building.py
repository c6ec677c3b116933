"""Building a `CatalogueSnapshot`: a pure function of entries, vectors and popularity."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from embeddings.index import VectorIndex
from hub.catalogue.audience import NOBODY, Audience
from hub.catalogue.brand import NO_FACTS, answer_fault_of, fault_of, house_of, offer_fault_of
from hub.catalogue.intervals import Intervals
from hub.catalogue.model import Answer, Availability, BrandFacts, Content, Offer, Segment
from hub.catalogue.neighbours import Neighbours
from hub.catalogue.references import Unresolved, prices_of, resolved_answer, resolved_content
from hub.catalogue.snapshot import CatalogueSnapshot

CAN_BE_HAD = frozenset({Availability.IN_STOCK, Availability.LOW_STOCK, Availability.PREORDER})
T = TypeVar("T")
S = TypeVar("S", Content, Answer)


def answer_texts(answer: Answer) -> tuple[str, ...]:
    """Return what an answer is found by: its title and every way in which customers ask for it."""
    return (answer.title, *answer.questions)


def _codes(items: Iterable[T], name: Callable[[T], str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the distinct names, sorted, and each item's position among them."""
    names = [name(item) for item in items]
    distinct = tuple(sorted(set(names)))
    position = {each: i for i, each in enumerate(distinct)}
    return distinct, np.fromiter((position[each] for each in names), np.int32, len(names))


def _said(entry: S, brands: Mapping[str, BrandFacts], resolve: Callable[[S, BrandFacts], S]) -> S:
    """Return an entry in the words it is shown with; one that refers to nothing stays, and breaks a rule."""
    try:
        return resolve(entry, brands.get(entry.brand or house_of(brands), NO_FACTS))
    except Unresolved:
        return entry


def version_of(
    contents: Sequence[Content],
    answers: Sequence[Answer],
    facts: Mapping[str, BrandFacts],
    offers: Sequence[Offer],
    *,
    encoder_id: str,
    popularity: str,
    segments: Sequence[Segment] = (),
    audience: str = "",
    neighbours: str = "",
    intervals: str = "",
) -> str:
    """Return the name of exactly this catalogue: the same entries at the same versions, the same name."""
    learned = f"{popularity}\x1f{audience}\x1f{neighbours}\x1f{intervals}"
    hashing = hashlib.sha256(f"{encoder_id}\x1f{learned}".encode())
    sorts: tuple[tuple[str, Iterable[Content | Answer | BrandFacts | Offer | Segment]], ...] = (
        ("contents", contents),
        ("answers", answers),
        ("facts", facts.values()),
        ("offers", offers),
        ("segments", segments),
    )
    for sort, entries in sorts:
        lines = sorted(f"{entry.key}\x1f{entry.version}" for entry in entries)
        hashing.update(f"\x1e{sort}\x1e".encode())
        hashing.update("\x1e".join(lines).encode())
    return f"cat_{hashing.hexdigest()[:16]}"


def build_snapshot(
    contents: Iterable[Content],
    *,
    vectors: Mapping[str, NDArray[np.float32]],
    encoder_id: str,
    dimensions: int,
    answers: Iterable[Answer] = (),
    offers: Iterable[Offer] = (),
    facts: Iterable[BrandFacts] = (),
    popularity: Mapping[str, float] | None = None,
    popularity_version: str = "",
    segments: Iterable[Segment] = (),
    audience: Audience = NOBODY,
    neighbours: Neighbours | None = None,
    intervals: Intervals | None = None,
    before: CatalogueSnapshot | None = None,
    texts: Mapping[str, str] | None = None,
) -> CatalogueSnapshot:
    """Build the snapshot; contents, answers and offers are put in the order of their keys.

    Args:
        contents: what can be shown.
        vectors: embedding text -> (d,) float32 of length 1, all of the encoder `encoder_id`; a content
            or question whose text is missing gets a row of zeros, which nothing is near to.
        encoder_id: whose vectors these are.
        dimensions: d, needed when there is nothing to read it from.
        answers: approved replies.
        offers: incentives' definitions.
        facts: the brands' facts.
        popularity: content key -> [0, 1]; 0 where missing.
        popularity_version: a name of these popularities, part of the snapshot's version.
        segments: groups of customers.
        audience: what is known of them as groups.
        neighbours: which contents go with which, by key.
        intervals: after how long things are bought again; fills in the needs that contents leave open.
        before: the snapshot that this one follows: what did not change in it is taken over.
        texts: content key -> what its vector is of, where that is known.
    """
    rows = tuple(sorted(contents, key=lambda content: content.key))
    sorted_answers = tuple(sorted(answers, key=lambda answer: answer.key))
    sorted_offers = tuple(sorted(offers, key=lambda offer: offer.key))
    sorted_segments = tuple(sorted(segments, key=lambda segment: segment.key))
    brands = {brand.key: brand for brand in sorted(facts, key=lambda brand: brand.key)}
    house = house_of(brands)
    spoken_facts = brands or {NO_FACTS.key: NO_FACTS}
    nothing = np.zeros(dimensions, np.float32)

    def matrix(texts: Sequence[str]) -> NDArray[np.float32]:
        stacked = np.zeros((len(texts), dimensions), np.float32)
        for i, text in enumerate(texts):
            stacked[i] = vectors.get(text, nothing)
        return stacked

    found_by = [(row, text) for row, answer in enumerate(sorted_answers) for text in answer_texts(answer)]
    spoken = texts or {}
    content_vectors = matrix([spoken.get(content.key) or content.embedding_text for content in rows])
    kinds, kind_codes = _codes(rows, lambda content: content.kind.value)
    brand_names, brand_codes = _codes(rows, lambda content: content.brand or house)
    categories, category_codes = _codes(rows, lambda content: content.category)
    scores = popularity or {}
    prices = prices_of({content.key: content for content in rows})
    by_key = {content.key: row for row, content in enumerate(rows)}
    learned = neighbours or Neighbours()
    rhythms = intervals or Intervals()
    same = _unchanged(rows, before, spoken_facts)
    faults = {
        row: fault
        for row, content in enumerate(rows)
        if (
            fault := fault_of(content, brands, prices)
            if before is None or same[row] < 0
            else before.brand_faults.get(same[row])
        )
        is not None
    }
    answer_faults = {
        row: fault
        for row, answer in enumerate(sorted_answers)
        if (fault := answer_fault_of(answer, brands, prices)) is not None
    }
    shown = tuple(
        rhythms.applied(_said(content, brands, lambda c, b: resolved_content(c, b, prices)))
        for content in rows
    )
    replies = tuple(
        _said(answer, brands, lambda a, b: resolved_answer(a, b, prices)) for answer in sorted_answers
    )
    return CatalogueSnapshot(
        version=version_of(
            rows,
            sorted_answers,
            brands,
            sorted_offers,
            encoder_id=encoder_id,
            popularity=popularity_version,
            segments=sorted_segments,
            audience=audience.version,
            neighbours=learned.version,
            intervals=rhythms.version,
        ),
        encoder_id=encoder_id,
        contents=shown,
        rows=by_key,
        vectors=content_vectors,
        index=_index(content_vectors, rows, encoder_id, before),
        popularity=np.fromiter((scores.get(content.key, 0.0) for content in rows), np.float32, len(rows)),
        published=np.fromiter(
            (content.published_at.timestamp() if content.published_at else np.nan for content in rows),
            np.float64,
            len(rows),
        ),
        kinds=kinds,
        kind_codes=kind_codes,
        brands=brand_names,
        brand_codes=brand_codes,
        categories=categories,
        category_codes=category_codes,
        available=np.fromiter((content.availability in CAN_BE_HAD for content in rows), np.bool_, len(rows)),
        brand_faults=faults,
        answers=replies,
        answer_faults=answer_faults,
        answer_vectors=matrix([text for _, text in found_by]),
        answer_rows=np.fromiter((row for row, _ in found_by), np.int32, len(found_by)),
        # One that has come to break a rule of its brand is made to nobody any more.
        offers=tuple(offer for offer in sorted_offers if offer_fault_of(offer, brands) is None),
        facts=spoken_facts,
        house_brand=house,
        segments=sorted_segments,
        audience=audience,
        neighbours=learned.placed(by_key, len(rows)) if len(learned) else learned,
    )


def _unchanged(
    contents: Sequence[Content], before: CatalogueSnapshot | None, facts: Mapping[str, BrandFacts]
) -> list[int]:
    """Return the former row of each content about which the brand gate says what it said before, else -1.

    That is so where the brands' facts are as they were and the content is the very one that was shown: one
    whose words refer to something is shown as another object, and looked at again, since prices may move.
    """
    if before is None or before.facts != facts:
        return [-1] * len(contents)
    known, shown = before.rows, before.contents
    found = (known.get(content.key, -1) for content in contents)
    return [
        row if row >= 0 and shown[row] is content and not any("{{" in tag for tag in content.tags) else -1
        for row, content in zip(found, contents, strict=True)
    ]


def _index(
    vectors: NDArray[np.float32],
    contents: Sequence[Content],
    encoder_id: str,
    before: CatalogueSnapshot | None,
) -> VectorIndex:
    if before is None or before.encoder_id != encoder_id or not len(before):
        return VectorIndex.build(vectors)
    known = before.rows
    came_from = np.fromiter((known.get(content.key, -1) for content in contents), np.intp, len(contents))
    return VectorIndex.build(vectors, before=before.index, came_from=came_from)
